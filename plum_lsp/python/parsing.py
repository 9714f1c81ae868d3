"""Lets one thread at a time parse.

CPython keeps one recursion depth for all threads while it builds a syntax tree. If garbage is collected meanwhile and a
finalizer runs, another thread may begin to parse, and both end in `SystemError: AST constructor recursion depth
mismatch`. The server parses in several threads, so `ast.parse` takes a lock. `ast.literal_eval` calls it, too.
"""

from __future__ import annotations

import ast
import functools
import threading

_LOCK = threading.RLock()


def parse_one_at_a_time() -> None:
    """Put the lock around `ast.parse` of this process. A second call has no effect."""
    plain = ast.parse
    if hasattr(plain, "__wrapped__"):
        return

    @functools.wraps(plain)
    def parse(*given, **named):  # type: ignore[no-untyped-def]  # as the function that it stands for
        with _LOCK:
            return plain(*given, **named)

    ast.parse = parse
