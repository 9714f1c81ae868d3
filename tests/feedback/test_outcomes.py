"""The life of an offer: every listed step, every unlisted one, and the rules about time and length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.domain.learning import Outcome, OutcomeKind, OutcomeSource
from plum_lsp.domain.suggestion import OfferId
from plum_lsp.feedback.outcomes import (
    TRANSITIONS,
    VISIBLE_MS_MIN,
    OfferEvent,
    OfferLife,
    OfferState,
    UnlistedTransition,
    following,
)


def live(*steps: tuple[OfferEvent, float], length: int = 10, part: int = 4) -> tuple[OfferLife, list[Outcome]]:
    """An offer of `length` characters taken through (event, time) steps, and every outcome on the way."""
    life, outcomes = OfferLife(offer_id=OfferId("o"), length=length), []
    for event, at in steps:
        life, outcome = life.after(event, at=at, source=OutcomeSource.NOTIFICATION, accepted_length=part)
        if outcome is not None:
            outcomes.append(outcome)
    return life, outcomes


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (OfferEvent.ACCEPT, OutcomeKind.ACCEPTED),
        (OfferEvent.ACCEPT_PART, OutcomeKind.PARTLY_ACCEPTED),
        (OfferEvent.REJECT, OutcomeKind.REJECTED),
        (OfferEvent.DISMISS, OutcomeKind.DISMISSED),
        (OfferEvent.EXPIRE, OutcomeKind.IGNORED),
        (OfferEvent.SUPERSEDE, OutcomeKind.SUPERSEDED),
        (OfferEvent.WITHDRAW, OutcomeKind.WITHDRAWN),
    ],
)
def test_a_shown_offer_ends_as_it_is_told(event: OfferEvent, kind: OutcomeKind) -> None:
    """Each way to end has its outcome, with how long the offer was visible."""
    _, outcomes = live((OfferEvent.SHOW, 100.0), (event, 101.0))
    assert [(outcome.kind, outcome.at, outcome.visible_ms) for outcome in outcomes] == [(kind, 101.0, 1000.0)]


@pytest.mark.parametrize("event", [OfferEvent.DISMISS, OfferEvent.EXPIRE])
def test_an_end_too_soon_to_be_read_is_no_judgement(event: OfferEvent) -> None:
    """Under 750 ms nobody has read the offer; from 750 ms on it counts."""
    _, early = live((OfferEvent.SHOW, 0.0), (event, (VISIBLE_MS_MIN - 1) / 1000))
    _, late = live((OfferEvent.SHOW, 0.0), (event, VISIBLE_MS_MIN / 1000))
    assert early[0].kind is OutcomeKind.SUPERSEDED
    assert late[0].kind in {OutcomeKind.DISMISSED, OutcomeKind.IGNORED}


def test_showing_again_does_not_start_the_time_anew() -> None:
    """Editors draw the same offer many times; it has been visible since the first."""
    _, outcomes = live((OfferEvent.SHOW, 0.0), (OfferEvent.SHOW, 5.0), (OfferEvent.DISMISS, 5.1))
    assert outcomes[0].visible_ms == pytest.approx(5100)
    assert outcomes[0].kind is OutcomeKind.DISMISSED


def test_a_clock_set_back_counts_as_no_time() -> None:
    """The end seems to come before the beginning: nothing is judged."""
    _, outcomes = live((OfferEvent.SHOW, 100.0), (OfferEvent.DISMISS, 40.0))
    assert (outcomes[0].kind, outcomes[0].visible_ms) == (OutcomeKind.SUPERSEDED, 0.0)


def test_an_offer_never_shown_expires_without_a_judgement() -> None:
    """Silence about what nobody saw is not being ignored."""
    _, outcomes = live((OfferEvent.EXPIRE, 10.0))
    assert outcomes[0].kind is OutcomeKind.SUPERSEDED
    assert outcomes[0].visible_ms is None


def test_a_late_command_beats_what_was_inferred() -> None:
    """The user's own act is believed whenever it arrives; both facts are kept."""
    life, outcomes = live((OfferEvent.SHOW, 0.0), (OfferEvent.EXPIRE, 10.0), (OfferEvent.ACCEPT, 12.0))
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.IGNORED, OutcomeKind.ACCEPTED]
    assert life.state is OfferState.ACCEPTED


def test_a_part_once_taken_stays_taken() -> None:
    """Dismissing the rest does not turn what was accepted into a rejection."""
    life, outcomes = live((OfferEvent.SHOW, 0.0), (OfferEvent.ACCEPT_PART, 1.0), (OfferEvent.DISMISS, 5.0))
    assert [(outcome.kind, outcome.accepted_length) for outcome in outcomes] == [(OutcomeKind.PARTLY_ACCEPTED, 4)]
    assert life.state is OfferState.PARTLY_ACCEPTED


