"""Finds the end of a completion: before the first line that leaves the block. Pure. It takes the text piece by piece.

It reads lines with a scanner that knows strings, brackets and backslashes, because an incomplete completion does not
parse. `trimming` removes text inside the block.

How each kind of hole ends (`indent` is the block's, and a line is a logical line, never inside a bracket or string):

    BODY, BLOCK,
    CLASS         before the first line of code indented less than `indent`
    LINE          with the line. If the line opens a block: before the first line not indented more than `indent`
    MODULE        as BODY, and before the next definition. A completion that starts with a definition is that definition

A LINE hole with only whitespace before it inserts whole lines before an existing line. It may close blocks that are
open above. It therefore ends before a definition left of `indent`, or before code at the margin.

Blank lines have no effect. A comment too far left is held until the next line of code, for a few lines. Python ignores
its indentation, but a policy that has left the function often writes such a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plum_lsp.domain.suggestion import Block, HoleKind

OUTER_COMMENTS_MAX = 2
"""After this many comments in a row left of the block, the block counts as ended before them."""

_TOKEN = re.compile(r"'''|\"\"\"|'|\"|#.*|[()\[\]{}]|\\.|[^\s'\"#()\[\]{}\\]+", re.DOTALL)
_DEFINITION_OR_DECORATOR = re.compile(r"@|(?:async\s+def|def|class)\b")
_DEFINITION_CHARACTERS = 24
"""This many characters show whether an unfinished line is a definition, with any usual space after `async`."""
_DEFINITION = re.compile(r"(?:async\s+def|def|class)\b")


def width(indent: str) -> int:
    """The columns of an indentation. Tabs go to multiples of eight, as in Python."""
    return len(indent.expandtabs(8))


@dataclass(slots=True)
class _Scan:
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


class Cutter:
    """Takes a completion as it streams and detects when it has left its block. Chunks may be split anywhere."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._is_line = block.kind is HoleKind.LINE and bool(block.line_head.strip())
        self._is_before_line = block.kind is HoleKind.LINE and not self._is_line
        self._indent = width(block.indent)
        self._scan = _Scan()
        self._scan.begin()
        self._scan.read(block.line_head)
        self._text = ""
        self._line_start = 0
        self._kept_end = 0
        self._is_first_line = True
        self._outer_comments = 0
        self._lines_of_code = 0
        self._has_definition = False
        self._opens_block = False
        self.has_ended = False

    @property
    def text(self) -> str:
        """The text of the block: all text so far, or after its end the text up to its last line."""
        return self._text[: self._kept_end] if self.has_ended else self._text

    def feed(self, chunk: str) -> bool:
        """Take the next piece and return whether the completion has ended. Pieces after the end are ignored."""
        if self.has_ended:
            return True
        self._text += chunk
        while not self.has_ended and (end := self._text.find("\n", self._line_start)) >= 0:
            self._take(self._text[self._line_start : end], end + 1)
        if not self.has_ended and self._leaves_already(self._text[self._line_start :]):
            self.has_ended = True
        return self.has_ended

    def close(self) -> str:
        """Judge the last line at the end of the stream, and return the text."""
        if not self.has_ended and self._line_start < len(self._text):
            self._take(self._text[self._line_start :], len(self._text))
        return self.text

    def _take(self, line: str, end: int) -> None:
        """Process one complete physical line."""
        if (self._is_first_line and self._is_line) or self._scan.is_open:
            self._keep(line, end)
        elif not line.strip():
            self._line_start = end
        elif line.lstrip().startswith("#") and self._leaves(line):
            self._outer_comments += 1
            self.has_ended = self._outer_comments > OUTER_COMMENTS_MAX
            self._line_start = end
        elif self._leaves(line):
            self.has_ended = True
        else:
            self._keep(line, end)
        self._is_first_line = False

    def _keep(self, line: str, end: int) -> None:
        """Add the line to the block."""
        code = line.strip()
        if not self._scan.is_open and code and not code.startswith("#"):
            self._has_definition |= not self._lines_of_code and bool(_DEFINITION.match(code))
            self._lines_of_code += not code.startswith("@")
        if not self._is_first_line:
            self._scan.begin()
        self._scan.read(line)
        self._scan.end()
        self._line_start = self._kept_end = end
        self._outer_comments = 0
        self._end_of_line_hole()

    def _end_of_line_hole(self) -> None:
        """In a LINE hole, end the completion after the first logical line, unless this line opens a block."""
        if self._is_line and not self._opens_block and not self._scan.is_open:
            if self._scan.last == ":":
                self._opens_block = True
            else:
                self.has_ended = True

    def _leaves(self, line: str) -> bool:
        """Whether a line that starts a statement (or a comment) is outside the block."""
        if self._is_first_line:
            return False
        columns = width(line[: len(line) - len(line.lstrip())])
        if self._opens_block:
            return columns <= self._indent
        if self._is_before_line:
            is_definition = bool(_DEFINITION_OR_DECORATOR.match(line.lstrip()))
            return columns < self._indent and (columns == 0 or is_definition)
        if self._block.kind is not HoleKind.MODULE or columns != self._indent:
            return columns < self._indent
        is_more = self._lines_of_code > 0 and bool(_DEFINITION_OR_DECORATOR.match(line.lstrip()))
        return is_more or self._has_definition

    def _leaves_already(self, partial: str) -> bool:
        """Whether an unfinished line has left the block, because its first character of code stands too far left."""
        code = partial.lstrip()
        if not code or code[0] == "#" or self._scan.is_open or self._block.kind is HoleKind.MODULE:
            return False
        if self._is_first_line or (self._is_line and not self._opens_block):
            return False
        if self._is_before_line and len(code) < _DEFINITION_CHARACTERS:
            return False
        return self._leaves(partial)


def cut(text: str, block: Block) -> tuple[str, bool]:
    """The part of a completion that belongs to the block, and whether text followed it."""
    cutter = Cutter(block)
    cutter.feed(text)
    kept = cutter.close()
    return kept, cutter.has_ended
