"""Conditions are split: the candidate makes the calls, the comparison happens where it cannot reach."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Equals, Holds, Limits
from plum_lsp.python.reading.window import program_with, read_context, reference_program
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.sandbox.host import JailSandbox
from plum_lsp.sandbox.opening import open_sandbox

LIAR = """class Liar:
            __eq__ = __ne__ = __gt__ = __lt__ = __ge__ = __le__ = __contains__ = lambda self, other: True
            __sub__ = __rsub__ = __abs__ = __getitem__ = __round__ = lambda self, *others: self
            __iter__ = lambda self: iter((self,))
            __len__ = lambda self: 1
            __class__ = property(lambda self: int)
        return Liar()"""
LIAR_OF_FALSE = LIAR.replace("True", "False")


def context_of(docstring: str, *, is_method: bool = False) -> Context:
    """A function `f`, or a method of `A`, at whose body the cursor stands."""
    text = f'def f({"self, " if is_method else ""}x):\n    """Three times x.\n\n    '
    text += docstring.replace("\n", "\n    ") + '\n    """\n    '
    text = "class A:\n    " + text.replace("\n", "\n    ") if is_method else text
    document = Document(uri="file:///a.py", version=1, text=f"{text}\n")
    context = read_context(document, len(text), prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    return context


def parts(docstring: str, *, is_method: bool = False) -> list[tuple[str, object]]:
    return [
        (test.call.expression, test.expectation) for test in examples_of(context_of(docstring, is_method=is_method))
    ]


@pytest.mark.parametrize(
    ("statement", "call", "predicate"),
    [
        ("assert f(1) > 2", "f(1)", "_ > 2"),
        ("assert 3 in [f(1)]", "f(1)", "3 in [_]"),
        ("assert not f(0)", "f(0)", "not _"),
        ("assert f(1) == 3 and f(2) == 6", "(f(1), f(2))", "_[0] == 3 and _[1] == 6"),
        ("assert f(f(1)) > f(1)", "(f(f(1)), f(1))", "_[0] > _[1]"),
        ("assert f(1) is not None", "f(1)", "_ is not None"),
        (">>> 3 in [f(1)]\nTrue", "f(1)", "3 in [_]"),
        (">>> f(1) == 4\nFalse", "f(1)", "not (_ == 4)"),
        (">>> isinstance(f(1), int)\nTrue", "f(1)", "isinstance(_, int)"),
        (">>> abs(f(2) - 6.0) < 0.01\nTrue", "f(2)", "abs(_ - 6.0) < 0.01"),
        (">>> sorted([f(2), f(1)]) == [3, 6]\nTrue", "(f(2), f(1))", "sorted([_[0], _[1]]) == [3, 6]"),
        (">>> r = f(2)\n>>> r > 5\nTrue", "r", "_ > 5"),
        (
            ">>> all(f(n) == 3 * n for n in range(3))\nTrue",
            "[f(n) for n in range(3)]",
            "all([_[_at] == 3 * n for _at, (n,) in enumerate([(n,) for n in range(3)])])",
        ),
    ],
)
def test_only_calls_of_the_function_are_left_to_the_candidate(statement: str, call: str, predicate: str) -> None:
    """What is compared with what is the predicate's business."""
    assert parts(statement) == [(call, Holds(predicate=predicate))]


def test_an_equality_shown_as_true_is_an_equality() -> None:
    """`f(1) == 3` with `True` below it says what `f(1)` with `3` below it says."""
    assert parts(">>> f(1) == 3\nTrue") == [("f(1)", Equals(expected="3"))]


@pytest.mark.parametrize(
    "statement",
    [
        "assert (lambda: f(1))() > 2",
        "assert f(1).equals(3)",
        "assert f(1) is f(1)",
        "assert sum(map(f, [1])) == 3 and f(1) == 3",
        ">>> list(map(f, [1])) == [3]\nTrue",
        ">>> f(1) is f(1)\nTrue",
        ">>> n = [1]\n>>> f(n) == n\nTrue",
    ],
)
def test_a_condition_that_cannot_be_split_is_left_out(statement: str) -> None:
    """It would be judged by the candidate's own objects, or by values that the call may have changed."""
    assert [call for call, _ in parts(statement) if "n = " not in call] == []


def test_calls_that_decide_what_is_kept_are_split_too() -> None:
    """`[n for n in ns if f(n)]` keeps by what the calls gave; a set stays a set."""
    (test,) = examples_of(context_of(">>> [n for n in (1, 0, 2) if f(n) and n]\n[1, 2]"))
    assert test.call.expression == "[f(n) for n in (1, 0, 2)]"
    assert isinstance(test.expectation, Equals)
    assert test.expectation.derived == ("[n for _at, (n,) in enumerate([(n,) for n in (1, 0, 2)]) if _[_at] and n]")
    (other,) = examples_of(context_of("assert {f(n) + 1 for n in (1, 2)} == {4, 7}"))
    assert isinstance(other.expectation, Holds)
    assert other.expectation.predicate.startswith("{_[_at] + 1 for")


def test_a_table_is_taken_apart_only_where_all_its_uses_are_known() -> None:
    """A look-up in another table is none in this one."""
    (test,) = examples_of(context_of(">>> both = [3, 4]\n>>> first, *rest = both\n>>> [f(1)][0] == first\nTrue"))
    assert isinstance(test.expectation, Holds)
    assert test.expectation.setup == "both = [3, 4]\nfirst, *rest = both"


def test_what_uses_the_function_cannot_be_computed_without_it() -> None:
    """Neither directly nor through another function."""
    text = (
        "def g(x):\n    return h(x)\n\n\ndef h(x):\n    return f(x)\n\n\ndef k(x):\n    return 3 * x\n\n\ndef f(x):\n"
    )
    for other, count in (("g", 0), ("h", 0), ("k", 1)):
        head = f'{text}    """Three times x.\n\n    assert {other}(f(1)) == 9\n    """\n    '
        document = Document(uri="file:///a.py", version=1, text=head)
        context = read_context(document, len(head), prefix_tokens=2000, suffix_tokens=500)
        assert context is not None
        assert len(examples_of(context)) == count


def test_an_assertion_about_a_method_is_split() -> None:
    """The object is made beside the candidate, the comparison is not."""
    assert parts("assert f(1) > 2", is_method=True) == [("A().f(1)", Holds(predicate="_ > 2"))]


def test_two_conditions_on_one_call_are_two_tests() -> None:
    """Neither repeats nor contradicts the other."""
    assert len(parts("assert f(1) > 2\nassert f(1) < 4")) == 2


def test_chance_repeats_itself_where_the_predicate_reads_what_was_drawn() -> None:
    """Both children draw the same number."""
    (test,) = examples_of(context_of(">>> import random\n>>> n = random.random()\n>>> f(n) == 3 * n\nTrue"))
    assert test.call.setup.startswith("import random\nrandom.seed(0)\n")


@pytest.fixture
async def sandbox() -> AsyncIterator[JailSandbox]:
    """A sandbox of the best tier there is."""
    opened = await open_sandbox()
    yield opened
    await opened.close()


FORGEABLE = [
    ("assert f(1) > 2", False),
    ("assert f(1) > 2", True),
    ("assert 3 in [f(1)]", False),
    ("assert f(1) == 3 and f(2) == 6", False),
    ("assert f(1) == 3 and f(2) == 6", True),
    ("assert f(1) == 3 == f(1)", True),
    (">>> f(1) == 3\nTrue", False),
    (">>> f(1) == 4\nFalse", False),
    (">>> 3 in [f(1)]\nTrue", True),
    (">>> isinstance(f(1), int)\nTrue", False),
    (">>> abs(f(2) - 6.0) < 0.01\nTrue", False),
    (">>> sorted([f(2), f(1)]) == [3, 6]\nTrue", False),
    (">>> r = f(2)\n>>> r > 5\nTrue", False),
    (">>> all(f(n) == 3 * n for n in range(3))\nTrue", False),
    (">>> import random\n>>> n = random.randint(1, 9)\n>>> f(n) == 3 * n\nTrue", False),
]


@pytest.mark.slow
@pytest.mark.parametrize(("statement", "is_method"), FORGEABLE)
async def test_an_object_that_lies_passes_no_condition(
    sandbox: JailSandbox, statement: str, *, is_method: bool
) -> None:
    """Objects that say yes, or no, to every question fail; the right body passes."""
    statement = statement.replace("f(", "A().f(") if is_method and ">>>" in statement else statement
    context = context_of(statement, is_method=is_method)
    tests = examples_of(context)
    assert tests
    passed = []
    for body in ("return 3 * x", LIAR, LIAR_OF_FALSE):
        verdicts = await sandbox.verify(
            program_with(context, body),
            tests,
            Limits(wall_seconds=20.0, cpu_seconds=20.0),
            reference=reference_program(context),
        )
        passed.append(any(verdict.is_pass for verdict in verdicts))
    assert passed == [True, False, False]
