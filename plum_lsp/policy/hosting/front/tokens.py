"""How many tokens a request may take, and how many it took, without a tokenizer. Pure.

A token that is read counts as four bytes of the request, and a token that is written as one event of the stream, unless
the engine tells the number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

BYTES_A_TOKEN = 4
"""About what tokenizers make of code."""
_USAGE = re.compile(rb'"completion_tokens":\s*(\d{1,9})')
_USAGE_BYTES = 4096
"""The usage stands at the end of an answer."""
_EVENT = b"\ndata:"


def tokens_read(body: bytes) -> int:
    """The tokens of a request's text, about."""
    return math.ceil(len(body) / BYTES_A_TOKEN)


def tokens_wanted(fields: Mapping[str, Any], *, context_tokens: int) -> int:
    """The most that may be written: prompts × choices × tokens. Without a limit of tokens, the context is the limit."""
    prompt = fields.get("prompt")
    is_many = isinstance(prompt, list) and prompt and not isinstance(prompt[0], int)
    prompts = len(prompt) if is_many and isinstance(prompt, list) else 1
    choices = max(1, *(_number(fields.get(name), 1) for name in ("n", "best_of")))
    limits = [_number(fields[name], context_tokens) for name in _LIMITS if fields.get(name) is not None]
    longest = max((one if 0 < one < context_tokens else context_tokens for one in limits), default=context_tokens)
    return prompts * choices * longest


_LIMITS = ("max_tokens", "max_completion_tokens", "n_predict", "min_tokens")


def _number(value: object, otherwise: int) -> int:
    """A whole number, at most a billion."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return otherwise
    return int(max(-1.0, min(value, 1e9)))


class Written:
    """Counts what an answer holds while it passes."""

    def __init__(self) -> None:
        self._events = 0
        self._end = b"\n"

    def feed(self, chunk: bytes) -> None:
        """Read the next part of the answer."""
        kept = self._end[-(len(_EVENT) - 1) :]
        self._events += (kept + chunk).count(_EVENT)
        self._end = (self._end + chunk)[-_USAGE_BYTES:]

    @property
    def tokens(self) -> int:
        """The tokens so far."""
        told = _USAGE.findall(self._end)
        return int(told[-1]) if told else max(0, self._events - (b"\ndata: [DONE]" in self._end))
