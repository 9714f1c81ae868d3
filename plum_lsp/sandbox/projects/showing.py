"""The files of a project that its zygotes and children can open: modules with their data, tests, configuration.

There are three views. `tests` shows all of it, for finding tests. `beside` leaves out the files of tests, but not their
data, for a child that runs tests which were found before. `alone` also leaves out the folders of tests, for a child
that runs only a candidate. So no candidate can read the expected values of a test. This module reads only the imports
of files.
"""

from __future__ import annotations

import configparser
import contextlib
import fnmatch
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from plum_lsp.domain.project import Project
from plum_lsp.sandbox.pool import installed_imports

Hides = Callable[[Path], bool]
"""Tells which paths a user's settings and ignore files hide."""

CONFIGURATION = ("pyproject.toml", "pytest.ini", "pytest.toml", "setup.cfg", "tox.ini", "conftest.py")
"""Files that pytest reads in a project's own folder."""
ENTRIES_MAX = 50_000
"""Files and folders that are looked at. Of a larger project only these are shown."""
PYTEST_PARTS = ("_pytest.main", "_pytest.runner", "_pytest.python", "_pytest.unittest", "_pytest.assertion.rewrite")
FILES_READ_MAX = 400
FILE_BYTES_MAX = 16 * 1024
"""How much of a file is read to see which packages it imports. Imports are at the top of a file."""
_LEFT_OUT = frozenset({"node_modules"})
_CACHE = "__pycache__"
_KEYS = frozenset({".pem", ".key", ".p12", ".pfx", ".kdbx", ".jks", ".keystore", ".env", ".tfvars", ".tfstate", ".ppk"})
_SECRET = re.compile(r"secret|credential|password|^id_(?:rsa|dsa|ecdsa|ed25519)|^service[-_]?account|^kubeconfig$")
_TEST_FILE = re.compile(r"(?:test_\w+|\w+_tests?|tests?|conftest)\.py")
_TEST_FOLDERS = frozenset({"test", "tests"})
_HELPER_FOLDERS = frozenset({"testing"})


def shows_everything(path: Path) -> bool:
    """Hides no path. It is used without settings."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Files and folders, each shown with all its contents. Of the folders in `listed` only the names may be read."""

    alone: tuple[str, ...]
    beside: tuple[str, ...]
    tests: tuple[str, ...]
    listed: tuple[str, ...]


def views_of(project: Project, hides: Hides, *, beside: Path | None = None) -> Views:
    """The views of a project. `beside` is the folder of a document that lies outside its import roots."""
    places = [*_modules(project), *(mapped.path for mapped in project.mapped)]
    if beside is not None:
        places += [one for one in sorted(beside.iterdir()) if _is_module(one)] if beside.is_dir() else []
    tests = [*project.tests, *(project.root / name for name in CONFIGURATION)]
    folders = _Folders(hides)
    is_test_file = cache(lambda entry: _is_test_file(entry, project))
    alone = _Look(folders, lambda entry: _is_test(entry, project, is_test_file)).parts(places)
    near = _Look(folders, is_test_file).parts([*places, *tests])
    every = _Look(folders, lambda entry: False).parts([*places, *tests])
    above = _folders_above((*alone, *near, *every))
    roots = {str(one) for one in (*project.import_roots, project.root, *(place.parent for place in places))}
    inside = {one for one in above if any(Path(one).is_relative_to(root) for root in roots)}
    listed = tuple(sorted(roots | inside))
    return Views(alone=tuple(alone), beside=tuple(near), tests=tuple(every), listed=listed)


def _is_module(entry: Path) -> bool:
    return entry.suffix == ".py" or (entry / "__init__.py").is_file()


def _modules(project: Project) -> Iterator[Path]:
    """The packages and modules that can be imported from the project's roots."""
    for root in project.import_roots:
        if root.is_dir():
            for entry in sorted(root.iterdir()):
                name = entry.name.removesuffix(".py").split(".")[0]
                is_module = entry.suffix in {".py", ".so", ".pyd"} or entry in project.regular
                if is_module or (entry.is_dir() and name in project.packages):
                    yield entry


