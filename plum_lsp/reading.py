"""Reads a file that a project's owner, or a stranger, put there: bounded, never a pipe or device, never through a link
out of the project, and nothing that ignore files or the settings hide.

Decides nothing about what the text is for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from plum_lsp.feedback.privacy import is_excluded, patterns_of

PRIVACY_FILE = ".plumignore"
VERSION_CONTROL_FILE = ".gitignore"
IGNORE_BYTES_MAX = 64 * 1024
"""An ignore file is a few lines; a project's file comes from strangers and must not cost us time."""


def is_ignored(path: Path, *, names: Sequence[str] = (PRIVACY_FILE,), top: Path | None = None) -> bool:
    """Whether an ignore file in a folder above names the path. One that cannot be read hides its whole folder.

    Args:
        path: absolute.
        names: what ignore files are called.
        top: folders above this one are not looked into.

    Raises:
        OSError: a folder above cannot be read.
    """
    for folder in path.parents:
        for ignore in (folder / name for name in names):
            if not ignore.is_file():
                continue
            if ignore.stat().st_size > IGNORE_BYTES_MAX:
                return True
            patterns = patterns_of(ignore.read_text(encoding="utf-8", errors="replace"))
            if is_excluded(path.relative_to(folder), patterns):
                return True
        if folder == top:
            break
    return False


def may_read(path: Path, root: Path, exclude: Sequence[str]) -> bool:
    """Whether a project's file may be read for the sake of another: inside `root` by name and by where links lead.

    Args:
        exclude: the patterns of the settings, with `~` expanded.
    """
    try:
        resolved = path.resolve(strict=True)
        if not resolved.is_relative_to(root.resolve()):
            return False
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        names = (PRIVACY_FILE, VERSION_CONTROL_FILE)
        return not hidden and not any(
            is_excluded(one, exclude) or is_ignored(one, names=names) for one in {path, resolved}
        )
    except (OSError, ValueError, RuntimeError):
        return False


def read_text(path: Path, *, bytes_max: int) -> str:
    """The text of an ordinary file; empty if it is longer, is something else, is not there or is no UTF-8."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ""
            content = file.read(bytes_max + 1)
        return content.decode("utf-8") if len(content) <= bytes_max else ""
    except (OSError, ValueError):
        return ""


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe would wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
