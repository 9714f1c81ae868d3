"""Reads a file that a project's owner, or a stranger, put there: bounded, never a pipe or device, never through a link
out of the project, and nothing that ignore files or the settings hide. A `.plumignore` only hides; a `.gitignore` means
what it means to git, so that an allow-list leaves what it allows.

Decides nothing about what the text is for.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from plum_lsp.config.patterns import PARTS_MAX, Patterns, is_excluded, patterns_of
from plum_lsp.project.gitignore import GitPatterns

T = TypeVar("T")
PRIVACY_FILE = ".plumignore"
GIT_FILE = ".gitignore"
GIT_FOLDER = ".git"
GIT_EXCLUDE = "info/exclude"
IGNORE_BYTES_MAX = 64 * 1024
"""An ignore file is a few lines; a project's file comes from strangers and must not cost us time."""


FILES_KEPT_MAX = 256
"""Ignore files whose patterns are kept. Each holds `IGNORE_BYTES_MAX` of text at most."""


def is_ignored(path: Path) -> bool:
    """Whether a `.plumignore` in a folder above names the path. One that cannot be read hides its whole folder.

    A file is read once for each of its contents, told by its times and size. Reading takes time: see `_IgnoreFiles`.

    Args:
        path: absolute.

    Raises:
        OSError: a folder above cannot be read.
    """
    found = ((folder, _ignore_files.patterns(folder / PRIVACY_FILE)) for folder in path.parents)
    return any(patterns is not None and patterns.cover(path.relative_to(folder)) for folder, patterns in found)


def is_ignored_by_git(path: Path) -> bool:
    """Whether git would leave the file out if it did not track it yet: by the ignore files of its repository.

    The index and the user's own `core.excludesFile` are not looked at. Outside a repository, every folder above counts.

    Args:
        path: absolute; a file's, which need not exist.

    Raises:
        OSError: a folder above cannot be read.
    """
    above = list(path.parents)
    depth = next((at for at, folder in enumerate(above) if (folder / GIT_FOLDER).exists()), len(above) - 1)
    folders = above[depth::-1]
    if len(folders) > PARTS_MAX:
        return True
    files = [_git_files.patterns(folder / GIT_FILE) for folder in folders]
    files.insert(0, _git_files.patterns(_git_exclude(folders[0])))
    names = [os.fsencode(name).decode("latin-1") for name in path.relative_to(folders[0]).parts]
    return any(_is_left_out(files, names[:count], is_folder=count < len(names)) for count in range(1, len(names) + 1))


def _is_left_out(files: Sequence[GitPatterns | None], names: Sequence[str], *, is_folder: bool) -> bool:
    """Whether the last file that says something of a path, as seen from the top, ignores it; those above it aside.

    `files` are those of the repository, of the top folder, and of the folder of each name but the last.
    """
    for depth in range(len(names) - 1, -2, -1):
        patterns = files[depth + 1]
        said = patterns.says("/".join(names[max(depth, 0) :]), is_folder=is_folder) if patterns else None
        if said is not None:
            return said
    return False


def _git_exclude(top: Path) -> Path:
    """The repository's own ignore file; in a working tree beside it, the one of the repository that it belongs to."""
    folder = top / GIT_FOLDER
    if folder.is_file():
        folder = top / read_text(folder, bytes_max=IGNORE_BYTES_MAX).removeprefix("gitdir:").strip()
        folder /= read_text(folder / "commondir", bytes_max=IGNORE_BYTES_MAX).strip()
    return folder / GIT_EXCLUDE


class _IgnoreFiles(Generic[T]):
    """Keeps what ignore files say. Threads share it; two that read a file at once read it twice."""

    def __init__(self, parse: Callable[[bytes], T]) -> None:
        self._parse = parse
        self._kept: OrderedDict[Path, tuple[tuple[int, ...], T]] = OrderedDict()
        self._lock = Lock()

    def patterns(self, file: Path) -> T | None:
        """What a file says now; None if there is none."""
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

    def _read(self, file: Path) -> T:
        """What a file says; one that is too long ignores everything."""
        with open(file, "rb", opener=_without_waiting) as opened:
            content = opened.read(IGNORE_BYTES_MAX + 1)
        return self._parse(content if len(content) <= IGNORE_BYTES_MAX else b"*")


_ignore_files = _IgnoreFiles(lambda content: Patterns(patterns_of(content.decode("utf-8", "replace"))))
_git_files = _IgnoreFiles(GitPatterns)


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
        return not hidden and not any(
            is_excluded(one, exclude) or is_ignored(one) or is_ignored_by_git(one) for one in {path, resolved}
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
