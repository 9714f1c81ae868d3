"""Splits a buffer into strings, comments, logical lines and top-level chunks. The buffer does not need to parse.

It is purely lexical, so one broken statement does not affect the others. It builds no tree. `symbols` reads names.
"""

from __future__ import annotations

import ast
import bisect
import re
import warnings
from dataclasses import dataclass

from plum_lsp.domain.text import Span

_SURROGATE = re.compile("[\ud800-\udfff]")
_QUIET = re.compile(
    r"#[^\n]*"
    r"|'''(?:[^\\]|\\.)*?(?:'''|\Z)"
    r'|"""(?:[^\\]|\\.)*?(?:"""|\Z)'
    r"|'(?:[^'\\\n]|\\.)*(?:'|(?=\n)|\Z)"
    r'|"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|\Z)',
    re.DOTALL,
)
"""Comments and string literals (Python reference, 2.4 "Literals"). An unclosed one ends with its line or the text."""
_TOP_LEVEL = re.compile(r"^[^\s)\]}\\]", re.MULTILINE)
_CONTINUES = re.compile(r"(?:else|elif|except|finally)\b")
_STARTS_STATEMENT = re.compile(r"\s*(?:async\s+def\s|def\s|class\s|@\w|import\s|from\s+\S+\s+import\s|return\b)")
"""No line inside brackets starts like this. If one seems to, a bracket above it is unclosed."""
_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
STRING_MARK = "s"
"""The mask character of string literals. It is not a bracket, a colon or a line end."""
_PREFIX = re.compile(r"(?<!\w)[rRbBuUfF]{1,2}\Z")
_FIELD = re.compile(r"\{[^{}:]*\Z")
"""A replacement field that is open at the end of a text, in its expression."""
_TAB = 8
_BRACKET = re.compile(r"[()\[\]{}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """A document with `\\n` line ends and no byte order mark, and the cursor in it.

    `removed` holds, in order, the offsets in `text` before which one character of the document is missing.
    """

    text: str
    cursor: int
    removed: tuple[int, ...]

    def original(self, offset: int) -> int:
        """The document's offset of an offset in `text`. It is before a line end, not inside it."""
        return offset + bisect.bisect_left(self.removed, offset)


def read_buffer(document_text: str, offset: int) -> Buffer:
    """Normalise line ends. A cursor inside `\\r\\n` moves before it.

    Lone surrogates become U+FFFD, because JSON can contain them but parsers reject them.
    """
    offset = min(max(offset, 0), len(document_text))
    document_text = _SURROGATE.sub("\ufffd", document_text)
    if "\r" not in document_text and not document_text.startswith("\ufeff"):
        return Buffer(text=document_text, cursor=offset, removed=())
    removed: list[int] = []
    cursor = offset
    for found in re.finditer(r"\A\ufeff|\r(?=\n)", document_text):
        removed.append(-1 if found.group() == "\ufeff" else found.start() - len(removed))
        cursor -= found.start() < offset
    text = document_text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Buffer(text=text, cursor=cursor, removed=tuple(removed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One logical line. It may span brackets and strings. Blank lines and pure comments are not logical lines.

    `code` is the masked text from the indentation on. `opens` says that it ends in the colon of a block.
    """

    start: int
    end: int
    indent: str
    code: str
    opens: bool
    is_closed: bool


def mask(text: str) -> str:
    """`text`, equally long, with string literals replaced by `s` and comments by spaces."""
    return _QUIET.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    quiet = found.group()
    return (" " if quiet[0] == "#" else STRING_MARK) * len(quiet)


def quiet_at(text: str, cursor: int) -> str:
    """What the cursor is inside: "comment", or "string" (closed or not). Empty if it is in code.

    An expression in braces of a formatted string is code.
    """
    found = literal_at(text, cursor)
    if found is None or _is_in_field(text, found.start, cursor):
        return ""
    return "comment" if text[found.start] == "#" else "string"


def _is_in_field(text: str, start: int, cursor: int) -> bool:
    """Whether the cursor is in braces of the formatted string whose quote is at `start`."""
    prefix = _PREFIX.search(text, max(0, start - 3), start)
    if prefix is None or "f" not in prefix.group().lower():
        return False
    return bool(_FIELD.search(text[start:cursor].replace("{{", "")))


def literal_at(text: str, cursor: int) -> Span | None:
    """The comment or string literal (closed or not) that the cursor is inside. None if it is in neither."""
    for found in _QUIET.finditer(text):
        if found.start() >= cursor:
            return None
        if found.end() < cursor:
            continue
        quiet = found.group()
        if quiet[0] == "#" or found.end() > cursor or not _is_closed_string(quiet):
            return Span(start=found.start(), end=found.end())
    return None


def _is_closed_string(literal: str) -> bool:
    quote = literal[:3] if literal[:3] in {"'''", '"""'} else literal[0]
    return len(literal) >= 2 * len(quote) and literal.endswith(quote)


def width(indent: str) -> int:
    """The columns of an indentation. Tabs stop at multiples of eight (Python reference, 2.1.8)."""
    return len(indent.expandtabs(_TAB))


def indent_of(line: str) -> str:
    """The leading whitespace of a line."""
    return line[: len(line) - len(line.lstrip(" \t\f"))]


def logical_lines(masked: str, span: Span) -> list[Line]:
    """The logical lines of a part of a masked buffer that starts at a line start."""
    lines: list[Line] = []
    start, depth = -1, 0
    for found in _LINE.finditer(masked, span.start, span.end):
        code = found.group()
        if not code:
            continue
        if start >= 0 and depth > 0 and _STARTS_STATEMENT.match(code):
            lines.append(_line(masked, start, found.start(), is_closed=False))
            start, depth = -1, 0
        if start < 0:
            if not code.strip():
                continue
            start = found.start()
        depth = max(0, depth + _balance(code))
        if depth == 0 and not code.rstrip("\n").endswith("\\"):
            lines.append(_line(masked, start, found.end(), is_closed=True))
            start = -1
    if start >= 0:
        lines.append(_line(masked, start, span.end, is_closed=False))
    return lines


def _balance(code: str) -> int:
    if not _BRACKET.search(code):
        return 0
    return sum(1 if bracket in "([{" else -1 for bracket in _BRACKET.findall(code))


def _line(masked: str, start: int, end: int, *, is_closed: bool) -> Line:
    whole = masked[start:end].rstrip()
    indent = indent_of(whole)
    return Line(
        start=start,
        end=start + len(whole),
        indent=indent,
        code=whole[len(indent) :],
        opens=is_closed and whole.endswith(":"),
        is_closed=is_closed,
    )


def chunks(masked: str) -> list[Span]:
    """The top-level statements of a masked buffer, each with its decorators and up to the next one."""
    starts = [found.start() for found in _TOP_LEVEL.finditer(masked)]
    kept: list[int] = []
    is_decorated = False
    for start in starts:
        if not is_decorated and not (kept and _CONTINUES.match(masked, start)):
            kept.append(start)
        is_decorated = masked[start] == "@"
    ends = [*kept[1:], len(masked)][: len(kept)]
    return [Span(start=start, end=end) for start, end in zip(kept, ends, strict=True)]


def parse(source: str) -> ast.Module | None:
    """The tree of `source`, or None if it does not parse. Warnings about invalid escapes are suppressed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def parses(source: str) -> bool:
    """Whether `source` is a syntactically valid module."""
    return parse(source) is not None
