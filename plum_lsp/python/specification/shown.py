"""Moves what a session shows of a result (`print(sorted(f(2)))`, or a text with `...` in it) beside the candidate.

The candidate only makes the call of the function. Sorting, formatting and the text itself are computed on plain data,
so that an object cannot choose how it is sorted, counted or shown. `print(f(2))` stays with the candidate, because the
function itself may print, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace

from plum_lsp.domain.verification import Call, Equals, Expectation, Holds, Prints, Shows
from plum_lsp.python.reading.sources import Surface, expression_or_none
from plum_lsp.python.specification.conditions import derived

_TEXT = re.compile(r"\w")
_ELLIPSIS = 4 | 8
"""`doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS`, as the host compares such text."""

Reads = Callable[[Call, Surface], bool]
"""Whether a call reads plain data out of a result of the function."""


def shown_beside(
    call: Call, expectation: Prints | Shows, surface: Surface, reads: Reads
) -> tuple[Call, Expectation] | None:
    """The call and its expectation, where what reads a result is asked beside. None if it cannot be separated."""
    if isinstance(expectation, Shows):
        return _shown(call, expectation, surface, reads)
    tree = expression_or_none(call.expression) if call.expression else None
    text = _printed_text(tree) if isinstance(tree, ast.Call) else None
    if text is None or not isinstance(tree, ast.Call):
        return call, expectation
    parts = [one.value if isinstance(one, ast.Starred) else one for one in tree.args]
    is_read = any(isinstance(one, ast.Starred | ast.JoinedStr) for one in tree.args)
    if not is_read and not any(reads(replace(call, expression=ast.unparse(one)), surface) for one in parts):
        return call, expectation
    return printed_apart(call.expression, expectation, call.setup, surface)


def printed_apart(
    source: str, expectation: Prints | Shows, setup: str, surface: Surface
) -> tuple[Call, Expectation] | None:
    """A test of what is shown of a result. Only the function's calls run with the candidate. None if that fails."""
    if isinstance(expectation, Shows):
        return _shown_apart(source, expectation, setup, surface)
    tree = expression_or_none(source) if source else None
    text = _printed_text(tree) if isinstance(tree, ast.Call) else None
    question = derived(text, setup, surface) if text is not None else None
    if question is None:
        return None
    lines = [line.rstrip() for line in expectation.text.rstrip().split("\n")]
    trimmed = f"({question.derived}).rstrip()"
    if len(lines) > 1:
        trimmed = f"'\\n'.join([line.rstrip() for line in {trimmed}.split('\\n')])"
    return question.call, Equals(expected=repr("\n".join(lines)), derived=trimmed, setup=question.setup)


def _shown(call: Call, expectation: Shows, surface: Surface, reads: Reads) -> tuple[Call, Expectation] | None:
    """A text with `...` in it. Without any letter or digit it does not restrict the result."""
    if _TEXT.search(expectation.text) is None:
        return None
    if not call.expression or expectation.text.lstrip().startswith("<") or not reads(call, surface):
        return call, expectation
    return _shown_apart(call.expression, expectation, call.setup, surface)


def _shown_apart(source: str, expectation: Shows, setup: str, surface: Surface) -> tuple[Call, Expectation] | None:
    question = derived(source, setup, surface)
    if question is None or _TEXT.search(expectation.text) is None:
        return None
    if question.derived == "_":
        return question.call, expectation
    checker = "__import__('doctest').OutputChecker().check_output"
    predicate = f"{checker}({expectation.text.strip()!r}, repr({question.derived}), {_ELLIPSIS})"
    return question.call, Holds(predicate=predicate, setup=question.setup)


def _printed_text(call: ast.Call) -> str | None:
    """The expression of what a `print` prints. None if it goes elsewhere or its separators are no constants."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    stated = {one.arg: one.value.value for one in call.keywords if isinstance(one.value, ast.Constant)}
    if name == "pprint" and len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Starred):
        return f"__import__('pprint').pformat({ast.unparse(call.args[0])})"
    if name != "print" or not call.args or len(stated) < len(call.keywords) or not stated.keys() <= {"sep", "end"}:
        return None
    if len(call.args) == 1 and not isinstance(call.args[0], ast.Starred):
        return f"str({ast.unparse(call.args[0])})"
    separator = stated["sep"] if isinstance(stated.get("sep"), str) else " "
    values = ", ".join(map(ast.unparse, call.args))
    return f"{separator!r}.join(map(str, [{values}]))"
