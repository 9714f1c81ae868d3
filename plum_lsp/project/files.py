"""Reads a file that a project's owner, or a stranger, put there: bounded, and never a pipe or device.

Decides neither whether it may be read (`privacy`) nor what the text is for.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_text(path: Path, *, bytes_max: int) -> str:
    """The text of an ordinary file; empty if it is longer, is something else, is not there or is no UTF-8."""
    try:
        with open(path, "rb", opener=without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ""
            content = file.read(bytes_max + 1)
        return content.decode("utf-8") if len(content) <= bytes_max else ""
    except (OSError, ValueError):
        return ""


def without_waiting(path: str, flags: int) -> int:
    """Opening a pipe would wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
