"""The pair rules: what becomes a pair or a label, what is left out and why, and how it is weighted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.evidence import facts, right, wrong

from plum_lsp.domain.learning import OutcomeKind, PairSource
from plum_lsp.domain.preferences import CandidateFacts, OfferFacts, PreferencePair, PromptFacts, middle_of
from plum_lsp.domain.suggestion import Finish, Tier
from plum_lsp.feedback.evidence import Standing, standings, weight_of
from plum_lsp.feedback.pairs import PAIRS_PER_PROMPT_MAX, PairBuilder


def pairs(known: PromptFacts, **options: bool) -> list[PreferencePair]:
    """Every pair of one prompt."""
    return list(PairBuilder(**options).pairs(known))


def test_a_pass_is_preferred_to_a_fail() -> None:
    """Rule 1, of one prompt and one version."""
    (pair,) = pairs(facts(right(), wrong()))
    assert (pair.rule, pair.source, pair.chosen.id, pair.rejected.id) == (1, PairSource.VERDICT, "r", "w")


def test_the_nearest_texts_make_the_pair() -> None:
    """The loss lands on the difference that matters, not on style."""
    far = wrong("far", "total = 0\nfor x in (a, b):\n    total -= x\nreturn total\n")
    (pair,) = pairs(facts(right(), far, wrong("near")))
    assert pair.rejected.id == "near"


def test_versions_are_not_mixed() -> None:
    """Another policy wrote the failing one, so nothing is known of this one's choice."""
    assert pairs(facts(right(), wrong(version_id=2))) == []


def test_programs_that_say_the_same_count_once() -> None:
    """Ten copies of one mistake are one mistake."""
    builder = PairBuilder()
    made = list(builder.pairs(facts(right(), wrong("a"), wrong("b"), wrong("c"))))
    assert len(made) == 1
    assert builder.counts["left_out_duplicate"] == 2


@pytest.mark.parametrize(
    ("other", "standing"),
    [
        (wrong(tier=Tier.CHECKED, tests=0, passed=0), Standing.CHECKED),
        (wrong(tests=0, passed=0), Standing.NOT_RUN),
        (wrong(tier=None, tests=0, passed=0), Standing.NOT_RUN),
        (wrong(finish=Finish.LENGTH), Standing.CUT_BY_LENGTH),
        (wrong(tier=Tier.CHECKED, passed=3), Standing.CHECKED),
    ],
)
def test_weak_evidence_teaches_nothing(other: CandidateFacts, standing: Standing) -> None:
    """Checked, unverified, a broken sandbox, a missing end: each is counted and left out, of pairs and labels."""
    known = facts(right(), other)
    builder = PairBuilder()
    assert list(builder.pairs(known)) == []
    assert builder.counts[f"left_out_{standing.value}"] == 1
    assert [label.candidate.id for label in builder.labels(known)] == ["r"]


def test_a_program_that_passed_once_and_failed_once_was_judged_by_a_flaky_test() -> None:
    """The same program in two requests: neither verdict is believed."""
    known = facts(right("x", "return a\n"), wrong("y", "return a\n", request_id="q2"), wrong())
    assert standings(known.candidates) == [Standing.FLAKY, Standing.FLAKY, Standing.WRONG]
    assert pairs(known) == []


def test_where_everybody_timed_out_the_machine_may_have_stood_still() -> None:
    """A time-out counts only if somebody ended in time."""
    stuck = wrong(tests=2, passed=0, timed_out=2)
    assert standings([stuck]) == [Standing.ALL_TIMED_OUT]
    assert standings([stuck, right()]) == [Standing.WRONG, Standing.RIGHT]


def test_groups_of_one_kind_teach_by_labels() -> None:
    """Rule 2: all right or all wrong makes no pair, but labels."""
    builder = PairBuilder()
    made = [*builder.labels(facts(right("a"), right("b", "return b + a\n")))]
    made += builder.labels(facts(wrong()))
    assert [label.is_desirable for label in made] == [True, True, False]
    assert (builder.counts["label_desirable"], builder.counts["label_undesirable"]) == (2, 1)


def test_weights_follow_probability_and_strength() -> None:
    """What the verifier estimated counts; where it did not, more tests are stronger ones."""
    assert weight_of(right(probability=0.8, strength=0.5), Standing.RIGHT) == pytest.approx(0.4)
    assert weight_of(wrong(probability=0.3), Standing.WRONG) == pytest.approx(0.7)
    few, many = right(tests=1, passed=1), right(tests=9, passed=9)
    assert weight_of(few, Standing.RIGHT) < weight_of(many, Standing.RIGHT)


def test_tests_in_the_candidates_own_process_weigh_less() -> None:
    """By their share, and for passes only: nobody forges a failure."""
    weights = [weight_of(right(together=count), Standing.RIGHT) for count in (0, 1, 3)]
    assert weights == sorted(weights, reverse=True)
    assert weights[2] == pytest.approx(0.8 * weights[0])
    assert weight_of(wrong(together=3), Standing.WRONG) == weight_of(wrong(), Standing.WRONG)


