"""What is not to be offered: candidates that the user has seen here, texts that were just turned down or deleted, and
candidates that do not go on from the entry that is selected in the editor's menu.

A text that was turned down is kept as the whole document with it. So it is found again after some of it was typed or
deleted, and it is not found at another place. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from plum_lsp.domain.text import Span, begins_with, plain


class Insertable(Protocol):
    """A candidate, as far as it matters here."""

    @property
    def text(self) -> str:
        """The text that an editor would insert."""

    @property
    def fingerprint(self) -> str:
        """Equal for candidates that mean the same at one place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedDown:
    """The whole text of a document with something that was turned down, or before something was deleted.

    `fingerprint` is that of the candidate, and `after` the text that followed it. A deleted text has no fingerprint: no
    candidate begins with it.
    """

    whole: str
    fingerprint: str = ""
    after: str = ""

    def is_in(self, candidate: Insertable, *, before: str, after: str) -> bool:
        """Whether a candidate between these two texts brings the text back."""
        missing = self.whole[len(before) : len(self.whole) - len(after)]
        if not missing.strip() or not self.whole.startswith(before) or not self.whole.endswith(after):
            return False
        if self.fingerprint:
            is_same = candidate.fingerprint == self.fingerprint or candidate.text.strip() == missing.strip()
            return is_same and after == self.after
        return begins_with(candidate.text.lstrip(), missing.lstrip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The selected entry of the editor's menu (LSP 3.18, `SelectedCompletionInfo`): its text would replace the span."""

    span: Span
    text: str

    def extended(self, text: str, document: str, hole: Span) -> str | None:
        """What replaces the span if `text` comes into the hole. None if it does not begin with the entry's text.

        Blanks between the span and the hole's end stay behind the text.
        """
        span = self.span
        rest = document[span.end : hole.end]
        if hole.start < span.start or hole.start > span.end or rest.strip(" \t"):
            return None
        whole = document[span.start : hole.start] + text + document[hole.end : span.end]
        return whole if plain(whole).startswith(plain(self.text)) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwanted:
    """What one request is not to bring: fingerprints in `seen`, `texts`, and what does not go on from `selected`."""

    seen: frozenset[str] = frozenset()
    texts: tuple[TurnedDown, ...] = ()
    selected: Selected | None = None

    def among(self, candidates: Iterable[Insertable], document: str, hole: Span) -> frozenset[str]:
        """The fingerprints that are not wanted in the hole of a document: those seen, and some of these candidates."""
        if not self.texts and self.selected is None:
            return self.seen
        before, after = plain(document[: hole.start]), plain(document[hole.end :])
        return self.seen | {
            one.fingerprint
            for one in candidates
            if any(text.is_in(one, before=before, after=after) for text in self.texts)
            or (self.selected is not None and self.selected.extended(one.text, document, hole) is None)
        }
