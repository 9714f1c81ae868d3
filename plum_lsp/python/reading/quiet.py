"""The program as a candidate's process gets it: without comments and docstrings, where examples say what is right.

A candidate can read its own source and `__doc__`. Line numbers stay, and so does whether there is a docstring, but not
what it says; a module's own docstring stays if it holds no session, because programs print it as their help.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Span
from plum_lsp.domain.verification import Program
from plum_lsp.python.reading.lines import logical_lines, mask

_STATEMENT = re.compile(
    r"(?:(?:(?:async[ ]+)?def|class)\b.*:[ \t]*)?(?P<prefix>[rRuUbBfF]{0,2})(?P<text>s{2,})", re.DOTALL
)
"""A masked line that is a string, or a header with one behind it."""
_SESSION = ">>>"


def program_to_run(context: Context, text: str) -> Program:
    """The program with `text` in the hole, as its process may see it."""
    before, after = _quiet(context.before, context.after)
    return Program(source=before + text + after)


@functools.lru_cache(maxsize=8)
def _quiet(before: str, after: str) -> tuple[str, str]:
    """Both parts of a program without what is said about it."""
    whole = before + after
    masked = mask(whole)
    parts = ["", ""]
    place = 0
    for span, replacement in sorted(
        [*_comments(whole, masked), *_strings(whole, masked)], key=lambda one: one[0].start
    ):
        if span.start < place or span.start < len(before) < span.end:
            continue
        _append(parts, whole[place : span.start], place, len(before))
        _append(parts, replacement, span.start, len(before), is_whole=True)
        place = span.end
    _append(parts, whole[place:], place, len(before))
    return parts[0], parts[1]


def _append(parts: list[str], text: str, start: int, border: int, *, is_whole: bool = False) -> None:
    """Add text that began at `start` to the part, or the parts, that it belongs to."""
    cut = max(0, border - start) if not is_whole else (len(text) if start < border else 0)
    parts[0] += text[:cut]
    parts[1] += text[cut:]


def _comments(whole: str, masked: str) -> Iterator[tuple[Span, str]]:
    """Every comment; a string's own number signs are masked otherwise."""
    for found in re.finditer(r"#[^\n]*", whole):
        if masked[found.start()] == " ":
            yield Span(start=found.start(), end=found.end()), ""


def _strings(whole: str, masked: str) -> Iterator[tuple[Span, str]]:
    """Every string that stands alone as a statement, with as many lines and nothing in it."""
    for place, line in enumerate(logical_lines(masked, Span(start=0, end=len(whole)))):
        found = _STATEMENT.fullmatch(line.code)
        if found is None or not line.is_closed:
            continue
        start = line.start + len(line.indent) + found.start("text")
        literal = whole[start : line.end]
        quote = next((one for one in ('"""', "'''", '"', "'") if literal.startswith(one)), "")
        is_module = place == 0 and not line.indent and not line.code.startswith(("def", "class", "async"))
        if not quote or not literal.endswith(quote) or (is_module and _SESSION not in literal):
            continue
        yield Span(start=start, end=line.end), '"""' + "\n" * literal.count("\n") + '"""'
