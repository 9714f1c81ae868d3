"""Finds how a project's modules import and define names, for a candidate that uses a name without importing it.

It reads the files beside the document, those of the folder above, and those of its top-level package. It runs no code
and skips private files (`privacy`). A name has a statement only if all that is found means one object.
"""

from __future__ import annotations

import ast
import collections.abc
import itertools
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from plum_lsp.domain.project import Project
from plum_lsp.domain.text import Document
from plum_lsp.project.files import read_text
from plum_lsp.project.privacy import private_paths
from plum_lsp.project.roots import path_of
from plum_lsp.python.fitting.repairing import KnownImports, KnownModule
from plum_lsp.python.reading.sources import module_or_none

FILES_MAX = 48
"""The most files of a folder that are read."""
FILE_BYTES_MAX = 256 * 1024
"""Longer modules are usually generated, or data."""
KEPT_MAX = 512
"""The most files whose names are kept."""
_TYPING = frozenset({"typing", "typing_extensions", "collections.abc"})
_OWN = "(own)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """One name that a file imports. `member` is empty for `import module`."""

    name: str
    module: str
    level: int
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """The names that a file imports and defines at its top level, also in branches."""

    imports: tuple[_Import, ...] = ()
    defined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What a name stands for: a member of a module, by the module's full name, or a module."""

    module: str
    member: str


@dataclass(slots=True, kw_only=True)
class _Found:
    """What the files around a document say: by name, what imports of it give, and which modules define or import it.

    `is_absolute` says that they import their own package by its full name.
    """

    imported: defaultdict[str, Counter[_Target]] = field(default_factory=lambda: defaultdict(Counter))
    defined: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    passed_on: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    beside: dict[str, _File] = field(default_factory=dict)
    is_absolute: bool = False
    has_relative: bool = False

    @property
    def is_relative(self) -> bool:
        """Whether a module of the same package is imported by a relative statement."""
        return self.has_relative or not self.is_absolute


class ImportFinder:
    """Finds the imports of projects. Several threads may use it."""

    def __init__(self, *, exclude: Sequence[str]) -> None:
        self._private = private_paths(tuple(exclude))
        self._kept: OrderedDict[Path, tuple[tuple[int, int], _File]] = OrderedDict()
        self._lock = Lock()

    def imports(self, document: Document, project: Project) -> KnownImports:
        """How the files around a document import names, and the packages of the project. Blocks while it reads."""
        environment = project.environment
        packages = _packages(environment.site_packages) if environment else frozenset[str]()
        path = path_of(document.uri)
        if path is None or not path.is_relative_to(project.root):
            return KnownImports(packages=packages)
        place = project.place_of(path)
        package = place.package if place is not None else ""
        found = self._around(path, project)
        own = frozenset(project.packages)
        statements = {}
        for name in {*found.imported, *found.defined}:
            target = _meant(name, found, own)
            statements[name] = _statement(name, target, package, is_relative=found.is_relative) if target else ""
        modules = {
            name: KnownModule(_statement(name, _Target(module=package, member=name), package, is_relative=True), names)
            for name, names in ((name, file.defined) for name, file in found.beside.items())
        }
        return KnownImports(statements=statements, packages=packages | own, modules=modules)

    def _around(self, path: Path, project: Project) -> _Found:
        found, here = _Found(), project.dotted_name(path)
        for place in _places(path, project):
            module = project.place_of(place)
            file = self._file(place, project.root)
            name = module.name if module is not None else place.stem
            package = module.package if module is not None else ""
            if place.parent == path.parent and place.stem != "__init__":
                found.beside[place.stem] = file
            for defined in file.defined:
                found.defined[defined].append(name)
            for one in file.imports:
                target = _target(one, package)
                if target is not None and target.module != here:  # the document cannot import from itself
                    found.imported[one.name][target] += 1
                    found.passed_on[one.name].add(name)
                    found.has_relative |= one.level > 0
                    found.is_absolute |= not one.level and one.module.partition(".")[0] in project.packages
        return found

    def _file(self, path: Path, root: Path) -> _File:
        """The names of a file, read again if it has changed. Empty if it may not be read."""
        try:
            stated = path.stat()
        except OSError:
            return _File()
        state = (stated.st_mtime_ns, stated.st_size)
        with self._lock:
            kept = self._kept.get(path)
        if kept is not None and kept[0] == state:
            return kept[1]
        may_read = self._private.may_read(path, root)
        file = _read(read_text(path, bytes_max=FILE_BYTES_MAX)) if may_read else _File()
        with self._lock:
            self._kept[path] = (state, file)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return file


