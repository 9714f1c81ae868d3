"""Finds the place of the cursor: its statement, its depth, and where a completion must end.

It works on masked logical lines, so it also reads a buffer that does not parse. It does not read signatures and does
not build programs.

A cursor may stand deeper than any statement can: its editor indented too far below a docstring or a statement. The hole
then counts as if it began on a line of its own below, at the depth of the line above (`Block.lead`). An indentation
that no line of the block confirms does not tell the unit, if the file has one that fits into it. A cursor at the
depth of no line above, and left of the last one, is on its way to that line's depth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from plum_lsp.domain.suggestion import Block, HoleKind
from plum_lsp.domain.text import Span
from plum_lsp.python.reading.lines import STRING_MARK, Buffer, Line, chunks, indent_of, logical_lines, parses, width

DEFINITION = re.compile(r"(?:async\s+)?def\b")
_SCOPE = re.compile(r"(?:async\s+def|def|class)\b")
_TERMINAL = re.compile(r"(?:return|raise|break|continue|pass|\.\.\.)(?!\w)")
_STRING_ONLY = re.compile(rf"[rRuU]?{STRING_MARK}+\Z")
_INDENTED = re.compile(r"^(?:\t| {1,8})(?=\S)", re.MULTILINE)
_DEFAULT_INDENT = "    "
"""The indentation of PEP 8, for a buffer without any indentation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """The cursor's place. Offsets count in the buffer's normalised text.

    `region` is the top-level statement the cursor is in. `scopes` are the headers of the functions and classes around
    the cursor, outermost first. `target` is the indentation that a statement at the cursor would have. `lines` are the
    region's lines.
    """

    span: Span
    region: Span
    block: Block
    target: str
    scopes: tuple[Line, ...]
    docstring: Span | None
    own_line: Line | None
    lines: tuple[Line, ...]


def find_hole(buffer: Buffer, masked: str) -> Hole:
    """The place of the cursor of `buffer`. The cursor must not be in a comment or a string."""
    text, cursor = buffer.text, buffer.cursor
    start = text.rfind("\n", 0, cursor) + 1
    end = _line_end(text, cursor)
    tail = text[cursor:end]
    span = Span(start=cursor, end=end if not tail.strip() else cursor)
    region = _region(text, masked, start, is_bare=start == cursor)
    lines = logical_lines(masked, region)
    is_empty = not masked[start:end].strip()
    own = _own_line(lines, cursor, start, is_empty=is_empty)
    head = text[start:cursor]
    if own is not None or not is_empty:
        hole = _in_line(masked, lines, own, head=head, span=span, region=region)
    else:
        hole = _on_empty_line(masked, lines, head=head, span=span, region=region)
    return replace(hole, block=replace(hole.block, unit=_step(masked, hole)))


def _step(masked: str, hole: Hole) -> str:
    """One step of indentation around the cursor: of the nearest block above it, else the buffer's."""
    indent = hole.block.indent
    if hole.scopes and hole.block.kind in {HoleKind.BODY, HoleKind.CLASS} and indent.startswith(hole.scopes[-1].indent):
        own, unit = indent.removeprefix(hole.scopes[-1].indent), _unit(masked, indent)
        is_confirmed = any(line.start > hole.scopes[-1].start and line.indent == indent for line in hole.lines)
        is_multiple = bool(own) and not own.replace(unit, "") and _INDENTED.search(masked) is not None
        return unit if not own or (is_multiple and not is_confirmed) else own
    above = [line for line in hole.lines if line.end <= hole.span.start]
    for opener, inner in zip(reversed(above[:-1]), reversed(above[1:]), strict=True):
        if opener.opens and inner.indent.startswith(opener.indent) and len(inner.indent) > len(opener.indent):
            return inner.indent.removeprefix(opener.indent)
    return _unit(masked, indent)


def _line_end(text: str, cursor: int) -> int:
    end = text.find("\n", cursor)
    return len(text) if end < 0 else end


def _region(text: str, masked: str, line_start: int, *, is_bare: bool) -> Span:
    """The last top-level statement that starts at or above the cursor's line. Empty if the cursor is above the first
    one.

    A cursor may stand directly before an unindented rest that is not a statement (the tail of a line whose start is the
    hole). It then belongs to the statement above.
    """
    above = found = Span(start=0, end=len(masked))
    for chunk in chunks(masked):
        if chunk.start > line_start:
            if found.end > chunk.start:
                found = Span(start=0, end=chunk.start)
            break
        above, found = found, chunk
    is_first = is_bare and found.start == line_start and above.end == line_start
    if is_first and not parses(text[found.start : found.end]):
        return Span(start=above.start, end=found.end)
    return found


def _own_line(lines: list[Line], cursor: int, line_start: int, *, is_empty: bool) -> Line | None:
    """The logical line that contains the cursor, or whose last physical line does.

    A backslash at the end of the line above joins the cursor's line to it (Python reference, 2.1.5).
    """
    for place, line in enumerate(lines):
        if line.start > cursor:
            break
        is_last = place + 1 == len(lines) or lines[place + 1].start > cursor
        is_joined = line.code.endswith("\\") and line.end + 1 == line_start
        goes_on = not line.is_closed or is_joined or (not is_empty and line.end >= line_start)
        if cursor < line.end or (is_last and goes_on):
            return line
    return None


def _in_line(masked: str, lines: list[Line], own: Line | None, *, head: str, span: Span, region: Span) -> Hole:
    indent = own.indent if own is not None else indent_of(head)
    before = [line for line in lines if own is None or line.start < own.start]
    if not indent and own is not None and own.start == span.start and before:
        indent = _target(masked, before, None, head="", cursor=span.start)
    scopes = _scopes(before, indent)
    block = Block(kind=HoleKind.LINE, indent=indent, line_head=head)
    return Hole(
        span=span,
        region=region,
        block=block,
        target=indent,
        scopes=scopes,
        docstring=_docstring(lines, scopes, span.start),
        own_line=own,
        lines=tuple(lines),
    )


