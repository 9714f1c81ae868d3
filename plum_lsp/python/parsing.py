"""Lets one thread at a time parse, without a collection of garbage meanwhile.

CPython keeps one recursion depth for all threads while it builds a syntax tree. If garbage is collected meanwhile and a
finalizer runs, another thread may begin to parse. The finalizer may also parse itself: asyncio's reports an error that
was not fetched, and a traceback parses its lines. The first parse then ends in `SystemError: AST constructor recursion
depth mismatch`. So `ast.parse` takes a lock and puts the collection off. `ast.literal_eval` calls it, too.
"""

from __future__ import annotations

import ast
import functools
import gc
import threading

_LOCK = threading.RLock()


def parse_one_at_a_time() -> None:
    """Put both around `ast.parse` of this process. A second call has no effect."""
    plain = ast.parse
    if hasattr(plain, "__wrapped__"):
        return

    @functools.wraps(plain)
    def parse(*given, **named):  # type: ignore[no-untyped-def]  # as the function that it stands for
        with _LOCK:
            is_collecting = gc.isenabled()
            gc.disable()
            try:
                return plain(*given, **named)
            finally:
                if is_collecting:
                    gc.enable()

    ast.parse = parse
