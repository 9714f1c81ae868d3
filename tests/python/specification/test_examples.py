"""Which tests come of what people write about a function."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import marked_context

from plum_lsp.domain.verification import Equals, Holds, Origin, Prints, Raises, Shows, TestCase
from plum_lsp.python.specification.examples import examples_of


def stated(docstring: str, *, signature: str = "def f(x, y=0)", above: str = "") -> tuple[TestCase, ...]:
    body = "\n".join(f"    {line}" if line else "" for line in docstring.split("\n"))
    return examples_of(marked_context(f'{above}{signature}:\n    r"""Do it.\n\n{body}\n    """\n    ‸\n'))


def said(docstring: str, *, signature: str = "def f(x, y=0)", above: str = "") -> list[tuple[str, object]]:
    """Call and expectation of each test, in order."""
    return [(test.call.expression, test.expectation) for test in stated(docstring, signature=signature, above=above)]


def test_pprint_prints_under_another_name_too() -> None:
    """What stands below it is output, and not the value of the call."""
    docstring = ">>> from pprint import pprint as pp\n>>> pp(f(7))\n{1: 3}\n>>> f.pp(1)\n2"
    assert said(docstring)[0] == ("pprint(f(7))", Prints(text="{1: 3}"))
    (test, *_) = stated(docstring)
    assert "pprint" in test.call.setup


@pytest.mark.parametrize(
    "statement",
    [
        "f(1) == 2",
        "f(1) => 2",
        "f(1) ==> 2",
        "f(1) -> 2",
        "f(1) --> 2",
        "f(1) ➞ 2",
        "f(1) → 2",
        "f(1) = 2",
        "f(1) returns 2",
        "f(1) should return 2.",
        "f(1) must be 2",
        "f(1) gives 2",
        "f(1) evaluates to 2",
        "f(1) is 2",
        "f(1) # 2",
        "f(1)  # => 2",
        "f(1)  # -> 2",
        "f(1): 2",
        "`f(1)` returns `2`",
        "``f(1)`` -> ``2``",
        "* f(1) => 2",
        "- f(1) == 2, because one and one is two",
        "assert f(1) == 2",
        "assert f(1) == 2, 'wrong'",
        ">>> f(1) == 2",
        "For example, f(1) should return 2 since it doubles.",
        "for f(1) the result is 2",
        "For f(1), the output should be 2",
        "f(1)\n=> 2",
        "f(1) should\nreturn 2",
        "await f(1) == 2",
        "asyncio.run(f(1)) == 2",
        "For x = 1 the output should be 2",
        "For x = 1, the result is 2.",
        "Input: 1\nOutput: 2",
        "Input: x = 1\nOutput: 2",
        "Example 1:\n    Input:\n        x: 1\n    Output: 2",
    ],
)
def test_reads_the_ways_people_write_examples(statement: str) -> None:
    """However it is put, the call is `f(1)` and its value is 2."""
    assert said(statement) == [("f(1)", Equals(expected="2"))]


@pytest.mark.parametrize(
    ("statement", "call", "expected"),
    [
        ("f([1, [2]], y={'a': (1,)}) == {'b': [None, -1.5]}", "f([1, [2]], y={'a': (1,)})", "{'b': [None, -1.5]}"),
        ("f('a -> b == c') -> 'x => y'", "f('a -> b == c')", "'x => y'"),
        ("f('(') == ')'", "f('(')", "')'"),
        ("f([1,\n   2]) == [\n  3,\n]", "f([1,    2])", "[\n  3,\n]"),
        ("f(1) returns [1, 5] # the rest is even", "f(1)", "[1, 5]"),
        ("f(1) -> true", "f(1)", "True"),
        ("f(1) -> [null, false]", "f(1)", "[None, False]"),
        ("f(1) == 2 ** 10", "f(1)", "2 ** 10"),
        ("f(1) == set()", "f(1)", "set()"),
        ("f(x=1, y=2) == 3", "f(x=1, y=2)", "3"),
        ("Input: x = 5, y = [1, 2]\nOutput: 'a, b'", "f(5, [1, 2])", "'a, b'"),
        ("Input: y = 5, x = 6\nOutput: 1", "f(y=5, x=6)", "1"),
        ("Input: [1, 2], 3\nOutput: 4", "f([1, 2], 3)", "4"),
    ],
)
def test_reads_values_as_they_are_meant(statement: str, call: str, expected: str) -> None:
    """Nested literals, keywords, strings that look like connectors, and values over several lines."""
    assert said(statement) == [(call, Equals(expected=expected))]


@pytest.mark.parametrize(
    ("statement", "derived"),
    [
        ("list(f(1)) == [2]", "list(_)"),
        (">>> sorted(f(1), reverse=True)\n[2]", "sorted(_, reverse=True)"),
        (">>> sum(f(1)) / 2\n2", "sum(_) / 2"),
        (">>> str(f(1))\n'2'", "str(_)"),
        (">>> f(1).upper()\n'A'", "_.upper()"),
        (">>> r = f(1)\n>>> max(r)\n2", "max(_)"),
        (">>> r = sorted(f(1))\n>>> r\n[2]", "r"),
        (">>> f(1)[0]\n2", "_[0]"),
    ],
)
def test_what_reads_a_result_is_asked_beside(statement: str, derived: str) -> None:
    """An object of the candidate's class could answer anything. The value is built again from data first."""
    ((call, expectation),) = said(statement)
    assert call in {"f(1)", "r", "_call", "_call0"} or call.startswith("_")
    assert isinstance(expectation, Equals) and expectation.derived == derived


