"""Finds how a project's modules import and define names, for a candidate that uses a name without importing it.

The files beside the document are asked first, then those of the folder above and of the top-level package, then all
modules of the project. A name has a statement only if all that is found at one distance means one object. It runs no
code and skips private files (`privacy`).
"""

from __future__ import annotations

import collections.abc
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TypeVar

from plum_lsp.domain.project import ModulePlace, Project
from plum_lsp.domain.text import Document
from plum_lsp.project.around.members import PackageMembers
from plum_lsp.project.around.names import Import, NameFiles, Names
from plum_lsp.project.files import Budget
from plum_lsp.project.privacy import ReadableFiles, private_paths
from plum_lsp.project.roots import path_of
from plum_lsp.project.walking import python_files
from plum_lsp.python.missing.resolving import KnownImports, KnownModule

FILES_MAX = 48
"""The most files of a near folder that are read."""
SECONDS_MAX = 1.0
"""Work of a request for files that are not near. The next request reads the rest."""
PASSED_ON_MAX = 6
"""The most modules through which a name is followed to its definition."""
PROJECTS_KEPT_MAX = 16
DOCUMENTS_KEPT_MAX = 32
"""Searches that are kept. An editor asks for a document again and again while its user types."""
_T = TypeVar("_T")
_WORD = re.compile(r"[^\W\d]\w*")
_TYPING = frozenset({"typing", "typing_extensions", "collections.abc"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Module:
    """A module of the project. Its definitions can be imported if `is_listed`."""

    name: str
    package: str
    is_listed: bool
    names: Names

    def target(self, one: Import) -> _Target | None:
        """The object that an import in this module gives. None if it leads out of the top-level package."""
        if not one.level:
            return _Target(module=one.module, member=one.member)
        parts = self.package.split(".") if self.package else []
        if one.level - 1 > len(parts) or (not parts and not one.module):
            return None
        base = parts[: len(parts) - (one.level - 1)]
        return _Target(module=".".join([*base, *filter(None, [one.module])]), member=one.member)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What a name stands for: a member of a module, by the module's full name, or a module."""

    module: str
    member: str


@dataclass(slots=True, kw_only=True)
class _Found:
    """What the files at one distance say: by name, what imports of it give, and which modules define it."""

    imported: defaultdict[str, Counter[_Target]] = field(default_factory=lambda: defaultdict(Counter))
    defined: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


class ImportFinder:
    """Finds the imports of projects. Several threads may use it."""

    def __init__(self, *, exclude: Sequence[str]) -> None:
        self._private = private_paths(tuple(exclude))
        self._files = NameFiles()
        self._members = PackageMembers()
        self._places: dict[Path, _Places] = {}
        self._searches: dict[Path, _Search] = {}
        self._lock = Lock()

    def read_ahead(self, project: Project) -> None:
        """Read the names of a project's files, which the first request for it would have to read. Blocks."""
        readable = self._private.readable(project.root)
        for path in python_files(project, self._private):
            self._files.names(path, readable, is_near=False)

    def imports(self, document: Document, project: Project) -> KnownImports:
        """How the files around a document import names, and the packages of the project. Blocks while it reads."""
        environment = project.environment
        packages = self._members.installed(environment.site_packages) if environment else frozenset[str]()
        path = path_of(document.uri)
        if path is None or not path.is_relative_to(project.root):
            return KnownImports(packages=packages)
        rings = list(self._rings(path, project))
        search = self._search(path, rings, project)
        used = {*self._members.stated(project.root), *search.packages} & packages - set(project.packages)
        folders = environment.site_packages if environment else ()
        return KnownImports(
            statements=search.statements,
            packages=packages | frozenset(project.packages),
            modules=search.modules,
            submodules=search.submodules,
            members=self._members.statements(used, folders, frozenset(_WORD.findall(document.text))),
        )

    def _rings(self, path: Path, project: Project) -> Iterator[list[_Module]]:
        """The modules beside a document, then those near it, then all others of the project but its tests."""
        near, places = _near_files(path, project), self._places_in(project)
        readable = self._private.readable(project.root)
        beside = [one for one in near if one.parent == path.parent]
        yield [self._module(one, places, readable, is_near=True) for one in beside]
        yield [self._module(one, places, readable, is_near=True) for one in near if one not in beside]
        seen, budget = {path, *near}, Budget(SECONDS_MAX)
        far = (one for one in python_files(project, self._private) if one not in seen)
        own = (one for one in far if not places.of(one).is_test)
        in_time = itertools.takewhile(lambda one: not budget.is_over, own)
        yield [self._module(one, places, readable, is_near=False) for one in in_time]

    def _module(self, path: Path, places: _Places, readable: ReadableFiles, *, is_near: bool) -> _Module:
        place = places.of(path).module
        return _Module(
            name=place.name if place is not None else path.stem,
            package=place.package if place is not None else "",
            is_listed=is_near or (place is not None and place.is_listed),
            names=self._files.names(path, readable, is_near=is_near),
        )

    def _places_in(self, project: Project) -> _Places:
        """The places of a project's files. A project that was read anew has new ones."""
        with self._lock:
            kept = self._places.get(project.root)
            if kept is None or kept.project is not project:
                kept = _Places(project=project)
                _keep(self._places, project.root, kept, most=PROJECTS_KEPT_MAX)
            return kept

    def _search(self, path: Path, rings: Sequence[Sequence[_Module]], project: Project) -> _Search:
        """The search for a document. The last one is used again while it would find the same."""
        with self._lock:
            kept = self._searches.get(path)
        made = _Search(rings, project.place_of(path), frozenset(project.packages))
        if kept is not None and kept.is_like(made):
            return kept
        with self._lock:
            _keep(self._searches, path, made, most=DOCUMENTS_KEPT_MAX)
        return made


def _keep(kept: dict[Path, _T], key: Path, value: _T, *, most: int) -> None:
    """Add a value to those that are kept, without the oldest of too many."""
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > most:
        kept.pop(next(iter(kept)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _FilePlace:
    """How a file is imported, if it can be, and whether it is one of the tests."""

    module: ModulePlace | None
    is_test: bool


@dataclass(slots=True, kw_only=True)
class _Places:
    """The places of a project's files. Each is found once: a request asks for all of them."""

    project: Project
    _known: dict[Path, _FilePlace] = field(default_factory=dict)

    def of(self, path: Path) -> _FilePlace:
        """The place of a file of the project."""
        found = self._known.get(path)
        if found is None:
            is_test = any(path.is_relative_to(tests) for tests in self.project.tests)
            found = self._known[path] = _FilePlace(module=self.project.place_of(path), is_test=is_test)
        return found


class _Search:
    """What the modules around a document say of names."""

    def __init__(self, rings: Sequence[Sequence[_Module]], place: ModulePlace | None, own: frozenset[str]) -> None:
        self._rings = rings
        self._own = own
        self._here = place.name if place is not None else ""
        self._package = place.package if place is not None else ""

    def is_like(self, other: _Search) -> bool:
        """Whether another search finds the same: for a module of the same name, among the same files."""
        mine, its = (self._here, self._package, self._own), (other._here, other._package, other._own)
        return mine == its and self._rings == other._rings

    @cached_property
    def _by_name(self) -> Mapping[str, _Module]:
        return {module.name: module for ring in reversed(self._rings) for module in ring}

    @cached_property
    def _is_relative(self) -> bool:
        """Whether the files near the document import their own package with dots."""
        near = [one for ring in self._rings[:2] for module in ring for one in module.names.imports]
        is_absolute = any(not one.level and one.module.partition(".")[0] in self._own for one in near)
        return any(one.level for one in near) or not is_absolute

    @cached_property
    def statements(self) -> Mapping[str, str]:
        """The statement that imports each name. Empty for a name that stands for several objects."""
        found = [self._found(ring) for ring in self._rings]
        names = {name for one in found for name in (*one.imported, *one.defined)}
        targets = {name: self._meant(name, found) for name in names}
        return {name: self._statement(name, target) if target else "" for name, target in targets.items()}

    @cached_property
    def modules(self) -> Mapping[str, KnownModule]:
        """The modules beside the document, and others whose last name only one module has."""
        found: dict[str, KnownModule] = {}
        for number, ring in enumerate(self._rings):
            listed = [module for module in ring if module.is_listed and module.name.rpartition(".")[0]]
            stems = Counter(module.name.rpartition(".")[2] for module in listed)
            for module in listed if number else ring:
                parent, _, stem = module.name.rpartition(".")
                is_beside = not number and parent == self._package
                if stem not in found and (is_beside or stems[stem] == 1):
                    target = _Target(module=parent if number else self._package, member=stem)
                    found[stem] = KnownModule(self._statement(stem, target), module.names.defined)
        return found

    @cached_property
    def packages(self) -> frozenset[str]:
        """The top-level modules that are imported."""
        imports = (one for ring in self._rings for module in ring for one in module.names.imports)
        return frozenset(one.module.partition(".")[0] for one in imports if not one.level)

    @cached_property
    def submodules(self) -> frozenset[str]:
        """The modules within packages that are imported by their full names."""
        imports = (one for ring in self._rings for module in ring for one in module.names.imports)
        return frozenset(one.module for one in imports if not one.member and "." in one.module)

    def _found(self, ring: Iterable[_Module]) -> _Found:
        found = _Found()
        for module in ring:
            for name in module.names.defined if module.is_listed else ():
                found.defined[name].append(module.name)
            for one in module.names.imports:
                target = module.target(one)
                if target is not None and self._here not in {target.module, self._home(target).module}:
                    found.imported[one.name][_as_bound(target, one.name)] += 1
        return found

    def _meant(self, name: str, rings: Sequence[_Found]) -> _Target | None:
        """The one object that a name stands for, by the statement that leads to it best. None if there are several.

        The first ring that imports the name decides, unless a nearer one has its only definition.
        """
        homes: dict[str, None] = {}
        for found in rings:
            imported = found.imported.get(name)
            homes |= dict.fromkeys(found.defined.get(name, ()))
            if imported:
                is_one = len({self._home(target) for target in imported}) == 1
                best = max(imported, key=lambda one: (self._home(one) == one and one.module in homes, imported[one]))
                return best if is_one else None
            if len(homes) == 1:
                return _Target(module=next(iter(homes)), member=name)
        return None

    def _home(self, target: _Target) -> _Target:
        """The object itself: modules pass names on. Equal for statements that give the same object."""
        for _ in range(PASSED_ON_MAX):
            module = self._by_name.get(target.module)
            if module is None or not target.member or target.member in module.names.defined:
                break
            passed = next((one for one in module.names.imports if one.name == target.member), None)
            following = module.target(passed) if passed is not None else None
            if following is None:
                break
            target = following
        if target.module in _TYPING and hasattr(collections.abc, target.member):
            return replace(target, module="collections.abc")
        return target

    def _statement(self, name: str, target: _Target) -> str:
        """The statement that imports a target under a name, into the document."""
        alias = "" if name in {target.member, target.module.split(".")[0]} else f" as {name}"
        if not target.member:
            return f"import {target.module}{alias}"
        package = self._package
        inside = package and (target.module == package or target.module.startswith(f"{package}."))
        if inside and self._is_relative:
            return f"from .{target.module.removeprefix(package).lstrip('.')} import {target.member}{alias}"
        if not target.module:  # a file beside a script
            return f"import {target.member}{alias}"
        return f"from {target.module} import {target.member}{alias}"


def _as_bound(target: _Target, name: str) -> _Target:
    """What a statement binds the name to: `import a.b` binds `a`."""
    is_top = not target.member and target.module.partition(".")[0] == name
    return replace(target, module=name) if is_top else target


def _near_files(path: Path, project: Project) -> list[Path]:
    """The near files: beside the document, in the folder above, and in the folder of its top-level package."""
    module = project.place_of(path)
    folders = [path.parent, path.parent.parent]
    if module is not None and "." in module.name:
        folders.append(module.import_root / module.name.partition(".")[0])
    inside = [folder for folder in dict.fromkeys(folders) if folder.is_relative_to(project.root) and folder.is_dir()]
    files = [one for folder in inside for one in itertools.islice(sorted(folder.glob("*.py")), FILES_MAX)]
    return [one for one in dict.fromkeys(files) if one != path and not one.is_symlink()]
