"""Which candidates only recite the examples."""

from __future__ import annotations

import pytest

from plum_lsp.domain.verification import Call, Equals, Origin, TestCase, TestId
from plum_lsp.verification.recital import ignores, is_constant, recites


def examples(*pairs: tuple[str, str]) -> list[TestCase]:
    """Examples: a call and its result."""
    return [
        TestCase(
            id=TestId(str(place)),
            call=Call(expression=call),
            expectation=Equals(expected=result),
            origin=Origin.DOCTEST,
            quote="",
        )
        for place, (call, result) in enumerate(pairs)
    ]


FACTORIAL = examples(("f(3)", "6"), ("f(0)", "1"))
FIZZ = examples(("f(3)", "'Fizz'"), ("f(5)", "'Buzz'"), ("f(15)", "'FizzBuzz'"))


@pytest.mark.parametrize(
    "text",
    [
        "if n == 3: return 6\nreturn 1",
        "return {3: 6, 0: 1}.get(n, 0)",
        "return {3: 6, 0: 1}[n]",
        "from functools import partial\nreturn partial({3: 6}.get, n)() or 1",
        "match n:\n    case 3: return 6\n    case 0: return 1",
    ],
)
def test_who_looks_the_examples_up_recites(text: str) -> None:
    """However the table is written."""
    assert recites(text, FACTORIAL)


def test_arguments_may_be_named() -> None:
    """`f(n=3)` shows what `f(3)` shows."""
    assert recites("return {3: 6, 0: 1}.get(n, 0)", examples(("f(n=3)", "6"), ("f(n=0)", "1")))


def test_who_reads_no_parameter_recites() -> None:
    """A constant of the buffer's own class is one, and so is a number that stands in any program."""
    shown = examples(("f(1)", "2"))
    assert recites("return 2", shown, ("n",))
    assert recites("return V(1, 1)", shown, ("n",))
    assert not recites("return n + 1", shown, ("n",))
    assert not recites("return 2", shown, ())


@pytest.mark.parametrize(
    ("text", "tests"),
    [
        ("return 1 if n < 2 else n * f(n - 1)", FACTORIAL),
        ("if n == 3: return n * 2\nreturn 1", FACTORIAL),
        ("if n % 15 == 0: return 'FizzBuzz'\nif n % 3 == 0: return 'Fizz'\nreturn 'Buzz'", FIZZ),
        ("return ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'][n]", examples(("f(3)", "'Thu'"))),
        ("return {1: 'I', 5: 'V', 10: 'X', 50: 'L', 100: 'C'}[n]", examples(("f(5)", "'V'"))),
        ("return n == 3", examples(("f(3)", "True"))),
        ("return 6", FACTORIAL),
        ("return (", FACTORIAL),
        ("return 6", examples(("f(x)", "6"))),
        ("return 6", []),
    ],
)
def test_who_computes_or_knows_more_does_not(text: str, tests: list[TestCase]) -> None:
    """Naming a result is no fault where the program says when it is one, or names many others."""
    assert not recites(text, tests)


def test_a_constant_reads_nothing() -> None:
    """What is never looked at makes no difference."""
    assert is_constant("return ['student 1']")
    assert not is_constant("return [name for name in self.students]")
    assert not is_constant("return (")


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("return a", True),
        ("return 1", True),
        ("return a + b", False),
        ("return [b for _ in a]", False),
        ("return a +", False),
    ],
)
def test_a_parameter_that_is_not_read_is_found(text: str, is_so: bool) -> None:
    """Except the object itself, names that say so, and text that is no program."""
    assert ignores(text, ("self", "a", "b", "_context")) is is_so
