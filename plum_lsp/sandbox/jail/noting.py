"""Notes which functions start, cheaply enough for whole test suites."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


class StartsNoted:
    """A context that gives `note` the code of each function that starts in this thread, at least once each."""

    def __init__(self, note: Callable[[Any], None]) -> None:
        self._note = note
        self._profiler: Any = None

    def __enter__(self) -> None:
        monitoring = getattr(sys, "monitoring", None)
        if monitoring is None:
            import _lsprof  # in C: a profiler in Python makes an import several times slower

            self._profiler = _lsprof.Profiler(builtins=False, subcalls=False)
            self._profiler.enable()
            return

        def started(code: Any, _: int) -> Any:
            self._note(code)
            return monitoring.DISABLE

        monitoring.use_tool_id(monitoring.PROFILER_ID, "plum")
        monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.PY_START, started)
        monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.PY_START)
        monitoring.restart_events()  # Each code reports its first start only, also to an earlier context of this kind.

    def __exit__(self, *_: Any) -> None:
        if self._profiler is not None:
            self._profiler.disable()
            for entry in self._profiler.getstats():
                self._note(entry.code)
            return
        monitoring: Any = getattr(sys, "monitoring", None)
        monitoring.set_events(monitoring.PROFILER_ID, 0)
        monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.PY_START, None)
        monitoring.free_tool_id(monitoring.PROFILER_ID)