def test_lengths_are_balanced() -> None:
    """Among equally near pairs, the one is taken that evens out which side is longer."""
    builder = PairBuilder()
    short, long = "return a+b\n", "return a+b+0\n"
    for number in range(10):
        known = facts(
            right(f"r{number}", "return b+a\n"), wrong("s", short, fingerprint="s"), wrong("l", long, fingerprint="l")
        )
        list(builder.pairs(known))
    assert abs(builder.lean) <= len(long)


def offer(candidate: str, *outcomes: OutcomeKind, request: str = "q", **more: object) -> OfferFacts:
    """What became of an offer that was shown."""
    values: dict[str, object] = {"request_id": request, "candidate_id": candidate, "outcomes": outcomes}
    return OfferFacts(**{**values, "is_shown": True, **more})  # type: ignore[arg-type]


def test_what_was_kept_is_preferred_to_what_was_rejected() -> None:
    """Rule 3: kept means measured. An acceptance that was not measured says nothing."""
    kept = offer("r", OutcomeKind.ACCEPTED, survival_share=1.0, survival_text="x")
    unknown = offer("r", OutcomeKind.ACCEPTED)
    rejected = offer("w", OutcomeKind.REJECTED, request="q2")
    candidates = (right(tier=None, tests=0), wrong(request_id="q2", tier=None, tests=0))
    (pair,) = pairs(facts(*candidates, offers=(kept, rejected)))
    assert (pair.rule, pair.source, pair.chosen.id, pair.rejected.id) == (3, PairSource.OUTCOME, "r", "w")
    assert pairs(facts(*candidates, offers=(unknown, rejected))) == []


@pytest.mark.parametrize(("request_id", "count"), [("q", 1), ("q2", 0)])
def test_a_closed_offer_was_turned_down_only_for_another_of_its_request(request_id: str, count: int) -> None:
    """Escape is no judgement. To pass over one offer and take the next is."""
    kept = offer("r", OutcomeKind.ACCEPTED, survival_share=1.0, survival_text="x")
    closed = offer("w", OutcomeKind.DISMISSED, request=request_id)
    candidates = (right(tier=None, tests=0), wrong(request_id=request_id, tier=None, tests=0))
    assert len(pairs(facts(*candidates, offers=(kept, closed)))) == count


@pytest.mark.parametrize(("share", "is_pair"), [(0.2, False), (0.6, True), (0.95, False)])
def test_a_correction_is_preferred_to_what_it_replaced(share: float, is_pair: bool) -> None:
    """A text of which little is left was thrown away, one that is nearly whole was fine."""
    edited = offer("w", OutcomeKind.ACCEPTED, OutcomeKind.EDITED, survival_share=share, survival_text="return a * b")
    made = pairs(facts(wrong(), offers=(edited,)))
    assert bool(made) is is_pair
    if made:
        assert (made[0].source, made[0].chosen_text) == (PairSource.EDIT, "return a * b")


def test_an_offer_that_was_ignored_was_not_rejected() -> None:
    """Nobody said no."""
    kept = offer("r", OutcomeKind.TYPED_THROUGH)
    ignored = offer("w", OutcomeKind.IGNORED, request="q2")
    assert (
        pairs(facts(right(tests=0, tier=None), wrong(request_id="q2", tests=0, tier=None), offers=(kept, ignored)))
        == []
    )


def test_quality_is_off_unless_asked_for() -> None:
    """Rule 4: of two right candidates, the one that runs no text."""
    safe = right("safe", "return int(a)\n")
    unsafe = right("unsafe", "return eval(str(a))\n")
    assert pairs(facts(unsafe, safe)) == []
    (pair,) = pairs(facts(unsafe, safe), wants_quality=True)
    assert (pair.rule, pair.chosen.id, pair.rejected.id) == (4, "safe", "unsafe")


def test_better_in_one_thing_and_worse_in_another_is_not_better() -> None:
    """Three times as fast, but through `eval`."""
    fast = right("fast", "return eval(str(a))\n", wall_ms=10.0)
    slow = right("slow", "return int(a)\n", wall_ms=100.0)
    assert pairs(facts(fast, slow), wants_quality=True) == []


@pytest.mark.parametrize(
    ("text", "completion", "middle"),
    [
        ("return 1\n", "    return 1\n\n", "    return 1\n"),
        ("return 1\n", " return 1\nprint()\n", " return 1\n"),
        ("return 1\n", "  return  1\n", "    return 1\n"),
        ("a + b", "a + b", "a + b"),
    ],
)
def test_the_middle_is_what_the_policy_should_have_written(text: str, completion: str, middle: str) -> None:
    """Its own first blanks, then the text; where the text was rearranged, the blanks that the prompt left out."""
    restored = "" if text == "a + b" else "    "
    assert middle_of(text, completion=completion, restored=restored) == middle


