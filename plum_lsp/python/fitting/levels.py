"""Writes a completion in the indentation of its file: the same depths, in the file's columns and with its unit. Pure.

A policy writes a body in the columns of the file, or counts from the cursor, from the margin, or one level too deep; it
indents by four spaces in a file of tabs, or the other way round. The readings here say from which column the body
counts. A line that no reading can place makes a reading fail. Text inside strings is never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from plum_lsp.domain.suggestion import Block, HoleKind
from plum_lsp.python.fitting.outside import DEFINITION_OR_DECORATOR, is_finished, is_outside
from plum_lsp.python.fitting.scanning import Line, lines_of
from plum_lsp.python.reading.lines import width

LINES_MAX = 200
"""A longer body is read in the file's columns only. Each reading looks back at the lines above for every line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A body in the file's indentation, without that of its first line, and the text after its end."""

    text: str
    rest: str


def relative_readings(text: str, block: Block) -> Iterator[Placed]:
    """The readings of a body whose columns are not those of the file, likeliest first.

    The first line stands at the cursor. The others count from its own column as written, or from the column of the
    next line at its depth. In the last reading, lines left of the body that are surely not outside stand at its depth.
    """
    lines = list(lines_of(text, block.code_head))
    if block.kind is HoleKind.MODULE or len(lines) > LINES_MAX or not any(line.code for line in lines):
        return
    for base in dict.fromkeys(_bases(lines, block)):
        placed = _placed(text, lines, base, block)
        if placed is not None:
            yield placed
    if block.kind is HoleKind.BODY:
        placed = _placed(text, lines, width(block.indent), block, clamps=True)
        if placed is not None:
            yield placed


def in_unit(placed: Placed, block: Block) -> Placed:
    """A body in the columns of the file, with each deeper block indented by the file's unit.

    It stays as it is if its indentation is regular already, or if it leaves blocks that are open above.
    """
    lines = list(lines_of(placed.text, block.code_head))
    target = _target(block)
    later = [line for line in lines if line.is_statement][1:]
    is_regular = all((line.columns - width(target)) % width(block.unit) == 0 for line in later)
    steps = all(line.columns - above.columns == width(block.unit) for line, above in _steps(lines))
    is_regular &= not any(line.is_comment and line.columns < width(target) for line in lines[1:])
    if block.kind is HoleKind.MODULE or not lines or (is_regular and steps):
        return placed
    if any(line.columns < width(target) for line in later):
        return placed
    found = _placed(placed.text, lines, width(target), block)
    return placed if found is None else Placed(text=found.text, rest=placed.rest)


def _target(block: Block) -> str:
    """The indentation of the body's own statements."""
    return block.line_head if block.kind is HoleKind.BLOCK and block.line_head else block.indent


def _steps(lines: Sequence[Line]) -> Iterator[tuple[Line, Line]]:
    """Each statement that follows an opened block, with the first line of the statement that opened it."""
    above: Line | None = None
    for line in lines:
        if line.is_statement:
            if above is not None and above is not lines[0] and _opens(lines, above):
                yield line, above
            above = line


def _bases(lines: Sequence[Line], block: Block) -> Iterator[int]:
    """The columns from which a body may count."""
    statements = [line for line in lines if line.is_statement]
    first, *later = statements or [lines[0]]
    if block.is_within_line and first is not lines[0]:
        first, later = lines[0], statements
    yield first.columns
    if not later:
        return
    if not _opens(lines, first):
        yield later[0].columns
        return
    yield from (line.columns for line in later if line.columns < later[0].columns)
    yield first.columns
    if block.is_within_line:
        yield later[0].columns - 1


def _opens(lines: Sequence[Line], first: Line) -> bool:
    """Whether the statement that begins with this line opens a block."""
    for line in lines:
        if line.start >= first.start and line.is_complete:
            return line.opens
    return False


