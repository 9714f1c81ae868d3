"""Finds the end of a completion: before the first line that leaves the block. Pure. It takes the text piece by piece.

It reads lines with a scanner that knows strings, brackets and backslashes, because an incomplete completion does not
parse. `variants` decides what is inserted. This module only decides where a stream can be closed.

How each kind of hole ends (`indent` is the block's, and a line is a logical line, never inside a bracket or string):

    BODY, BLOCK,
    CLASS         before the first line of code indented less than `indent`
    LINE          with the line. If the line opens a block: before the first line not indented more than `indent`
    MODULE        as BODY, and before the next definition. A completion that starts with a definition is that definition

A LINE hole with only whitespace before it inserts whole lines before an existing line. It may close blocks that are
open above. It therefore ends before a definition left of `indent`, or before code at the margin.

Every kind ends at a control string, whatever the server was asked to stop at. A line left of the block that may belong
to a body in other columns (`outside`) does not end a stream. A completion that begins as an answer in a chat, or that
repeats the function's own header, is read to the end of that answer (`unwrapping`, `repeats`). That is the end of its
fenced block, unless another block or a word that withdraws the block follows at once. A model that writes the same
function twice, and its header a third time, loops: the answer ends there.

Blank lines have no effect. A comment too far left is held until the next line of code. Python ignores its indentation,
but a policy that has left the function often writes such a comment.
"""

from __future__ import annotations

import copy
import re

from plum_lsp.domain.suggestion import Block, HoleKind
from plum_lsp.python.fitting.controls import (
    BLANK_OF_SENTENCE_PIECE,
    CONTROL,
    is_opening,
    is_within_thought,
    may_lead,
    says_end,
    without_leading,
)
from plum_lsp.python.fitting.outside import DEFINITION_OR_DECORATOR, is_finished, is_outside, is_own_header
from plum_lsp.python.fitting.scanning import Line, Scan
from plum_lsp.python.fitting.statements import Statements
from plum_lsp.python.fitting.thoughts import is_thinking
from plum_lsp.python.fitting.unwrapping import (
    CORRECTION_CHARACTERS,
    begins_answer,
    is_beside,
    is_correction,
    is_diff,
    is_fence,
    is_talk,
)
from plum_lsp.python.reading.lines import width

OUTER_COMMENTS_MAX = 12
"""After this many comments in a row left of the block, a stream is closed before them."""
FINISHED_COMMENTS_MAX = 2
"""The same after a body that has finished."""

BLANK_LINES_MAX = 3
"""After so many blank lines below the block of an answer, it is no longer corrected."""

_DEFINITION_CHARACTERS = 24
"""This many characters show whether an unfinished line is a definition, with any usual space after `async`."""
_DEFINITION = re.compile(r"(?:async\s+def|def|class)\b")