CANDIDATES = st.builds(
    right,
    st.integers(0, 99).map(str),
    st.text("ab+ \n", min_size=1, max_size=12),
    passed=st.integers(0, 3),
    tier=st.sampled_from([*Tier, None]),
    version_id=st.integers(1, 2),
    finish=st.sampled_from(Finish),
)


@given(st.lists(CANDIDATES, max_size=20))
def test_whatever_the_group_pairs_are_sound(candidates: list[CandidateFacts]) -> None:
    """Right over wrong, same version, no program twice on a side, no more than a prompt may have, always the same."""
    known = facts(*candidates)
    made = pairs(known)
    standing = dict(zip(map(id, candidates), standings(candidates), strict=True))
    assert made == pairs(known)
    assert len(made) <= 2 * PAIRS_PER_PROMPT_MAX
    for pair in made:
        assert standing[id(pair.chosen)] is Standing.RIGHT
        assert standing[id(pair.rejected)] is Standing.WRONG
        assert pair.chosen.version_id == pair.rejected.version_id
        assert 0.0 <= pair.weight <= 1.0
    programs = [(pair.chosen.version_id, pair.chosen.fingerprint) for pair in made]
    assert len(programs) == len(set(programs))


def guess(identity: str, probability: float, **changes: object) -> CandidateFacts:
    """A candidate that no specification judged."""
    tier = Tier.CONSISTENT if probability >= 0.5 else Tier.CHECKED
    text = f"return {identity}\n"
    return right(identity, text, **{"tier": tier, "tests": 0, "passed": 0, "probability": probability, **changes})


def test_without_a_specification_the_unlikely_beside_the_likely_are_wrong() -> None:
    """Rule 5: labels, and a pair with the likely one. It can be turned off."""
    known = facts(guess("likely", 0.9), guess("unlikely", 0.02), guess("middling", 0.3))
    assert [(pair.rule, pair.chosen.id, pair.rejected.id) for pair in pairs(known)] == [(5, "likely", "unlikely")]
    labels = [(label.rule, label.candidate.id, label.is_desirable) for label in PairBuilder().labels(known)]
    assert labels == [(2, "likely", True), (5, "unlikely", False)]
    without = PairBuilder(wants_unlikely=False)
    assert list(without.pairs(known)) == []
    assert [label.candidate.id for label in without.labels(known)] == ["likely"]


@pytest.mark.parametrize(
    "group",
    [
        (guess("likely", 0.4), guess("unlikely", 0.02)),
        (guess("likely", 0.9, request_id="q2"), guess("unlikely", 0.02)),
        (guess("likely", 0.9), guess("unlikely", 0.02, problem="does not parse")),
        (guess("likely", 0.9), guess("unlikely", 0.02, finish=Finish.LENGTH)),
        (guess("likely", 0.9), guess("unlikely", 0.06)),
    ],
    ids=["no likely one", "another request", "not run", "cut off", "not sure"],
)
def test_the_unlikely_are_wrong_only_beside_the_likely_and_if_they_ran(group: tuple[CandidateFacts, ...]) -> None:
    """Otherwise nothing is learned from them."""
    assert not [label for label in PairBuilder().labels(facts(*group)) if label.candidate.id == "unlikely"]


def user_labels(known: PromptFacts) -> list[tuple[str, bool, str | None]]:
    """The labels of rule 6."""
    return [(one.candidate.id, one.is_desirable, one.text) for one in PairBuilder().labels(known) if one.rule == 6]


def test_what_users_did_is_a_label() -> None:
    """Rule 6: kept is desirable, rejected is not, a correction is both. What was only closed says nothing."""
    candidates = [guess(name, 0.3, request_id=name) for name in ("kept", "rejected", "corrected", "closed", "ignored")]
    offers = (
        offer("kept", OutcomeKind.ACCEPTED, request="kept", survival_share=1.0, survival_text="x"),
        offer("rejected", OutcomeKind.REJECTED, request="rejected"),
        offer("corrected", OutcomeKind.ACCEPTED, request="corrected", survival_share=0.5, survival_text="return 1"),
        offer("closed", OutcomeKind.DISMISSED, request="closed"),
        offer("ignored", OutcomeKind.IGNORED, request="ignored"),
    )
    assert user_labels(facts(*candidates, offers=offers)) == [
        ("kept", True, None),
        ("rejected", False, None),
        ("corrected", True, "return 1"),
        ("corrected", False, None),
    ]


def test_tests_outweigh_users() -> None:
    """A right text that a user rejected was not wanted here. It is not worse code."""
    rejected, kept = offer("r", OutcomeKind.REJECTED), offer("w", OutcomeKind.ACCEPTED, survival_share=1.0)
    assert user_labels(facts(right(), wrong(), offers=(rejected, kept))) == []