@dataclass(slots=True)
class _Writer:
    """The new lines of a body, with the columns of its open blocks and the indentation that each gets."""

    base: str
    unit: str
    columns: list[int]
    indents: list[str]
    parts: list[str] = field(default_factory=list)
    comments: list[Line] = field(default_factory=list)
    shift: tuple[str, str] = ("", "")

    def go_to(self, columns: int, *, opened: bool) -> bool:
        """Move to the block of a statement. False if there is none for these columns."""
        if opened:
            if columns <= self.columns[-1]:
                return False
            self.columns.append(columns)
            self.indents.append(self.indents[-1] + self.unit)
            return True
        while len(self.columns) > 1 and columns < self.columns[-1]:
            self.columns.pop()
            self.indents.pop()
        return columns == self.columns[-1]

    def write(self, line: Line) -> None:
        """Add a line at the current indentation, after the comments that wait for it."""
        for comment in self.comments:
            self.parts.append(f"{self.indents[-1]}{comment.code}\n" if comment.code else "\n")
        self.comments.clear()
        self.shift = (line.indent, self.indents[-1])
        self.parts.append(f"{self.indents[-1]}{line.text[len(line.indent) :]}\n")

    def begin_behind_cursor(self, line: Line) -> None:
        """Add the rest of the cursor's own line, which may be empty."""
        self.shift = ("", self.indents[-1])
        self.parts.append(f"{self.indents[-1]}{line.text}\n")

    def go_on(self, line: Line, base: int) -> None:
        """Add a further line of a statement, as far from its first line as it was."""
        old, new = self.shift
        if line.in_string:
            self.parts.append(f"{line.text}\n")
        elif line.text.startswith(old) and (old or not base):
            self.parts.append(f"{new}{line.text[len(old) :]}\n")
        else:
            extra = max(0, line.columns - max(base, width(old)))
            self.parts.append(f"{new}{' ' * extra}{line.code}\n")


def _placed(text: str, lines: Sequence[Line], base: int, block: Block, *, clamps: bool = False) -> Placed | None:
    """The body that counts from column `base`. None if a line fits nowhere. `clamps` moves lines left of it to it."""
    target = _target(block)
    writer = _Writer(base=target, unit=block.unit, columns=[base], indents=[target])
    kept: list[Line] = []
    has_opened, blank_lines = False, 0
    for line in lines:
        if not kept and block.is_within_line:
            writer.begin_behind_cursor(line)
        elif not line.starts and kept:
            writer.go_on(line, base)
        elif not line.is_statement:
            blank_lines += not line.code
            writer.comments.append(line)
            continue
        else:
            is_left = clamps and line.columns < base and not is_outside(line, kept, block, blank_lines=blank_lines)
            columns = base if is_left and not is_finished(kept) else line.columns
            if kept and _ends(line, columns, kept, block, base=base, blank_lines=blank_lines, has_opened=has_opened):
                return _ended(writer, text, line, kept)
            if kept and not writer.go_to(columns, opened=has_opened):
                return None
            writer.write(line)
            blank_lines = 0
        kept.append(line)
        has_opened = line.opens
    return _ended(writer, text, None, kept)


def _ends(
    line: Line, columns: int, kept: Sequence[Line], block: Block, *, base: int, blank_lines: int, has_opened: bool
) -> bool:
    """Whether the body has ended before a statement that counts as standing at `columns`."""
    if has_opened:
        return False
    if columns < base or (block.is_within_line and columns == base):
        return True
    if columns > base or block.kind is HoleKind.LINE:
        return False
    is_next = bool(DEFINITION_OR_DECORATOR.match(line.code)) and blank_lines > 1 and block.kind is not HoleKind.CLASS
    if base == 0 and (is_next or is_outside(line, kept, block, blank_lines=blank_lines)):
        return True
    return is_finished(kept)


def _ended(writer: _Writer, text: str, line: Line | None, kept: Sequence[Line]) -> Placed | None:
    """The body as it was written, up to `line`."""
    if not kept:
        return None
    is_line = kept[0].start == 0 and not kept[0].is_statement
    first = 0 if is_line else next(place for place, part in enumerate(writer.parts) if part.strip())
    body = "".join(writer.parts[first:]).removeprefix(writer.base)
    if line is None and not text.endswith("\n"):
        body = body.rstrip("\n")
    return Placed(text=body, rest=text[line.start :] if line is not None else "")
