"""The shape the style guide asks for, counted: sizes, docstrings, and what the source must not say."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = sorted([*(ROOT / "plum_lsp").rglob("*.py"), *(ROOT / "trainer").rglob("*.py")])
TEST_MODULES = sorted((ROOT / "tests").rglob("test_*.py"))

FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 400
MACHINE_PATHS = tuple(f"/{folder}/" for folder in ("work", "farm", "root"))
"""Folders of the machines this was written on; a user has none of them."""


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def named(path: Path) -> str:
    """The path as people write it."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PRODUCT, ids=named)
def test_modules_and_functions_stay_small(path: Path) -> None:
    """No function over 60 lines, no module over 400."""
    source = path.read_text()
    long = {
        node.name: length
        for node in functions(ast.parse(source))
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}
    assert len(source.splitlines()) <= MODULE_LINES_MAX


@pytest.mark.parametrize("path", PRODUCT, ids=named)
def test_modules_and_public_names_say_what_they_are_for(path: Path) -> None:
    """A docstring for each module, public class and public function."""
    tree = ast.parse(path.read_text())
    scopes: list[ast.Module | ast.ClassDef] = [tree]
    silent = [] if ast.get_docstring(tree) or not tree.body else ["the module"]
    for scope in scopes:
        for node in scope.body:
            is_named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if not is_named or node.name.startswith("_"):
                continue
            if isinstance(node, ast.ClassDef):
                scopes.append(node)
            if not ast.get_docstring(node):
                silent.append(node.name)
    assert silent == []


@pytest.mark.parametrize("path", TEST_MODULES, ids=named)
def test_every_test_says_what_holds(path: Path) -> None:
    """A docstring for each test, and for what the tests of a module are about."""
    tree = ast.parse(path.read_text())
    silent = [node.name for node in functions(tree) if node.name.startswith("test_") and not ast.get_docstring(node)]
    assert silent == []
    assert ast.get_docstring(tree)


@pytest.mark.parametrize("path", [path for path in PRODUCT if not {"cli", "cli.py"} & set(path.parts)], ids=named)
def test_nothing_prints_outside_the_command_line(path: Path) -> None:
    """Stdout belongs to LSP."""
    prints = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert prints == []


def test_no_file_names_the_machines_it_was_written_on() -> None:
    """What is committed means the same everywhere."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    naming = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and any(folder.encode() in path.read_bytes() for folder in MACHINE_PATHS):
            naming.append(name)
    assert naming == []
