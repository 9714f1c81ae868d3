"""What edits tell about an offer when the editor says nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.group import judged

from plum_lsp.domain.learning import Outcome, OutcomeKind, OutcomeSource
from plum_lsp.domain.suggestion import Offer, OfferId, RequestId, Tier
from plum_lsp.domain.text import Span
from plum_lsp.feedback.infer import IGNORED_AFTER_SECONDS, OfferTracker
from plum_lsp.feedback.outcomes import OfferEvent, UnlistedTransition

BEFORE = "def add(a, b):\n    "
AFTER = "\n\nprint(add(1, 2))\n"
TEXT = "total = add_all([a, b])\n    return total"


def follow(text: str = TEXT, *, is_shown: bool = True, hole: str = "") -> OfferTracker:
    """A tracker of an offer sent at 0.0 for the hole between BEFORE and AFTER."""
    offer = Offer(
        id=OfferId("o"),
        request_id=RequestId("r"),
        hole=Span(start=len(BEFORE), end=len(BEFORE) + len(hole)),
        chosen=judged(text, tier=Tier.VERIFIED),
        alternatives=(),
        tests=(),
    )
    return OfferTracker.start(offer, BEFORE + hole + AFTER, at=0.0, is_shown=is_shown)


def after(tracker: OfferTracker, *middles: str, seconds: float = 1.0) -> Outcome | None:
    """What the last of several texts in the hole tells, one every `seconds`."""
    outcome = None
    for number, middle in enumerate(middles, 1):
        tracker, outcome = tracker.after_change(BEFORE + middle + AFTER, at=number * seconds)
    return outcome


@pytest.mark.parametrize(
    "middle",
    [
        TEXT,
        TEXT + "\n",
        TEXT + "  ",
        TEXT.replace("\n", "\r\n"),
        TEXT + "\n    # and on",
        TEXT + ")",
    ],
)
def test_the_whole_offer_in_the_hole_means_accepted(middle: str) -> None:
    """However the editor ends lines, and whatever stands behind."""
    outcome = after(follow(), middle)
    assert outcome is not None
    assert (outcome.kind, outcome.source) == (OutcomeKind.ACCEPTED, OutcomeSource.INFERRED)


def test_a_longer_name_is_not_the_offer() -> None:
    """`return totals` is another program than `return total`."""
    for more in ("s", "_of", "2"):
        outcome = after(follow(), TEXT + more)
        assert outcome is not None
        assert outcome.kind is OutcomeKind.DISMISSED


def test_a_beginning_is_typed_through() -> None:
    """The user types what is offered: it is still visible, and typing it to the end accepts it."""
    tracker = follow()
    for number, end in enumerate(range(1, len(TEXT)), 1):
        tracker, outcome = tracker.after_change(BEFORE + TEXT[:end] + AFTER, at=number * 0.1)
        assert outcome is None
        assert tracker.is_open
    assert after(tracker, TEXT) is not None


def test_brackets_the_editor_closes_do_not_diverge() -> None:
    """Typing `(` or `[` inserts its other half behind the cursor."""
    tracker = follow()
    tracker, outcome = tracker.after_change(BEFORE + "total = add_all([])" + AFTER, at=1.0)
    assert (outcome, tracker.is_open) == (None, True)


def test_other_text_means_dismissed() -> None:
    """What was written instead is the judgement."""
    outcome = after(follow(), "return a + b")
    assert outcome is not None
    assert outcome.kind is OutcomeKind.DISMISSED


def test_a_beginning_that_then_leaves_the_offer_means_dismissed() -> None:
    """Going along for a while is not accepting."""
    outcome = after(follow(), "total", "total = sum")
    assert outcome is not None
    assert outcome.kind is OutcomeKind.DISMISSED


def test_other_text_at_once_means_superseded() -> None:
    """The user was typing already and cannot have read the offer."""
    outcome = after(follow(), "x", seconds=0.5)
    assert outcome is not None
    assert outcome.kind is OutcomeKind.SUPERSEDED


def test_an_offer_not_known_to_be_shown_is_not_dismissed() -> None:
    """An editor that reports what it shows, and did not, gave the user nothing to dismiss."""
    outcome = after(follow(is_shown=False), "x")
    assert outcome is not None
    assert outcome.kind is OutcomeKind.SUPERSEDED


@pytest.mark.parametrize("document", ["import os\n" + BEFORE + AFTER, BEFORE + AFTER + "more\n", "", BEFORE])
def test_an_edit_elsewhere_judges_nothing(document: str) -> None:
    """Above, below, or everything replaced: the offer is gone without a verdict on it."""
    _, outcome = follow().after_change(document, at=2.0)
    assert outcome is not None
    assert outcome.kind is OutcomeKind.SUPERSEDED


def test_accepting_together_with_an_edit_below_is_accepting() -> None:
    """Some editors format the rest of the file in the same change."""
    _, outcome = follow().after_change(BEFORE + TEXT + "\n\n\nprint(add(1,2))\n", at=2.0)
    assert outcome is not None
    assert outcome.kind is OutcomeKind.ACCEPTED


def test_the_spaces_the_offer_replaces_are_no_divergence() -> None:
    """A change that leaves the hole as it was says nothing."""
    tracker, outcome = follow(hole="  ").after_change(BEFORE + "  " + AFTER, at=2.0)
    assert (outcome, tracker.is_open) == (None, True)


def test_silence_means_ignored() -> None:
    """Ten seconds after the last sign of life, and not before."""
    tracker, early = follow().after_silence(at=IGNORED_AFTER_SECONDS - 0.1)
    tracker, outcome = tracker.after_silence(at=IGNORED_AFTER_SECONDS)
    assert early is None
    assert outcome is not None
    assert (outcome.kind, tracker.expires_at) == (OutcomeKind.IGNORED, None)
    assert tracker.after_silence(at=3 * IGNORED_AFTER_SECONDS) == (tracker, None)


@pytest.mark.parametrize(
    ("middles", "kind"),
    [
        ((TEXT,), OutcomeKind.ACCEPTED),
        ([TEXT[:length] for length in range(1, len(TEXT) + 1)], OutcomeKind.TYPED_THROUGH),
        (("x",), None),
        (("x", TEXT), None),
    ],
)
def test_what_is_taken_late_was_wanted(middles: Sequence[str], kind: OutcomeKind | None) -> None:
    """A menu may be read for longer than ten seconds; who goes another way then has said no more than before."""
    tracker, _ = follow().after_silence(at=IGNORED_AFTER_SECONDS)
    outcome = None
    for number, middle in enumerate(middles):
        tracker, outcome = tracker.after_change(BEFORE + middle + AFTER, at=IGNORED_AFTER_SECONDS + 5.0 + number)
    assert (outcome and outcome.kind, tracker.is_open) == (kind, False)


def test_silence_closes_what_was_never_shown() -> None:
    """Nobody can take it from a menu."""
    tracker, outcome = follow(is_shown=False).after_silence(at=IGNORED_AFTER_SECONDS)
    assert outcome is not None
    assert (outcome.kind, tracker.is_open) == (OutcomeKind.SUPERSEDED, False)


def test_typing_through_puts_silence_off() -> None:
    """Somebody who types the offer is reading it."""
    tracker, _ = follow().after_change(BEFORE + "tot" + AFTER, at=6.0)
    _, outcome = tracker.after_silence(at=IGNORED_AFTER_SECONDS + 1)
    assert outcome is None
    assert tracker.expires_at == 6.0 + IGNORED_AFTER_SECONDS


def test_a_newer_request_supersedes() -> None:
    """It is no judgement of the offer it replaces, and nothing more is inferred about that one."""
    tracker, outcome = follow().superseded(at=5.0)
    assert outcome is not None
    assert outcome.kind is OutcomeKind.SUPERSEDED
    assert after(tracker, "x") is None


def test_the_command_and_its_edit_are_one_acceptance() -> None:
    """In either order there is one outcome."""
    tracker, first = follow().told(OfferEvent.ACCEPT, at=2.0, source=OutcomeSource.COMMAND)
    assert first is not None
    assert after(tracker, TEXT) is None
    tracker, first = follow().after_change(BEFORE + TEXT + AFTER, at=2.0)
    _, second = tracker.told(OfferEvent.ACCEPT, at=2.1, source=OutcomeSource.COMMAND)
    assert first is not None
    assert second is None


def test_the_rest_of_a_partly_accepted_offer_is_not_judged() -> None:
    """Once the user goes another way the offer is closed, and what was taken stays the outcome."""
    tracker, _ = follow().told(OfferEvent.ACCEPT_PART, at=2.0, source=OutcomeSource.NOTIFICATION, accepted_length=5)
    tracker, outcome = tracker.after_change(BEFORE + "totally" + AFTER, at=5.0)
    assert (outcome, tracker.is_open) == (None, False)


def test_nonsense_from_the_editor_is_refused() -> None:
    """Dismissing what was never shown raises, so that the server can log it."""
    with pytest.raises(UnlistedTransition):
        follow(is_shown=False).told(OfferEvent.DISMISS, at=2.0, source=OutcomeSource.NOTIFICATION)


@given(st.lists(st.text(alphabet="total = d\n()", max_size=12), max_size=6))
def test_at_most_one_outcome_is_inferred(middles: list[str]) -> None:
    """Whatever is typed, an offer ends once."""
    tracker, outcomes = follow(), 0
    for number, middle in enumerate(middles):
        tracker, outcome = tracker.after_change(BEFORE + middle + AFTER, at=float(number))
        outcomes += outcome is not None
    assert outcomes == (0 if tracker.is_open else 1)
