"""Documents, positions and spans. Inside the core an offset counts code points. Encodings matter only at the edge.
`python.reading` parses source text.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n|\r")
"""The three line ends of LSP (LSP 3.18, "Text Documents"). `str.splitlines` has more of them and would miscount."""


class PositionEncoding(enum.Enum):
    """The unit of `Position.character` (LSP 3.17 `positionEncoding`)."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Position:
    """Zero-based line, and character in the units of the document's encoding."""

    line: int
    character: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Half-open range of offsets: `start` included, `end` excluded."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An immutable snapshot of one open file."""

    uri: str
    version: int
    text: str
    encoding: PositionEncoding = PositionEncoding.UTF16

    def offset_at(self, position: Position) -> int:
        """The code-point offset of `position`.

        As in LSP, a character past the end of the line means the end of the line.
        """
        start, end = _line_bounds(self.text, position.line)
        return start + _code_points(self.text[start:end], position.character, self.encoding)

    def position_at(self, offset: int) -> Position:
        """The position of a code-point offset in [0, len(text)]."""
        line, start = 0, 0
        for match in _LINE_END.finditer(self.text):
            if match.end() > offset:
                break
            line, start = line + 1, match.end()
        return Position(line=line, character=_units(self.text[start:offset], self.encoding))


def _line_bounds(text: str, line: int) -> tuple[int, int]:
    """Offsets of the first character and of the end of a line. Past the last line, both are the end of the text."""
    start = 0
    for number, match in enumerate(_LINE_END.finditer(text)):
        if number == line:
            return start, match.start()
        start = match.end()
        if number + 1 > line:
            break
    lines = number_of_lines(text)
    return (start, len(text)) if line < lines else (len(text), len(text))


def number_of_lines(text: str) -> int:
    """Lines as LSP counts them: one more than there are line ends."""
    return sum(1 for _ in _LINE_END.finditer(text)) + 1


def has_line(text: str, position: Position) -> bool:
    """Whether a text has the line of a position. The start of the line after the last is the end to many editors."""
    lines = number_of_lines(text)
    return position.line < lines or position == Position(line=lines, character=0)


def is_unicode(text: str) -> bool:
    """Whether a text can be sent and stored. JSON lets an editor send lone surrogates, but UTF-8 cannot hold them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _units(text: str, encoding: PositionEncoding) -> int:
    """Length of `text` in units of `encoding`."""
    match encoding:
        case PositionEncoding.UTF32:
            return len(text)
        case PositionEncoding.UTF8:
            return len(text.encode("utf-8", "surrogatepass"))
        case PositionEncoding.UTF16:
            return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def _code_points(line: str, units: int, encoding: PositionEncoding) -> int:
    """Code points of `line` before `units` units. A place inside a character means the place before it."""
    if encoding is PositionEncoding.UTF32 or line.isascii():
        return min(units, len(line))
    counted = 0
    for index, character in enumerate(line):
        counted += _units(character, encoding)
        if counted > units:
            return index
    return len(line)


def plain(text: str) -> str:
    """Text with one kind of line end, because an editor inserts its own kind."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def begins_with(found: str, text: str) -> bool:
    """Whether `found` starts with all of `text`. Spaces at line ends and the last line end do not count."""
    wanted = [line.rstrip() for line in text.rstrip().split("\n")]
    lines = [line.rstrip() for line in found.split("\n")[: len(wanted)]]
    if len(lines) < len(wanted) or not wanted[-1] or lines[:-1] != wanted[:-1]:
        return False
    rest_of_line = lines[-1].removeprefix(wanted[-1])
    return lines[-1].startswith(wanted[-1]) and not (rest_of_line[:1].isalnum() or rest_of_line[:1] == "_")
