"""Finds the versions of a function in one text: a model may write it, and write it again below. Pure.

    def add(a, b):            a version
        return a - b
    # corrected:              words that withdraw it (`unwrapping.is_correction`)
    def add(a, b):            another version
        return a + b

The last version is the likeliest. A version that such words follow is no answer. A stub (an overload, a body of `...`)
is no version. A setter has the name of its property and is none either.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable

from plum_lsp.domain.suggestion import Block
from plum_lsp.python.fitting.outside import is_own_header
from plum_lsp.python.fitting.static import parse
from plum_lsp.python.reading.placeholder import is_placeholder

VERSIONS_MAX = 4
"""A model that writes more has lost its way, and each costs a reading."""
_ENDS = re.compile(r"[ \t]*(?:return|raise)\b")
_BODY_END = re.compile(r"(?m)^[ \t]*(?:return|yield|raise)\b")
_OTHER_ROLE = re.compile(r"[ \t]*@\w+\.(?:setter|deleter|getter|register)\b")
"""A decorator of a function that shares the name of another one."""


def versions_of(text: str, block: Block, *, is_correction: Callable[[str], bool]) -> list[str]:
    """The versions in a text, likeliest first. The text itself if it holds one."""
    lines = text.split("\n")
    starts = _starts(lines, block, is_correction)
    if len(starts) < 2:
        return [text]
    found: list[str] = []
    for start, following in zip(starts, [*starts[1:], len(lines)], strict=True):
        end = _end(lines, start, following)
        if _is_stub("\n".join(lines[start:end])):
            continue
        is_last = following == len(lines)
        if not is_last and any(_is_note(line, is_correction) for line in lines[end:following]):
            found = []
            continue
        found.insert(0, "\n".join(lines[start:end]) + ("" if is_last else "\n"))
    return found[:VERSIONS_MAX] or [text]


def _starts(lines: list[str], block: Block, is_correction: Callable[[str], bool]) -> list[int]:
    """The first line of each version: its decorators, its header, or the line below a comment that corrects a body."""
    headers = [number for number, line in enumerate(lines) if is_own_header(line.lstrip(), block)]
    headers = [number for number in headers if _indent(lines[number]) == _indent(lines[headers[0]])]
    found = [start for number in headers if (start := _decorated(lines, number)) is not None]
    for number, line in enumerate(lines):
        if _is_note(line, is_correction) and _corrects_a_body(lines, number, found):
            found.append(number + 1)
            found = found if headers else [0, *(one for one in found if one)]
    return sorted(set(found))


def _is_note(line: str, is_correction: Callable[[str], bool]) -> bool:
    return line.lstrip().startswith("#") and is_correction(line.lstrip(" \t#"))


def _corrects_a_body(lines: list[str], number: int, starts: list[int]) -> bool:
    """Whether a comment stands between the end of a body and a body that is no function of its own."""
    above = [line for line in lines[:number] if line.strip()]
    below = [place for place in range(number + 1, len(lines)) if lines[place].strip()]
    if not above or not below or not _ENDS.match(above[-1]) or below[0] in starts:
        return False
    return bool(_BODY_END.search("\n".join(lines[number + 1 :]))) and not lines[below[0]].lstrip().startswith("#")


def _decorated(lines: list[str], number: int) -> int | None:
    """The first line of a function with its decorators. None for a function that is another one of the same name."""
    while number and lines[number - 1].lstrip().startswith("@"):
        number -= 1
        if _OTHER_ROLE.match(lines[number]):
            return None
    return number


def _end(lines: list[str], start: int, following: int) -> int:
    """Where a version ends: above the comments and empty lines that lead to the next."""
    end = following
    while end > start + 1 and following < len(lines) and (not lines[end - 1].strip() or _is_comment(lines[end - 1])):
        end -= 1
    return end


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _is_stub(text: str) -> bool:
    """Whether a text is a function whose body does nothing."""
    tree = parse(textwrap.dedent(text))
    first = tree.body[0] if isinstance(tree, ast.Module) and tree.body else None
    return isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef) and all(map(is_placeholder, first.body))


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
