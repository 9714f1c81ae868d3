"""What a request may take and what an answer took, counted without a tokenizer."""

from __future__ import annotations

from typing import Any

import pytest

from plum_lsp.policy.hosting.front.tokens import Written, tokens_wanted


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"max_tokens": 9}, 9),
        ({"max_tokens": 9, "n": 5}, 45),
        ({"max_tokens": 9, "n": 2, "best_of": 5}, 45),
        ({"max_tokens": 9, "prompt": ["a", "b"]}, 18),
        ({"max_tokens": 9, "prompt": [1, 2, 3]}, 9),
        ({"max_tokens": 9, "prompt": [[1], [2]]}, 18),
        ({}, 100),
        ({"max_tokens": 0}, 100),
        ({"max_tokens": -1}, 100),
        ({"max_tokens": 9, "n_predict": -1}, 100),
        ({"max_tokens": 9, "max_completion_tokens": 50}, 50),
        ({"max_tokens": 10**6}, 100),
        ({"max_tokens": "9"}, 100),
        ({"max_tokens": 9, "n": True}, 9),
        ({"max_tokens": 9, "n": -3}, 9),
        ({"max_tokens": 9, "n": float("inf")}, 9 * 10**9),
        ({"max_tokens": float("nan")}, 100),
    ],
)
def test_the_most_that_may_be_written(fields: dict[str, Any], tokens: int) -> None:
    """Every way to ask for more is counted; a limit that is none is the context."""
    assert tokens_wanted(fields, context_tokens=100) == tokens


STREAM = b'data: {"text": "a\\ndata: b"}\n\ndata: {"text": "c"}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("size", [1, 2, 5, 7, 1000])
@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        (STREAM, 2),
        (b'{"text": "\\"completion_tokens\\": 9", "usage": {"prompt_tokens": 3, "completion_tokens": 70}}', 70),
        (b'data: {"text": "a"}\n\ndata: {"usage": {"completion_tokens": 8}}\n\ndata: [DONE]\n\n', 8),
        (b"", 0),
        (b'{"error": {"code": 400}}', 0),
    ],
)
def test_what_was_written(answer: bytes, tokens: int, size: int) -> None:
    """However the answer is cut into pieces."""
    written = Written()
    for start in range(0, len(answer), size):
        written.feed(answer[start : start + size])
    assert written.tokens == tokens
