"""What the facts answer: counts, one offer with its matrix, what there is to train on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.facts import (
    ISOLATION,
    PROMPT,
    TESTS,
    VERSION,
    abstention,
    candidate,
    judged,
    outcome,
    prompted,
    suggestion,
    supported,
)

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.events import Event, Sampled, Synthesized, Verified
from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.suggestion import AbstentionReason, OfferId, RequestId, Tier
from plum_lsp.domain.verification import Origin, VerdictStatus
from plum_lsp.store import Reader, Store, open_reader

Keep = Callable[[list[Event]], None]


def test_an_empty_store_answers(reader: Reader) -> None:
    """No facts, no rates, no offer."""
    overview = reader.overview()
    assert (overview.requests, overview.pass_rate, overview.acceptance_rate) == (0, None, None)
    assert (reader.latest_offer(), reader.explain(OfferId("none")), reader.evidence()) == (None, None, ())


def test_an_offer_is_explained_with_its_whole_matrix(keep: Keep, reader: Reader) -> None:
    """Every candidate with every verdict, the tests they were judged by, and where that ran."""
    keep(suggestion())
    known = reader.explain(OfferId("r1-offer"))
    assert known is not None
    assert (known.text, known.tier, known.reason) == ("return a + b\n", Tier.VERIFIED, "passes 2 of 2 tests")
    assert (known.prompt, known.model_sha256, known.policy_number) == (PROMPT, VERSION.model_sha256, VERSION.number)
    assert (known.sandbox_tier, known.python_version) == (ISOLATION.name, ISOLATION.python_version)
    assert known.stages_ms == {"context": 1.5, "ended": 30.0}
    assert [(test.id, test.expression, test.quote) for test in known.tests] == [
        (test.id, test.call.expression, test.quote) for test in TESTS
    ]
    assert [[verdict.status for verdict in one.verdicts] for one in known.candidates] == [
        [VerdictStatus.FAILED, VerdictStatus.PASSED],
        [VerdictStatus.PASSED, VerdictStatus.PASSED],
    ]


async def test_outcomes_come_in_order(keep: Keep, store: Store, reader: Reader) -> None:
    """Every outcome of an offer is kept, the last one counts."""
    keep(suggestion())
    await store.record_outcome(outcome(kind=OutcomeKind.IGNORED, at=100.0))
    await store.record_outcome(outcome(kind=OutcomeKind.ACCEPTED, at=101.5))
    known = reader.explain(OfferId("r1-offer"))
    assert known is not None
    assert [(one.kind, one.happened_at) for one in known.outcomes] == [
        (OutcomeKind.IGNORED, "1970-01-01T00:01:40.000+00:00"),
        (OutcomeKind.ACCEPTED, "1970-01-01T00:01:41.500+00:00"),
    ]
    assert reader.overview().offers == {(Tier.VERIFIED, OutcomeKind.ACCEPTED): 1}


async def test_offers_are_counted_by_tier_and_outcome(keep: Keep, store: Store, reader: Reader) -> None:
    """Offers nobody told about count too, and each abstention has its reason."""
    keep([*suggestion("r1"), *suggestion("r2"), prompted("r3"), abstention("r3"), abstention("r4")])
    await store.record_outcome(outcome("r1-offer"))
    overview = reader.overview()
    assert overview.offers == {(Tier.VERIFIED, OutcomeKind.ACCEPTED): 1, (Tier.VERIFIED, None): 1}
    assert overview.abstentions == {AbstentionReason.ALL_FAILED: 2}
    assert (overview.requests, overview.candidates) == (3, 4)
    assert (overview.pass_rate, overview.acceptance_rate) == (0.75, 1.0)


async def test_an_offer_never_shown_does_not_lower_the_acceptance_rate(
    keep: Keep, store: Store, reader: Reader
) -> None:
    """Superseded before anybody saw it teaches nothing."""
    keep([*suggestion("r1"), *suggestion("r2")])
    await store.record_outcome(outcome("r1-offer"))
    unseen = dataclasses.replace(outcome("r2-offer", OutcomeKind.SUPERSEDED), visible_ms=None)
    await store.record_outcome(unseen)
    assert reader.overview().acceptance_rate == 1.0


def test_the_latest_judgement_counts(keep: Keep, reader: Reader) -> None:
    """A candidate promoted by its cluster has two judgements; both stand, the later is told."""
    events = suggestion()
    promoted = Verified(
        request_id=RequestId("r1"), judged=judged(0, passes=False, tier=Tier.CONSISTENT), isolation=ISOLATION
    )
    keep([*events[:-1], promoted, events[-1]])
    known = reader.explain(OfferId("r1-offer"))
    assert known is not None
    assert [one.tier for one in known.candidates] == [Tier.CONSISTENT, Tier.VERIFIED]
    assert len(known.candidates[0].verdicts) == len(TESTS)


def test_the_support_of_sampled_tests_is_kept(keep: Keep, reader: Reader) -> None:
    """Score, test and verdict of each supported candidate; what counts verdicts of a specification is as before."""
    events = suggestion()
    keep(events)
    before = (reader.overview(), reader.evidence())
    keep([supported(index=1, score=1.25)])
    known = reader.explain(OfferId("r1-offer"))
    assert known is not None
    assert [test.origin for test in known.tests] == [Origin.DOCTEST, Origin.DOCTEST, Origin.SAMPLED]
    assert known.candidates[1].score == 1.25
    assert [verdict.test_id for verdict in known.candidates[1].verdicts] == ["t0", "t1", "sampled-1"]
    assert (reader.overview(), reader.evidence()) == before


def test_an_offer_without_verdicts_tells_where_it_ran(keep: Keep, reader: Reader) -> None:
    """One that was judged on generated inputs only ran in the sandbox, too."""
    events = suggestion()
    alone = [replace(event, tests=()) if isinstance(event, Synthesized) else event for event in events]
    alone = [
        replace(event, judged=replace(event.judged, verdicts=())) if isinstance(event, Verified) else event
        for event in alone
    ]
    keep(alone)
    known = reader.explain(OfferId("r1-offer"))
    assert known is not None
    assert (known.sandbox_tier, known.python_version) == (ISOLATION.name, ISOLATION.python_version)


def test_the_latest_offer_is_the_one_made_last(keep: Keep, reader: Reader) -> None:
    """`explain` without an id means that one."""
    keep([*suggestion("z"), *suggestion("a")])
    assert reader.latest_offer() == "a-offer"


def test_evidence_is_counted_by_policy_version(keep: Keep, reader: Reader) -> None:
    """Mixed groups make pairs; a group that passes or fails as one does not, and one that never ran is no evidence."""
    later = dataclasses.replace(VERSION, number=2, adapter_sha256="cd" * 32)
    all_pass = RequestId("same")
    keep(
        [
            *suggestion("r1"),
            *suggestion("r2", version=later),
            prompted("same"),
            Synthesized(request_id=all_pass, tests=TESTS),
            Sampled(request_id=all_pass, candidate=candidate(0), duplicate_of=None),
            Verified(request_id=all_pass, judged=judged(0, passes=True), isolation=ISOLATION),
            prompted("idle"),
            Sampled(request_id=RequestId("idle"), candidate=candidate(0), duplicate_of=None),
        ]
    )
    first, second = reader.evidence()
    assert (first.number, first.requests, first.candidates, first.candidates_run) == (1, 3, 4, 3)
    assert (first.candidates_passing, first.groups_mixed) == (2, 1)
    assert (second.number, second.adapter_sha256, second.groups_mixed) == (2, "cd" * 32, 1)


def test_there_must_be_a_store_to_read(tmp_path: Path) -> None:
    """Reading makes no file."""
    with pytest.raises(StoreError, match="no store"):
        open_reader(tmp_path / "none.sqlite3")
    assert list(tmp_path.iterdir()) == []


def test_reading_cannot_write(reader: Reader) -> None:
    """The connection refuses, whatever a query says."""
    with pytest.raises(Exception, match="readonly"):
        reader._db.execute("DELETE FROM requests")
