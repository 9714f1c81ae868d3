"""The layout: few modules a folder, short modules and functions, typed fields, and no circle of imports."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOMES = {"plum_lsp": ROOT, "plum_trainer": ROOT / "trainer"}
"""The folder that each package lies in."""
ROOT_MODULES = {"__main__", "wiring"}
FOLDER_MODULES_MAX = 16
MODULE_LINES_P90 = 320
FUNCTION_LINES_P90 = 20
FUNCTION_LINES_P99 = 40


def paths() -> dict[str, Path]:
    """Every module by its dotted name; a package is its `__init__`."""
    found = {}
    for package, home in HOMES.items():
        for path in (home / package).rglob("*.py"):
            parts = path.relative_to(home).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = paths()
PACKAGES = sorted({name.rpartition(".")[0] for name in MODULES if "." in name})


def imported(name: str) -> Iterator[str]:
    """The modules of ours that a module imports, wherever the statement stands: in functions and for types, too."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
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
    fields = [
        f"{node.name}: {ast.unparse(field)}"
        for node in ast.walk(ast.parse(MODULES[name].read_text()))
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(one) for one in node.decorator_list)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and re.search(r"\bAny\b", ast.unparse(field.annotation))
    ]
    assert fields == []


def test_the_root_holds_what_starts_and_what_joins() -> None:
    """Everything else has a folder that says what it is part of."""
    loose = {path.stem for path in (ROOT / "plum_lsp").glob("*.py")} - {"__init__"}
    assert loose <= ROOT_MODULES


def test_folders_stay_small() -> None:
    """No folder has more than 16 modules."""
    sizes = Counter(path.parent.relative_to(ROOT) for path in MODULES.values() if path.name != "__init__.py")
    assert {str(folder): count for folder, count in sizes.items() if count > FOLDER_MODULES_MAX} == {}


def share(lengths: list[int], percent: int) -> int:
    """The length that this many in a hundred do not exceed."""
    return sorted(lengths)[(len(lengths) * percent - 1) // 100]


def test_most_modules_and_functions_are_short() -> None:
    """Nine modules in ten stay under 320 lines, nine functions in ten under 20, and 99 in a hundred under 40."""
    texts = [path.read_text() for path in MODULES.values()]
    functions = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for text in texts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert share([len(text.splitlines()) for text in texts], 90) <= MODULE_LINES_P90
    assert share(functions, 90) <= FUNCTION_LINES_P90
    assert share(functions, 99) <= FUNCTION_LINES_P99
