"""Compares two candidates that are equally right. The better one is safer, plainer or faster, and in no respect worse.

A candidate that is better in one respect and worse in another is not better. The module reads source text and runs no
code.
"""

from __future__ import annotations

import ast
import textwrap
from functools import lru_cache

from plum_lsp.domain.preferences import CandidateFacts

UNSAFE_CALLS = frozenset({"eval", "exec", "compile", "__import__", "system", "popen", "mktemp"})
"""Functions that run text or a shell when they are called (Bandit's B102, B307, B605 and B306)."""
PLAINER_SHARE_MAX = 0.7
"""A text with at most this share of the other's syntax nodes is plainer. A smaller difference is a matter of taste."""
FASTER_SHARE_MAX = 0.33
FASTER_MS_MIN = 20.0
"""Three times as fast and twenty milliseconds less. One program varies by less than this on a busy machine."""


def better(one: CandidateFacts, other: CandidateFacts) -> bool:
    """Whether `one` is better in at least one respect and worse in none."""
    signs = [
        _sign(_unsafe(other.text) - _unsafe(one.text)),
        _ratio_sign(_nodes(one.text), _nodes(other.text), PLAINER_SHARE_MAX, 0),
        _ratio_sign(one.wall_ms, other.wall_ms, FASTER_SHARE_MAX, FASTER_MS_MIN),
    ]
    return max(signs) > 0 and min(signs) >= 0


def _sign(difference: float) -> int:
    return (difference > 0) - (difference < 0)


def _ratio_sign(one: float, other: float, share: float, least: float) -> int:
    """1 if `one` is clearly less, -1 if it is clearly more, else 0."""
    if one <= other * share and other - one >= least and other > one:
        return 1
    return -1 if other <= one * share and one - other >= least and one > other else 0


def _unsafe(text: str) -> int:
    """The number of calls that run text or a shell."""
    return sum(
        isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in UNSAFE_CALLS)
            or (isinstance(node.func, ast.Attribute) and node.func.attr in UNSAFE_CALLS)
            or any(keyword.arg == "shell" and _is_true(keyword.value) for keyword in node.keywords)
        )
        for node in ast.walk(_tree(text))
    )


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _nodes(text: str) -> float:
    return float(sum(1 for _ in ast.walk(_tree(text))))


@lru_cache(maxsize=256)
def _tree(text: str) -> ast.AST:
    """The tree of a function's body. Empty if the text is in no function."""
    first, _, rest = text.partition("\n")
    body = first.strip() + "\n" + textwrap.dedent(rest)
    for source in (textwrap.indent(body, "    "), textwrap.indent(textwrap.dedent(text), "    ")):
        try:
            return ast.parse(f"async def candidate():\n{source}")
        except (SyntaxError, ValueError, RecursionError):
            continue
    return ast.Module(body=[], type_ignores=[])
