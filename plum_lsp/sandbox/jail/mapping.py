"""Runs the tests of one file one by one, and tells which functions of the project each of them calls.

The document is not exchanged: the project's own files run as they are saved. The host asks for each test, so it can
pause between them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

from . import noting, testing

_CALLED_MAX = 1500
"""Functions of one test that are told."""
_TESTS_MAX = 2000
_PROBLEM_MAX = 300


def serve(order: dict[str, Any], receive: Callable[[], Any], send: Callable[[str], None]) -> None:
    """Collect the file, tell the names of its tests, then run each that the host asks for. Never returns."""
    folder = order["folder"].rstrip("/") + "/"
    try:
        os.chdir(folder)
        session = testing.Session(order["folder"], [order["file"]], "", [])
        uncollected = session.uncollected(order["file"])
        names, problem = session.names[:_TESTS_MAX], uncollected.shown if uncollected else ""
    except BaseException as error:  # noqa: BLE001 (a project's tests may raise anything)
        names, problem = [], type(error).__name__
    send(json.dumps({"names": names, "problem": problem[:_PROBLEM_MAX]}))
    while True:
        asked = receive()
        called: dict[tuple[str, str], None] = {}

        def note(code: Any, called: dict[tuple[str, str], None] = called) -> None:
            path = getattr(code, "co_filename", "")
            if path.startswith(folder) and "-packages/" not in path:
                called[path, getattr(code, "co_qualname", code.co_name)] = None

        started = time.perf_counter()
        with noting.StartsNoted(note):
            ran = session.run(asked["test"], asked["seconds"], asked["wall_share"], asked["cases_max"])
        told = {
            "test": asked["test"],
            "outcome": ran.outcome,
            "shown": ran.shown,
            "microseconds": int((time.perf_counter() - started) * 1e6),
            "called": [list(place) for place in list(called)[:_CALLED_MAX]],
        }
        send(json.dumps(told))