def _places(path: Path, project: Project) -> list[Path]:
    """The files to read: beside the document, in the folder above, and in the folder of its top-level package."""
    module = project.place_of(path)
    folders = [path.parent, path.parent.parent]
    if module is not None and "." in module.name:
        folders.append(module.import_root / module.name.partition(".")[0])
    inside = [folder for folder in dict.fromkeys(folders) if folder.is_relative_to(project.root) and folder.is_dir()]
    files = [one for folder in inside for one in itertools.islice(sorted(folder.glob("*.py")), FILES_MAX)]
    return [one for one in dict.fromkeys(files) if one != path and not one.is_symlink()]


def _read(text: str) -> _File:
    tree = module_or_none(text)
    imports: list[_Import] = []
    defined: set[str] = set()
    for node in _statements(tree.body if tree is not None else []):
        if isinstance(node, ast.Import):
            imports += [
                _Import(name=one.asname or one.name.split(".")[0], module=one.name, level=0, member="")
                for one in node.names
            ]
        elif isinstance(node, ast.ImportFrom):
            imports += [
                _Import(name=one.asname or one.name, module=node.module or "", level=node.level, member=one.name)
                for one in node.names
                if one.name != "*" and node.module != "__future__"
            ]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
    return _File(imports=tuple(imports), defined=frozenset(defined))


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that a module runs, also those in its branches."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([*node.body, *node.orelse])
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _target(one: _Import, package: str) -> _Target | None:
    """The object that an import of a file of this package gives. None if it leads out of the top-level package."""
    if not one.level:
        return _Target(module=one.module, member=one.member)
    parts = package.split(".") if package else []
    if one.level - 1 > len(parts) or (not parts and not one.module):
        return None
    base = parts[: len(parts) - (one.level - 1)]
    return _Target(module=".".join([*base, *filter(None, [one.module])]), member=one.member)


def _meant(name: str, found: _Found, own: frozenset[str]) -> _Target | None:
    """The one object that a name stands for, by the statement that leads to it best. None if there are several.

    Modules pass names on. So imports from modules of the project that define or import the name count as one, if it is
    defined once.
    """
    homes = list(dict.fromkeys(found.defined.get(name, ())))
    imported = found.imported.get(name, Counter[_Target]())
    if not imported:
        return _Target(module=homes[0], member=name) if len(homes) == 1 else None
    sources = found.passed_on[name].union(homes) if len(homes) <= 1 else set[str]()
    if len({_canonical(target, sources, own) for target in imported}) > 1:
        return None
    return max(imported, key=lambda one: (one.module in homes and one.member == name, imported[one]))


def _canonical(target: _Target, sources: Collection[str], own: frozenset[str]) -> _Target:
    """The same value for statements that give the same object. `sources` are modules that have it."""
    if target.module in _TYPING and hasattr(collections.abc, target.member):
        return _Target(module="collections.abc", member=target.member)
    if target.member and target.module.partition(".")[0] in own and target.module in sources:
        return _Target(module=_OWN, member=target.member)
    return target


def _statement(name: str, target: _Target, package: str, *, is_relative: bool) -> str:
    """The statement that imports a target under a name, into a module of the package."""
    alias = "" if name in {target.member, target.module.split(".")[0]} else f" as {name}"
    if not target.member:
        return f"import {target.module}{alias}"
    inside = package and (target.module == package or target.module.startswith(f"{package}."))
    if inside and is_relative:
        return f"from .{target.module.removeprefix(package).lstrip('.')} import {target.member}{alias}"
    if not target.module:  # a file beside a script
        return f"import {target.member}{alias}"
    return f"from {target.module} import {target.member}{alias}"


def _packages(folders: Sequence[Path]) -> frozenset[str]:
    """The names that the packages of an environment are imported by."""
    entries = (entry for folder in folders if folder.is_dir() for entry in folder.iterdir())
    found = (one.stem for one in entries if one.suffix == ".py" or (one / "__init__.py").is_file())
    return frozenset(name for name in found if name.isidentifier() and not name.startswith("_"))