@pytest.mark.parametrize(
    "statement",
    [
        "f(x) returns the sum",
        "f(n) == f(n - 1) + 1",
        "f(1) returns a list of numbers",
        "f(2) is 3 times f(1)",
        "f(1) = 1 + 2 = 3",
        "f(1) returns 1, 2 and 3",
        "f(1) returns 1 if the list is empty",
        "f(...) == 2",
        "f(1) -> hello",
        "f(1): the first one",
        "f(1) == other",
        "We call f(1) and g(2) == 3.",
        "prefix_f(1) == 2",
        "f(1) -> int",
        "f(1",
        "Input: a list of ints\nOutput: 3",
        "Input: z = 3, w = 4, v = 5\nOutput: 3",
        "x = 1",
    ],
)
def test_leaves_out_what_is_not_clearly_a_value(statement: str) -> None:
    """Prose, recurrences, free names and unfinished text make no test."""
    assert said(statement) == []


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("f(-1) raises ValueError", "ValueError"),
        ("f(-1) should raise a TypeError.", "TypeError"),
        ("f(-1) -> ValueError", "ValueError"),
        ("f(-1)  # raises KeyError", "KeyError"),
        ("f(-1) throws an `IndexError`", "IndexError"),
    ],
)
def test_reads_expected_exceptions(statement: str, name: str) -> None:
    """An exception that prose asks for is known by its type."""
    assert said(statement) == [("f(-1)", Raises(type_name=name))]


def test_asserts_that_are_no_comparison_must_hold() -> None:
    """Any condition over the function can be asserted."""
    assert said("assert f(1)\nassert abs(f(2) - 1.5) < 1e-6") == [
        ("f(1)", Holds(predicate="_")),
        ("f(2)", Holds(predicate="abs(_ - 1.5) < 1e-06")),
    ]


def test_reads_a_doctest_session() -> None:
    """Values, exceptions with their message, output and representations are told apart; blank results are setup."""
    session = """>>> data = [3, 1]
>>> f(data)
[1, 3]
>>> f(-1)
Traceback (most recent call last):
    ...
ValueError: must not be negative
>>> print(f(2))
two
words
>>> f(object)
<object object at 0x7f0123456789>
>>> f(range(20))  # doctest: +ELLIPSIS
[0, 1, ..., 19]"""
    assert said(session) == [
        ("f(data)", Equals(expected="[1, 3]")),
        ("f(-1)", Raises(type_name="ValueError", message="must not be negative")),
        ("print(f(2))", Prints(text="two\nwords")),
        ("f(object)", Shows(text="<object object at ...>")),
        ("f(range(20))", Shows(text="[0, 1, ..., 19]")),
    ]
    assert [test.call.setup for test in stated(session)] == ["data = [3, 1]", "", "", "", ""]


def test_a_doctest_depends_only_on_the_lines_it_needs() -> None:
    """An earlier call that concerns nothing of this one is not part of its setup."""
    tests = stated(">>> import math\n>>> f(1)\n2\n>>> f(math.pi)\n3\n>>> y = [1]\n>>> f(y)\n>>> y\n[2]")
    assert [test.call.setup for test in tests] == ["", "import math", "y = [1]\nf(y)"]


