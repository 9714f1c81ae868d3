"""Which test functions can be run, which functions they test, and the wrong versions of these."""

from __future__ import annotations

import pytest

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Ending, Node, Observation
from plum_lsp.python.own_test import Subject, own_test_of, planted, subjects_in, subjects_of, wrong_versions
from plum_lsp.python.reading.window import read_context

CLAMP = Subject(module="m", qualified_name="clamp", source="def clamp(a, b):\n    return max(a, b)")
ADD = Subject(module="m", qualified_name="Money.__add__", source="def __add__(self, other):\n    return other")


def context_of(marked: str) -> Context:
    """The place of the mark ‸."""
    document = Document(uri="file:///test_m.py", version=1, text=marked.replace("‸", ""))
    found = read_context(document, marked.index("‸"), prefix_tokens=500, suffix_tokens=500)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("marked", "expression"),
    [
        ("def test_a():\n    ‸\n", "test_a()"),
        ("def test():\n    ‸\n", "test()"),
        ("async def test_a():\n    ‸\n", "test_a()"),
        ("def test_a():\n    assert f(‸\n", "test_a()"),
        ("class TestA:\n    def test_a(self):\n        ‸\n", "TestA().test_a()"),
        ("class A(unittest.TestCase):\n    def test_a(self):\n        ‸\n", "A('test_a').debug()"),
    ],
)
def test_a_test_is_run(marked: str, expression: str) -> None:
    """A test without parameters is called, one of unittest with its set-up."""
    found = own_test_of(context_of(marked))
    assert found is not None
    assert found.call.expression == expression


@pytest.mark.parametrize(
    ("marked", "node"),
    [
        ("def test_a(tmp_path):\n    ‸\n", "test_a"),
        ("@pytest.mark.skip\ndef test_a():\n    ‸\n", "test_a"),
        ("class TestA:\n    def test_a(self, shop):\n        ‸\n", "TestA::test_a"),
    ],
)
def test_pytest_runs_a_test_with_fixtures_or_decorators(marked: str, node: str) -> None:
    """Nothing else knows what they give."""
    found = own_test_of(context_of(marked))
    assert found is not None
    assert found.node == node


def test_a_wrong_version_is_put_in_place_by_the_test() -> None:
    """Pytest runs the same program but for one line of the test. The test is skipped if that line does not work."""
    test = own_test_of(context_of("@cases\ndef test_clamp(low):\n    ‸\n"))
    assert test is not None
    source = "x = 1\n\n@cases\ndef test_clamp(low):\n    assert clamp(low, 2) == 2\n\ny = 2\n"
    text = planted(test, source, wrong_versions(test, [CLAMP])[0])
    assert text is not None
    assert [line for line in text.splitlines(keepends=True) if "exec(" not in line] == source.splitlines(keepends=True)
    space: dict[str, object] = {"cases": lambda one: one, "clamp": max}
    exec(text, space)
    with pytest.raises(pytest.skip.Exception):
        space["test_clamp"](1)  # type: ignore[operator]
    assert planted(test, "def test_clamp(low): pass\n", wrong_versions(test, [CLAMP])[0]) is None


@pytest.mark.parametrize(
    "marked",
    [
        "def testify():\n    ‸\n",
        "def helper():\n    ‸\n",
        "def test_a():\n    def test_b():\n        ‸\n",
        "x = ‸\n",
    ],
)
def test_others_are_not(marked: str) -> None:
    """Other functions and nested ones are left to the usual steps."""
    assert own_test_of(context_of(marked)) is None


def test_the_function_in_the_name_comes_first() -> None:
    """A test names what it is about. Without that, all functions that it names count, and operators of its classes."""
    test = own_test_of(context_of("def test_clamp():\n    ‸\n"))
    other = own_test_of(context_of("def test_sums():\n    ‸\n"))
    assert test is not None
    assert other is not None
    body = "():\n    assert Money(clamp(1, 2)) + Money(1)\n"
    assert subjects_of(test, f"def test_clamp{body}", [CLAMP, ADD]) == (CLAMP,)
    assert subjects_of(other, f"def test_sums{body}", [CLAMP, ADD]) == (CLAMP, ADD)
    assert subjects_of(other, "def test_sums():\n    assert 1\n", [CLAMP, ADD]) == ()
    assert subjects_of(other, "def test_sums(:\n", [CLAMP, ADD]) == ()


def test_wrong_versions_say_what_is_wrong() -> None:
    """Each is a change of one line, and all differ."""
    test = own_test_of(context_of("def test_clamp():\n    ‸\n"))
    assert test is not None
    found = wrong_versions(test, [CLAMP])
    assert "clamp with `return min(a, b)` in place of `return max(a, b)`" in {one.case.quote for one in found}
    assert len({one.case.id for one in found}) == len(found) > 2


def test_what_the_sandbox_shows_is_read_with_care() -> None:
    """Only functions with a source count, without decorators and docstring."""

    def shown(*items: object) -> Node:
        return Node(kind="tuple", type_name="tuple", items=items)  # type: ignore[arg-type]

    source = '    @cache\n    def f(self):\n        """Text."""\n        return 1\n'
    items = (
        shown("m", "A.f", source),
        shown("m", "g", "x = 1"),
        shown("m", "h"),
        shown(1, "i", "def i(): 2"),
        shown("m", "j.<locals>.k", "def k(): 2"),
        "text",
    )
    value = Node(kind="list", type_name="list", items=items)
    assert subjects_in(Observation(ending=Ending.RETURNED, value=value)) == (
        Subject(module="m", qualified_name="A.f", source="def f(self):\n    return 1"),
    )
    assert subjects_in(Observation(ending=Ending.TIMED_OUT)) == ()
