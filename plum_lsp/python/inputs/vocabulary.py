"""Collects the literals that a buffer uses, because its functions often accept only these words and numbers.

A function with a table of colours answers only to those colours, and a limit of 100 shows only at 99, 100 and 101. The
module reads the docstring, the code around the hole and the candidates. It runs no code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from plum_lsp.domain.suggestion import Context
from plum_lsp.python.reading.sources import TEXT_CHARACTERS_MAX, module_or_none, statements_or_none
from plum_lsp.python.reading.syntax import nodes_of

WORDS_MAX = 24
"""The most literals of each type. Even for a table of a thousand entries, these separate the candidates."""
TEXT_MAX = 60
"""Longer strings are messages, not inputs."""
DIGITS_MAX = 20
"""Longer numbers are serial numbers and keys. Python does not read numbers of more than 4300 digits."""
REMEMBERED_MAX = 4
"""The number of places whose literals are remembered."""
_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?![\w.])|(?<![\w.,])\d+(?:\.\d+)?(?![\w])")
_QUOTED = re.compile(r"(?<!\w)(?:'([^'\n]{1,60})'|\"([^\"\n]{1,60})\"|`([^`\n]{1,60})`)(?!\w)")


def words_of(context: Context, docstring: str, candidates: Iterable[str] = ()) -> Mapping[str, Sequence[str]]:
    """Literals by the name of their type (`int`, `float`, `str`), most specific first.

    The order is: docstring, then candidates (the most common literals first), then the rest of the buffer."""
    found: dict[str, dict[str, None]] = {"int": {}, "float": {}, "str": {}}
    for value in _said(docstring[:TEXT_CHARACTERS_MAX]):
        _add(found, value)
    for value in _shared(candidates):
        _add(found, value)
    for value in _constants(context.before, context.after):
        _add(found, value)
    return {kind: tuple(values)[:WORDS_MAX] for kind, values in found.items()}


def _add(found: dict[str, dict[str, None]], value: object) -> None:
    """Add a literal and, for a number, its neighbours, because wrong comparisons fail at the edge."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int) and abs(value) < 10**15:
        for near in (value, value + 1, value - 1):
            found["int"].setdefault(repr(near))
    elif isinstance(value, float):
        found["float"].setdefault(repr(value))
    elif isinstance(value, str) and 0 < len(value) <= TEXT_MAX and "\n" not in value:
        found["str"].setdefault(repr(value))


def _said(docstring: str) -> Iterable[object]:
    """Numbers and quoted words of the docstring."""
    for number in _NUMBER.findall(docstring):
        plain = number.replace(",", "")
        if len(plain) <= DIGITS_MAX:
            yield float(plain) if "." in plain else int(plain)
    for single, double, code in _QUOTED.findall(docstring):
        text = single or double or code
        if not code or re.fullmatch(r"[A-Za-z][A-Za-z-]*", code):
            yield text


def _shared(candidates: Iterable[str]) -> list[object]:
    """The literals of the candidates. Those that more candidates contain come first."""
    count: dict[object, int] = {}
    for text in candidates:
        tree = statements_or_none(text)
        for value in dict.fromkeys(_literals(tree) if tree is not None else ()):
            count[value] = count.get(value, 0) + 1
    return sorted(count, key=lambda value: -count[value])


@lru_cache(maxsize=REMEMBERED_MAX)
def _constants(before: str, after: str) -> tuple[object, ...]:
    """The literals around a hole. They are remembered, because a request asks for them with several inputs."""
    tree = module_or_none(f"{before}\npass{after}") or module_or_none(before + "pass") or module_or_none(after)
    return tuple(_literals(tree)) if tree is not None else ()


def _literals(tree: ast.AST) -> Iterable[object]:
    """Constants in order of appearance, without docstrings and parts of f-strings."""
    nodes = nodes_of(tree)
    skipped = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    skipped |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.Constant) and id(node) not in skipped and isinstance(node.value, int | float | str):
            yield node.value
