"""The one rule of privacy: which paths are never read, sent or stored, and which requests are refused.

A path is private if the settings exclude it (`privacy.exclude`) or a `.plumignore` in a folder above names it. What is
read for the sake of another file must also lie in the project, and git must not leave it out.
`config.patterns` says what a pattern means.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar
from urllib.parse import unquote, urlsplit

from plum_lsp.config import Settings
from plum_lsp.config.gitignore import GitPatterns
from plum_lsp.config.patterns import PARTS_MAX, Patterns, excluded_by, patterns_of
from plum_lsp.config.settings import PrivacySettings
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, RequestId
from plum_lsp.project.files import read_text, without_waiting

T = TypeVar("T")
PRIVACY_FILE = ".plumignore"
GIT_FILE = ".gitignore"
GIT_FOLDER = ".git"
GIT_EXCLUDE = "info/exclude"
IGNORE_BYTES_MAX = 64 * 1024
"""An ignore file has a few lines. A project's file is not trusted, so it must not use much time."""
FILES_KEPT_MAX = 256
"""Ignore files whose patterns are kept. Each holds `IGNORE_BYTES_MAX` of text at most."""


def refusal(request_id: RequestId, uri: str, privacy: PrivacySettings) -> Abstention | None:
    """Why a request for the document `uri` is refused. None if it is allowed."""
    if privacy.paused:
        return Abstention(request_id=request_id, reason=AbstentionReason.PAUSED, detail="plum-lsp is paused.")
    try:
        is_private, detail = _is_private(uri, privacy.exclude), "The settings exclude this file."
    except (ValueError, OSError, RuntimeError):
        # A null character, a lone surrogate, a broken host, or a cycle of links.
        is_private, detail = True, "The file's address cannot be read, so it may be one that the settings exclude."
    if is_private:
        return Abstention(request_id=request_id, reason=AbstentionReason.EXCLUDED, detail=detail)
    return None


def private(settings: Settings) -> Callable[[str], bool]:
    """Whether the settings, or the current ignore files, exclude a document's address."""
    rules = dataclasses.replace(settings.privacy, paused=False)

    @functools.cache
    def is_private(uri: str) -> bool:
        return refusal(RequestId(""), uri, rules) is not None

    return is_private


def _is_private(uri: str, exclude: Sequence[str]) -> bool:
    """Whether the path of a URI is private, by its own name or by the target of a link."""
    parts = urlsplit(uri)
    path = unquote(parts.path)
    paths = private_paths(tuple(exclude))
    if paths.excluded.cover(path):
        return True
    return parts.scheme == "file" and any(map(paths.hide, {Path(path), Path(path).resolve()}))


class PrivatePaths:
    """What the settings exclude, together with the ignore files of the moment."""

    def __init__(self, exclude: Sequence[str]) -> None:
        self.excluded = excluded_by(tuple(exclude))

    def hide(self, path: Path) -> bool:
        """Whether a path is private by its own name. It is absolute, and links are the caller's to resolve.

        Raises:
            OSError: a folder above cannot be read.
        """
        return self.excluded.cover(path) or is_ignored(path)

    def is_private(self, path: Path) -> bool:
        """Like `hide`. A path whose folders cannot be read counts as private."""
        return self.within(path.parent).is_private(path)

    def within(self, folder: Path) -> PrivateWithin:
        """`is_private` for what lies in one folder. Ask anew for each walk."""
        made = PrivateWithin(excluded=self.excluded)
        for above in (*reversed(folder.parents), folder):
            made = made.below(above)
        return made

    def may_read(self, path: Path, root: Path) -> bool:
        """Whether a project's file may be read for the sake of another.

        It must lie inside `root` by name and by where links lead, and neither be private nor hidden.
        """
        try:
            resolved = path.resolve(strict=True)
            if not resolved.is_relative_to(root.resolve()):
                return False
            hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
            return not hidden and not any(self.hide(one) or is_ignored_by_git(one) for one in {path, resolved})
        except (OSError, ValueError, RuntimeError):
            return False

    def readable(self, root: Path) -> ReadableFiles:
        """`may_read` for many files of the project at `root`."""
        return ReadableFiles(self, root)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrivateWithin:
    """Which entries of one folder are private. The ignore files of the folders above were looked for once."""

    excluded: Patterns
    stated: tuple[tuple[Path, Patterns], ...] = ()
    is_all_private: bool = False

    def below(self, folder: Path) -> PrivateWithin:
        """The same for a folder in it. All is private below a folder that cannot be read."""
        try:
            patterns = _ignore_files.patterns(folder / PRIVACY_FILE)
        except OSError:
            return dataclasses.replace(self, is_all_private=True)
        return self if patterns is None else dataclasses.replace(self, stated=(*self.stated, (folder, patterns)))

    def is_private(self, path: Path) -> bool:
        """Whether an entry of the folder is private."""
        if self.is_all_private or self.excluded.cover(path):
            return True
        return any(patterns.cover(path.relative_to(folder)) for folder, patterns in self.stated)


