"""Remembers for each open document which texts the user has just turned down or deleted, and which ones were withdrawn.

An automatic answer brings none of them back. A user who asks may get back what was closed or deleted.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from plum_lsp.domain.suggestion import Trigger
from plum_lsp.domain.text import Document, plain
from plum_lsp.domain.unwanted import TurnedDown

JUST_SECONDS = 60.0
"""For this time, what the user rejected or deleted does not come back."""
AT_ONCE_SECONDS = 10.0
"""For this time, what the user closed does not come back. To close an offer is no judgement of it."""
TEXTS_MAX = 8
CHARACTERS_MAX = 1_000_000
"""Deletions in longer documents are not remembered: each text is a whole document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A text, until when it is kept, and whether it is also kept from a user who asks."""

    text: TurnedDown
    until: float
    is_for_all: bool = False


@dataclass(slots=True)
class _Memory:
    """`cut` is the text at the start of a deletion that may go on with the next key."""

    kept: deque[_Kept] = field(default_factory=lambda: deque(maxlen=TEXTS_MAX))
    cut: str | None = None


class UnwantedTexts:
    """The texts of one connection."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._memories: dict[str, _Memory] = {}

    def of(self, uri: str, trigger: Trigger) -> tuple[TurnedDown, ...]:
        """What an answer for a document must not bring back now."""
        memory, now, is_asked = self._memories.get(uri, _Memory()), self._now(), trigger is Trigger.INVOKED
        return tuple(one.text for one in memory.kept if one.until > now and (one.is_for_all or not is_asked))

    def forget(self, uri: str) -> None:
        """A document was closed."""
        self._memories.pop(uri, None)

    def closed(self, uri: str, texts: tuple[TurnedDown, ...]) -> None:
        """The user closed these."""
        self._keep(uri, *(_Kept(text=text, until=self._now() + AT_ONCE_SECONDS) for text in texts))

    def rejected(self, uri: str, texts: tuple[TurnedDown, ...]) -> None:
        """The user rejected these."""
        self._keep(uri, *(_Kept(text=text, until=self._now() + JUST_SECONDS, is_for_all=True) for text in texts))

    def refuted(self, uri: str, texts: tuple[TurnedDown, ...]) -> None:
        """Evidence spoke against these."""
        self._keep(uri, *(_Kept(text=text, until=math.inf, is_for_all=True) for text in texts))

    def changed(self, before: Document, after: Document) -> None:
        """A document changed. What is deleted with several keys in a row is one text."""
        memory = self._memories.setdefault(after.uri, _Memory())
        if max(len(before.text), len(after.text)) > CHARACTERS_MAX or before.text == after.text:
            memory.cut = None
            return
        old, new = plain(before.text), plain(after.text)
        until = self._now() + JUST_SECONDS
        if memory.cut is not None and _is_cut(memory.cut, new):
            cut = memory.cut
            memory.kept = deque(
                (replace(one, until=until) if one.text.whole == cut else one for one in memory.kept), TEXTS_MAX
            )
            return
        memory.cut = old if _is_cut(old, new) else None
        if _removed(old, new).strip():
            self._keep(after.uri, _Kept(text=TurnedDown(whole=old), until=until))

    def _keep(self, uri: str, *kept: _Kept) -> None:
        self._memories.setdefault(uri, _Memory()).kept.extend(kept)


def _is_cut(old: str, new: str) -> bool:
    """Whether one part was deleted."""
    return len(new) < len(old) and old.endswith(new[_shared(old, new) :])


def _removed(old: str, new: str) -> str:
    """The part of the old text that the new one has no more."""
    start = _shared(old, new)
    old, new = old[start:], new[start:]
    return old[: len(old) - _shared(old[::-1], new[::-1])]


def _shared(one: str, other: str) -> int:
    """The length of the beginning that two texts share."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low
