"""Which installed files name a function, so that a search for copies of it reads only these.

The index is made once for some folders of packages and kept until a package is added or removed there. It holds the
names of functions that are defined, and of those that are called in tests, in sessions and in other texts.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

FILES_MAX = 60_000
"""Files that are read at most."""
FILE_BYTES_MAX = 1 << 20
"""How much of a file is read."""
_TEXTS = (".txt", ".md", ".rst", ".ipynb", ".orig", ".bak", ".json")
_SUFFIXES = (".py", ".pyi", ".pyc", *_TEXTS)
_DEFINED = re.compile(rb"def[ \t]+(\w+)")
_CALLED = re.compile(rb"\b(\w++)\(")
_SESSION = re.compile(rb">>>[^\n]*?\b(\w++)\(")
_TEST = re.compile(rb"def[ \t]+test")
"""Patterns that begin with letters, and words that are never tried again, take a fifth of the time: an environment may
hold 600 MB of texts."""


@lru_cache(maxsize=8)
def installed_in(folders: tuple[str, ...]) -> Installed:
    """The index of some folders, one for all sandboxes of this process."""
    return Installed(folders)


class Installed:
    """The names that the files in some folders mention. May be used by several threads."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(folders)
        self._lock = threading.Lock()
        self._state: tuple[tuple[int, int], ...] | None = None
        self._by_name: dict[bytes, list[int]] = {}
        self._paths: list[str] = []
        self._compiled: list[str] = []

    def naming(self, name: bytes) -> tuple[object, list[str]]:
        """The files that mention a function, with a mark that changes when packages do."""
        state = tuple(state_of(folder) for folder in self._folders)
        with self._lock:
            if state != self._state:
                self._read()
                self._state = state
        return state, [*(self._paths[place] for place in self._by_name.get(name, ())), *self._compiled]

    def _read(self) -> None:
        found: defaultdict[bytes, list[int]] = defaultdict(list)
        self._paths, self._compiled = [], []
        for path in itertools.islice(files_in(self._folders, _SUFFIXES), FILES_MAX):
            if path.endswith(".pyc"):
                self._compiled.append(path)
                continue
            with contextlib.suppress(OSError), Path(path).open("rb") as file:
                for name in _names(file.read(FILE_BYTES_MAX), is_text=path.endswith(_TEXTS)):
                    found[name].append(len(self._paths))
                self._paths.append(path)
        self._by_name = dict(found)


def _names(content: bytes, *, is_text: bool) -> set[bytes]:
    names = set(_DEFINED.findall(content))
    if is_text or b"TestCase" in content or _TEST.search(content):
        names.update(_CALLED.findall(content))
    elif b">>>" in content:
        names.update(_SESSION.findall(content))
    return names


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