class ReadableFiles:
    """Which files of a project may be read for the sake of another. Each folder is looked at once: ask anew each time.

    What is reached by a link is judged alone.
    """

    def __init__(self, private: PrivatePaths, root: Path) -> None:
        self._private = private
        self._root = root
        self._folders: dict[Path, tuple[PrivateWithin, _GitWithin] | None] = {}

    def may_read(self, path: Path) -> bool:
        """Whether a file may be read, as `PrivatePaths.may_read` says."""
        try:
            if path.parent not in self._folders:
                self._folders[path.parent] = self._looked_at(path.parent)
            found = self._folders[path.parent]
            if found is None or stat.S_ISLNK(path.lstat().st_mode):
                return self._private.may_read(path, self._root)
            private, git = found
            return not path.name.startswith(".") and not private.is_private(path) and not git.is_ignored(path)
        except (OSError, ValueError, RuntimeError):
            return False

    def _looked_at(self, folder: Path) -> tuple[PrivateWithin, _GitWithin] | None:
        """What hides the files of a folder. None if links lead to it, or if it is hidden or outside of the project."""
        is_plain = folder == folder.resolve(strict=True) and self._root == self._root.resolve()
        if not is_plain or not folder.is_relative_to(self._root):
            return None
        if any(part.startswith(".") for part in folder.relative_to(self._root).parts):
            return None
        return self._private.within(folder), _git_within(folder)


@lru_cache(maxsize=8)
def private_paths(exclude: tuple[str, ...]) -> PrivatePaths:
    """The same patterns, read once."""
    return PrivatePaths(exclude)


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
        path: the absolute path of a file. It need not exist.

    Raises:
        OSError: a folder above cannot be read.
    """
    return _git_within(path.parent).is_ignored(path)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _GitWithin:
    """Which files of one folder git leaves out. `files` are those of the repository, then of each folder from `top`."""

    top: Path
    files: Sequence[GitPatterns | None]
    is_all_ignored: bool = False

    def is_ignored(self, path: Path) -> bool:
        """Whether a file of the folder is left out."""
        if self.is_all_ignored:
            return True
        names = [os.fsencode(name).decode("latin-1") for name in path.relative_to(self.top).parts]
        parts = range(1, len(names) + 1)
        return any(_is_left_out(self.files, names[:count], is_folder=count < len(names)) for count in parts)


def _git_within(folder: Path) -> _GitWithin:
    """The ignore files that count for a folder."""
    above = [folder, *folder.parents]
    depth = next((at for at, one in enumerate(above) if (one / GIT_FOLDER).exists()), len(above) - 1)
    folders = above[depth::-1]
    if len(folders) > PARTS_MAX:
        return _GitWithin(top=folders[0], files=(), is_all_ignored=True)
    files = [_git_files.patterns(one / GIT_FILE) for one in folders]
    return _GitWithin(top=folders[0], files=(_git_files.patterns(_git_exclude(folders[0])), *files))


def _is_left_out(files: Sequence[GitPatterns | None], names: Sequence[str], *, is_folder: bool) -> bool:
    """Whether the last file (from the top) with a pattern for the path ignores it. The folders above it are not asked.

    `files` are those of the repository, of the top folder, and of the folder of each name but the last.
    """
    for depth in range(len(names) - 1, -2, -1):
        patterns = files[depth + 1]
        said = patterns.says("/".join(names[max(depth, 0) :]), is_folder=is_folder) if patterns else None
        if said is not None:
            return said
    return False


def _git_exclude(top: Path) -> Path:
    """The repository's own ignore file. For a linked working tree, that of the repository it belongs to."""
    folder = top / GIT_FOLDER
    if folder.is_file():
        folder = top / read_text(folder, bytes_max=IGNORE_BYTES_MAX).removeprefix("gitdir:").strip()
        folder /= read_text(folder / "commondir", bytes_max=IGNORE_BYTES_MAX).strip()
    return folder / GIT_EXCLUDE


class _IgnoreFiles(Generic[T]):
    """Keeps the patterns of ignore files. Threads share it. If two read a file at once, it is read twice."""

    def __init__(self, parse: Callable[[bytes], T]) -> None:
        self._parse = parse
        self._kept: OrderedDict[Path, tuple[tuple[int, ...], T]] = OrderedDict()
        self._lock = Lock()

    def patterns(self, file: Path) -> T | None:
        """The present patterns of a file. None if there is no file."""
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
        """The patterns of a file. A file that is too long ignores everything."""
        with open(file, "rb", opener=without_waiting) as opened:
            content = opened.read(IGNORE_BYTES_MAX + 1)
        return self._parse(content if len(content) <= IGNORE_BYTES_MAX else b"*")


_ignore_files = _IgnoreFiles(lambda content: Patterns(patterns_of(content.decode("utf-8", "replace"))))
_git_files = _IgnoreFiles(GitPatterns)
