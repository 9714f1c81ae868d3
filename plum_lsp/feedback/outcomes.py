"""The life of an offer as a transition table: sent, shown, and how it ended. An unlisted (state, event) raises.

    sent ──show──▶ shown ──accept──────▶ accepted ──edit──▶ edited
      │              │                      └─────undo──▶ rejected
      │              ├─────reject──────▶ rejected
      │              ├─────type_out────▶ typed_through
      │              ├─────accept_part─▶ partly_accepted ──accept──▶ accepted
      │              ├─────dismiss─────▶ dismissed
      │              ├─────expire──────▶ ignored ──accept──▶ accepted
      │              ├─────withdraw────▶ withdrawn ──accept──▶ accepted
      └──supersede──▶└─────supersede───▶ superseded

Editors report with delays, so the command of an accepted item may arrive after the offer counted as ended. A report of
the user's action overrides an inference, so every state without acceptance can still become accepted. An accepted part
stays accepted, regardless of the rest. Time is an argument. The module reads no clock.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

from plum_lsp.domain.learning import Outcome, OutcomeKind, OutcomeSource
from plum_lsp.domain.suggestion import OfferId

VISIBLE_MS_MIN = 750.0
"""An offer that was visible for less time was not read, so its end is no judgement (as JetBrains and Copilot count)."""


class OfferState(enum.Enum):
    """The state of an offer."""

    SENT = "sent"
    SHOWN = "shown"
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    EDITED = "edited"
    TYPED_THROUGH = "typed_through"
    REJECTED = "rejected"
    DISMISSED = "dismissed"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"

    @property
    def outcome(self) -> OutcomeKind | None:
        """The outcome of the state, for the trainer. None while the offer is undecided."""
        return None if self in {OfferState.SENT, OfferState.SHOWN} else OutcomeKind(self.value)


class OfferEvent(enum.Enum):
    """An event in the life of an offer."""

    SHOW = "show"
    ACCEPT = "accept"
    ACCEPT_PART = "accept_part"
    TYPE_OUT = "type_out"
    """The user typed the offer to its end."""
    EDIT = "edit"
    """The accepted text was changed."""
    UNDO = "undo"
    """The accepted text was removed again at once."""
    REJECT = "reject"
    """The user said that the offer is not wanted."""
    DISMISS = "dismiss"
    """The user closed the offer, or typed something else."""
    EXPIRE = "expire"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"
    """Later evidence spoke against the offer, and the editor was told to wipe it."""


class UnlistedTransition(ValueError):
    """This event cannot happen to an offer in this state. The report is wrong."""


_S, _E = OfferState, OfferEvent

TRANSITIONS: Mapping[tuple[OfferState, OfferEvent], OfferState] = {
    (_S.SENT, _E.SHOW): _S.SHOWN,
    (_S.SENT, _E.ACCEPT): _S.ACCEPTED,
    (_S.SENT, _E.ACCEPT_PART): _S.PARTLY_ACCEPTED,
    (_S.SENT, _E.EXPIRE): _S.SUPERSEDED,
    (_S.SENT, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.SHOWN, _E.SHOW): _S.SHOWN,
    (_S.SHOWN, _E.ACCEPT): _S.ACCEPTED,
    (_S.SHOWN, _E.ACCEPT_PART): _S.PARTLY_ACCEPTED,
    (_S.SHOWN, _E.REJECT): _S.REJECTED,
    (_S.SHOWN, _E.DISMISS): _S.DISMISSED,
    (_S.SHOWN, _E.EXPIRE): _S.IGNORED,
    (_S.SHOWN, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.PARTLY_ACCEPTED, _E.SHOW): _S.PARTLY_ACCEPTED,
    (_S.PARTLY_ACCEPTED, _E.ACCEPT): _S.ACCEPTED,
    (_S.PARTLY_ACCEPTED, _E.ACCEPT_PART): _S.PARTLY_ACCEPTED,
    (_S.PARTLY_ACCEPTED, _E.REJECT): _S.PARTLY_ACCEPTED,
    (_S.PARTLY_ACCEPTED, _E.DISMISS): _S.PARTLY_ACCEPTED,
    (_S.PARTLY_ACCEPTED, _E.EXPIRE): _S.PARTLY_ACCEPTED,
    (_S.PARTLY_ACCEPTED, _E.SUPERSEDE): _S.PARTLY_ACCEPTED,
    (_S.IGNORED, _E.SHOW): _S.IGNORED,
    (_S.IGNORED, _E.ACCEPT): _S.ACCEPTED,
    (_S.IGNORED, _E.ACCEPT_PART): _S.PARTLY_ACCEPTED,
    (_S.IGNORED, _E.REJECT): _S.REJECTED,
    (_S.IGNORED, _E.DISMISS): _S.DISMISSED,
    (_S.IGNORED, _E.EXPIRE): _S.IGNORED,
    (_S.IGNORED, _E.TYPE_OUT): _S.TYPED_THROUGH,
    (_S.IGNORED, _E.SUPERSEDE): _S.IGNORED,
    (_S.DISMISSED, _E.ACCEPT): _S.ACCEPTED,
    (_S.DISMISSED, _E.ACCEPT_PART): _S.PARTLY_ACCEPTED,
    (_S.DISMISSED, _E.REJECT): _S.REJECTED,
    (_S.DISMISSED, _E.DISMISS): _S.DISMISSED,
    (_S.DISMISSED, _E.EXPIRE): _S.DISMISSED,
    (_S.DISMISSED, _E.SUPERSEDE): _S.DISMISSED,
    (_S.REJECTED, _E.ACCEPT): _S.ACCEPTED,
    (_S.REJECTED, _E.ACCEPT_PART): _S.PARTLY_ACCEPTED,
    (_S.REJECTED, _E.REJECT): _S.REJECTED,
    (_S.REJECTED, _E.DISMISS): _S.REJECTED,
    (_S.REJECTED, _E.EXPIRE): _S.REJECTED,
    (_S.REJECTED, _E.SUPERSEDE): _S.REJECTED,
    (_S.SUPERSEDED, _E.SHOW): _S.SUPERSEDED,
    (_S.SUPERSEDED, _E.ACCEPT): _S.ACCEPTED,
    (_S.SUPERSEDED, _E.ACCEPT_PART): _S.PARTLY_ACCEPTED,
    (_S.SUPERSEDED, _E.REJECT): _S.REJECTED,
    (_S.SUPERSEDED, _E.DISMISS): _S.SUPERSEDED,
    (_S.SUPERSEDED, _E.EXPIRE): _S.SUPERSEDED,
    (_S.SUPERSEDED, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.SENT, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.SHOWN, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.IGNORED, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.PARTLY_ACCEPTED, _E.WITHDRAW): _S.PARTLY_ACCEPTED,
    (_S.WITHDRAWN, _E.SHOW): _S.WITHDRAWN,
    (_S.WITHDRAWN, _E.ACCEPT): _S.ACCEPTED,
    (_S.WITHDRAWN, _E.ACCEPT_PART): _S.PARTLY_ACCEPTED,
    (_S.WITHDRAWN, _E.REJECT): _S.REJECTED,
    (_S.WITHDRAWN, _E.DISMISS): _S.WITHDRAWN,
    (_S.WITHDRAWN, _E.EXPIRE): _S.WITHDRAWN,
    (_S.WITHDRAWN, _E.SUPERSEDE): _S.WITHDRAWN,
    (_S.ACCEPTED, _E.ACCEPT): _S.ACCEPTED,
    (_S.ACCEPTED, _E.ACCEPT_PART): _S.ACCEPTED,
    (_S.ACCEPTED, _E.EXPIRE): _S.ACCEPTED,
    (_S.ACCEPTED, _E.SUPERSEDE): _S.ACCEPTED,
    (_S.ACCEPTED, _E.EDIT): _S.EDITED,
    (_S.ACCEPTED, _E.UNDO): _S.REJECTED,
    (_S.EDITED, _E.EDIT): _S.EDITED,
    (_S.EDITED, _E.UNDO): _S.REJECTED,
    (_S.EDITED, _E.ACCEPT): _S.EDITED,
    (_S.EDITED, _E.ACCEPT_PART): _S.EDITED,
    (_S.EDITED, _E.EXPIRE): _S.EDITED,
    (_S.EDITED, _E.SUPERSEDE): _S.EDITED,
    (_S.SENT, _E.TYPE_OUT): _S.TYPED_THROUGH,
    (_S.SHOWN, _E.TYPE_OUT): _S.TYPED_THROUGH,
    (_S.PARTLY_ACCEPTED, _E.TYPE_OUT): _S.ACCEPTED,
    (_S.TYPED_THROUGH, _E.SHOW): _S.TYPED_THROUGH,
    (_S.TYPED_THROUGH, _E.ACCEPT): _S.ACCEPTED,
    (_S.TYPED_THROUGH, _E.ACCEPT_PART): _S.ACCEPTED,
    (_S.TYPED_THROUGH, _E.REJECT): _S.TYPED_THROUGH,
    (_S.TYPED_THROUGH, _E.DISMISS): _S.TYPED_THROUGH,
    (_S.TYPED_THROUGH, _E.EXPIRE): _S.TYPED_THROUGH,
    (_S.TYPED_THROUGH, _E.SUPERSEDE): _S.TYPED_THROUGH,
    (_S.TYPED_THROUGH, _E.TYPE_OUT): _S.TYPED_THROUGH,
}
"""These events are left out on purpose: to dismiss or reject an offer that was never shown or was accepted, to show a
dismissed, rejected or accepted one again, to edit or undo one that was never accepted, and to type through or withdraw
one that is no longer shown."""


def following(state: OfferState, event: OfferEvent) -> OfferState:
    """The state after an event.

    Raises:
        UnlistedTransition: the event cannot happen in this state.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise UnlistedTransition(f"an offer that is {state.value} cannot be told {event.value}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferLife:
    """The life of one offer. Times are POSIX seconds. `length` counts the code points of the offer's text."""

    offer_id: OfferId
    length: int
    state: OfferState = OfferState.SENT
    shown_at: float | None = None
    accepted_length: int = 0

    def after(
        self, event: OfferEvent, *, at: float, source: OutcomeSource, accepted_length: int = 0
    ) -> tuple[OfferLife, Outcome | None]:
        """The life after an event, and the new outcome, if there is one.

        Args:
            event: what happened.
            at: when it happened.
            source: where the report came from.
            accepted_length: with `ACCEPT_PART`, code points accepted so far, counted from the offer's start.

        Raises:
            UnlistedTransition: the event cannot happen in this state, or a partial acceptance has no length.
        """
        if event is OfferEvent.ACCEPT_PART and accepted_length < 1:
            raise UnlistedTransition(f"a part of {accepted_length} characters cannot be accepted")
        event = self._meant(event, at=at, accepted_length=accepted_length)
        state = following(self.state, event)
        taken = max(self.accepted_length, accepted_length) if event is OfferEvent.ACCEPT_PART else self.accepted_length
        shown_at = at if event is OfferEvent.SHOW and self.shown_at is None else self.shown_at
        life = replace(self, state=state, shown_at=shown_at, accepted_length=taken)
        if state.outcome is None or (state is self.state and taken == self.accepted_length):
            return life, None
        outcome = Outcome(
            offer_id=self.offer_id,
            kind=state.outcome,
            at=at,
            source=source,
            accepted_length=taken if state is OfferState.PARTLY_ACCEPTED else None,
            visible_ms=self.visible_ms(at),
        )
        return life, outcome

    def visible_ms(self, at: float) -> float | None:
        """How long the offer has been shown.

        None if it was not reported as shown. A clock set back counts as no time.
        """
        return None if self.shown_at is None else max(0.0, (at - self.shown_at) * 1000)

    def _meant(self, event: OfferEvent, *, at: float, accepted_length: int) -> OfferEvent:
        """Correct an event: all parts accepted means accepted, and an end before the offer was read is no judgement."""
        visible_ms = self.visible_ms(at)
        if event is OfferEvent.ACCEPT_PART and accepted_length >= self.length:
            return OfferEvent.ACCEPT
        is_judged = event in {OfferEvent.DISMISS, OfferEvent.EXPIRE}
        if is_judged and self.state is OfferState.SHOWN and visible_ms is not None and visible_ms < VISIBLE_MS_MIN:
            return OfferEvent.SUPERSEDE
        return event
