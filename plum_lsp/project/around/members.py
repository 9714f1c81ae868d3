"""Tells which names the packages give that a project depends on. It reads their texts and runs no code.

A package counts if `pyproject.toml` names a distribution of its name, or if a file of the project imports it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock

from plum_lsp.project.around.names import FILE_BYTES_MAX, skimmed
from plum_lsp.project.files import read_text
from plum_lsp.project.looking import Look, strings, table
from plum_lsp.python.missing.resolving import is_distinctive

PACKAGES_MAX = 48
"""The most packages of a project that are read."""
KEPT_MAX = 500
LOOKED_KEPT_MAX = 32
PYPROJECT = "pyproject.toml"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")

_Members = Mapping[str, tuple[str, str]]
"""By name, the module and the name in it from which a package has it."""


class PackageMembers:
    """The names that packages give, by their files. Several threads may use it."""

    def __init__(self) -> None:
        self._kept: dict[Path, tuple[tuple[int, int], _Members]] = {}
        self._looked: dict[tuple[Path, ...], tuple[Look, frozenset[str]]] = {}
        self._lock = Lock()

    def stated(self, root: Path) -> frozenset[str]:
        """The packages that the `pyproject.toml` of a project names, read again once it has changed."""
        return self._seen((root / PYPROJECT,), lambda look: _dependencies(look, root / PYPROJECT))

    def installed(self, folders: Sequence[Path]) -> frozenset[str]:
        """The names that the packages in the folders of an environment are imported by."""
        return self._seen(tuple(folders), lambda look: _installed(look, folders))

    def _seen(self, paths: tuple[Path, ...], read: Callable[[Look], Iterable[str]]) -> frozenset[str]:
        """The names that are read of paths, read again once something that was looked at has changed."""
        with self._lock:
            kept = self._looked.get(paths)
        if kept is None or not kept[0].is_fresh():
            look = Look()
            kept = look, frozenset(read(look))
            with self._lock:
                self._looked[paths] = kept
                while len(self._looked) > LOOKED_KEPT_MAX:
                    self._looked.pop(next(iter(self._looked)))
        return kept[1]

    def statements(self, packages: Iterable[str], folders: Sequence[Path], words: frozenset[str]) -> Mapping[str, str]:
        """The statement that imports each name that one object of the packages has. Blocks.

        A short name is often something that the policy made up, so it counts only if it is one of the `words` of the
        document.
        """
        found: dict[str, dict[tuple[str, str], str]] = {}
        for package in sorted(set(packages))[:PACKAGES_MAX]:
            for name, home in self._of(package, folders).items():
                if name in words or is_distinctive(name):
                    found.setdefault(name, {}).setdefault(home, f"from {package} import {name}")
        return {name: next(iter(homes.values())) for name, homes in found.items() if len(homes) == 1}

    def _of(self, package: str, folders: Sequence[Path]) -> _Members:
        for folder in folders:
            for path in (folder / package / "__init__.py", folder / f"{package}.py"):
                try:
                    stated = path.stat()
                except OSError:
                    continue
                state = (stated.st_mtime_ns, stated.st_size)
                with self._lock:
                    kept = self._kept.get(path)
                if kept is None or kept[0] != state:
                    kept = state, dict(_read(package, read_text(path, bytes_max=FILE_BYTES_MAX)))
                    with self._lock:
                        self._kept[path] = kept
                        while len(self._kept) > KEPT_MAX:
                            self._kept.pop(next(iter(self._kept)))
                return kept[1]
        return {}


def _read(package: str, text: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """The public names of a package, with where they come from. Those of the standard library are not its own."""
    names = skimmed(text)
    for one in names.imports:
        is_own = one.level > 0 or one.module.partition(".")[0] not in sys.stdlib_module_names
        if one.member and is_own and not one.name.startswith("_"):
            is_passed = not one.level and one.module.partition(".")[0] != package
            yield one.name, (one.module, one.member) if is_passed else (package, one.name)
    for name in names.defined:
        if not name.startswith("_"):
            yield name, (package, name)


def _installed(look: Look, folders: Sequence[Path]) -> Iterator[str]:
    for folder in folders:
        for entry in look.children(folder):
            name, _, suffix = entry.name.partition(".")
            is_module = suffix == "py" or (not suffix and (folder / name / "__init__.py").is_file())
            if is_module and name.isidentifier() and not name.startswith("_"):
                yield name


def _dependencies(look: Look, file: Path) -> Iterator[str]:
    """The distributions that `pyproject.toml` names, as the modules that most of them are imported by."""
    settings = look.toml(file)
    stated = strings(table(settings, "project").get("dependencies"))
    for one in (*stated, *table(settings, "tool", "poetry", "dependencies")):
        if named := _NAME.match(one):
            yield named[0].lower().replace("-", "_").replace(".", "_")
