"""Reads untrusted files of a project, up to a bound.

It reads no pipe or device, follows no link out of the project, and skips files that ignore files or the settings hide.
It does not decide how the text is used.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from plum_lsp.config.patterns import Patterns, is_excluded, patterns_of

PRIVACY_FILE = ".plumignore"
VERSION_CONTROL_FILE = ".gitignore"
IGNORE_BYTES_MAX = 64 * 1024
"""An ignore file has a few lines. A project's file is not trusted, so it must not use much time."""


FILES_KEPT_MAX = 256
"""Ignore files whose patterns are kept. Each holds `IGNORE_BYTES_MAX` of text at most."""


def is_ignored(path: Path, *, names: Sequence[str] = (PRIVACY_FILE,), top: Path | None = None) -> bool:
    """Whether an ignore file in a folder above names the path. One that cannot be read hides its whole folder.

    A file is read again only if its times or its size change. Reading takes time: see `_IgnoreFiles`.

    Args:
        path: absolute.
        names: the names of ignore files.
        top: folders above this one are not looked into.

    Raises:
        OSError: a folder above cannot be read.
    """
    for folder in path.parents:
        for name in names:
            patterns = _ignore_files.patterns(folder / name)
            if patterns is not None and patterns.cover(path.relative_to(folder)):
                return True
        if folder == top:
            break
    return False


class _IgnoreFiles:
    """Keeps the patterns of ignore files. Threads share it. Two threads may read the same file twice."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[tuple[int, ...], Patterns]] = OrderedDict()
        self._lock = Lock()

    def patterns(self, file: Path) -> Patterns | None:
        """The current patterns of a file. None if there is no file."""
        try:
            state = file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(state.st_mode):
            return None
        seen = (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino, state.st_dev)
        with self._lock:
            kept = self._kept.get(file)
            if kept is not None and kept[0] == seen:
                self._kept.move_to_end(file)
                return kept[1]
        patterns = self._read(file)
        with self._lock:
            self._kept[file] = seen, patterns
            while len(self._kept) > FILES_KEPT_MAX:
                self._kept.popitem(last=False)
        return patterns

    def _read(self, file: Path) -> Patterns:
        with open(file, "rb", opener=_without_waiting) as opened:
            content = opened.read(IGNORE_BYTES_MAX + 1)
        if len(content) > IGNORE_BYTES_MAX:
            return Patterns(["**", "*"])
        return Patterns(patterns_of(content.decode("utf-8", "replace")))


_ignore_files = _IgnoreFiles()


def may_read(path: Path, root: Path, exclude: Sequence[str]) -> bool:
    """Whether a project's file may be read: it lies inside `root`, both by its name and by the target of its links.

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
    """The text of an ordinary file. Empty if it is longer, is no ordinary file, is missing or is not UTF-8."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ""
            content = file.read(bytes_max + 1)
        return content.decode("utf-8") if len(content) <= bytes_max else ""
    except (OSError, ValueError):
        return ""


def _without_waiting(path: str, flags: int) -> int:
    """Open without blocking, because opening a pipe would wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