def _folders_above(paths: Iterable[str]) -> set[str]:
    """All folders above these paths but the root."""
    found: set[str] = set()
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in found:
            found.add(path)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An entry of a folder. `is_left_out` says that no view shows it."""

    path: Path
    is_folder: bool
    is_link: bool
    is_left_out: bool


class _Folders:
    """The entries of folders, each listed once for all views."""

    def __init__(self, hides: Hides) -> None:
        self._hides = hides
        self._listed: dict[Path, list[_Entry]] = {}

    def entries(self, folder: Path) -> list[_Entry]:
        """The entries by name."""
        found = self._listed.get(folder)
        if found is None:
            with os.scandir(folder) as entries:
                found = [self._entry(folder, one) for one in sorted(entries, key=lambda one: one.name)]
            self._listed[folder] = found
        return found

    def leaves_out(self, path: Path) -> bool:
        """Whether no view shows a path."""
        return path.name in _LEFT_OUT or is_private(path) or self._hides(path)

    def _entry(self, folder: Path, entry: os.DirEntry[str]) -> _Entry:
        path = folder / entry.name
        return _Entry(
            path=path, is_folder=entry.is_dir(), is_link=entry.is_symlink(), is_left_out=self.leaves_out(path)
        )


class _Look:
    """One bounded search through a project. `is_out` tells what a view also leaves out."""

    def __init__(self, folders: _Folders, is_out: Callable[[Path], bool]) -> None:
        self._folders = folders
        self._is_out = is_out
        self._left = ENTRIES_MAX

    def parts(self, places: list[Path]) -> list[str]:
        """The places, or the parts of them that may be seen, without those that lie in another one."""
        found: list[Path] = []
        for place in dict.fromkeys(places):
            if place.is_symlink() or not place.exists() or self._folders.leaves_out(place) or self._is_out(place):
                continue
            parts = self._shown(place) if place.is_dir() else None
            found += [place] if parts is None else parts
        whole = {one for one in found if one.is_dir()}
        return [str(one) for one in dict.fromkeys(found) if whole.isdisjoint(one.parents)]

    def _shown(self, folder: Path) -> list[Path] | None:
        """The parts of a folder that may be seen. None if all of it may."""
        parts: list[Path] = []
        is_whole = True
        entries = self._folders.entries(folder)
        tests = {entry.path for entry in entries if self._is_out(entry.path)}
        for entry in entries:
            self._left -= 1
            is_cache = entry.path.name == _CACHE
            is_out = entry.path in tests or (is_cache and bool(tests))
            if self._left < 0 or entry.is_link or entry.is_left_out or is_out:
                is_whole = False
                continue
            inner = self._shown(entry.path) if entry.is_folder and not is_cache else None
            is_whole = is_whole and inner is None
            parts += [entry.path] if inner is None else inner
        return None if is_whole else parts


def _is_test(entry: Path, project: Project, is_test_file: Callable[[Path], bool]) -> bool:
    """Whether a file or folder belongs to the project's tests."""
    is_stated = entry in project.tests and not (_holds_modules(entry) or _is_needed(entry, project))
    return is_stated or entry.name in _TEST_FOLDERS or _is_unused(entry, project) or is_test_file(entry)


def _holds_modules(folder: Path) -> bool:
    """Whether most Python files of a folder are modules. A project may state its package as the place of its tests."""
    names = [one.name for one in folder.glob("*.py") if one.name != "__init__.py"] if folder.is_dir() else []
    return sum(_TEST_FILE.fullmatch(name) is None for name in names) > len(names) / 2


def _is_test_file(entry: Path, project: Project) -> bool:
    """Whether a name is one of a test file, also by the project's own patterns, unless a module imports the file."""
    if _TEST_FILE.fullmatch(entry.name) is not None:
        return not _is_needed(entry, project)
    is_named = any(fnmatch.fnmatchcase(f"/{entry.as_posix()}", f"*/{pattern}") for pattern in project.test_names)
    return is_named and entry.suffix == ".py" and not _is_imported(entry.stem, project)


