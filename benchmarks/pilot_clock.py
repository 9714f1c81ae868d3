"""Starts the real language server with a clock that begins at a chosen time and runs faster. For `pilot_simulation`.

    SIMULATED_START=1763971200 SIMULATED_SPEED=120 python -m benchmarks.pilot_clock serve --stdio

Only the time of day and the timers that follow a suggestion after it was shown are changed: "kept for ten minutes" is
then measured after 5 s. Deadlines and the durations of a request's stages stay real.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any


def hurry(*, start: float, speed: float) -> None:
    """Make `time.time` begin at `start` (POSIX seconds) and run `speed` times as fast. Call it first of all."""
    began = time.monotonic()
    time.time = lambda: start + (time.monotonic() - began) * speed

    from plum_lsp.server.outcomes import OutcomeDesk

    call_later = asyncio.BaseEventLoop.call_later

    def hurried(loop: Any, delay: float, callback: Callable[..., object], *arguments: Any, context: Any = None) -> Any:
        is_hurried = isinstance(getattr(callback, "__self__", None), OutcomeDesk)
        return call_later(loop, delay / speed if is_hurried else delay, callback, *arguments, context=context)

    asyncio.BaseEventLoop.call_later = hurried  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    hurry(start=float(os.environ["SIMULATED_START"]), speed=float(os.environ["SIMULATED_SPEED"]))
    from plum_lsp.cli import main

    main()
