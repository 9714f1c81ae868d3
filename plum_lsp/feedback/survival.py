"""Measures how much of an accepted text is left after some editing. Time is an argument. The module reads no clock.

The text's place is followed from one document to the next. The common start and the common end of two documents did not
change, and the part between was replaced. The module does not know the reason of an edit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rapidfuzz.distance import Levenshtein

from plum_lsp.domain.learning import Survival
from plum_lsp.domain.suggestion import OfferId
from plum_lsp.domain.text import Span

MEASURED_AFTER_MS = (30_000, 120_000, 600_000)
"""Half a minute, two minutes and ten minutes: undone at once, corrected during the same work, and final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedText:
    """An accepted offer, its place in the document, and the next measurements to take. Times are POSIX seconds."""

    offer_id: OfferId
    text: str
    document: str
    span: Span
    accepted_at: float
    waiting: tuple[int, ...] = MEASURED_AFTER_MS

    @classmethod
    def start(cls, offer_id: OfferId, text: str, *, before: str, after: str, at: float) -> AcceptedText:
        """Follow a text that was just inserted between `before` and `after`."""
        span = Span(start=len(before), end=len(before) + len(text))
        return cls(offer_id=offer_id, text=text, document=before + text + after, span=span, accepted_at=at)

    @property
    def due_at(self) -> float | None:
        """When the next measurement is due. None if all were taken."""
        return self.accepted_at + self.waiting[0] / 1000 if self.waiting else None

    def after_change(self, document: str) -> AcceptedText:
        """The same text in the document after a change."""
        return replace(self, document=document, span=moved(self.span, self.document, document))

    def is_undone(self, hole: str, *, at: float) -> bool:
        """Whether the text was removed, so that `hole` stands in its place again, before the first measurement."""
        left = self.document[self.span.start : self.span.end]
        return at < self.accepted_at + MEASURED_AFTER_MS[0] / 1000 and left.strip() in {"", hole.strip()}

    def measured(self, *, at: float) -> tuple[AcceptedText, Survival | None]:
        """The measurement that is due by now, if there is one. Call again for further ones."""
        if self.due_at is None or at < self.due_at:
            return self, None
        now = self.document[self.span.start : self.span.end]
        survival = Survival(
            offer_id=self.offer_id,
            after_ms=self.waiting[0],
            share=share_left(self.text, now),
            text=now,
            at=at,
        )
        return replace(self, waiting=self.waiting[1:]), survival


def share_left(text: str, now: str) -> float:
    """One minus the edit distance divided by the longer length, in [0, 1]. Space at the ends does not count."""
    return float(Levenshtein.normalized_similarity(text.strip(), now.strip()))


def moved(span: Span, old: str, new: str) -> Span:
    """The place of a span of the old document in the new one. Text that was typed at its edges is outside it."""
    start = _common(old, new, limit=min(len(old), len(new)))
    limit = min(len(old), len(new)) - start
    kept = _common(old[::-1], new[::-1], limit=limit)
    old_end, new_end = len(old) - kept, len(new) - kept
    if old_end <= span.start:
        shift = new_end - old_end
        return Span(start=span.start + shift, end=span.end + shift)
    if start >= span.end:
        return span
    first = min(span.start, start)
    last = new_end + max(0, span.end - old_end)
    return Span(start=first if start < span.start else span.start, end=max(first, last))


def _common(one: str, other: str, *, limit: int) -> int:
    """How many code points two texts share at their start. It halves the range, because C compares slices fast."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
