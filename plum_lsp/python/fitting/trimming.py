"""Fits a completion's text to the cursor: restores indentation and removes text that the document already has.

Pure. It removes doubled text, and restores whitespace that a prompt left out. It adds no code but the brackets that
close a list of values without an end.

Somebody who types a `try` or a call over several lines gets one line at a time. Until its end is written, no program
can be made with that line alone. `endings` gives the ends that are run with the line and never inserted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plum_lsp.domain.suggestion import Block, Context, HoleKind
from plum_lsp.domain.text import Span
from plum_lsp.python.reading.lines import Line, chunks, indent_of, logical_lines, mask, width

CLOSERS_MAX = 6
"""At most this many closing characters are removed from the end of a line. More of them are not a doubled closing."""

OVERLAP_MAX = 400
"""At most this many characters of a completion's end are compared with what follows the cursor."""

_CLOSING = ")]}:,;\"'"


def place_at_cursor(text: str, block: Block) -> str:
    """The completion as it is inserted at the cursor, without leading blank lines and existing indentation.

    Prompts end before the whitespace left of the cursor (`FimPrompt.restored`), so a completion repeats it. A
    completion that starts without indentation begins at the cursor, or at the indentation of the block.
    """
    head = block.line_head
    if head.strip():
        return text.lstrip(" \t") if head[-1:].isspace() else text
    lines = text.split("\n")
    while len(lines) > 1 and not lines[0].strip():
        lines.pop(0)
    first = lines[0]
    code = first.lstrip()
    indent = first[: len(first) - len(code)]
    is_shallow = not indent if block.kind is HoleKind.LINE else width(indent) < width(block.indent)
    if is_shallow:
        indent = block.indent
    lines[0] = indent.removeprefix(head) + code if indent.startswith(head) else code
    return "\n".join(lines)


def without_repeated_suffix(text: str, after: str, block: Block) -> str:
    """The text without lines at its end that repeat the lines after the cursor."""
    rest, _, following = after.partition("\n")
    if rest.strip():
        if block.line_head.strip():
            return _without_comment(text, rest.strip())
        following = f"{block.line_head}{after}"
    expected = [line.rstrip() for line in following.split("\n") if line.strip()]
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    for count in range(min(len(filled), len(expected)), 0, -1):
        start = filled[-count]
        written = [lines[number].rstrip() for number in filled[-count:]]
        if start == 0:
            written[0] = block.line_head + written[0]
        if written == expected[:count]:
            return "\n".join(lines[:start])
    return text


def _without_comment(text: str, rest: str) -> str:
    """The text without a comment at its end that stands behind the cursor already."""
    written = text.rstrip()
    return written[: -len(rest)].rstrip() if rest.startswith("#") and written.endswith(rest) else text


def fitting_variants(text: str, after: str, block: Block) -> Iterator[str]:
    """The text, then shorter versions without an end that the rest of the cursor's line already has.

    The order is: without the whole rest of the line, if that rest has a name or an operand; unchanged; without the
    longest overlap with the rest of the line; without closing characters. If whole lines are inserted before an
    existing line, that line stays separate.
    """
    if after.partition("\n")[0].strip() and not block.line_head.strip() and text.strip():
        apart = f"{text.rstrip()}\n{block.line_head}"
        joined = text.rstrip("\n")
        yield from (apart, joined) if text.endswith("\n") else (joined, apart)
    rest = after.partition("\n")[0].rstrip()
    text = text.rstrip("\n") if rest else text.rstrip()
    if _repeats(text, rest):
        yield text.rstrip()[: -len(rest.strip())].rstrip()
    yield text
    ended = text.rstrip()
    for start in range(max(0, len(ended) - OVERLAP_MAX), len(ended) if rest else 0):
        if not ended[start].isspace() and after.startswith(ended[start:]):
            yield ended[:start]
    shorter = text.rstrip()
    for _ in range(CLOSERS_MAX):
        if not shorter or shorter[-1] not in _CLOSING:
            return
        shorter = shorter[:-1].rstrip()
        yield shorter


