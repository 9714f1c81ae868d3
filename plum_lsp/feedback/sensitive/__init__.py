"""Finds secrets in a text: keys of known services, private keys, and values under the name of a secret.

It works on the text alone. It cannot know what is secret, only what looks like a secret. Its time grows only with the
length of the text.
"""

from __future__ import annotations

import re

from plum_lsp.feedback.sensitive.blocks import private_keys
from plum_lsp.feedback.sensitive.code import read_code
from plum_lsp.feedback.sensitive.formats import known_keys
from plum_lsp.feedback.sensitive.lines import Quiet, secrets_on_lines

__all__ = ["find_secrets"]

_PYTHON = re.compile(
    r"(?m)^[ \t]*(?:(?:async[ \t]+)?def[ \t]+\w+|class[ \t]+\w+|import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b|return\b"
    r"|(?:if|while|with|for|except|elif)\b[^\n]{0,200}:|try:|raise\b|assert\b|@\w|print\("
    r"|[\w.\[\]\"']{1,80}[ \t]*=[ \t]*[\w.]{0,80}[\"'({\[])|\"\"\"|'''"
)
"""Lines that occur almost only in Python."""


def find_secrets(text: str) -> list[tuple[int, int]]:
    """The spans of secrets, in order and without overlap."""
    if len(text) < 8:
        return []
    spans = [*private_keys(text), *known_keys(text)]
    reading = read_code(text)
    spans += reading.secrets
    quiet = Quiet(reading.quiet if _PYTHON.search(text) else None)
    spans += secrets_on_lines(text, quiet)
    return _merged(spans)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif end > start:
            merged.append((start, end))
    return merged
