"""A child that is a separate process and no fork of a zygote, for systems whose sandbox is put around a process.

It reads its settings as the first frame of its private socket, imports the given modules, limits itself and serves. The
sandbox is around it already when it starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from importlib import import_module
from typing import Any, NoReturn

from . import child


def main(channel: int) -> NoReturn:
    """Serve one host and end."""
    settings = json.loads(_frame(channel))
    sys.path[:] = settings["paths"]
    with contextlib.suppress(OSError):
        os.nice(settings["nice"])
    for name in settings["imports"]:
        with contextlib.suppress(BaseException):  # A module that fails to import is left out.
            import_module(name)
    os.environ.clear()
    os.set_inheritable(channel, False)
    try:
        child.serve(channel, _limit)
    finally:
        os._exit(70)


def _frame(channel: int) -> bytes:
    """The settings: a length and JSON text, like every frame."""
    size, content = int.from_bytes(os.read(channel, 4), "big"), b""
    while len(content) < size:
        content += os.read(channel, size - len(content)) or os._exit(0)
    return content


def _limit(limits: dict[str, Any]) -> None:
    """Set hard limits, as far as this system has them. There is no limit on memory there, only the deadline."""
    seconds = max(1, int(limits["cpu_seconds"] + 0.999))
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, 128, 128),
        (resource.RLIMIT_DATA, int(limits["memory_bytes"]), int(limits["memory_bytes"])),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (soft, hard))
