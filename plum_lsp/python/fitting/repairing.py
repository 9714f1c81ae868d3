"""Finds the import that a candidate lacks: from the standard library, the project's other files, or its packages.

A name is resolved only if one import fits. The program that is run has the import, and the offer brings it along. Code
of the project is not executed for this. Modules of the standard library are.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from plum_lsp.domain.suggestion import Candidate, Context, HoleKind
from plum_lsp.python.fitting.candidates import UNDEFINED
from plum_lsp.python.fitting.static import inserted, names_without_definition, parse
from plum_lsp.python.fitting.weakness import weakness_of
from plum_lsp.python.reading.import_lines import imported_by, new_imports
from plum_lsp.python.reading.usual_imports import MEMBERS, MODULES

_WORD = re.compile(r"[^\W\d]\w*")
IMPORTS_MAX = 8
"""A candidate with more unknown names is not code for this file."""


@dataclass(frozen=True, slots=True)
class KnownModule:
    """A module beside the document: the statement that imports it, and the names that it defines."""

    statement: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownImports:
    """What a project tells of names: how its other files import them, the modules beside, and the packages it has.

    A name that stands for several objects in its files maps to an empty text.
    """

    statements: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    packages: frozenset[str] = frozenset()
    modules: Mapping[str, KnownModule] = field(default_factory=lambda: MappingProxyType({}))


def repaired(candidate: Candidate, context: Context, known: KnownImports, *, beside: bool) -> Candidate:
    """The candidate with the imports that it lacks. Unchanged if it lacks none, or if a name cannot be resolved.

    Args:
        beside: whether the editor can write imports at the top of the file. Else they go to the top of the body.
    """
    is_undefined = candidate.problem.startswith(UNDEFINED)
    if not is_undefined and (candidate.problem or not _may_lack(candidate.text, context, known)):
        return candidate
    tree = parse(context.before + candidate.text + context.after)
    if isinstance(tree, str):
        return candidate
    place = inserted(context.before, candidate.text)
    names, elsewhere = names_without_definition(tree, place)
    found = {name: _import_of(name, _uses(tree, name), known) for name in names}
    statements = tuple(dict.fromkeys(filter(None, found.values())))
    is_complete = all(found[name] or name in elsewhere for name in names)
    if not statements or len(statements) > IMPORTS_MAX or (is_undefined and not is_complete):
        return candidate
    if is_undefined:
        candidate = replace(candidate, weakness=weakness_of(tree, candidate.text, place))
    if beside and new_imports(context.before, statements) is not None:
        return replace(candidate, imports=statements, problem="")
    text = with_imports_inside(candidate.text, statements, context)
    return candidate if text is None else replace(candidate, text=text, problem="")


def _may_lack(text: str, context: Context, known: KnownImports) -> bool:
    """Whether a text names something that could be imported and is not. The code around it may name it, too."""
    names = {name for name in _WORD.findall(text) if _is_known(name, known)}
    return bool(names) and bool(names - {name for name, _ in imported_by(context.before + context.after)})


def _is_known(name: str, known: KnownImports) -> bool:
    return any(name in names for names in (MEMBERS, MODULES, known.statements, known.modules))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Uses:
    """How a name is used: the attributes that are read of it, and whether it is also used in another way."""

    attributes: frozenset[str]
    is_bare: bool


def _uses(tree: ast.Module, name: str) -> _Uses:
    attributes, owners, places = set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            attributes.add(node.attr)
            owners.add(id(node.value))
        elif isinstance(node, ast.Name) and node.id == name:
            places.add(id(node))
    return _Uses(attributes=frozenset(attributes), is_bare=bool(places - owners))


def _import_of(name: str, uses: _Uses, known: KnownImports) -> str:
    """The one statement that imports a name. Empty if there is none, or if there are several."""
    stated = known.statements.get(name)
    if stated is not None:
        return stated
    if name in {"datetime", "date"}:
        return _of_datetime(name, uses)
    if name == "log":  # a logger has attributes, and the function of `math` has none
        return "" if uses.attributes else "from math import log"
    if name in MEMBERS:
        return MEMBERS[name]
    beside = known.modules.get(name)
    if beside is not None and not uses.is_bare and uses.attributes <= beside.names:
        is_other = name in MODULES and _of_module(name, uses.attributes) != ""
        return "" if is_other else beside.statement
    if name in MODULES and not uses.is_bare:
        return _of_module(name, uses.attributes)
    if name.startswith("_") and (plain := name.lstrip("_")):
        return _as_private(name, plain, uses)
    alias = {"np": "numpy", "pd": "pandas"}.get(name)
    if alias in known.packages:
        return f"import {alias} as {name}"
    return f"import {name}" if name in known.packages and not uses.is_bare else ""


def _as_private(name: str, plain: str, uses: _Uses) -> str:
    """The import of something of the standard library under its own name with an underscore (`_itertools`)."""
    if plain in MEMBERS:
        return f"{MEMBERS[plain]} as {name}"
    is_module = plain in MODULES and not uses.is_bare and _of_module(plain, uses.attributes) == f"import {plain}"
    return f"import {plain} as {name}" if is_module else ""


def _of_datetime(name: str, uses: _Uses) -> str:
    """`datetime` is a module and a class of it. The attributes tell which is meant."""
    module = importlib.import_module("datetime")
    as_class = all(hasattr(getattr(module, name), attribute) for attribute in uses.attributes)
    as_module = name == "datetime" and not uses.is_bare and all(hasattr(module, one) for one in uses.attributes)
    if as_class == as_module:
        return ""
    return f"from datetime import {name}" if as_class else "import datetime"


def _of_module(name: str, attributes: frozenset[str]) -> str:
    """The import of a module of the standard library that has these attributes. One of them may be a module in it."""
    module = importlib.import_module(name)
    missing = [attribute for attribute in attributes if not hasattr(module, attribute)]
    inner = [one for one in attributes if hasattr(module, "__path__") and importlib.util.find_spec(f"{name}.{one}")]
    if not missing and not inner:
        return f"import {name}"
    return f"import {name}.{inner[0]}" if len(attributes) == len(inner) == 1 else f"import {name}" * (not missing)


def with_imports_inside(text: str, statements: Sequence[str], context: Context) -> str | None:
    """The text of whole lines with the imports above its first statement. None in the middle of a line."""
    if context.block.kind not in {HoleKind.BODY, HoleKind.BLOCK}:
        return None
    lead = text[: len(text) - len(text.lstrip())]
    lines = "".join(f"{statement}\n{context.block.indent}" for statement in statements)
    made = lead + lines + text[len(lead) :]
    return made if isinstance(parse(context.before + made + context.after), ast.Module) else None
