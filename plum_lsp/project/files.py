"""Reads untrusted files of a project, up to a bound. It reads no pipe or device.

It decides neither whether a file may be read (`privacy`) nor how the text is used. It counts the time
that reading takes. It names the files of the user's own in which something is kept for each project.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

BUSY_FACTOR = 4
"""How much longer than its own work reading may take where other processes hold the processor."""


class Budget:
    """Time for reading, from now on and in this thread. A busy machine ends it later, because it reads more slowly."""

    def __init__(self, seconds: float) -> None:
        self._work_until, self._until = time.thread_time() + seconds, time.monotonic() + BUSY_FACTOR * seconds

    @property
    def is_over(self) -> bool:
        """Whether the thread has worked for these seconds, or several times as many have passed."""
        return time.thread_time() > self._work_until or time.monotonic() > self._until


def kept_file(folder: Path, root: Path, suffix: str) -> Path:
    """The file in a folder of the user's in which something is kept for a project."""
    return folder / f"{hashlib.blake2b(os.fsencode(root), digest_size=16).hexdigest()}{suffix}"


def read_text(path: Path, *, bytes_max: int) -> str:
    """The text of an ordinary file. Empty if it is longer, is no ordinary file, is missing or is not UTF-8."""
    try:
        with open(path, "rb", opener=without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ""
            content = file.read(bytes_max + 1)
        return content.decode("utf-8") if len(content) <= bytes_max else ""
    except (OSError, ValueError):
        return ""


def without_waiting(path: str, flags: int) -> int:
    """Open without blocking, because opening a pipe would wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
