"""Takes an example out of the text that a policy is shown, so that the example can judge what it writes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from plum_lsp.domain.verification import TestCase


def withhold(texts: Sequence[str], tests: Sequence[TestCase]) -> tuple[str, ...] | None:
    """The texts without one of the examples, the last that each text states exactly once.

    Args:
        texts: the code before the hole, and the prompt that was made of it.
        tests: the examples that the code states.

    Returns:
        As many texts. None if there are fewer than two examples, or none that can be taken out of every text.
    """
    if len(tests) < 2:
        return None
    for test in reversed(tests):
        without = [_without(text, test.quote) for text in texts]
        if all(one is not None for one in without):
            return tuple(one for one in without if one is not None)
    return None


def _without(text: str, quote: str) -> str | None:
    """The text without the lines of a quote, whatever their indentation. None unless it has them exactly once."""
    wanted = [line.strip() for line in quote.splitlines()]
    lines = text.splitlines(keepends=True)
    found = [
        start
        for start in range(len(lines) - len(wanted) + 1)
        if [line.strip() for line in lines[start : start + len(wanted)]] == wanted
    ]
    if not wanted or len(found) != 1:
        return None
    return "".join([*lines[: found[0]], *lines[found[0] + len(wanted) :]])
