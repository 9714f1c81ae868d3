"""Finds secrets in a text: keys of known services, private keys, and values under the name of a secret.

It works on the text alone. It cannot know what is secret, only what looks like a secret. Its time grows only with the
length of the text.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from plum_lsp.feedback.sensitive.addresses import escaped_parts
from plum_lsp.feedback.sensitive.blocks import private_keys
from plum_lsp.feedback.sensitive.code import read_code
from plum_lsp.feedback.sensitive.formats import known_keys
from plum_lsp.feedback.sensitive.idioms import secrets_in_idioms
from plum_lsp.feedback.sensitive.lines import secrets_on_lines
from plum_lsp.feedback.sensitive.nearby import passwords_near_words, random_words
from plum_lsp.feedback.sensitive.quiet import Quiet
from plum_lsp.feedback.sensitive.tables import secrets_in_tables

__all__ = ["find_secrets"]

_PYTHON = re.compile(
    r"(?m)^[ \t]*(?:(?:async[ \t]+)?def[ \t]+\w+|class[ \t]+\w+|import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b|return\b"
    r"|(?:if|while|with|for|except|elif)\b[^\n]{0,200}:|try:|raise\b|assert\b|@\w|print\("
    r"|[\w.\[\]\"']{1,80}(?:[ \t]+=[ \t]*[\w.]{0,80}[\"']"
    r"|[ \t]*=[ \t]*[\w.]{0,80}(?:[(\[]|\{(?![^{}\"':,\n]*\}))))|\"\"\"|'''"
)
"""Lines that occur almost only in Python. `NAME="…"` without spaces is also a line of a shell."""


TEXTS_MAX = 2048
"""Of the texts that were read last, the spans are kept under a digest: the same texts are read at each request."""
_KNOWN: dict[bytes, tuple[tuple[int, int], ...]] = {}

QUOTED_LENGTH_MIN = 12
"""Comments and literals of this length that hold quotes are read as code once more."""
LITERALS_MAX = 1024
"""Of this many of them the secrets are remembered. A large file has a few hundred."""


def find_secrets(text: str) -> list[tuple[int, int]]:
    """The spans of secrets, in order and without overlap."""
    if len(text) < 8:
        return []
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    spans = _KNOWN.pop(key, None)
    if spans is None:
        spans = tuple(_read(text))
    _KNOWN[key] = spans
    while len(_KNOWN) > TEXTS_MAX:
        _KNOWN.pop(next(iter(_KNOWN)), None)
    return list(spans)


def _read(text: str) -> list[tuple[int, int]]:
    spans = [*private_keys(text), *known_keys(text)]
    reading = read_code(text)
    spans += reading.secrets
    for start, end in reading.quiet:
        if "\n" in text[start:end]:  # a table may begin in the middle of a line
            spans += [(start + a, start + b) for a, b in secrets_in_tables(text[start:end])]
        if end - start >= QUOTED_LENGTH_MIN and any(quote in text[start:end] for quote in "\"'`"):
            spans += [(start + a, start + b) for a, b in _within(text[start:end])]
    quiet = Quiet(reading.quiet if _PYTHON.search(text) else None)
    spans += secrets_on_lines(text, quiet)
    for part, places in escaped_parts(text):
        spans += [(places[start], places[end]) for start, end in secrets_on_lines(part, Quiet(None))]
    spans += passwords_near_words(text, quiet)
    spans += random_words(text, quiet)
    spans += [span for span in (*secrets_in_idioms(text), *secrets_in_tables(text)) if quiet.holds(span[0])]
    return _merged(spans)


@lru_cache(maxsize=LITERALS_MAX)
def _within(literal: str) -> tuple[tuple[int, int], ...]:
    """The secrets of a comment or literal that is read as code. Most are the same at the next request."""
    return tuple(read_code(literal).secrets)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif end > start:
            merged.append((start, end))
    return merged
