"""The one rule of privacy: which paths are never read, sent or stored, and which requests are refused.

A path is private if the settings exclude it (`privacy.exclude`) or a `.plumignore` in a folder above names it. What is
read for the sake of another file must also lie in the project and must not be hidden from version control.
`config.patterns` says what a pattern means.
"""

from __future__ import annotations

import dataclasses
import functools
import stat
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from urllib.parse import unquote, urlsplit

from plum_lsp.config import Settings
from plum_lsp.config.patterns import Patterns, excluded_by, patterns_of
from plum_lsp.config.settings import PrivacySettings
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, RequestId
from plum_lsp.project.files import without_waiting

PRIVACY_FILE = ".plumignore"
VERSION_CONTROL_FILE = ".gitignore"
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
        try:
            return self.hide(path)
        except OSError:
            return True

    def may_read(self, path: Path, root: Path) -> bool:
        """Whether a project's file may be read for the sake of another.

        It must lie inside `root` by name and by where links lead, and neither be private nor hidden.
        """
        try:
            resolved = path.resolve(strict=True)
            if not resolved.is_relative_to(root.resolve()):
                return False
            hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
            return not hidden and not any(
                self.hide(one) or is_ignored(one, names=(VERSION_CONTROL_FILE,)) for one in {path, resolved}
            )
        except (OSError, ValueError, RuntimeError):
            return False


@lru_cache(maxsize=8)
def private_paths(exclude: tuple[str, ...]) -> PrivatePaths:
    """The same patterns, read once."""
    return PrivatePaths(exclude)


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
        with open(file, "rb", opener=without_waiting) as opened:
            content = opened.read(IGNORE_BYTES_MAX + 1)
        if len(content) > IGNORE_BYTES_MAX:
            return Patterns(["**", "*"])
        return Patterns(patterns_of(content.decode("utf-8", "replace")))


_ignore_files = _IgnoreFiles()
