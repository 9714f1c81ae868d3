"""Which wrong versions are made of a program."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.python.mutants import mutants_of

LINES = [
    "if n < 0 and not n > -5:\n        return None\n    else:\n        n = -n",
    "for item in items:\n        total += item * 2 - 1",
    "total = max(n, len(items[1:])) // 3",
    "while total:\n        break",
    'text = f"{n}!" + "ab".upper()',
    "with open(text) as file:\n        print(file, end='')",
    "try:\n        n = items[0]\n    except IndexError:\n        raise",
    "total = [x ** 2 for x in sorted(items) if x is not None]",
    "match n:\n        case -1 | 'a':\n            return (yield n)",
    "return total if n in items else lambda x: x + n",
]
BODIES = st.lists(st.sampled_from(LINES), min_size=1, max_size=4)


def program_of(body: list[str]) -> tuple[str, int, int]:
    """A program with a function above and one below the body, and the first and last line of the body."""
    inner = "\n    ".join(body)
    head = 'def above(n):\n    return n + 1\n\ndef f(n, items):\n    """Say 1 + 1."""\n    '
    first = head.count("\n") + 1
    return f"{head}{inner}\n\ndef below(n):\n    return n - 1\n", first, first + inner.count("\n")


def changed(source: str, limit: int = 500) -> dict[str, list[str]]:
    """The mutants of a program, all of it, by operator."""
    found: dict[str, list[str]] = {}
    for mutant in mutants_of(source, first_line=1, last_line=source.count("\n") + 1, limit=limit):
        found.setdefault(mutant.operator, []).append(mutant.source)
    return found


@pytest.mark.parametrize(
    ("operator", "source", "mutant"),
    [
        ("off_by_one", "a < b", "a <= b"),
        ("off_by_one", "a > b", "a >= b"),
        ("off_by_one", "x[1:n]", "x[:n]"),
        ("off_by_one", "x[1:n]", "x[1:]"),
        ("off_by_one", "for x in y:\n    x", "for x in list(y)[1:]:\n    x"),
        ("off_by_one", "for x in y:\n    x", "for x in list(y)[:-1]:\n    x"),
        ("flip_compare", "a < b", "a > b"),
        ("flip_compare", "a == b", "a != b"),
        ("flip_compare", "a not in b", "a in b"),
        ("wrong_operator", "a + b", "a - b"),
        ("wrong_operator", "a / b", "a // b"),
        ("swapped_operands", "a - b", "b - a"),
        ("wrong_flag", "x = True", "x = False"),
        ("const_change", "x = 1", "x = 2"),
        ("const_change", "x = 1", "x = 0"),
        ("str_const", "x = 'a'", "x = ''"),
        ("str_const", "x = 'ab'", "x = 'abb'"),
        ("bool_operator", "a and b", "a or b"),
        ("missing_condition", "a and b", "a"),
        ("missing_condition", "a or b or c", "a or c"),
        ("dropped_negation", "not a", "a"),
        ("dropped_sign", "-a", "a"),
        ("condition_true", "if a:\n    b", "if True:\n    b"),
        ("dropped_branch", "if a:\n    b\nelse:\n    c", "if a:\n    b"),
        ("missing_edge_case", "if a:\n    b", "pass"),
        ("missing_edge_case", "if a:\n    b\nelse:\n    c", "if False:\n    b\nelse:\n    c"),
        ("wrong_return", "def f():\n    return 1", "def f():\n    return None"),
        ("wrong_return", "def f():\n    return a(b)", "def f():\n    return b"),
        ("swapped_args", "f(a, b, c)", "f(b, a, c)"),
        ("wrong_function", "min(a, b)", "max(a, b)"),
        ("wrong_function", "a.lower()", "a.upper()"),
        ("dropped_call", "sorted(a)", "a"),
        ("dropped_statement", "a += b", "pass"),
        ("dropped_statement", "while a:\n    continue", "while a:\n    pass"),
    ],
)
def test_every_operator_makes_its_slip(operator: str, source: str, mutant: str) -> None:
    """Each operator is reached, by the code it is about."""
    assert mutant in changed(source).get(operator, [])


@pytest.mark.parametrize(
    ("operator", "source", "mutant"),
    [
        ("off_by_one", "a <= b", "a < b"),
        ("off_by_one", "a >= b", "a > b"),
        ("flip_compare", "a <= b", "a >= b"),
        ("flip_compare", "a is b", "a is not b"),
    ],
)
def test_slips_are_called_by_their_names(operator: str, source: str, mutant: str) -> None:
    """A lost edge is off by one, and a turned comparison is flipped, whichever comparison it was."""
    assert mutant in changed(source).get(operator, [])


@settings(max_examples=20, deadline=None)
@given(BODIES)
def test_only_the_given_lines_change(body: list[str]) -> None:
    """What stands above and below, and the docstring, are as they were; and something in between is not."""
    source, first, last = program_of(body)
    original = ast.parse(source)
    for mutant in mutants_of(source, first_line=first, last_line=last, limit=200):
        tree = ast.parse(mutant.source)
        same = [ast.dump(one) == ast.dump(other) for one, other in zip(tree.body, original.body, strict=True)]
        assert same == [True, False, True]
        function = tree.body[1]
        assert isinstance(function, ast.FunctionDef)
        assert ast.get_docstring(function) == "Say 1 + 1."


@settings(max_examples=20, deadline=None)
@given(BODIES, st.integers(0, 40))
def test_mutants_are_distinct_programs(body: list[str], limit: int) -> None:
    """Never more than asked for, always the same ones, each once, none the original, and each parses."""
    source, first, last = program_of(body)
    found = mutants_of(source, first_line=first, last_line=last, limit=limit)
    assert found == mutants_of(source, first_line=first, last_line=last, limit=limit)
    sources = {ast.unparse(ast.parse(mutant.source)) for mutant in found}
    assert len(sources) == len(found) <= limit
    assert ast.unparse(ast.parse(source)) not in sources


@settings(max_examples=20, deadline=None)
@given(BODIES)
def test_operators_take_turns(body: list[str]) -> None:
    """As many mutants as there are operators hold one of each."""
    source, first, last = program_of(body)
    operators = {mutant.operator for mutant in mutants_of(source, first_line=first, last_line=last, limit=500)}
    few = mutants_of(source, first_line=first, last_line=last, limit=len(operators))
    assert {mutant.operator for mutant in few} == operators


def test_a_statement_that_leaves_the_lines_is_left_alone() -> None:
    """Only what begins and ends within the lines is changed."""
    found = mutants_of("if a:\n    b = 1\n    c = 2\n", first_line=2, last_line=2, limit=50)
    assert found
    assert all(mutant.source.startswith("if a:\n") and "c = 2" in mutant.source for mutant in found)


@pytest.mark.parametrize("source", ["def f(:", "return (", "x = 1\n  y = 2", "\x00", ""])
def test_of_a_broken_program_there_are_none(source: str) -> None:
    """What does not parse cannot be wrong in a new way."""
    assert mutants_of(source, first_line=1, last_line=9, limit=9) == ()


@pytest.mark.parametrize("source", ['"""Doc."""', "def f():\n    '''1 + 1'''", "import a", "def f():\n    return None"])
def test_where_there_is_nothing_to_get_wrong_there_are_none(source: str) -> None:
    """Docstrings are no constants, and None for None is no slip."""
    assert changed(source) == {}


def test_other_lines_have_no_mutants() -> None:
    """An empty range changes nothing."""
    assert mutants_of("x = 1\ny = 2\n", first_line=3, last_line=9, limit=9) == ()
    assert mutants_of("x = 1\ny = 2\n", first_line=2, last_line=1, limit=9) == ()
