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


def levels_of(tree: ast.AST) -> int:
    """The number of levels below a node."""
    return max((1 + levels_of(one) for one in ast.iter_child_nodes(tree)), default=0)


@pytest.mark.parametrize("terms", range(TREE_DEPTH_MAX - 12, TREE_DEPTH_MAX + 2))
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "a = 1; b = {}; c = 2",
        "a = {}; c = 2",
        "class A({}):\n    x = 1",
        "@f\nclass A:\n    class B:\n        @g({})\n        def f(self):\n            return 1",
        "class A:\n    def f(self):\n        return {}\n    def g(self): pass",
        "a = 1\rb = {}",
        "\f\nif a:\n    b = {}",
    ],
)
def test_statements_that_are_remembered_change_no_answer(around: str, terms: int) -> None:
    """What is deep is told by the whole tree, at every place and after other texts."""
    source = around.format("+".join(["a"] * terms))
    tree = ast.parse(source)
    assert [is_rewritable(tree, source) for _ in range(2)] == [levels_of(tree) < TREE_DEPTH_MAX] * 2


def test_only_new_statements_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a large file, a candidate changes one function."""
    source = "class A:\n" + "".join(f"    def f{n}(self):\n        return {n} + self.x\n" for n in range(200))
    assert is_rewritable(ast.parse(source), source)
    walked: list[ast.AST] = []
    usual = syntax._depth
    monkeypatch.setattr(syntax, "_depth", lambda tree: walked.append(tree) or usual(tree))
    changed = source.replace("return 7 +", "y = 3\n        return 8 +")
    assert is_rewritable(ast.parse(changed), changed)
    assert [getattr(one, "name", "") for one in walked] == ["f7"]
