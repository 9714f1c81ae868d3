"""Decides whether a line that stands too far left is outside the block, or belongs to a body in other columns. Pure.

A policy writes a body in the columns of the file, or counts from the cursor, or from the margin. A line left of the
block is therefore no evidence on its own. It is outside if the body has finished with a `return` at its own depth, if
it begins another definition, or if it is prose. It is inside if it can only stand in a function, or if it reads a
name of the function: a parameter, or a name that the body has bound.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from plum_lsp.domain.suggestion import Block, HoleKind
from plum_lsp.python.fitting.scanning import Line
from plum_lsp.python.reading.lines import parse, width

DEFINITION_OR_DECORATOR = re.compile(r"@|(?:async\s+def|def|class)\b")
_TERMINAL = re.compile(r"(?:return|raise|continue|break)\b")
_INNER = re.compile(r"(?:return|yield|elif|else|except|finally|nonlocal|global|await|continue|break|case)\b")
"""Statements that stand only inside a function, or after a block of one."""
_METHOD = re.compile(
    r"@(?:property|staticmethod|classmethod|abstractmethod|\w+\.setter)\b|.*\bdef\s+\w+\((?:self|cls)\b"
)
_OUTER = re.compile(r"if\s+__name__\b|```|~~~|\*\*|>>>")
_IMPORT = re.compile(r"import\s|from\s+[\w.]+\s+import\b")
_PROSE = re.compile(
    r"(?:[A-Z][\w'’]*|I|[-*\d.]+)[,:]?\s+(?!=|in\b|and\b|or\b|is\b|if\b)[\w'’`\"*(][^=()]*\s+[^=]*[.:!?]?$"
)
SENTENCE_CHARACTERS = 200
"""The start of a line that shows whether it is a sentence."""
_BOUND = re.compile(
    r"^\s*(?:for\s+)?(\w+)(?:\s*,\s*(\w+))?\s*(?::[^=\n]+)?(?:=(?!=)|\sin\b)|\bas\s+(\w+)|:=", re.MULTILINE
)
_NAMES = re.compile(r"(?<![.\w])[^\W\d]\w*(?!\s*=[^=])")


def is_own_header(code: str, block: Block) -> bool:
    """Whether a line, without its indentation, begins the definition of the function that the cursor is in."""
    return bool(block.function and re.match(rf"(?:async\s+)?def\s+{re.escape(block.function)}\b", code))


def is_prose(code: str) -> bool:
    """Whether a line reads as a sentence and is no code."""
    is_foreign = bool(code) and ord(code[0]) > 127 and not any(sign in code for sign in "=([{")
    return (bool(_PROSE.match(code[:SENTENCE_CHARACTERS])) or is_foreign) and names_read(code) is None


def is_outside(line: Line, kept: Sequence[Line], block: Block, *, blank_lines: int) -> bool:
    """Whether a line left of the block is outside it. `kept` are the lines of the block above.

    `blank_lines` is the number of blank lines right above it. Lines in the columns of the block show that the others
    count, too. Inside a block of a function, the function itself may go on further left.
    """
    code = line.code
    is_absolute = _uses_columns_of(block, kept)
    if block.kind is HoleKind.LINE or (block.kind is HoleKind.BLOCK and (line.columns > 0 or is_absolute)):
        return True
    if _INNER.match(code):
        return False
    if _OUTER.match(code) or is_prose(code) or (is_absolute and sum(one.is_statement for one in kept) > 1):
        return True
    is_relative = bool(kept) and kept[0].columns == 0 and not block.line_head.strip()
    if DEFINITION_OR_DECORATOR.match(code):
        is_neighbour = block.kind is HoleKind.BODY and bool(_METHOD.match(code)) and line.columns > 0
        if is_neighbour and blank_lines and not kept[-1].opens:  # the next method, behind a body without indentation
            return True
        is_member = (block.kind is HoleKind.CLASS) and is_relative and bool(_METHOD.match(code))
        return not is_member and (not is_relative or blank_lines > 1)
    siblings = [one.columns for one in kept if one.is_statement][-1:]
    first = kept[0].columns if kept else 0
    if line.columns > 0 and (line.columns == first or (is_relative and siblings == [line.columns])):
        return False
    if _IMPORT.match(code):
        return not is_relative or blank_lines > 1
    read = names_read(code)
    if read is None:
        read = set(_NAMES.findall(code))
    if not read.isdisjoint(_local_names(kept, block)):
        return False
    return not (is_relative and line.columns == 0 and blank_lines < 2) or block.function in read


def _uses_columns_of(block: Block, kept: Sequence[Line]) -> bool:
    """Whether the lines above count in the columns of the block: one stands there, and each block is deeper."""
    own = width(block.indent)
    statements = _statements(kept)
    columns = [max(own, at) if not place else at for place, (at, _, _) in enumerate(statements)]
    deeper = [
        (outer, inner) for (_, opens, _), outer, inner in zip(statements, columns, columns[1:], strict=False) if opens
    ]
    is_right = own > 0 and min(columns, default=0) >= own and all(inner > outer for outer, inner in deeper)
    return is_right and (own in columns[1:] or statements[0][0] == own)


def names_read(code: str) -> set[str] | None:
    """The names that a statement reads. None if it does not parse."""
    for source in (code, f"{code}\n    pass"):
        tree = parse(source)
        if tree is not None:
            return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return None


def _local_names(kept: Sequence[Line], block: Block) -> set[str]:
    """The names of the function: its parameters, and what the lines above bind."""
    bound = {name for found in _BOUND.findall("\n".join(line.text for line in kept)) for name in found if name}
    return bound.union(block.names)


def _statements(kept: Sequence[Line]) -> list[tuple[int, bool, Line]]:
    """The statements of some lines: the columns of each, whether it opens a block, and its first line."""
    found: list[tuple[int, bool, Line]] = []
    for line in kept:
        if line.is_statement:
            found.append((line.columns, line.opens, line))
        elif found and line.is_complete and not line.is_comment:
            found[-1] = (found[-1][0], line.opens, found[-1][2])
    return found


def is_finished(kept: Sequence[Line]) -> bool:
    """Whether no statement can follow: the last statement ends the body at the depth of its first."""
    statements = _statements(kept)
    if not statements or not kept[-1].is_complete:
        return False
    (first, opens, _), (last, _, line) = statements[0], statements[-1]
    if not _TERMINAL.match(line.code):
        return False
    if len(statements) == 1:
        return True
    inner = statements[1][0]
    is_nested = opens and last >= inner and last > first
    return not is_nested and last <= min(columns for columns, _, _ in statements[1:])


def finishes(text: str, block: Block) -> bool:
    """Whether every path through a body or definition ends in its last statement, so that no statement can follow."""
    body = "\n".join(f"{block.indent}{line}" if not place else line for place, line in enumerate(text.split("\n")))
    for source in (f"def _():\n{body}", f"class _:\n def _():\n{body}", text):
        tree = parse(source)
        if tree is not None:
            return bool(tree.body) and _finishes(tree.body[-1])
    return False


def _finishes(node: ast.stmt) -> bool:
    """The same of a statement, or of the last definition in it."""
    match node:
        case ast.ClassDef(body=[*_, last]):
            return _finishes(last)
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            return ends(body)
        case _:
            return ends([node])


def ends(body: Sequence[ast.stmt]) -> bool:
    """Whether control surely does not come to the end of these statements."""
    match body[-1] if body else None:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.If(body=one, orelse=other):
            return ends(one) and ends(other)
        case ast.With(body=inner) | ast.AsyncWith(body=inner):
            return ends(inner)
        case ast.Try(body=tried, orelse=other, handlers=handlers, finalbody=final):
            return ends(final) or (ends(other or tried) and all(ends(handler.body) for handler in handlers))
        case ast.Match(cases=cases):
            has_rest = any(isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None for case in cases)
            return has_rest and all(ends(case.body) for case in cases)
        case ast.While(test=ast.Constant(value=True)) as loop:
            return not any(isinstance(node, ast.Break) for node in ast.walk(loop))
    return False