class Cutter:
    """Takes a completion as it streams and detects when it has left its block. Chunks may be split anywhere.

    With `is_strict` the columns of the block count alone, and every line left of it ends the completion.
    """

    def __init__(self, block: Block, *, is_strict: bool = False) -> None:
        self._block = block
        self._is_strict = is_strict
        self._is_line = block.is_within_line
        self._is_before_line = block.kind is HoleKind.LINE and not self._is_line
        self._indent = width(block.indent)
        self._scan = Scan()
        self._scan.begin()
        self._scan.read(block.line_head)
        self._text = ""
        self._line_start = 0
        self._kept_end = 0
        self._kept: list[Line] = []
        self._is_first_line = True
        self._outer_comments = 0
        self._blank_lines = 0
        self._lines_of_code = 0
        self._has_definition = False
        self._opens_block = False
        is_test = block.function.startswith("test")
        self._statements = Statements(block.statements_max, least=self._indent, is_test=is_test)
        self._is_widened = False
        self._answer = False
        self._header_columns: int | None = None
        self._is_diff = False
        self._is_in_fence = False
        self._is_beside = False
        self._is_after_block = False
        self._version, self._version_start = "", 0
        self._control: tuple[int, int] | None = None
        self.has_ended = False
        self.is_whole = True
        """False if the completion ended in its middle, at a control string."""

    @property
    def text(self) -> str:
        """The text of the block: all text so far, or after its end the text up to its last line."""
        if self.has_ended:
            return self._text[: self._kept_end]
        return self._text if self._control is None else self._text[: self._control[0]]

    @property
    def block_text(self) -> str:
        """The text up to the last line of the block, without comments left of it."""
        return self._text[: self._kept_end]

    @property
    def rest(self) -> str:
        """The text after the end of the block, as far as it was fed."""
        return self._text[self._kept_end :]

    def feed(self, chunk: str) -> bool:
        """Take the next piece and return whether the completion has ended. Pieces after the end are ignored."""
        if self.has_ended:
            return True
        self._text += chunk
        while not self.has_ended:
            self._control = self._control or self._control_in_line()
            if self._control is not None:
                self._stop_at_control(is_last=False)
                break
            end = self._text.find("\n", self._line_start)
            if end < 0:
                break
            self._take(self._text[self._line_start : end], end + 1)
        partial = self._text[self._line_start :]
        if self._control is None and not self.has_ended:
            self.has_ended = self._leaves_already(partial) or self._is_over(partial)
        return self.has_ended

    def close(self) -> str:
        """Judge the last line at the end of the stream, and return the text."""
        if self._control is not None and not self.has_ended:
            self._stop_at_control(is_last=True)
        if not self.has_ended and self._line_start < len(self._text):
            self._take(self._text[self._line_start :], len(self._text))
        self.has_ended |= self._is_after_block
        return self.text

    def _control_in_line(self) -> tuple[int, int] | None:
        """The first control string in the current line that is not inside a string and does not begin the text."""
        end = self._text.find("\n", self._line_start)
        for found in CONTROL.finditer(self._text, self._line_start, len(self._text) if end < 0 else end):
            above = self._text[: found.start()]
            is_leading = may_lead(found.group()) and not without_leading(above).strip()
            is_leading |= is_within_thought(above)
            is_quoted = not self._answer and self._is_quoted(self._text[self._line_start : found.start()])
            if not is_leading and not is_quoted and not is_opening(found.group()):
                return found.span()
        return None

    def _is_quoted(self, part: str) -> bool:
        """Whether the place after a part of the current line is inside a string."""
        scan = copy.copy(self._scan)
        if not self._is_first_line:
            scan.begin()
        scan.read(part)
        return bool(scan.quote)

    def _stop_at_control(self, *, is_last: bool) -> None:
        """End at the control string, once the next line shows whether the body goes on behind it."""
        assert self._control is not None
        start, end = self._control
        control, behind = self._text[start:end], self._text[end:].lstrip("\n")
        if not is_last and "\n" not in behind:
            return
        if self._line_start < start:
            self._take(self._text[self._line_start : start], start)
        following = behind.split("\n")[0]
        goes_on = width(following[: len(following) - len(following.lstrip())]) >= max(1, self._indent)
        goes_on = goes_on and bool(following.strip()) and not DEFINITION_OR_DECORATOR.match(following.strip())
        if not self.has_ended:
            self._kept_end = start
        if not is_finished(self._kept):
            self.is_whole = says_end(control) and not goes_on
        self.has_ended = True

    def _take(self, line: str, end: int) -> None:
        """Process one complete physical line."""
        if self._answer:
            self._take_in_answer(line, end)
        elif not self._is_strict and self._may_begin_answer(line) and begins_answer(line, self._block):
            self._answer = True
            self._take_in_answer(line, end)
        elif (self._is_first_line and self._is_line) or self._scan.is_open:
            self._keep(line, end)
        elif not line.strip():
            self._line_start = end
            self._blank_lines += 1
        elif line.lstrip().startswith("#") and self._leaves(line):
            self._outer_comments += 1
            most = FINISHED_COMMENTS_MAX if is_finished(self._kept) else OUTER_COMMENTS_MAX
            self.has_ended = self._outer_comments > most
            self._line_start = end
        elif (
            (is_fence(line) and self._kept)
            or (self._leaves(line) and self._is_out(line))
            or self._statements.end_before(line)
        ):
            self.has_ended = True
        else:
            self._keep(line, end)
        self._is_first_line &= not self._is_line and not line.strip()

    def _may_begin_answer(self, line: str) -> bool:
        """Whether nothing stands above a line, or only comments above a fence or a label."""
        is_answer = is_fence(line) or (is_talk(line) and line.rstrip().endswith(":"))
        return not self._kept or (is_answer and not any(one.is_statement for one in self._kept))

    def _is_out(self, line: str) -> bool:
        """Whether a line left of the block ends it. Otherwise the block is wider than it seemed."""
        if self._is_strict or self._is_before_line or self._is_first_line or self._block.kind is HoleKind.MODULE:
            return True
        own = _line(line, opens=False)
        if is_finished(self._kept):
            return True
        if is_own_header(own.code, self._block):
            self._answer = True
        elif not self._has_open_block and is_outside(own, self._kept, self._block, blank_lines=self._blank_lines):
            return True
        self._indent = own.columns - 1 if self._opens_block else min(self._indent, own.columns)
        self._is_widened = True
        return False

    @property
    def _has_open_block(self) -> bool:
        return bool(self._kept) and self._kept[-1].opens

    def _take_in_answer(self, line: str, end: int) -> None:
        """Process a line of an answer in a chat, which ends with its code's fence, or after the function it repeats."""
        if is_thinking(self._text[:end]):
            self._keep(line, end)
            self._scan = Scan()
            return
        if self._is_after_block and not self._goes_on_after_block(line):
            return
        own = _line(line, opens=False)
        self._is_diff |= is_diff(line)
        has_closed = is_fence(line) and self._takes_last_fence(line)
        is_below = self._header_columns is not None and own.is_statement and not self._scan.is_open
        is_again = is_own_header(own.code, self._block) and self._may_be_corrected
        if is_below and own.columns <= (self._header_columns or 0) and self._lines_of_code > 1 and not is_again:
            self.has_ended = True
            return
        if is_own_header(own.code, self._block) and not self._is_diff:
            if self._has_said_twice():
                self.has_ended = True
                return
            self._header_columns, self._lines_of_code = own.columns, 0
        self._keep(line, end)
        if is_fence(line):
            self._lines_of_code = 0
        self._is_after_block = has_closed

    def _has_said_twice(self) -> bool:
        """Whether the function above a line with its header is the same as the one before it: the model loops."""
        before, self._version = self._version, self._text[self._version_start : self._line_start].strip()
        self._version_start = self._line_start
        return bool(before) and before == self._version

    @property
    def _may_be_corrected(self) -> bool:
        """Whether the function's own header may begin another version: in a fence, or below words that say so."""
        return self._is_in_fence or (bool(self._kept) and is_correction(self._kept[-1].code.lstrip("# ")))

    def _goes_on_after_block(self, line: str) -> bool:
        """Whether the block that was closed above a line may be corrected below. Else the answer has ended there."""
        if not line.strip():
            self._line_start += len(line) + 1
            self._blank_lines += 1
            self.has_ended = self._blank_lines > BLANK_LINES_MAX
            return False
        self._is_after_block = False
        self.has_ended = not is_fence(line) and not is_correction(line)
        return not self.has_ended

    def _takes_last_fence(self, line: str) -> bool:
        """Whether a fence closes the block with the answer. Otherwise it opens one, or closes one beside the answer."""
        self._scan, self._header_columns = Scan(), None
        if self._is_in_fence and self._lines_of_code > 0:
            self._is_in_fence = False
            return not self._is_beside
        self._is_in_fence = True
        self._is_beside = is_beside(line, self._text[: self._line_start])
        return False

    def _keep(self, line: str, end: int) -> None:
        """Add the line to the block."""
        code, starts = line.strip(), not self._scan.is_open or self._is_first_line
        if not self._scan.is_open and code and not code.startswith("#"):
            self._has_definition |= not self._lines_of_code and bool(_DEFINITION.match(code))
            self._lines_of_code += not code.startswith(("@", "import ", "from "))
        if not self._is_first_line:
            self._scan.begin()
        self._scan.read(line)
        self._scan.end()
        is_complete = not self._scan.is_open
        opens = is_complete and self._scan.last == ":"
        self._kept.append(_line(line, opens=opens, starts=starts, is_complete=is_complete))
        self._line_start = self._kept_end = end
        self._outer_comments = self._blank_lines = 0
        self._end_of_line_hole()
        if not self._answer and self._statements.end_after(line, starts=starts, is_complete=is_complete, opens=opens):
            self.has_ended = True

    def _end_of_line_hole(self) -> None:
        """In a LINE hole, end the completion after the first logical line, unless this line opens a block."""
        if self._is_line and not self._answer and not self._opens_block and not self._scan.is_open:
            if self._scan.last == ":":
                self._opens_block = True
            else:
                self.has_ended = True

    def _leaves(self, line: str) -> bool:
        """Whether a line that starts a statement (or a comment) is outside the block, by its columns."""
        line = line.replace(BLANK_OF_SENTENCE_PIECE, " ")
        columns = width(line[: len(line) - len(line.lstrip())])
        if self._is_first_line:
            is_other = self._blank_lines > 0 and bool(_DEFINITION.match(line.lstrip()))
            return is_other and columns < self._indent and not is_own_header(line.strip(), self._block)
        if self._opens_block:
            return columns <= self._indent
        if self._is_before_line:
            is_definition = bool(DEFINITION_OR_DECORATOR.match(line.lstrip()))
            return columns < self._indent and (columns == 0 or is_definition)
        if self._is_widened and columns <= self._indent:
            return True
        if self._block.kind is not HoleKind.MODULE or columns != self._indent:
            return columns < self._indent
        is_more = self._lines_of_code > 0 and bool(DEFINITION_OR_DECORATOR.match(line.lstrip()))
        return is_more or self._has_definition

    def _leaves_already(self, partial: str) -> bool:
        """Whether an unfinished last line is surely outside the block."""
        code = partial.lstrip()
        if not code or code[0] in "#`~" or self._scan.is_open or self._answer:
            return False
        if self._is_first_line or (self._is_line and not self._opens_block):
            return False
        if self._block.kind is HoleKind.MODULE or (self._is_before_line and len(code) < _DEFINITION_CHARACTERS):
            return False
        if not self._leaves(partial):
            return False
        return self._is_strict or self._is_before_line or is_finished(self._kept)

    def _is_over(self, partial: str) -> bool:
        """Whether an unfinished line shows already that the block above it is the answer."""
        is_long = len(partial) >= CORRECTION_CHARACTERS
        return self._is_after_block and is_long and not is_fence(partial) and not is_correction(partial)


def _line(text: str, *, opens: bool, starts: bool = True, is_complete: bool = True) -> Line:
    """A line of which only the text counts."""
    return Line(text=text, start=0, end=len(text), starts=starts, in_string=False, opens=opens, is_complete=is_complete)
