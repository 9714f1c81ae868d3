"""Open documents as immutable snapshots, and the one request in flight for each. The module does not read code or
files.

The module applies changes itself, because pygls splits lines with `str.splitlines`. That function also treats form
feeds, U+2028 and similar characters as line ends. LSP does not (LSP 3.18, "Text Documents"), so pygls would put edits
in the wrong place.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from plum_lsp.domain.display import one_line
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, RequestId
from plum_lsp.domain.text import Document, Position, PositionEncoding

T = TypeVar("T")

LANGUAGE = "python"
"""The `languageId` of the documents that get suggestions."""
LANGUAGE_SHOWN_MAX = 40
"""How much of another language's name is shown, in characters."""

_ENDED_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One edit: `text` replaces the text between `start` and `end`, or the whole document if they are None."""

    text: str
    start: Position | None = None
    end: Position | None = None


class OpenDocument:
    """One open document: its current lines, and the request in flight for it, if any."""

    def __init__(self, document: Document, *, language_id: str) -> None:
        self.language_id = language_id
        self._lines = split_lines(document.text)
        self._snapshot = document
        self._flight: asyncio.Task[Any] | None = None
        self._ending: set[asyncio.Task[Any]] = set()
        self.is_lost = False
        """Whether the text is no longer known, because a change could not be read. A full text ends this."""

    @property
    def version(self) -> int:
        """The version that the editor reported last."""
        return self._snapshot.version

    @property
    def snapshot(self) -> Document:
        """The document as it is now. The snapshot does not follow later changes."""
        return self._snapshot

    def change(self, changes: Iterable[Change], *, version: int | None) -> None:
        """Apply edits in order, and cancel the request in flight, because it was for the old text.

        An edit outside the document, or edits with an older version than the last, show that this text is not the
        editor's. They are not applied. Without a version, this is the next one.
        """
        before = self._snapshot
        version = before.version + 1 if version is None else version
        if version < before.version:
            self.lose()
        for change in changes:
            if replaces_all(self._lines, change):
                self.is_lost = False
                change = Change(text=change.text)
            elif is_outside(self._lines, change):
                self.lose()
            if not self.is_lost:
                apply_change(self._lines, change, before.encoding)
        text = "".join(self._lines)
        self._snapshot = Document(uri=before.uri, version=version, text=text, encoding=before.encoding)
        if text != before.text:
            self.supersede()

    def lose(self) -> None:
        """The text is no longer known."""
        self.is_lost = True
        self.supersede()

    def supersede(self) -> None:
        """Cancel the request in flight, if there is one. Its caller gets None."""
        flight, self._flight = self._flight, None
        if flight is not None and flight.cancel():
            self._ending.add(flight)
            flight.add_done_callback(self._ending.discard)

    async def run(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Run `work` once the requests before it have ended. Returns None if a newer request supersedes it.

        Raises:
            asyncio.CancelledError: the caller was cancelled, and `work` with it.
        """
        self.supersede()
        flight: asyncio.Task[T] = asyncio.create_task(_after(tuple(self._ending), work))
        self._flight = flight
        try:
            return await flight
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            return None
        finally:
            if self._flight is flight:
                self._flight = None


def unserved(opened: OpenDocument | None) -> Abstention:
    """The end of a request for a document that is not open or that is not Python."""
    detail = "The editor did not open this document."
    if opened is not None:
        shown = f'"{one_line(opened.language_id)[:LANGUAGE_SHOWN_MAX]}"'
        detail = f"The editor says that the language of this document is {shown}. There are suggestions for "
        detail += f'"{LANGUAGE}" only.'
    nothing = AbstentionReason.NOTHING_TO_COMPLETE
    return Abstention(request_id=RequestId(uuid.uuid4().hex), reason=nothing, detail=detail)


async def _after(ending: Collection[asyncio.Task[Any]], work: Callable[[], Awaitable[T]]) -> T:
    if ending:
        await asyncio.wait(ending)
    return await work()


def split_lines(text: str) -> list[str]:
    """The lines as LSP counts them, each with its line end. The last has none and may be empty."""
    if text.count("\r") == text.count("\r\n"):
        *lines, last = text.split("\n")
        return [line + "\n" for line in lines] + [last]
    lines = _ENDED_LINE.findall(text)
    return [*lines, text[sum(map(len, lines)) :]]


def replaces_all(lines: Sequence[str], change: Change) -> bool:
    """Whether an edit brings the whole text: without a range, or from the start to beyond the last line."""
    if change.start is None or change.end is None:
        return True
    return change.start == Position(line=0, character=0) and change.end.line >= len(lines)


def is_outside(lines: Sequence[str], change: Change) -> bool:
    """Whether an edit names a line that the document does not have.

    The start of the line after the last is the document's end to many editors.
    """
    end = Position(line=len(lines), character=0)
    return any(place is not None and place.line >= len(lines) and place != end for place in (change.start, change.end))


def apply_change(lines: list[str], change: Change, encoding: PositionEncoding) -> None:
    """Apply one edit in place to the result of `split_lines`. The cost grows with the edited lines only.

    A position past the end of its line or of the document means that end. A reversed range is swapped.
    """
    if change.start is None or change.end is None:
        lines[:] = split_lines(change.text)
        return
    first, last = sorted((change.start, change.end))
    start, head = _before(lines, first, encoding)
    end, tail = _before(lines, last, encoding)
    touched = head + change.text + lines[end][len(tail) :]
    if start and lines[start - 1].endswith("\r"):
        # The edit may put a "\n" after the "\r" that ends the line before. The two are then one line end.
        start -= 1
        touched = lines[start] + touched
    pieces = split_lines(touched)
    if end + 1 < len(lines):
        # The edited text ends with the line end of its last line, so the piece after it is empty.
        pieces.pop()
    lines[start : end + 1] = pieces


def _before(lines: Sequence[str], position: Position, encoding: PositionEncoding) -> tuple[int, str]:
    """The index of the position's line, and that line's text before the position."""
    if position.line >= len(lines):
        return len(lines) - 1, lines[-1]
    line = Document(uri="", version=0, text=lines[position.line], encoding=encoding)
    return position.line, line.text[: line.offset_at(Position(line=0, character=position.character))]
