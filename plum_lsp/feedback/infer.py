"""Infers the outcome of an offer from the edits that follow, for editors that report no outcomes.

The hole is found again by the text around it. The text in the hole decides. The whole offer means accepted. A beginning
of the offer means that the user is typing it (it is still visible). When its last character is typed, it is typed
through. Any other text means dismissed. An edit elsewhere is no judgement. The module does not know cursors, requests
or LSP.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from plum_lsp.domain.learning import Outcome, OutcomeSource
from plum_lsp.domain.suggestion import Offer
from plum_lsp.domain.text import begins_with, plain
from plum_lsp.feedback.outcomes import OfferEvent, OfferLife, OfferState

IGNORED_AFTER_SECONDS = 10.0
"""After this time without an edit, a completion counts as not wanted. The figure is Continue's."""

_ENDS = frozenset(
    {
        OfferEvent.ACCEPT,
        OfferEvent.TYPE_OUT,
        OfferEvent.REJECT,
        OfferEvent.DISMISS,
        OfferEvent.SUPERSEDE,
        OfferEvent.WITHDRAW,
    }
)

_CLOSERS = ")]}\"'"
"""The closing brackets and quotes that editors insert after the cursor when the user types the opening one."""

TYPED_STEP_MAX = 2
"""Code points that one keystroke adds: the character, and the closing bracket that the editor inserts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTracker:
    """An offer, the text around its hole, and when it was last touched (POSIX seconds).

    While `is_open`, edits can still change the outcome. Afterwards only the editor can, through `told`. An ignored
    offer is still open, because a user may read a menu for longer than the limit and then accept.
    """

    life: OfferLife
    text: str
    before: str
    after: str
    hole: str
    touched_at: float
    is_open: bool = True
    typed_length: int = 0
    """How much of the offer was in the hole after the last change, in code points."""

    @classmethod
    def start(cls, offer: Offer, document_text: str, *, at: float, is_shown: bool) -> OfferTracker:
        """Follow an offer that was just sent.

        Args:
            offer: what was sent.
            document_text: the whole document the offer was made for.
            at: POSIX seconds.
            is_shown: true for editors that never report what they show. The offer then counts as shown at once.
        """
        life = OfferLife(offer_id=offer.id, length=len(offer.text))
        if is_shown:
            life, _ = life.after(OfferEvent.SHOW, at=at, source=OutcomeSource.INFERRED)
        return cls(
            life=life,
            text=plain(offer.text),
            before=plain(document_text[: offer.hole.start]),
            after=plain(document_text[offer.hole.end :]),
            hole=plain(document_text[offer.hole.start : offer.hole.end]),
            touched_at=at,
        )

    @property
    def expires_at(self) -> float | None:
        """The instant from which `after_silence` counts the offer as ignored. None if its outcome is decided."""
        is_decided = not self.is_open or self.life.state is OfferState.IGNORED
        return None if is_decided else self.touched_at + IGNORED_AFTER_SECONDS

    def told(
        self, event: OfferEvent, *, at: float, source: OutcomeSource, accepted_length: int = 0
    ) -> tuple[OfferTracker, Outcome | None]:
        """Take an event that the editor reported. See `OfferLife.after`.

        Raises:
            UnlistedTransition: the event cannot happen to this offer now.
        """
        life, outcome = self.life.after(event, at=at, source=source, accepted_length=accepted_length)
        has_run_out = event is OfferEvent.EXPIRE and life.state is not OfferState.IGNORED
        is_over = event in _ENDS or life.state is OfferState.ACCEPTED or has_run_out
        is_open = self.is_open and not is_over
        return replace(self, life=life, touched_at=at, is_open=is_open), outcome

    def after_change(self, document_text: str, *, at: float) -> tuple[OfferTracker, Outcome | None]:
        """Take the whole document after a change, and infer what it means for the offer."""
        if not self.is_open:
            return self, None
        event = self._read(plain(document_text))
        if event is None:
            typed = len(document_text) - len(self.before) - len(self.after)
            return replace(self, touched_at=at, typed_length=max(0, typed)), None
        if event is OfferEvent.ACCEPT and 0 < self.typed_length >= len(self.text.rstrip()) - TYPED_STEP_MAX:
            event = OfferEvent.TYPE_OUT
        if event is OfferEvent.DISMISS and self.life.state in {OfferState.SENT, OfferState.IGNORED}:
            event = OfferEvent.SUPERSEDE
        return self.told(event, at=at, source=OutcomeSource.INFERRED)

    def after_silence(self, *, at: float) -> tuple[OfferTracker, Outcome | None]:
        """Take the absence of edits until now."""
        if self.expires_at is None or at < self.expires_at:
            return self, None
        return self.told(OfferEvent.EXPIRE, at=at, source=OutcomeSource.INFERRED)

    def superseded(self, *, at: float) -> tuple[OfferTracker, Outcome | None]:
        """Take a newer request for the same document, which replaces the offer."""
        if not self.is_open:
            return self, None
        return self.told(OfferEvent.SUPERSEDE, at=at, source=OutcomeSource.INFERRED)

    def _read(self, document: str) -> OfferEvent | None:
        """The event that a document means. None while the offer still fits the text in the hole."""
        if not document.startswith(self.before):
            return OfferEvent.SUPERSEDE
        rest = document[len(self.before) :]
        if not rest.endswith(self.after):
            return OfferEvent.ACCEPT if begins_with(rest, self.text) else OfferEvent.SUPERSEDE
        typed = rest[: len(rest) - len(self.after)]
        if begins_with(typed, self.text):
            return OfferEvent.ACCEPT
        is_beginning = self.text.startswith(typed) or self.text.startswith(typed.rstrip(_CLOSERS))
        return None if typed == self.hole or is_beginning else OfferEvent.DISMISS
