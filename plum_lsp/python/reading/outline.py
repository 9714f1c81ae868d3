"""Cuts a module to the parts that its callers need: headers, docstrings, fields and constants. Pure.

It works on masked logical lines, so a broken statement does not affect the others.
"""

from __future__ import annotations

import re
from itertools import pairwise

from plum_lsp.domain.project import Definition
from plum_lsp.domain.text import Span
from plum_lsp.python.reading.lines import STRING_MARK, Line, chunks, logical_lines, mask, width

DEFINITIONS_MAX = 200
"""The most definitions of one module. A module with more is generated."""
STATEMENTS_MAX = 2000
"""The most statements that are searched for definitions."""
MEMBERS_MAX = 16
"""The most members of one class."""
DOCSTRING_LINES_MAX = 6
"""The most lines of a docstring. The start holds what a caller needs."""
HEADER_CHARACTERS_MAX = 600
CONSTANT_CHARACTERS_MAX = 120
_HEADER = re.compile(r"(?:async\s+def|def|class)\s+([^\W\d]\w*)")
_ASSIGNED = re.compile(r"([^\W\d]\w*)\s*(?::[^=\n]+)?(?:=[^=]|\Z)")
_FIELD = re.compile(r"[^\W\d]\w*\s*:")
_DOCSTRING = re.compile(rf"[rRuU]?{STRING_MARK}+\Z")
_NAMES = re.compile(r"[^\W\d]\w*")


def outline(text: str) -> tuple[Definition, ...]:
    """The top-level definitions of a module, in order. If a name is defined twice, the last definition counts."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    masked = mask(text)
    found: dict[str, Definition] = {}
    for chunk in chunks(masked)[:STATEMENTS_MAX]:
        definition = _definition(text, masked, chunk)
        if definition is not None:
            found.pop(definition.name, None)
            found[definition.name] = definition
        if len(found) >= DEFINITIONS_MAX:
            break
    return tuple(found.values())


def _definition(text: str, masked: str, chunk: Span) -> Definition | None:
    """The definition in a top-level statement.

    None for other statements, and for constants that are too long to show.
    """
    lines = logical_lines(masked, chunk)
    place = next((place for place, line in enumerate(lines) if not line.code.startswith("@")), None)
    if place is None:
        return None
    head = lines[place]
    if (header := _HEADER.match(head.code)) is not None:
        shown = _shown(text, lines[place:], is_class=head.code.startswith("class"))
        line = lines[0] if place and head.code.startswith("class") else head
        decorators = text[line.start : head.start]
        return _named(header.group(1), decorators[:HEADER_CHARACTERS_MAX] + shown, head)
    assigned = _ASSIGNED.match(head.code)
    if assigned is None or _DOCSTRING.match(head.code) or head.end - head.start > CONSTANT_CHARACTERS_MAX:
        return None
    return _named(assigned.group(1), text[head.start : head.end], head)


def _named(name: str, shown: str, head: Line) -> Definition:
    mentions = frozenset(_NAMES.findall(mask(shown))) - {name}
    return Definition(name=name, text=shown, offset=head.start, mentions=mentions)


def _shown(text: str, lines: list[Line], *, is_class: bool) -> str:
    """A definition's header and docstring. For a class, also its fields and the headers of its methods."""
    head, body = lines[0], lines[1:]
    header = text[head.start : head.end][:HEADER_CHARACTERS_MAX]
    if not head.opens:  # the body stands on the header's own line
        return header
    shown, inner = [header], body[0].indent if body else "    "
    if body and _DOCSTRING.match(body[0].code):
        shown.append(_docstring(text[body[0].start : body[0].end], inner))
        body = body[1:]
    members = [line for line in body if width(line.indent) == width(inner)] if is_class else []
    properties = {after.start for line, after in pairwise(members) if line.code == "@property"}
    for member in [line for line in members if _is_member(line)][:MEMBERS_MAX]:
        shown += [f"{inner}@property"] * (member.start in properties)
        shown.append(text[member.start : member.end][:HEADER_CHARACTERS_MAX] + (" ..." if member.opens else ""))
    if len(shown) == 1:
        return f"{header} ..."
    return "\n".join(shown)


def _is_member(line: Line) -> bool:
    """Whether a line is a field, a public method, or a method that makes the object."""
    if _FIELD.match(line.code):
        return line.end - line.start <= CONSTANT_CHARACTERS_MAX
    method = _HEADER.match(line.code)
    return method is not None and (not method.group(1).startswith("_") or method.group(1) == "__init__")


def _docstring(literal: str, indent: str) -> str:
    """The start of a docstring. A docstring that was cut is closed again."""
    lines = literal.lstrip().split("\n")
    if len(lines) <= DOCSTRING_LINES_MAX:
        return indent + literal.lstrip()
    quote = '"""' if literal.rstrip().endswith('"""') else literal.rstrip()[-3:]
    kept = "\n".join(lines[:DOCSTRING_LINES_MAX]).rstrip()
    return f"{indent}{kept}\n{indent}{quote}"