def test_what_a_function_of_the_session_declares_global_is_changed_by_its_calls() -> None:
    """The count of calls is an example, and each earlier call belongs to its setup."""
    counted = "@f\ndef value():\n    global calls\n    calls += 1\n    return 42"
    typed = counted.replace("\n", "\n... ")
    tests = stated(f">>> calls = 0\n>>> {typed}\n>>> value()\n42\n>>> value()\n42\n>>> calls\n1")
    made = f"calls = 0\n{counted}"
    assert [test.call.setup for test in tests] == [made, f"{made}\nvalue()", f"{made}\nvalue()\nvalue()"]
    assert tests[2].call.expression == "calls"
    assert tests[2].expectation == Equals(expected="1")


def test_a_question_of_several_calls_changes_what_it_asks() -> None:
    """An iterator that has given two items goes on with the third."""
    tests = stated(">>> it = f(9)\n>>> next(it), next(it)\n(0, 1)\n>>> next(it)\n2")
    assert tests[1].call.setup.split("\n") == ["it = f(9)", "(next(it), next(it))"]


def test_a_seeded_session_keeps_every_draw() -> None:
    """After a seed the order of calls decides the numbers."""
    tests = stated(">>> random.seed(0)\n>>> f(1)\n7\n>>> f(2)\n8", above="import random\n\n")
    assert tests[1].call.setup == "random.seed(0)\nf(1)"


def test_a_loop_shows_what_a_session_would() -> None:
    """Values that a prompt shows inside a loop are printed by the test."""
    (test,) = stated(">>> for n in (1, 2):\n...     f(n)\n2\n4")
    assert (test.call.expression, test.expectation) == ("", Prints(text="2\n4"))
    assert "print(repr(value))" in test.call.setup


@pytest.mark.parametrize("want", ["{'a': {'b': 1}", "(self.a, self.b)", "Hello you"])
def test_a_slip_in_a_doctest_makes_no_test(want: str) -> None:
    """A broken literal, unknown names, and words where a value is returned cannot be expected."""
    assert stated(f"Returns a value.\n\n>>> f(1)\n{want}") == ()


def test_words_below_a_call_that_prints_are_output() -> None:
    """Where the docstring speaks of printing, text that is no value is what is printed."""
    assert said("Print a greeting.\n\n>>> f(1)\nHello you") == [("f(1)", Prints(text="Hello you"))]


def test_a_session_with_wrong_layout_loses_only_its_wrong_part() -> None:
    """One line the standard parser refuses does not cost the others."""
    assert said(">>> f(1)\n2\n\n  >>> f(2)\n 3\n\n>>>f(3)\n4") == [
        ("f(1)", Equals(expected="2")),
        ("f(3)", Equals(expected="4")),
    ]


def test_repetitions_count_once() -> None:
    """The same statement in another layout is the same test, and the doctest is the one kept."""
    tests = stated("f( 1 ) == 2\n>>> f(1)\n2\n\nf(1) -> 2")
    assert [(test.origin, test.call.expression) for test in tests] == [(Origin.DOCTEST, "f(1)")]


def test_a_contradiction_is_no_specification() -> None:
    """Two results for one call: in prose both go, and a doctest outweighs prose."""
    assert said("f(1) == 2\nf(1) == 3\nf(2) == 4") == [("f(2)", Equals(expected="4"))]
    assert said("f(1) == 3\n\n>>> f(1)\n2") == [("f(1)", Equals(expected="2"))]


def test_ids_are_stable_and_distinct() -> None:
    """A test is known by its content, so the same example has the same id in the next request."""
    first, second = stated("f(1) == 2\nf(2) == 3")
    assert first.id != second.id
    assert stated("f(1) == 2")[0].id == first.id
    assert first.quote == "f(1) == 2"


CLASS = '''class Cart:
    """A cart.

    >>> cart = Cart(3)
    >>> cart.total(2)
    6
    """

    def __init__(self, price{default}):
        self.price = price

    def total(self, count):
        """Total.

        >>> cart.total(4)
        12
        """
        ‸
'''


def test_a_method_is_called_on_an_object_the_docstrings_make() -> None:
    """An object that another docstring builds is built again, under the same name."""
    tests = examples_of(marked_context(CLASS.replace("{default}", "")))
    assert [(test.call.setup, test.call.expression) for test in tests] == [
        ("cart = Cart(3)", "cart.total(4)"),
        ("cart = Cart(3)", "cart.total(2)"),
    ]


