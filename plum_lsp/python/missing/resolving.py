"""Tells which statement imports a name that a program lacks: from the project, the standard library, or a package.

A name is resolved only if one object fits. Code of the project is not executed for this. Modules of the standard
library are.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType, ModuleType

from plum_lsp.python.fitting.static import Inserted
from plum_lsp.python.missing.usual import ALIASES, INNER, MEMBERS, MODULES

_DISTINCTIVE = re.compile(r"[^_]_|[A-Za-z]\d|[a-z][A-Z]|[A-Z]{2}[a-z]|[a-z]{12}")
"""A name of several words, or a long one. A short word (`parse`, `Node`) is often something that the policy made up."""
_BY_NAME = frozenset({"getattr", "hasattr", "setattr", "delattr", "vars", "dir"})
"""Functions whose first argument is often a module."""


@dataclass(frozen=True, slots=True)
class KnownModule:
    """A module of the project: the statement that imports it, and the names that it defines."""

    statement: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownImports:
    """What a project tells of names: how its other files import them, its modules, and the packages it has.

    A name that stands for several objects in its files maps to an empty text. `submodules` are modules within packages
    that its files import by their full names. `members` are the statements that import names of its packages.
    """

    statements: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    packages: frozenset[str] = frozenset()
    modules: Mapping[str, KnownModule] = field(default_factory=lambda: MappingProxyType({}))
    submodules: frozenset[str] = frozenset()
    members: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """How a candidate uses a name.

    `paths` are the attributes that are read of it (`path.join`). `is_called` says whether it is called, and `is_bare`
    whether it is used in a way that does not show its type.
    """

    paths: frozenset[str]
    is_called: bool
    is_bare: bool

    @property
    def attributes(self) -> frozenset[str]:
        """The first attribute of each path."""
        return frozenset(path.partition(".")[0] for path in self.paths)

    @property
    def may_be_module(self) -> bool:
        """Whether no use contradicts a module. A value with no such use may be one if its attributes tell so."""
        return not self.is_called and (not self.is_bare or bool(self.paths))


def uses_of(tree: ast.Module, name: str, place: Inserted) -> Uses:
    """How the text at a place of a program uses a name. Other functions may have a parameter of that name."""
    paths: dict[int, str] = {}
    told: set[int] = set()
    names: set[int] = set()
    is_called = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in _BY_NAME and node.args:
                told.add(id(node.args[0]))
            elif node.func.id == name and place.holds(node.func.lineno, node.func.col_offset):
                is_called = True
                told.add(id(node.func))
        elif isinstance(node, ast.Attribute):
            base, path = _path(node)
            if isinstance(base, ast.Name) and base.id == name and place.holds(base.lineno, base.col_offset):
                paths.setdefault(id(base), path)  # the tree is walked from outside: the first path is the longest
        elif isinstance(node, ast.Name) and node.id == name and place.holds(node.lineno, node.col_offset):
            names.add(id(node))
    return Uses(paths=frozenset(paths.values()), is_called=is_called, is_bare=bool(names - told - paths.keys()))


def _path(node: ast.expr) -> tuple[ast.expr, str]:
    """The expression that attributes are read of, and these joined by dots."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return node, ".".join(reversed(parts))


def is_distinctive(name: str) -> bool:
    """Whether a name has several words, or is long, so that it hardly means two things."""
    return _DISTINCTIVE.search(name) is not None


def imports_of(name: str, uses: Uses, known: KnownImports) -> tuple[str, ...]:
    """The statements that import a name. Empty if there are none, or if it may mean several objects."""
    stated = known.statements.get(name)
    if stated == f"import {name}" and not uses.is_called:
        return _of_standard(name, uses) or _of_package(name, uses, known)
    if stated is not None and stated != f"import {name}":
        return (stated,) if stated else ()
    beside = known.modules.get(name)
    if beside is not None and uses.may_be_module and uses.attributes <= beside.names and name not in MEMBERS:
        return () if name in MODULES and _of_standard(name, uses) else (beside.statement,)
    member = (known.members[name],) if name in known.members else ()
    return _of_standard(name, uses) or _of_packages(name, uses, known) or member


def may_know(name: str, known: KnownImports) -> bool:
    """Whether a name could be imported, if it is not defined."""
    own = (known.statements, known.modules, known.packages, known.members)
    return any(name in names for names in (MEMBERS, MODULES, ALIASES, *own, _standard()))