def _on_empty_line(masked: str, lines: list[Line], *, head: str, span: Span, region: Span) -> Hole:
    before = [line for line in lines if line.end <= span.start]
    following = next((line for line in lines if line.start >= span.end), None)
    lead, head = _lead(before, head)
    target = _target(masked, before, following, head=head, cursor=span.start)
    scopes = _scopes(before, target)
    function = next((line for line in reversed(scopes) if DEFINITION.match(line.code)), None)
    docstring = _docstring(lines, scopes, span.start)
    if function is None:
        kind = HoleKind.CLASS if _starts_class(before, following, scopes, docstring) else HoleKind.MODULE
        indent = target
    else:
        later = following if following is not None and width(following.indent) > width(function.indent) else None
        body = [line for line in before if line.start > function.start]
        written = len(body) - (docstring is not None)
        kind = HoleKind.BLOCK if written > 0 or later is not None else HoleKind.BODY
        written_indent = (
            body[0].indent if body else ""
        )  # the docstring's, where the cursor's line is not indented so far
        own = max(target, written_indent, key=width) if written_indent.startswith(head) else target
        indent = own if kind is HoleKind.BODY else _floor(head, target, body, later)
    block = Block(kind=kind, indent=indent, line_head=head, lead=lead)
    return Hole(
        span=span,
        region=region,
        block=block,
        target=target,
        scopes=scopes,
        docstring=docstring,
        own_line=None,
        lines=tuple(lines),
    )


def _lead(before: list[Line], head: str) -> tuple[str, str]:
    """What a text begins with where the cursor stands too deep for a statement, and the blanks left of a text."""
    last = before[-1] if before else None
    if last is None or last.opens or not last.is_closed or width(head) <= width(last.indent):
        return "", head
    return f"\n{last.indent}", last.indent


def _starts_class(before: list[Line], following: Line | None, scopes: tuple[Line, ...], docstring: Span | None) -> bool:
    """Whether the innermost scope is a class that has at most a docstring."""
    if not scopes or (following is not None and width(following.indent) > width(scopes[-1].indent)):
        return False
    return sum(line.start > scopes[-1].start for line in before) == (docstring is not None)


def _floor(head: str, target: str, body: list[Line], later: Line | None) -> str:
    """The least indentation that a line may have without leaving the hole.

    On a line without indentation, the whole body is open (an `else:` may belong there). On an indented line, the code
    after the cursor sets the limit. Without code after it, the rest of the function is open.
    """
    outermost = body[0].indent if body else target
    if not head or later is None:
        return min(outermost, target, key=width)
    return min(target, later.indent, key=width)


def _target(masked: str, before: list[Line], following: Line | None, *, head: str, cursor: int) -> str:
    """The indentation that a statement on an empty line at the cursor would have."""
    last = before[-1] if before else None
    if last is None:
        return head
    if last.opens or (last.code.startswith("@") and not head):
        return _below_opener(masked, last, following, head)
    goes_on = _goes_on(before, blank_lines=masked.count("\n", last.end, cursor) - 1)
    if head:
        is_partial = last.indent.startswith(head) and all(line.indent != head for line in before)
        return last.indent if is_partial and goes_on else head
    if following is not None and following.indent:
        ends = _TERMINAL.match(last.code) and width(following.indent) < width(last.indent)
        return following.indent if ends else last.indent
    return last.indent if goes_on else ""


def _below_opener(masked: str, last: Line, following: Line | None, head: str) -> str:
    if last.code.startswith("@"):
        return last.indent
    if width(head) > width(last.indent):
        return head
    if following is not None and width(following.indent) > width(last.indent):
        return following.indent
    return last.indent + _unit(masked, last.indent)


def _goes_on(before: list[Line], *, blank_lines: int) -> bool:
    """Whether an unindented line without code after it still belongs to the function above.

    Two blank lines end a function (PEP 8). A `return` at the depth of its body ends it too.
    """
    last = before[-1]
    if blank_lines > 1 or not last.indent:
        return False
    if not _TERMINAL.match(last.code):
        return True
    scopes = _scopes(before[:-1], last.indent)
    body = next((line for line in before if scopes and line.start > scopes[-1].start), last)
    return blank_lines == 0 and width(last.indent) > width(body.indent)


def _unit(masked: str, indent: str) -> str:
    """One step of indentation in this buffer. What a docstring indents, such as a list, is no code."""
    if indent.startswith("\t"):
        return "\t"
    found = _INDENTED.search(masked)
    return found.group() if found else _DEFAULT_INDENT


def _scopes(before: list[Line], indent: str) -> tuple[Line, ...]:
    """Headers of the functions and classes around a statement with this indentation after `before`."""
    found: list[Line] = []
    limit = width(indent)
    for line in reversed(before):
        if width(line.indent) < limit:
            limit = width(line.indent)
            if line.opens and _SCOPE.match(line.code):
                found.append(line)
    return tuple(reversed(found))


def _docstring(lines: list[Line], scopes: tuple[Line, ...], cursor: int) -> Span | None:
    """The docstring of the innermost scope, if the cursor is after it."""
    if not scopes:
        return None
    first = next((line for line in lines if line.start > scopes[-1].start), None)
    if first is None or first.end > cursor or not _STRING_ONLY.match(first.code):
        return None
    return Span(start=first.start + len(first.indent), end=first.end)