def test_a_method_is_called_on_a_new_object_where_none_is_shown() -> None:
    """An unknown name in a method's session is an object of the class, if the constructor asks for nothing."""
    marked = CLASS.replace("{default}", "=3").replace("    >>> cart = Cart(3)\n    >>> cart.total(2)\n    6\n", "")
    (test,) = examples_of(marked_context(marked))
    assert (test.call.setup, test.call.expression) == ("cart = Cart()", "cart.total(4)")
    without = CLASS.replace("{default}", "").replace("    >>> cart = Cart(3)\n    >>> cart.total(2)\n    6\n", "")
    assert examples_of(marked_context(without)) == ()


def test_a_shown_attribute_before_any_call_is_how_the_object_is_meant_to_be() -> None:
    """State that a session shows but never makes is put in place first."""
    marked = (
        'class A:\n    def __init__(self):\n        self.types = {}\n\n    def kind(self, name):\n        """Kind.\n\n'
        "        >>> a.types\n        {'n': 1}\n        >>> a.kind('n')\n        1\n        \"\"\"\n        ‸\n"
    )
    (test,) = examples_of(marked_context(marked))
    assert test.call.setup == "a = A()\na.types = {'n': 1}"


def test_informal_method_examples_get_a_receiver() -> None:
    """A bare call of a method is made on a new object, a static one on the class."""
    marked = 'class A:\n    {}def m({}n):\n        """m(1) == 2"""\n        ‸\n'
    (bound,) = examples_of(marked_context(marked.format("", "self, ")))
    (static,) = examples_of(marked_context(marked.format("@staticmethod\n    ", "")))
    assert (bound.call.expression, static.call.expression) == ("A().m(1)", "A.m(1)")


def test_comments_above_and_in_the_body_are_read() -> None:
    """Examples may stand in the comment above the definition or at the top of the body."""
    marked = "# f(1) -> 2\n@cache\ndef f(n):\n    # f(2) -> 4\n    ‸\n"
    assert sorted(test.call.expression for test in examples_of(marked_context(marked))) == ["f(1)", "f(2)"]


def test_a_string_that_is_no_longer_the_docstring_is_read() -> None:
    """A statement above the docstring does not silence it."""
    marked = 'def f(n):\n    import math\n    """f(1) -> 2"""\n    ‸\n'
    assert [test.call.expression for test in examples_of(marked_context(marked))] == ["f(1)"]


def test_a_nested_function_is_tested_through_the_one_around_it() -> None:
    """What is written about a function that no call reaches makes no test; its outer function's examples do."""
    marked = 'def f(n):\n    """f(1) == 2"""\n    def g(m):\n        """g(1) == 3"""\n        ‸\n    return g(n)\n'
    assert [test.call.expression for test in examples_of(marked_context(marked))] == ["f(1)"]


def test_outside_functions_there_are_no_tests() -> None:
    """A hole at module level has no function to call."""
    assert examples_of(marked_context("# f(1) == 2\nx = ‸\n")) == ()


def test_async_calls_are_made_without_waiting() -> None:
    """The sandbox awaits coroutines, so the call itself is the expression."""
    assert said(">>> await f(1)\n2", signature="async def f(x)") == [("f(1)", Equals(expected="2"))]
    assert said("asyncio.run(f(1)) -> 2", signature="async def f(x)") == [("f(1)", Equals(expected="2"))]


WORDS = st.sampled_from(
    [
        "f(1)",
        "f(",
        "==",
        "->",
        "2",
        "[1,",
        "]",
        "'a",
        '"',
        "returns",
        "Input:",
        "Output:",
        ">>>",
        "For x =",
        "\n",
        " ",
        "None",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=20))
def test_any_docstring_is_read_without_an_error(words: list[str]) -> None:
    """Whatever stands in a docstring, each test has a call that parses and a value that parses."""
    text = " ".join(words).replace('"', "")
    for test in stated(text):
        ast.parse(test.call.setup)
        ast.parse(test.call.expression or "0", mode="eval")
        if isinstance(test.expectation, Equals):
            ast.parse(test.expectation.expected.strip(), mode="eval")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8).filter(lambda text: "\\" not in repr(text)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES, st.sampled_from(["==", "->", "=>", "➞", "returns", "should return"]))
def test_any_literal_is_read_back(argument: object, result: object, connector: str) -> None:
    """A call and a value of literals are read exactly, whatever characters their strings hold."""
    line = f"f({argument!r}) {connector} {result!r}"
    if '"""' in line or "`" in line or not line.isprintable():
        return
    ((call, expectation),) = said(line)
    assert ast.literal_eval(call[2:-1]) == argument
    assert isinstance(expectation, Equals) and ast.literal_eval(expectation.expected) == result
