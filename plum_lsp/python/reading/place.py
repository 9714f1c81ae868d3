"""Names the kind of place that a cursor stands in. Pure and lexical, so it reads a buffer that does not parse."""

from __future__ import annotations

import re

from plum_lsp.domain.place import Place
from plum_lsp.domain.suggestion import FunctionSymbol, HoleKind
from plum_lsp.python.reading.hole import Hole

_IMPORT = re.compile(r"(?:from|import)\b")
_NAME_END = re.compile(r"[\w\])]\s*\Z")
_KEYWORD_END = re.compile(r"\b(?:in|and|or|not|is|if|else|return|yield|lambda|await|assert|del)\s*\Z")
_KINDS = {HoleKind.BODY: Place.BODY, HoleKind.BLOCK: Place.BLOCK, HoleKind.CLASS: Place.CLASS}


def place_of(masked: str, hole: Hole, function: FunctionSymbol | None) -> Place:
    """The kind of place of a cursor in code."""
    kind = hole.block.kind
    if kind is not HoleKind.LINE:
        if function is not None and kind is not HoleKind.CLASS and function.name.startswith("test"):
            return Place.TEST
        return _KINDS.get(kind, Place.MODULE)
    own = hole.own_line
    start = own.start if own is not None else hole.span.start - len(hole.block.line_head)
    head = masked[start : hole.span.start]
    code = head.lstrip()
    if _IMPORT.match(code):
        return Place.IMPORT
    if code.startswith("@") and "(" not in code:
        return Place.DECORATOR
    opened = _innermost_bracket(head)
    if opened < 0:
        return Place.REST if code.strip() else Place.LINE
    before = head[:opened]
    is_call = head[opened] == "(" and bool(_NAME_END.search(before)) and not _KEYWORD_END.search(before)
    return Place.ARGUMENT if is_call else Place.LITERAL


def _innermost_bracket(head: str) -> int:
    """The offset of the last bracket that is open at the end of a masked text. -1 if none is."""
    opened: list[int] = []
    for offset, character in enumerate(head):
        if character in "([{":
            opened.append(offset)
        elif character in ")]}" and opened:
            opened.pop()
    return opened[-1] if opened else -1
