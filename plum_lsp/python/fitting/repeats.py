"""Removes from a completion what already stands above the cursor. Pure.

Models repeat the header of the function, its docstring, the lines above the cursor, or the word that the cursor is in.
Whether a text repeats or goes on is often open (`wi` + `width`), so this module gives several readings. `variants`
keeps the first that parses and whose names are defined. Imports above a repeated header move into the body, where the
body needs them.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence

from plum_lsp.domain.suggestion import Context, HoleKind
from plum_lsp.python.fitting.outside import is_own_header
from plum_lsp.python.fitting.scanning import Line, lines_of
from plum_lsp.python.reading.lines import parse

LINES_ABOVE_MAX = 200
"""The most lines above the cursor that a completion may begin with."""
_WORD = re.compile(r"\w")
_STARTS = re.compile(r"(?<!\w)\w|[^\w\s]")
_PLAIN_NUMBER = re.compile(r"[\d.]+\Z")
_ABOVE_HEADER = re.compile(r"(?:from|import|@|class)\b|@|#")
_DEFINITION = re.compile(r"\s*(?:async\s+)?def\b")
_STRING = re.compile(r"[rRuU]?(?:\"\"\"|'''|\"|')")


def without_repeats(text: str, context: Context) -> Iterator[str]:
    """The readings of a completion, the one without any repetition first, and the text as it is last."""
    body = _without_header(text, context) or _under_another_name(text, context)
    inner = text if body is None else body
    seen: set[str] = set()
    for one in (*_without_lines(inner, context), inner):
        for shorter in _without_docstring(one, context, has_header=body is not None):
            for reading in _without_head(shorter, context):
                if reading not in seen and (reading.strip() or one is text):
                    seen.add(reading)
                    yield reading
    if body is not None and (needed := _with_imports(text, body, context)):
        yield needed
    if text not in seen:
        yield text


def _without_header(text: str, context: Context) -> str | None:
    """The body of the function, if the completion repeats its header. None if it does not."""
    if not context.block.function or context.block.kind in {HoleKind.MODULE, HoleKind.CLASS}:
        return None
    outer = context.function.qualified_name.split(".")[:-1] if context.function is not None else []
    enclosing = re.compile(rf"(?:async\s+)?def\s+(?:{'|'.join(map(re.escape, outer)) or '(?!)'})\b")
    own_class = re.compile(rf"class\s+{re.escape(outer[-1])}\b" if outer else "(?!)")
    lines = list(lines_of(text))
    is_in_class, helper = False, None
    for place, line in enumerate(lines):
        if line.starts and is_own_header(line.code, context.block):
            return _with_helpers(text, lines, place, helper)
        if line.starts and _DEFINITION.match(line.code) and not enclosing.match(line.code) and not is_in_class:
            helper = helper or line
        if helper is not None:
            continue
        is_in_class |= line.starts and bool(own_class.match(line.code))
        may_stand_above = is_in_class or any(one.match(line.code) for one in (_ABOVE_HEADER, _STRING, enclosing))
        if line.code and line.starts and not may_stand_above:
            return None
    return None


def _with_helpers(text: str, lines: Sequence[Line], place: int, helper: Line | None) -> str | None:
    """The body below the header at `place`. Functions that stand above the header, from `helper` on, move into it."""
    body = _body_below(text, lines, place)
    if body is None or helper is None:
        return body
    if helper.columns != lines[place].columns:
        return None
    first = next((line for line in lines_of(body) if line.is_statement), None)
    above = textwrap.dedent(text[helper.start : lines[place].start]).rstrip()
    is_decorated = above.rpartition("\n")[2].startswith("@")
    if first is None or is_decorated:
        return body
    return textwrap.indent(above, first.indent) + "\n" + body


def _with_imports(text: str, body: str, context: Context) -> str:
    """The body below the imports that stand above its header. Empty if there are none."""
    lines = lines_of(text)
    header = next((line for line in lines if line.starts and is_own_header(line.code, context.block)), None)
    above = parse(textwrap.dedent(text[: header.start])) if header is not None else None
    shorter = next(_without_docstring(body, context, has_header=True), body)
    first = next((line for line in lines_of(shorter) if line.is_statement), None)
    if above is None or first is None:
        return ""
    kept = [node for node in above.body if isinstance(node, ast.Import | ast.ImportFrom)]
    written = [ast.unparse(node) for node in kept if getattr(node, "module", "") != "__future__"]
    return "".join(f"{first.indent}{line}\n" for line in written) + shorter.lstrip("\n") if written else ""


def _under_another_name(text: str, context: Context) -> str | None:
    """The body of a function with the same parameters and another name, if the completion is that function alone."""
    if context.function is None or context.block.kind is not HoleKind.BODY or not _DEFINITION.match(text):
        return None
    tree = parse(textwrap.dedent(text))
    given = tree.body[0] if tree is not None and len(tree.body) == 1 else None
    if not isinstance(given, ast.FunctionDef | ast.AsyncFunctionDef) or given.decorator_list:
        return None
    named = [one.arg for one in (*given.args.posonlyargs, *given.args.args, *given.args.kwonlyargs)]
    if tuple(named) != tuple(context.function.parameters):
        return None
    lines = list(lines_of(text))
    return _body_below(text, lines, next(place for place, line in enumerate(lines) if line.is_statement))


def _body_below(text: str, lines: Sequence[Line], place: int) -> str | None:
    """The lines of the body below the header at `place`, up to the first that leaves it. None if there is none."""
    last = next((number for number in range(place, len(lines)) if lines[number].is_complete), len(lines) - 1)
    if not lines[last].opens:
        _, colon, inline = lines[last].text.rpartition(": ")
        return inline + "\n" if colon and inline.strip() else None
    end = len(text)
    for line in lines[last + 1 :]:
        if line.is_statement and line.columns <= lines[place].columns:
            end = line.start
            break
    body = text[lines[last].end : end]
    return body if body.strip() else None


def _without_docstring(text: str, context: Context, *, has_header: bool) -> Iterator[str]:
    """The text without a docstring at its start, if the function has one above the cursor."""
    function, block = context.function, context.block
    is_below = function is not None and bool(function.docstring) and (has_header or block.kind is HoleKind.BODY)
    lines = [line for line in lines_of(text) if line.code]
    if not is_below or not lines or not _STRING.match(lines[0].code):
        yield text
        return
    last = next((line for line in lines if line.is_complete), lines[-1])
    rest = text[last.end :]
    if rest.strip():
        yield rest
        if has_header:
            yield from _without_lines(rest, context)
    else:
        yield text


def _without_lines(text: str, context: Context) -> Iterator[str]:
    """The text without the lines at its start that stand right above the cursor, up to the cursor. Empty if none."""
    head = context.block.code_head
    above = context.prefix[: len(context.prefix) - len(context.block.line_head)]
    known = [_plain(line) for line in above.split("\n")[-LINES_ABOVE_MAX:] if line.strip()]
    lines = [line for line in lines_of(text) if line.text.strip()]
    written = [_plain(line.text) for line in lines]
    for count in range(min(len(known), len(written)), 0, -1):
        if written[:count] != known[-count:] or not _WORD.search("".join(written[:count])):
            continue
        rest = text[lines[count - 1].end :]
        if not head:
            yield rest
        elif (end := _matched(head.strip(), rest)) is not None:
            yield rest[end:]
        return


def _plain(line: str) -> str:
    """A line without its layout."""
    return re.sub(r"\s+", " ", line.strip()).replace("'", '"')


def _without_head(text: str, context: Context) -> Iterator[str]:
    """The text without the part of the cursor's line that it repeats, and the text as it is."""
    head = context.block.line_head
    if not head.strip():
        yield text
        return
    code = head.strip()
    places = [found.start() for found in _STARTS.finditer(code)]
    for place in places:
        part = code[place:]
        if not _WORD.search(part):
            continue
        end = _matched(part, text)
        is_cut_word = head[-1:].isspace() and part[-1].isalnum() and end is not None and text[end : end + 1].isalnum()
        if end is None or is_cut_word:
            continue
        rest = text[end:].lstrip(" \t") if head[-1:].isspace() else text[end:]
        is_number = bool(_PLAIN_NUMBER.match(part))
        yield from (text, rest) if is_number else (rest, text)
        return
    yield text


def _matched(part: str, text: str) -> int | None:
    """Where `text` ends to repeat `part`, without regard to blanks. None if it does not begin with it."""
    place = len(text) - len(text.lstrip())
    for character in part:
        if character.isspace():
            continue
        while place < len(text) and text[place] in " \t" and text[place] != character:
            place += 1
        if place >= len(text) or text[place] != character:
            return None
        place += 1
    return place