def _of_standard(name: str, uses: Uses) -> tuple[str, ...]:
    """The import of a module of the standard library, or of something in one."""
    if name in {"datetime", "date"}:
        return _of_datetime(name, uses)
    if name == "log":  # a logger has attributes, and the function of `math` has none
        return () if uses.paths else ("from math import log",)
    if name in MEMBERS:
        return (MEMBERS[name],)
    if name in MODULES:
        return _of_module(name, uses) if uses.may_be_module else _of_callable(name, uses)
    if name.startswith("_") and (plain := name.lstrip("_")):
        return _as_private(name, plain, uses)
    return (_standard()[name],) if name in _standard() else ()


def _of_packages(name: str, uses: Uses, known: KnownImports) -> tuple[str, ...]:
    """The import of a package, by its name or by its usual alias."""
    module = ALIASES.get(name, name)
    top = module.partition(".")[0]
    if name in ALIASES and not uses.is_called and (top in known.packages or top in MODULES):
        return (f"import {module} as {name}",)
    return _of_package(name, uses, known) if name in known.packages and uses.may_be_module else ()


def _of_package(name: str, uses: Uses, known: KnownImports) -> tuple[str, ...]:
    """The import of a package and of those of its modules that the files of the project import by their full names."""
    found = {inner for path in uses.paths if (inner := _longest(name, path, known.submodules.__contains__))}
    return tuple(f"import {inner}" for inner in sorted(found)) or (f"import {name}",)


def _longest(name: str, path: str, is_module: Callable[[str], bool]) -> str:
    """The longest start of a path that is a module within the package. Empty if none is."""
    parts = path.split(".")
    full = (".".join((name, *parts[:count])) for count in range(len(parts), 0, -1))
    return next((one for one in full if is_module(one)), "")


def _as_private(name: str, plain: str, uses: Uses) -> tuple[str, ...]:
    """The import of something of the standard library under its own name with an underscore (`_itertools`)."""
    if plain in MEMBERS:
        return (f"{MEMBERS[plain]} as {name}",)
    is_module = plain in MODULES and uses.may_be_module and _of_module(plain, uses) == (f"import {plain}",)
    return (f"import {plain} as {name}",) if is_module else ()


def _of_datetime(name: str, uses: Uses) -> tuple[str, ...]:
    """`datetime` is a module and a class of it. The attributes tell which is meant."""
    module = importlib.import_module("datetime")
    as_class = all(hasattr(getattr(module, name), attribute) for attribute in uses.attributes)
    is_plain = not uses.is_bare and not uses.is_called
    as_module = name == "datetime" and is_plain and all(hasattr(module, one) for one in uses.attributes)
    if as_class == as_module:
        return ()
    return (f"from datetime import {name}",) if as_class else ("import datetime",)


def _of_module(name: str, uses: Uses) -> tuple[str, ...]:
    """The import of a module of the standard library that has these attributes. Some of them may be modules in it."""
    module = importlib.import_module(name)
    paths = uses.paths if hasattr(module, "__path__") else ()
    inner = {path: found for path in paths if (found := _longest(name, path, _is_inner))}
    if not all(hasattr(module, path.partition(".")[0]) for path in uses.paths - inner.keys()):
        return ()
    return tuple(f"import {one}" for one in sorted(set(inner.values()))) or (f"import {name}",)


def _of_callable(name: str, uses: Uses) -> tuple[str, ...]:
    """The import of a function that is named as its module (`copy`)."""
    module = importlib.import_module(name)
    is_function = callable(getattr(module, name, None)) and uses.is_called and not uses.paths
    return (f"from {name} import {name}",) if is_function else ()


def _is_inner(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the part before the last is no package
        return False


@cache
def _standard() -> Mapping[str, str]:
    """Distinctive names that one module of the standard library has, and the statements that import them."""
    found: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for module in sorted(MODULES | INNER):
        try:
            loaded = importlib.import_module(module)
        except ImportError:  # another platform's
            continue
        for name, value in _public(loaded):
            found[name].setdefault(id(value), module)
    one = {name: next(iter(modules.values())) for name, modules in found.items() if len(modules) == 1}
    return {name: f"from {module} import {name}" for name, module in one.items()}


def _public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """The distinctive public names that a module has of its own, and their values."""
    own = {module.__name__, f"_{module.__name__}", None}
    stated = getattr(module, "__all__", None)
    for name in stated or vars(module):
        value = getattr(module, name, module)
        is_own = stated or getattr(value, "__module__", None) in own
        if not name.startswith("_") and is_distinctive(name) and is_own and not isinstance(value, ModuleType):
            yield name, value
