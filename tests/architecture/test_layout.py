"""The layout: few modules a folder, short modules and functions, typed fields, and no circle of imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import pytest

from benchmarks.layout import ROOT, ROOT_MODULES, Figure, figures, modules

MODULES = modules()
PACKAGES = sorted({name.rpartition(".")[0] for name in MODULES if "." in name})


def imported(name: str) -> Iterator[str]:
    """The modules of ours that a module imports, wherever the statement stands: in functions and for types, too."""
    module = MODULES[name]
    package = name if module.path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            for one in node.names:
                target = f"{source}.{one.name}" if f"{source}.{one.name}" in MODULES else source
                if target in MODULES and target != name:
                    yield target


IMPORTS = {name: set(imported(name)) for name in MODULES}


def circle(arrows: Mapping[str, set[str]]) -> list[str]:
    """One circle of arrows, or nothing."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def test_a_circle_of_two_is_found() -> None:
    """The checks below can fail."""
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) != []


def test_no_circle_between_modules() -> None:
    """No module needs another that needs it, not even inside a function or for a type."""
    assert circle(IMPORTS) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle_between_the_parts_of_a_package(package: str) -> None:
    """The modules and folders of one folder import each other one way only."""
    start = package + "."
    arrows: dict[str, set[str]] = {}
    for name, targets in IMPORTS.items():
        if name.startswith(start):
            part = name.removeprefix(start).partition(".")[0]
            reached = {target.removeprefix(start).partition(".")[0] for target in targets if target.startswith(start)}
            arrows.setdefault(part, set()).update(reached - {part})
    assert circle(arrows) == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_fields_have_types(name: str) -> None:
    """No dataclass has a field that may be anything."""
    assert MODULES[name].untyped_fields == []


def test_the_root_holds_what_starts_and_what_joins() -> None:
    """Everything else has a folder that says what it is part of."""
    loose = {path.stem for path in (ROOT / "plum_lsp").glob("*.py")} - {"__init__"}
    assert loose <= ROOT_MODULES


@pytest.mark.parametrize("figure", figures(list(MODULES.values())), ids=lambda figure: figure.name)
def test_every_figure_is_within_its_limit(figure: Figure) -> None:
    """Modules, functions and folders stay small. `python -m benchmarks.layout` prints the figures."""
    assert figure.is_kept, f"{figure.name}: {figure.value}, at most {figure.limit}"
