"""Walking over syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from plum_lsp.python.reading import syntax
from plum_lsp.python.reading.syntax import TREE_DEPTH_MAX, is_rewritable, nodes_of

_LEAVES = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)


@pytest.mark.parametrize("file", [__file__, syntax.__file__, ast.__file__])
def test_all_nodes_come_in_the_usual_order(file: str) -> None:
    """Other code relies on the order of `ast.walk`: what is around a node comes before it."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    usual = [node for node in ast.walk(tree) if not isinstance(node, _LEAVES)]
    assert nodes_of(tree) == usual


def test_a_deep_tree_cannot_be_written_back() -> None:
    """A chain of operators is as deep as it is long."""
    for terms, is_shallow in ((TREE_DEPTH_MAX // 2, True), (TREE_DEPTH_MAX * 2, False)):
        source = "+".join(["a"] * terms) + " " * TREE_DEPTH_MAX
        assert is_rewritable(ast.parse(source), source) is is_shallow