def _is_needed(entry: Path, project: Project) -> bool:
    """Whether the modules beside it import a module that has the name of a test file, such as `pkg/tests.py`.

    Their package cannot be imported without it.
    """
    folder, name = entry.parent, entry.stem
    inside = folder.relative_to(project.root).parts if folder.is_relative_to(project.root) else folder.parts
    if folder not in project.regular or not _TEST_FOLDERS.isdisjoint(inside):
        return False
    package = re.escape(project.dotted_name(entry).removesuffix(f".{name}"))
    names = rf"(?:\([^)]*|[^\n(]*)\b{name}\b"
    stated = re.compile(
        rf"(?m)^[ \t]*(?:from[ ]+(?:{package})?\.{name}[ ]+import\b|from[ ]+(?:{package}|\.)[ ]+import[ ]+{names}"
        rf"|import[ ]+{package}\.{name}\b)"
    )
    beside = sorted(path for path in folder.glob("*.py") if _TEST_FILE.fullmatch(path.name) is None)
    return any(stated.search(_start_of(path)) for path in beside[:FILES_READ_MAX])


def _is_unused(entry: Path, project: Project) -> bool:
    """Whether it is a folder of helpers for tests (`testing`) that no module imports."""
    return entry.name in _HELPER_FOLDERS and entry.is_dir() and not _is_imported(entry.name, project)


def _is_imported(name: str, project: Project) -> bool:
    """Whether an import in a module that is no test names a module of this name. Such a module has to be shown."""
    stated = re.compile(rf"(?m)^[ \t]*(?:from|import)\b.*\b{re.escape(name)}\b")
    for path in itertools.islice(_python_files([str(place) for place in _modules(project)]), FILES_READ_MAX):
        inside = path.parts[len(project.root.parts) :] if path.is_relative_to(project.root) else path.parts
        is_test = _TEST_FILE.fullmatch(path.name) is not None or path.stem == name
        if is_test or not {name, *_TEST_FOLDERS}.isdisjoint(inside[:-1]):
            continue
        if stated.search(_start_of(path)):
            return True
    return False


def _start_of(path: Path) -> str:
    """The start of a file, where its imports are. Empty if it cannot be read."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(FILE_BYTES_MAX).decode("utf-8", "replace")
    return ""


def packages_named(places: Sequence[str], folders: Sequence[str]) -> frozenset[str]:
    """The installed packages that the modules in `places` import at their top."""
    text: list[str] = []
    for path in itertools.islice(_python_files(places), FILES_READ_MAX):
        text += [line for line in _start_of(path).splitlines() if line.startswith(("import ", "from "))]
    return installed_imports("\n".join(dict.fromkeys(text)), folders)


def pytest_modules(folders: Sequence[str]) -> frozenset[str]:
    """pytest with its installed plug-ins, as modules to import ahead. Empty if it is not installed."""
    found: list[str] = []
    for file in (file for folder in folders for file in sorted(Path(folder).glob("*.dist-info/entry_points.txt"))):
        with contextlib.suppress(OSError, configparser.Error, UnicodeDecodeError):
            points = configparser.ConfigParser(delimiters=("=",), interpolation=None)
            points.read_string(file.read_text(encoding="utf-8"))
            if points.has_section("pytest11"):
                found += [value.split(":")[0].strip() for _, value in points.items("pytest11")]
    return installed_imports("\n".join(f"import {name}" for name in ("pytest", *PYTEST_PARTS, *found)), folders)


def _python_files(places: Sequence[str]) -> Iterator[Path]:
    for place in map(Path, places):
        yield from place.rglob("*.py") if place.is_dir() else [place] if place.suffix == ".py" else []


def is_private(entry: Path) -> bool:
    """Whether a name marks a path as private. The name of a module never does."""
    name = entry.name.lower()
    if name.startswith(".") or entry.suffix.lower() in _KEYS:
        return True
    is_module = entry.suffix in {".py", ".pyi"} or (entry / "__init__.py").exists()
    return not is_module and _SECRET.search(name) is not None
