"""The figures of the layout, each beside its limit.

    python -m benchmarks.layout [--longest N]

`--longest` also lists the longest modules and functions. `tests/architecture/test_layout.py` fails where a figure is
over its limit. Which package may import which is checked by import-linter (`lint-imports`).
"""

from __future__ import annotations

import argparse
import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOMES = {"plum_lsp": ROOT, "plum_trainer": ROOT / "trainer"}
"""The folder that each package lies in."""
ROOT_MODULES = {"__main__", "wiring"}
FOLDER_MODULES_MAX = 16
MODULE_LINES_P90 = 320
FUNCTION_LINES_P90 = 20
FUNCTION_LINES_P99 = 40


@dataclass(frozen=True, kw_only=True)
class Module:
    """One module by its dotted name. A package is its `__init__`."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        """Its source."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """How long it is."""
        return len(self.text.splitlines())

    @property
    def functions(self) -> Iterator[tuple[str, int]]:
        """Each function and method with its number of lines, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{self.name}.{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1

    @property
    def untyped_fields(self) -> list[str]:
        """The fields of its dataclasses that may be anything."""
        return [
            f"{self.name}.{node.name}.{ast.unparse(field)}"
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(one) for one in node.decorator_list)
            for field in node.body
            if isinstance(field, ast.AnnAssign) and re.search(r"\bAny\b", ast.unparse(field.annotation))
        ]


def modules() -> dict[str, Module]:
    """Every module of the product by its dotted name."""
    found = {}
    for package, home in HOMES.items():
        for path in sorted((home / package).rglob("*.py")):
            parts = path.relative_to(home).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name=name, path=path)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured number and its limit."""

    name: str
    value: int
    limit: int

    @property
    def is_kept(self) -> bool:
        """Whether the limit is kept."""
        return self.value <= self.limit


def figures(found: Sequence[Module]) -> list[Figure]:
    """The figures of all modules."""
    functions = [lines for module in found for _, lines in module.functions]
    folders = Counter(module.path.parent for module in found if module.path.name != "__init__.py")
    return [
        Figure(name="module lines, p90", value=share([one.lines for one in found], 90), limit=MODULE_LINES_P90),
        Figure(name="function lines, p90", value=share(functions, 90), limit=FUNCTION_LINES_P90),
        Figure(name="function lines, p99", value=share(functions, 99), limit=FUNCTION_LINES_P99),
        Figure(name="modules in the fullest folder", value=max(folders.values()), limit=FOLDER_MODULES_MAX),
        Figure(name="modules at the root of plum_lsp", value=folders[ROOT / "plum_lsp"], limit=len(ROOT_MODULES)),
        Figure(name="dataclass fields with Any", value=sum(len(one.untyped_fields) for one in found), limit=0),
    ]


def share(lengths: Sequence[int], percent: int) -> int:
    """The length that this many in a hundred do not exceed."""
    return sorted(lengths)[(len(lengths) * percent - 1) // 100]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--longest", type=int, default=0, metavar="N")
    options = parser.parse_args()
    found = list(modules().values())
    for figure in figures(found):
        print(f"{figure.name:34} {figure.value:5}   at most {figure.limit:4}{'' if figure.is_kept else '   OVER'}")
    functions = sorted((pair for module in found for pair in module.functions), key=lambda pair: -pair[1])
    for module in sorted(found, key=lambda one: -one.lines)[: options.longest]:
        print(f"{module.lines:5} {module.name}")
    for name, lines in functions[: options.longest]:
        print(f"{lines:5} {name}")


if __name__ == "__main__":
    main()