_NAMED = re.compile(r"[^\W\d]|[-+*/%<>=&|^,]\s*[^\s,]")
"""A name, or an operator or comma with what it joins: more than a closing that a completion has by chance."""


def _repeats(text: str, rest: str) -> bool:
    """Whether a text ends with the whole rest of the line, which has a name or an operand, and has more than that."""
    written, rest = text.rstrip(), rest.strip()
    return bool(_NAMED.search(rest)) and written.endswith(rest) and len(written) > len(rest)


_CLOSERS = {"(": ")", "[": "]", "{": "}"}


def whole_values(text: str, after: str, block: Block) -> str:
    """A list, set or dict that was cut at the token limit, up to its last whole value, and closed.

    It is empty if no value is whole. Brackets that stand behind the cursor already are not added.
    """
    masked = mask(block.line_head + text.partition("\n")[0])
    start = len(block.line_head)
    opened = _opened(masked[:start])
    depth, end = 0, -1
    for offset in range(start, len(masked)):
        depth += (masked[offset] in _CLOSERS) - (masked[offset] in _CLOSERS.values())
        if depth < 0:
            return ""
        if masked[offset] == "," and not depth:
            end = offset - start
    closers = "".join(_CLOSERS[masked[place]] for place in reversed(opened))
    if end < 0 or not closers:
        return ""
    return text[:end] + ("" if after.lstrip(" \t").startswith(closers[0]) else closers)


def _opened(masked: str) -> list[int]:
    """The places of the brackets that are open at the end of a masked text, the innermost last."""
    opened: list[int] = []
    for place, character in enumerate(masked):
        if character in _CLOSERS:
            opened.append(place)
        elif character in _CLOSERS.values() and opened:
            opened.pop()
    return opened


_TRY = re.compile(r"try\s*:")
_HANDLER = re.compile(r"(?:except|finally)\b")
_HEADER = re.compile(r"(?:async\s+)?(?:def|class|if|elif|while|for|with|match|case|except)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A line that opens a block around the cursor."""

    indent: str
    is_try: bool


def endings(context: Context) -> tuple[str, ...]:
    """What may follow a text that leaves open what is open above the cursor, shortest first. Empty if nothing is."""
    rest, _, following = context.after.partition("\n")
    if rest.strip():
        return ()
    masked = mask(context.before)
    regions = chunks(masked)
    start = regions[-1].start if regions else 0
    lines = logical_lines(masked, Span(start=start, end=len(masked)))
    if not lines:
        return ()
    brackets = _brackets(masked, lines[-1], context.block)
    handlers = _handlers(lines, following, context.block)
    found = (brackets, handlers, brackets + handlers if brackets and handlers else "")
    return tuple(filter(None, found))


def _brackets(masked: str, own: Line, block: Block) -> str:
    """What closes the brackets that lines above the cursor's line opened in its statement."""
    if own.is_closed:
        return ""
    statement = masked[own.start :]
    line = statement.rfind("\n") + 1
    closers = "".join(_CLOSERS[statement[place]] for place in reversed(_opened(statement)) if place < line)
    if not closers:
        return ""
    opens = _HEADER.match(own.code)
    return f"\n{own.indent}{closers}" + (f":\n{own.indent}{block.unit}pass" if opens else "")


def _handlers(lines: list[Line], following: str, block: Block) -> str:
    """What ends each `try` around the cursor that has no handler, the innermost first."""
    around: list[_Opened] = []
    for line in lines:
        while around and width(around[-1].indent) >= width(line.indent):
            around.pop()
        if line.opens:
            around.append(_Opened(indent=line.indent, is_try=bool(_TRY.match(line.code))))
    if block.line_head and not block.line_head.strip():
        around = [one for one in around if width(one.indent) < width(block.line_head)]
    behind = next((line for line in mask(following).split("\n") if line.strip()), "")
    least = width(indent_of(behind)) if behind else 0
    if around and behind and least > width(around[-1].indent):
        return ""
    is_handled = bool(_HANDLER.match(behind.lstrip()))
    return "".join(
        f"\n{one.indent}finally:\n{one.indent}{block.unit}pass"
        for one in reversed(around)
        if one.is_try and width(one.indent) >= least + is_handled
    )
