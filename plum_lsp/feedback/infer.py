"""What became of an offer, read from the edits that follow, for editors that report nothing.

The hole is found again by the text around it. What stands in it decides: the whole offer means accepted, a
beginning of it means that the user types it out (it is still visible), its last character typed means typed through,
anything else means dismissed. An edit elsewhere judges nothing. Does not know cursors, requests or LSP.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from plum_lsp.domain.learning import Outcome, OutcomeSource
from plum_lsp.domain.suggestion import Offer
from plum_lsp.feedback.outcomes import OfferEvent, OfferLife, OfferState

IGNORED_AFTER_SECONDS = 10.0
"""Continue's figure, after which a completion that was left standing counts as not wanted."""

_ENDS = frozenset({OfferEvent.ACCEPT, OfferEvent.TYPE_OUT, OfferEvent.DISMISS, OfferEvent.SUPERSEDE})

_CLOSERS = ")]}\"'"
"""What editors put in by themselves behind the cursor when its opening half is typed."""

TYPED_STEP_MAX = 2
"""Code points one keystroke adds: itself, and the closing half of a bracket that the editor puts in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTracker:
    """An offer, the text around its hole, and when it was last touched (POSIX seconds).

    While `is_open`, edits can still tell something; afterwards only the editor can, through `told`. An offer that was
    left standing is open: a menu may be read for longer than it takes to be ignored, and what is then taken was wanted.
    """

    life: OfferLife
    text: str
    before: str
    after: str
    hole: str
    touched_at: float
    is_open: bool = True
    typed_length: int = 0
    """How much of the offer the last change left in the hole, in code points."""

    @classmethod
    def start(cls, offer: Offer, document_text: str, *, at: float, is_shown: bool) -> OfferTracker:
        """Follow an offer that was just sent.

        Args:
            offer: what was sent.
            document_text: the whole document the offer was made for.
            at: POSIX seconds.
            is_shown: true for editors that never say what they show; it is then taken as shown at once.
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
        """The instant from which `after_silence` counts the offer as ignored; None if that is decided."""
        is_decided = not self.is_open or self.life.state is OfferState.IGNORED
        return None if is_decided else self.touched_at + IGNORED_AFTER_SECONDS

    def told(
        self, event: OfferEvent, *, at: float, source: OutcomeSource, accepted_length: int = 0
    ) -> tuple[OfferTracker, Outcome | None]:
        """What the editor reported; see `OfferLife.after`.

        Raises:
            UnlistedTransition: the event cannot happen to this offer now.
        """
        life, outcome = self.life.after(event, at=at, source=source, accepted_length=accepted_length)
        has_run_out = event is OfferEvent.EXPIRE and life.state is not OfferState.IGNORED
        is_over = event in _ENDS or life.state is OfferState.ACCEPTED or has_run_out
        is_open = self.is_open and not is_over
        return replace(self, life=life, touched_at=at, is_open=is_open), outcome

    def after_change(self, document_text: str, *, at: float) -> tuple[OfferTracker, Outcome | None]:
        """What the whole document after a change tells about the offer."""
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
        """What it means that nothing more has happened until now."""
        if self.expires_at is None or at < self.expires_at:
            return self, None
        return self.told(OfferEvent.EXPIRE, at=at, source=OutcomeSource.INFERRED)

    def superseded(self, *, at: float) -> tuple[OfferTracker, Outcome | None]:
        """A newer request for the same document took the offer's place."""
        if not self.is_open:
            return self, None
        return self.told(OfferEvent.SUPERSEDE, at=at, source=OutcomeSource.INFERRED)

    def _read(self, document: str) -> OfferEvent | None:
        """The event a document means; None while the offer still fits what stands in the hole."""
        if not document.startswith(self.before):
            return OfferEvent.SUPERSEDE
        rest = document[len(self.before) :]
        if not rest.endswith(self.after):
            return OfferEvent.ACCEPT if _begins_with(rest, self.text) else OfferEvent.SUPERSEDE
        typed = rest[: len(rest) - len(self.after)]
        if _begins_with(typed, self.text):
            return OfferEvent.ACCEPT
        is_beginning = self.text.startswith(typed) or self.text.startswith(typed.rstrip(_CLOSERS))
        return None if typed == self.hole or is_beginning else OfferEvent.DISMISS


def plain(text: str) -> str:
    """Text with one kind of line end: an editor inserts its own."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _begins_with(found: str, text: str) -> bool:
    """Whether the whole of `text` stands at the start; spaces at line ends and the last line end do not matter."""
    wanted = [line.rstrip() for line in text.rstrip().split("\n")]
    lines = [line.rstrip() for line in found.split("\n")[: len(wanted)]]
    if len(lines) < len(wanted) or not wanted[-1] or lines[:-1] != wanted[:-1]:
        return False
    rest_of_line = lines[-1].removeprefix(wanted[-1])
    return lines[-1].startswith(wanted[-1]) and not (rest_of_line[:1].isalnum() or rest_of_line[:1] == "_")
