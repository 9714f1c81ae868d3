"""The undefined names of a candidate, read without the bodies of the other functions."""

from __future__ import annotations

import ast
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from plum_lsp.domain.suggestion import Context
from plum_lsp.python.fitting import static
from plum_lsp.python.fitting.static import inserted, names_without_definition, undefined_names

CONTEXT = cast(Context, SimpleNamespace(is_excerpt=False))
FILES = sorted(Path(static.__file__).parents[1].rglob("*.py"))[::6]
BODIES = (
    "return {a}({b}, not_defined_here)",
    "{a} = {b}; {b} = {c}; del {a}; return [{c} for {a} in {b}]",
    "global {a}; {a} = 1; return {b}",
    "return (lambda x={a}: x + {b} + other_unknown)({c})",
    "from os import {a}; return {a}",
    "return {a}",
)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_names_are_those_of_the_whole_program(path: Path) -> None:
    """Whatever the candidate uses and binds, and wherever it stands."""
    chance, text = random.Random(path.name), path.read_text(encoding="utf-8")
    lines, tree = text.split("\n"), ast.parse(text)
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}) or ["a"]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in chance.sample(functions, min(5, len(functions))):
        first = function.body[0]
        before = "\n".join(lines[: first.lineno - 1]) + "\n" + " " * first.col_offset
        after = "\n" + "\n".join(lines[function.end_lineno :])
        for body in BODIES:
            a, b, c = (chance.choice(names) for _ in range(3))
            check(before, body.format(a=a, b=b, c=c), after)


@pytest.mark.parametrize(
    ("text", "after", "names"),
    [
        ("return known", "\ndef g():\n    global known\n    known = 1\n", ()),
        ("return known", "\ndef g():\n    known = 1\n", ("known",)),
        ("return both", "\ndef g():\n    return both\n", ()),
        ("return K", "\nclass A:\n    K = 1\n    def g(self): return self.K\n", ("K",)),
        ("return x; x = 1", "\nx = 2\n", ("x",)),
    ],
)
def test_other_functions_count_where_they_must(text: str, after: str, names: tuple[str, ...]) -> None:
    """A `global` elsewhere defines a name, and an undefined name elsewhere excuses it."""
    assert check("def f():\n    ", text, after) == names


def check(before: str, text: str, after: str) -> tuple[str, ...]:
    """The undefined names, if they are those of the whole program and the tree stays as it is."""
    try:
        tree = ast.parse(before + text + after)
    except SyntaxError:
        return ()
    place, shown = inserted(before, text), ast.dump(tree)
    found, elsewhere = names_without_definition(tree, place)
    names = undefined_names(tree, place, CONTEXT)
    assert names == tuple(name for name in found if name not in elsewhere)
    assert ast.dump(tree) == shown
    return names


def test_only_the_function_at_hand_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyflakes sees no body of another function."""
    checked: list[Any] = []
    usual = static._told
    monkeypatch.setattr(static, "_told", lambda tree: checked.append(ast.unparse(tree)) or usual(tree))
    check(
        "def f():\n    return 1\nclass A:\n    def g(self):\n        return 2\n    def h(self):\n        ",
        "return 3",
        "",
    )
    assert checked[-1].count("return") == 1
