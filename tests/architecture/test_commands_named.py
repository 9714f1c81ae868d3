"""A message that tells the user to run a command of ours names it as it works in this installation.

The code writes `plum-lsp trust`. Each such text must go to a place that calls `as_typed_here`: a print by `say`, an
error with its remedy, a finding of the doctor, or what the server tells the editor.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from plum_lsp.report.installation import COMMANDS, TRAINER_COMMANDS

ROOT = Path(__file__).parents[2]
PRODUCT = sorted([*(ROOT / "plum_lsp").rglob("*.py"), *(ROOT / "trainer").rglob("*.py")])
NAMED = tuple([f"plum-lsp {one}" for one in COMMANDS] + [f"plum-trainer {one}" for one in TRAINER_COMMANDS])

CALLS = {"say", "as_typed_here", "ClickException", "BadParameter", "Finding", "report", "_report", "complain"}
"""Calls whose text is printed or told by one of the places that name commands."""
NAMES = {"remedy", "detail", "check"}
"""Variables that go into a finding or the remedy of an error."""
ELSEWHERE = {
    "trainer/plum_trainer/loop/status.py": "its lines are printed by the command `status`, which calls `as_typed_here`",
}


def parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """The parent of each node."""
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def docstrings(tree: ast.AST) -> set[ast.AST]:
    """Strings that are statements: docstrings, and those under constants. click prints those of commands as help."""
    return {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def unnamed(source: str) -> Iterator[str]:
    """Texts that name a command and go to no place that puts in the working name."""
    tree = ast.parse(source)
    above, prose = parents(tree), docstrings(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or node in prose:
            continue
        if any(named in node.value for named in NAMED) and not any(is_place(one) for one in chain(node, above)):
            yield node.value


def chain(node: ast.AST, above: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    """A node and all that it stands in."""
    while True:
        yield node
        if node not in above:
            return
        node = above[node]


def is_place(node: ast.AST) -> bool:
    """Whether a text in this node reaches the user with the working name."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in CALLS or name.endswith(("Error", "Unavailable"))
        case ast.keyword(arg="remedy"):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in NAMES
    return False


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_in_a_message_is_named_as_it_works(path: Path) -> None:
    """A plain name works only where the PATH leads to it."""
    if path.relative_to(ROOT).as_posix() in ELSEWHERE:
        return
    assert list(unnamed(path.read_text(encoding="utf-8"))) == []


def test_every_exception_is_needed() -> None:
    """A module that names no command any more leaves the list."""
    for name in ELSEWHERE:
        assert list(unnamed((ROOT / name).read_text(encoding="utf-8"))), name


@pytest.mark.parametrize(
    "source",
    ["x = 'Run: plum-lsp trust'", "console.print('plum-trainer resume')", "page(f'see plum-lsp model fetch {name}')"],
)
def test_each_other_way_is_found(source: str) -> None:
    """The test above can fail."""
    assert list(unnamed(source))
