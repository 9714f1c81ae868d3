"""A project as its files describe it, and the parts of it that are read beside the document. Values only."""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFile:
    """A file of tests. `path` is relative to the project, for display."""

    __test__ = False

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A top-level definition of a module, cut to what a caller needs.

    It keeps the header and the docstring. A class also keeps its fields and the headers of its methods. `mentions`
    holds the names in it. `offset` is its place in the module.
    """

    name: str
    text: str
    offset: int
    mentions: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another module of the project. `path` is relative to the project, for display.

    `imported` holds the names that the document imports from it. "*" means all of them.
    """

    path: str
    definitions: tuple[Definition, ...]
    imported: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """The modules of a project near a document. `path` is the path of the document.

    Modules that the document imports come first, in import order. Modules that the editor has open follow, last edited
    first.
    """

    path: str = ""
    modules: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A part of another file that the policy is shown."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The Python that a project's code runs on, read from files. No process was started to find it.

    `executable` is the absolute path with its links not followed. `prefix` is the environment's own folder, and `base`
    is that of the Python it was made from. Both are the same outside a virtual environment. `version` is like `3.12`,
    or empty. `origin` says in words for a user how the environment was found. `chosen_in` is the folder that holds or
    names the environment: the project's or one above it. None if the user or a tool's own folder does.
    """

    executable: Path
    prefix: Path
    base: Path
    version: str
    site_packages: tuple[Path, ...]
    origin: str
    chosen_in: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedModule:
    """A top-level module or package that an editable install maps to a place outside every import root.

    `path` is the package's folder or the module's file.
    """

    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulePlace:
    """How a document is imported: as `name`, with `import_root` on `sys.path`.

    `is_listed` says whether that root is one of the project's import roots. The folder of a script or a test may not
    be.
    """

    name: str
    import_root: Path
    is_package: bool
    is_listed: bool

    @property
    def package(self) -> str:
        """The value of `__package__`. Empty for a top-level module."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as its files describe it. All paths are absolute and have their links resolved.

    `import_roots` are in the order of `sys.path`: first the project's own, then those that editable installs add, which
    may lie in other folders. `packages` are the names that can be imported from the project's own roots. `regular`
    holds every folder with an `__init__.py`. `tests` are the folders of tests, and the test files outside these
    folders. `test_names` are patterns for the names of test files, where the project states its own (`check_*.py`).
    `environment` is None if the project has no environment of its own. `top` is the outermost folder that the
    project takes code from. Trust must cover it. `is_marked` says whether a file marks it as a project. Otherwise it is
    only the folder of a document. `problems` say, in words for a user, which parts could not be used.
    """

    root: Path
    top: Path
    environment: Environment | None
    import_roots: tuple[Path, ...]
    mapped: tuple[MappedModule, ...] = ()
    packages: tuple[str, ...] = ()
    regular: frozenset[Path] = frozenset()
    tests: tuple[Path, ...] = ()
    test_names: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    is_marked: bool = True

    def place_of(self, document: Path) -> ModulePlace | None:
        """How a document is imported. None if it cannot be: it is no Python file, or no module name leads to it.

        Args:
            document: its absolute path, with links resolved.
        """
        if document.suffix != ".py" or not document.is_absolute():
            return None
        is_package = document.name == "__init__.py"
        module = document.parent if is_package else document.with_suffix("")
        return self._mapped_place(module, is_package) or self._rooted_place(module, is_package)

    def dotted_name(self, document: Path) -> str:
        """The module name of a document. Empty if it cannot be imported."""
        place = self.place_of(document)
        return place.name if place else ""

    def _mapped_place(self, module: Path, is_package: bool) -> ModulePlace | None:
        """The place that an editable install's mapping gives a module."""
        for mapped in self.mapped:
            target = mapped.path.with_suffix("") if mapped.path.suffix == ".py" else mapped.path
            if module == target or module.is_relative_to(target):
                name = ".".join((mapped.name, *module.relative_to(target).parts))
                if _is_dotted_name(name):
                    return ModulePlace(name=name, import_root=target.parent, is_package=is_package, is_listed=False)
        return None

    def _rooted_place(self, module: Path, is_package: bool) -> ModulePlace | None:
        """The place below the nearest import root, or else below the first folder that is no package.

        Folders without `__init__.py` between an import root and a package are a namespace package. Folders of tests,
        scripts or documents are an exception, because their files run with their own folder on the path.
        """
        base = module.parent
        while base in self.regular and base != base.parent:
            base = base.parent
        root = max((root for root in self.import_roots if base.is_relative_to(root)), key=_depth, default=None)
        between = base.relative_to(root).parts if root is not None else ()
        is_namespace = base != module.parent or root != self.root
        if root is None or (between and not (is_namespace and LOOSE_FOLDERS.isdisjoint(between))):
            root = base
        name = ".".join(module.relative_to(root).parts)
        is_listed = root in self.import_roots
        place = ModulePlace(name=name, import_root=root, is_package=is_package, is_listed=is_listed)
        return place if _is_dotted_name(name) else None


LOOSE_FOLDERS = frozenset(
    {"test", "tests", "testing", "script", "scripts", "bin", "tools", "doc", "docs", "example", "examples", "demo"}
    | {"demos", "sample", "samples", "benchmark", "benchmarks", "bench", "notebooks", "tutorials", "tasks", "ci"}
)
"""Folders whose files are run or collected one by one. They belong to no package unless they have an `__init__.py`."""


def _is_dotted_name(name: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split("."))


def _depth(path: Path) -> int:
    return len(path.parts)