def test_parts_are_cumulative() -> None:
    """A longer part is a new outcome, the same or a shorter one is none."""
    life = OfferLife(offer_id=OfferId("o"), length=10)
    lengths = []
    for length in (3, 3, 2, 6):
        life, outcome = life.after(
            OfferEvent.ACCEPT_PART, at=1.0, source=OutcomeSource.NOTIFICATION, accepted_length=length
        )
        lengths.append(outcome.accepted_length if outcome else None)
    assert lengths == [3, None, None, 6]


def test_taking_every_part_is_accepting() -> None:
    """An editor that accepts word by word ends with the whole offer."""
    _, outcomes = live((OfferEvent.ACCEPT_PART, 1.0), part=10)
    assert (outcomes[0].kind, outcomes[0].accepted_length) == (OutcomeKind.ACCEPTED, None)


def test_a_part_without_length_is_refused() -> None:
    """An editor that reports no characters reports nonsense."""
    with pytest.raises(UnlistedTransition):
        live((OfferEvent.ACCEPT_PART, 1.0), part=0)


@pytest.mark.parametrize("before", [(), ((OfferEvent.DISMISS, 1.0),), ((OfferEvent.SUPERSEDE, 0.1),)])
def test_a_rejection_counts_however_the_offer_ended(before: tuple[tuple[OfferEvent, float], ...]) -> None:
    """The user's own word overrides an inference, needs no time to read, and stands when the offer is closed later."""
    life, outcomes = live((OfferEvent.SHOW, 0.0), *before, (OfferEvent.REJECT, 1.2), (OfferEvent.DISMISS, 3.0))
    assert outcomes[-1].kind is OutcomeKind.REJECTED
    assert life.state is OfferState.REJECTED


def test_an_acceptance_that_is_undone_is_a_rejection() -> None:
    """And to accept the offer after all is an acceptance again."""
    _, outcomes = live((OfferEvent.ACCEPT, 1.0), (OfferEvent.UNDO, 2.0), (OfferEvent.ACCEPT, 3.0))
    assert [outcome.kind.value for outcome in outcomes] == ["accepted", "rejected", "accepted"]


def test_saying_the_same_twice_gives_one_outcome() -> None:
    """The command and the edit it makes both say that the offer was accepted."""
    _, outcomes = live((OfferEvent.ACCEPT, 1.0), (OfferEvent.ACCEPT, 1.1))
    assert len(outcomes) == 1


_E = OfferEvent
UNLISTED = [(s, e) for s in OfferState for e in OfferEvent if (s, e) not in TRANSITIONS]


def test_what_is_unlisted_is_known() -> None:
    """Exactly these steps are nonsense; a new state or event must take a position on all of them."""
    taken = {OfferState.ACCEPTED, OfferState.EDITED}
    shown = {OfferState.SENT, OfferState.SHOWN, OfferState.PARTLY_ACCEPTED, OfferState.IGNORED}
    assert set(UNLISTED) == {
        *((OfferState.SENT, event) for event in (_E.DISMISS, _E.REJECT)),
        *((state, event) for state in taken for event in (_E.SHOW, _E.DISMISS, _E.REJECT)),
        *((state, OfferEvent.SHOW) for state in (OfferState.DISMISSED, OfferState.REJECTED)),
        *((state, event) for state in set(OfferState) - taken for event in (_E.EDIT, _E.UNDO)),
        *((state, OfferEvent.WITHDRAW) for state in set(OfferState) - shown),
        *((state, OfferEvent.TYPE_OUT) for state in set(OfferState) - shown - {OfferState.TYPED_THROUGH}),
    }


@pytest.mark.parametrize(("state", "event"), UNLISTED)
def test_an_unlisted_step_raises(state: OfferState, event: OfferEvent) -> None:
    """Nonsense is refused instead of being counted as something."""
    with pytest.raises(UnlistedTransition):
        following(state, event)


TAKEN = {OfferState.ACCEPTED, OfferState.EDITED}


@given(st.lists(st.tuples(st.sampled_from(OfferEvent), st.integers(1, 12)), max_size=12))
def test_whatever_happens_acceptance_is_never_taken_back(steps: list[tuple[OfferEvent, int]]) -> None:
    """After any sequence: accepted stays accepted unless it is undone, and a part taken never becomes less."""
    life = OfferLife(offer_id=OfferId("o"), length=10)
    for at, (event, part) in enumerate(steps):
        before = life
        try:
            life, outcome = life.after(event, at=float(at), source=OutcomeSource.INFERRED, accepted_length=part)
        except UnlistedTransition:
            continue
        assert before.state not in TAKEN or life.state in TAKEN or event is OfferEvent.UNDO
        assert life.accepted_length >= before.accepted_length
        assert outcome is None or outcome.kind is life.state.outcome
