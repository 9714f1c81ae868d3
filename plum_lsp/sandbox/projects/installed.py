"""Which installed files name a function, so that a search for copies of it reads only these.

The index holds the names of functions that are defined, and of those that are called in tests, in sessions and in other
texts. It is kept in the cache, because reading an environment takes seconds: one of 30,000 files has 440,000 names in
them. It is made again when a package is added or removed, and stays in memory where it cannot be kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import os
import re
import threading
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from plum_lsp.files.whole import write_whole

_log = logging.getLogger(__name__)
FILES_MAX = 60_000
"""Files that are read at most."""
FILE_BYTES_MAX = 1 << 20
"""How much of a file is read."""
FORM = 1
"""The number of what an index holds. Raise it when `_names` or the form changes, so that no older index is used."""
KEPT_MAX = 8
"""Indexes that are kept in the cache. One of 30,000 files takes 10 MB."""
_DIGEST_BYTES = 16
_TEXTS = (".txt", ".md", ".rst", ".ipynb", ".orig", ".bak", ".json")
_SUFFIXES = (".py", ".pyi", ".pyc", *_TEXTS)
_DEFINED = re.compile(rb"def[ \t]+(\w+)")
_CALLED = re.compile(rb"\b(\w++)\(")
_SESSION = re.compile(rb">>>[^\n]*?\b(\w++)\(")
_TEST = re.compile(rb"def[ \t]+test")
"""Patterns that begin with letters, and words that are never tried again, take a fifth of the time: an environment may
hold 600 MB of texts."""


def package_folders(paths: Iterable[str]) -> tuple[str, ...]:
    """Those of an interpreter's import paths that hold installed packages."""
    return tuple(path for path in paths if "-packages" in path)


@lru_cache(maxsize=8)
def installed_in(folders: tuple[str, ...], cache: Path | None) -> Installed:
    """The index of some folders, one for all sandboxes of this process. `cache` is the folder for its file, if any."""
    return Installed(folders, cache)


class Installed:
    """The names that the files in some folders mention. May be used by several threads."""

    def __init__(self, folders: Sequence[str], cache: Path | None = None) -> None:
        self.folders = tuple(folders)
        self._cache = cache
        self._lock = threading.Lock()
        self._state = ""
        self._index = _Index(files=b"", names=b"")

    def naming(self, name: bytes) -> tuple[str, list[str]]:
        """The files that mention a function, with a mark that changes when packages do."""
        state = _state_of_folders(self.folders)
        with self._lock:
            if state != self._state:
                self._index, self._state = self._read(state), state
            return state, self._index.naming(name)

    def _read(self, state: str) -> _Index:
        """The index in this state: from the cache, or made now and left there."""
        path = self._cache / f"{state}.index" if self._cache is not None else None
        if path is not None and (kept := _kept(path)) is not None:
            return kept
        index = _made(self.folders)
        try:
            if path is not None:
                _keep(index, path)
        except OSError as error:
            _log.warning("the index of installed packages cannot be kept: %s", error)
        return index


@dataclass(frozen=True, slots=True)
class _Index:
    """The paths of files, each with a NUL behind it, and lines of a name and the numbers of the files that mention it.

    Compiled files stand in the line without a name: any of them may mention any function.
    """

    files: bytes
    names: bytes

    def naming(self, name: bytes) -> list[str]:
        """The files that mention a name, and all compiled ones."""
        paths = self.files.split(b"\0")
        return [os.fsdecode(paths[place]) for one in (name, b"") for place in self._places(one)]

    def _places(self, name: bytes) -> list[int]:
        start = self.names.find(b"\n%b " % name)
        line = self.names[start + 1 : self.names.index(b"\n", start + 1)] if start >= 0 else b""
        return [int(number) for number in line.split(b" ")[1:]]


def _made(folders: Sequence[str]) -> _Index:
    paths: list[bytes] = []
    places: defaultdict[bytes, array[int]] = defaultdict(lambda: array("I"))
    for path in itertools.islice(files_in(folders, _SUFFIXES), FILES_MAX):
        names = {b""}
        if not path.endswith(".pyc"):
            try:
                with Path(path).open("rb") as file:
                    names = _names(file.read(FILE_BYTES_MAX), is_text=path.endswith(_TEXTS))
            except OSError:
                continue
        for name in names:
            places[name].append(len(paths))
        paths.append(os.fsencode(path))
    lines = (b"%b %b\n" % (name, b" ".join(b"%d" % place for place in found)) for name, found in places.items())
    return _Index(files=b"\0".join([*paths, b""]), names=b"\n" + b"".join(lines))


def _keep(index: _Index, path: Path) -> None:
    """Write an index at once as a whole, and remove those that were not used for longest."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = index.files + index.names
    write_whole(path, _digest(content) + content)
    kept = sorted(path.parent.glob("*.index"), key=lambda one: -state_of(str(one))[0])
    for old in kept[KEPT_MAX:]:
        old.unlink(missing_ok=True)


def _kept(path: Path) -> _Index | None:
    """The index in a file, marked as used now. None if there is none, or it is damaged."""
    try:
        with path.open("rb") as file:
            digest, content = file.read(_DIGEST_BYTES), file.read()
    except OSError:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    if _digest(content) != digest:
        return None
    files, mark, names = content.partition(b"\0\n")  # A path is absolute: none begins with the end of a line.
    return _Index(files=files + mark[:1], names=mark[1:] + names)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _names(content: bytes, *, is_text: bool) -> set[bytes]:
    names = set(_DEFINED.findall(content))
    if is_text or b"TestCase" in content or _TEST.search(content):
        names.update(_CALLED.findall(content))
    elif b">>>" in content:
        names.update(_SESSION.findall(content))
    return names


def _state_of_folders(folders: Sequence[str]) -> str:
    """What changes when a package is added to these folders, removed or installed again.

    An installer writes metadata (`*-info`) for each package. The time of a package's folder also changes when Python
    writes compiled files there, so only its name counts.
    """
    digest = hashlib.blake2b(str(FORM).encode(), digest_size=16)
    for folder in folders:
        digest.update(f"{folder}\n".encode("utf-8", "surrogatepass"))
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            telling = {one.name: one.name.endswith("-info") or one.is_file() for one in entries}
            telling.pop("__pycache__", None)
            for name in sorted(telling):
                state = state_of(f"{folder}/{name}") if telling[name] else ""
                digest.update(f"{name} {state}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def state_of(path: str) -> tuple[int, int]:
    """What shows a change of a file or folder."""
    try:
        found = Path(path).stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def files_in(places: Sequence[str], suffixes: tuple[str, ...] | None) -> Iterator[str]:
    """The files in some places, in no order. With suffixes, compiled files that have a source are left out."""
    pending = list(places)
    while pending:
        place = pending.pop()
        try:
            entries = list(os.scandir(place))
        except NotADirectoryError:
            yield place
            continue
        except OSError:
            continue
        is_cache = place.endswith("/__pycache__")
        for entry in entries:
            if entry.is_symlink():
                continue
            if entry.is_dir():
                pending.append(entry.path)
            elif is_cache and suffixes is not None and Path(place).parent.joinpath(_source_name(entry.name)).exists():
                continue
            elif suffixes is None or entry.name.endswith(suffixes):
                yield entry.path


def _source_name(compiled: str) -> str:
    """The name of the file that `core.cpython-311.pyc` was compiled from."""
    return compiled.split(".")[0] + ".py"
