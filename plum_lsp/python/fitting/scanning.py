"""Reads the lines of an unfinished completion: strings, brackets, backslashes, statements. Pure.

An incomplete completion does not parse, so it is read with a scanner instead of a parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plum_lsp.python.reading.lines import width

_TOKEN = re.compile(r"'''|\"\"\"|'|\"|#.*|[()\[\]{}]|\\.|[^\s'\"#()\[\]{}\\]+", re.DOTALL)


def indent_of(line: str) -> str:
    """The blanks and tabs at the start of a line."""
    return line[: len(line) - len(line.lstrip(" \t"))]


@dataclass(slots=True)
class Scan:
    """The state of the scanner between lines: in a string, in brackets, after a backslash, the last code it read."""

    quote: str = ""
    depth: int = 0
    is_continued: bool = False
    last: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the next line belongs to the same logical line."""
        return bool(self.quote) or self.depth > 0 or self.is_continued

    def begin(self) -> None:
        """Begin a physical line."""
        self.is_continued = False
        if not self.is_open:
            self.last = ""

    def read(self, part: str) -> None:
        """Read a physical line, or a part of it, without its end."""
        place = 0
        while place < len(part):
            place = self._in_string(part, place) if self.quote else self._in_code(part, place)

    def end(self) -> None:
        """End the physical line. A string in single quotation marks ends with it."""
        if len(self.quote) == 1 and not self.is_continued:
            self.quote = ""

    def _in_string(self, line: str, place: int) -> int:
        while place < len(line):
            if line[place] == "\\":
                self.is_continued = place + 1 == len(line)
                place += 2
            elif line.startswith(self.quote, place):
                place += len(self.quote)
                self.quote, self.last = "", '"'
                return place
            else:
                place += 1
        return place

    def _in_code(self, line: str, place: int) -> int:
        found = _TOKEN.search(line, place)
        if found is None:
            self.is_continued = line.endswith("\\")
            return len(line)
        code = found.group()
        if code[0] == "#":
            return len(line)
        self.last = code[-1]
        if code[0] in "'\"":
            self.quote = code
        elif code in "([{":
            self.depth += 1
        elif code in ")]}":
            self.depth = max(0, self.depth - 1)
        return found.end()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One physical line of a completion, from offset `start` to `end` (with its line end).

    `starts` says that a statement or comment begins here: the line is not inside a string or bracket. `in_string` says
    that the line begins inside a string. `opens` says that its statement has opened a block with this line's end.
    """

    text: str
    start: int
    end: int
    starts: bool
    in_string: bool
    opens: bool
    is_complete: bool

    @property
    def code(self) -> str:
        """The line without blanks at its ends."""
        return self.text.strip()

    @property
    def indent(self) -> str:
        """The line's indentation."""
        return indent_of(self.text)

    @property
    def columns(self) -> int:
        """The width of its indentation."""
        return width(self.indent)

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment of its own."""
        return self.starts and self.code.startswith("#")

    @property
    def is_statement(self) -> bool:
        """Whether a statement begins here."""
        return self.starts and bool(self.code) and not self.code.startswith("#")


def lines_of(text: str, head: str = "") -> Iterator[Line]:
    """The physical lines of a completion that stands after `head` on its line."""
    scan = Scan()
    scan.begin()
    scan.read(head)
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        line = text[start:end].rstrip("\n")
        is_inside, in_string = scan.is_open and start > 0, bool(scan.quote)
        if start:
            scan.begin()
        scan.read(line)
        scan.end()
        opens = not scan.is_open and scan.last == ":"
        yield Line(
            text=line,
            start=start,
            end=end,
            starts=not is_inside,
            in_string=in_string,
            opens=opens,
            is_complete=not scan.is_open,
        )
        start = end
