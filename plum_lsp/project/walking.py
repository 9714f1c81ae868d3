"""Walks a project's folders, with bounds. It finds packages, tests, Python files, and the names importable from a
root."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from plum_lsp.domain.project import LOOSE_FOLDERS, Project
from plum_lsp.project.environments import CONFIGURATION
from plum_lsp.project.looking import Look
from plum_lsp.project.privacy import PrivatePaths, PrivateWithin

FOLDERS_MAX = 2000
"""The most folders that are listed. Each costs a few microseconds whenever a project is checked again."""
TEST_FOLDERS = frozenset({"test", "tests", "testing"})
_TEST_FILE = re.compile(r"test_\w+\.py|\w+_test\.py|tests?\.py")
FILES_MAX = 1500
"""The most Python files of a project that are looked at."""
_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "__pypackages__"})
_BUILT = frozenset({"build", "dist"})
"""Folders that build tools create at the root. A package of the same name is not skipped."""
_NO_CODE = frozenset({"node_modules", "site-packages", "venv", "env", "build", "dist", "__pycache__"})
_NO_MODULES = frozenset({"setup", "conftest", "noxfile", "fabfile"})


@dataclass(slots=True, kw_only=True)
class Walk:
    """The result of a walk.

    `regular` folders hold an `__init__.py`. `tests` are folders of tests and other test files.
    """

    regular: set[Path] = field(default_factory=set)
    tests: list[Path] = field(default_factory=list)
    is_whole: bool = True


def walk(look: Look, root: Path, *, is_marked: bool) -> Walk:
    """Walk the folders of a project, nearest first. Hidden folders, environments and links are skipped.

    In a folder that no file marks as a project, only its own packages and tests are walked.
    """
    found = Walk()
    waiting = [(root, False)]
    for count, (folder, is_tests) in enumerate(waiting):
        if count >= FOLDERS_MAX:
            found.is_whole = False
            break
        entries = look.children(folder)
        names = {entry.name for entry in entries}
        if CONFIGURATION in names:
            continue
        if "__init__.py" in names and (folder != root or not names & {"pyproject.toml", "setup.py", "setup.cfg"}):
            found.regular.add(folder)
        has_code = any(name.endswith(".py") for name in names)
        starts_tests = not is_tests and folder != root and folder.name in TEST_FOLDERS and has_code
        if starts_tests:
            found.tests.append(folder)
        elif not is_tests:
            found.tests += [folder / name for name in sorted(names) if _TEST_FILE.fullmatch(name)]
        below = is_tests or starts_tests
        waiting += [
            (folder / entry.name, below)
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and _is_looked_into(folder / entry.name, root)
            if is_marked or below or folder == root or folder in found.regular
        ]
    return found


def importable(look: Look, roots: Iterable[Path], regular: Iterable[Path]) -> tuple[str, ...]:
    """The names that can be imported from these roots: packages, modules, and namespaces that hold packages."""
    packages = set(regular)
    holding = {parent for package in packages for parent in package.parents}
    names: dict[str, None] = {}
    for root in roots:
        for entry in look.children(root):
            name, dot, suffix = entry.name.partition(".")
            if not name.isidentifier() or (dot and suffix != "py") or (not dot and name in LOOSE_FOLDERS):
                continue
            place = root / entry.name
            is_module = dot and name not in _NO_MODULES and not _TEST_FILE.fullmatch(entry.name)
            if is_module or place in packages or (place in holding and place not in roots):
                names[name] = None
    return tuple(names)


def _is_looked_into(folder: Path, root: Path) -> bool:
    name = folder.name
    if name.startswith(".") or name in _SKIPPED or name.endswith(".egg-info"):
        return False
    return not (folder.parent == root and name in _BUILT and not (folder / "__init__.py").is_file())


def python_files(project: Project, private: PrivatePaths) -> list[Path]:
    """The files of the project's tests and of its own modules that are not private. Blocks."""
    return list(itertools.islice(_files(project, private), FILES_MAX))


def _files(project: Project, private: PrivatePaths) -> Iterator[Path]:
    places = [*project.tests, *(root for root in project.import_roots if root.is_relative_to(project.root))]
    seen: set[Path] = set()
    for place in places:
        if place.is_file():
            if place not in seen and not private.is_private(place):
                seen.add(place)
                yield place
            continue
        for path in _below(place, private.within(place)):
            if path not in seen:
                seen.add(path)
                yield path


def _below(folder: Path, private: PrivateWithin) -> Iterator[Path]:
    """The Python files in a folder by name, then those in the folders in it. Links are skipped."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((one for one in entries if not one.is_symlink()), key=lambda one: one.name)
    except OSError:
        return
    folders = []
    for entry in found:
        if entry.is_dir():
            folders += [entry.name] if not entry.name.startswith(".") and entry.name not in _NO_CODE else []
        elif entry.name.endswith(".py") and not private.is_private(path := folder / entry.name):
            yield path
    for name in folders:
        if not private.is_private(path := folder / name):
            yield from _below(path, private.below(path))
