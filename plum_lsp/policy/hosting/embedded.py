"""The life of the child process that holds a model, with its engine behind an OpenAI endpoint on loopback.

`launch` runs the module that the engine names (`EngineFacts.child`), and that module calls `run_child`. It is not a
command for users. The first line on stdin is the order in JSON. It holds the API key, so that the key is in no argument
list. The only line on stdout is the answer, with the address or the reason for the failure. After that, stdin carries
`+` when a request begins and `-` when it ends.

The child ends when stdin ends (the owner has died), when it has been idle for long enough, or when the kernel reports
that its parent died. It does not decide what is sampled.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn, TextIO

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal we get when the thread that started us ends."""

Engine = subprocess.Popen[bytes] | None
"""The engine's own process. None where the engine runs in the child itself."""


def run_child(start: Callable[[dict[str, Any]], tuple[str, Engine]], *, dies_by: signal.Signals) -> None:
    """Start what the order says, answer once, then live as long as the owner wants.

    `start` returns the address and the engine's process. `dies_by` is the signal that ends this process with its owner:
    SIGTERM leaves time to end an engine in a separate process, and SIGKILL works while a model is being loaded.
    """
    answers = _private_stdout()
    order = json.loads(sys.stdin.readline())
    _die_with_parent(int(order["owner"]), dies_by)
    try:
        url, process = start(order)
    except Exception as error:  # noqa: BLE001 - the boundary of this process: the owner is told and we end
        _answer(answers, {"error": str(error) or type(error).__name__})
        sys.exit(1)
    try:
        _answer(answers, {"url": url})
        _watch(float(order["idle_seconds"]), process)
    finally:
        _end(process)


def _private_stdout() -> TextIO:
    """The real stdout for the one line of the protocol. Other output to stdout is redirected to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _answer(answers: TextIO, value: dict[str, str]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.close()


def _die_with_parent(owner: int, by: signal.Signals) -> None:
    """Ask the kernel to end this process with its parent. End at once if the parent has died already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, by, 0, 0, 0)
        if os.getppid() != owner:
            sys.exit(1)
    signal.signal(signal.SIGTERM, _leave)


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def _watch(idle_seconds: float, process: Engine) -> None:
    """Read the owner's marks until stdin ends, the engine dies or no request came for `idle_seconds`."""
    active, last = 0, time.monotonic()
    while process is None or process.poll() is None:
        left = idle_seconds - (time.monotonic() - last)
        if idle_seconds > 0 and not active and left <= 0:
            return
        wait = min(left, 1.0) if idle_seconds > 0 and not active else 1.0
        if not select.select([0], [], [], max(wait, 0.0))[0]:
            continue
        marks = os.read(0, 4096)
        if not marks:
            return
        active = max(0, active + marks.count(b"+") - marks.count(b"-"))
        last = time.monotonic()


def _end(process: Engine) -> NoReturn:
    """End the engine's whole process group, then ourselves, without waiting for llama.cpp's threads."""
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    os._exit(0)
