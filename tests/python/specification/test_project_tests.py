"""A project's own tests, read as calls and expectations."""

from __future__ import annotations

import pytest

from plum_lsp.domain.project import TestFile
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Equals, Expectation, Holds, Limits, Origin, Raises, TestCase
from plum_lsp.python.reading.window import program_with, read_context, reference_program
from plum_lsp.python.specification.imported import module_names
from plum_lsp.python.specification.project_tests import project_tests_of
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

PROGRAM = "RATE = 2\n\n\ndef total(items, rate=1):\n    "
STACK = """class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def pop(self):
        """
IMPORT = "import math\nimport pytest\nfrom shop.prices import total, RATE\n"


def context_of(before: str) -> Context:
    """The context of a cursor at the end."""
    document = Document(uri="file:///a.py", version=0, text=before)
    context = read_context(document, len(before), prefix_tokens=4000, suffix_tokens=1000)
    assert context is not None
    return context


def found(
    text: str, *, imports: str = IMPORT, program: str = PROGRAM, path: str = "/ws/shop/prices.py"
) -> tuple[TestCase, ...]:
    """The tests in one file."""
    return project_tests_of(context_of(program), path, [TestFile(path="tests/test_prices.py", text=imports + text)])


def read(text: str, **options: str) -> list[tuple[str, Expectation]]:
    """Calls and expectations."""
    return [(test.call.expression, test.expectation) for test in found(text, **options)]


VALUE_ERROR = Raises(type_name="ValueError", pattern="x")
ASSERTIONS = [
    ("assert total([1]) == 1", "total([1])", Equals(expected="1")),
    ("assert 1 == total([1]), 'why'", "total([1])", Equals(expected="1")),
    ("assert total([1]) == pytest.approx(1.5)", "total([1])", Equals(expected="approx(1.5, 1e-06)")),
    ("assert total([1]) == pytest.approx(1.5, rel=0.1)", "total([1])", Equals(expected="approx(1.5, 0.1)")),
    ("assert total([1]) > 0", "total([1])", Holds(predicate="_ > 0")),
    ("assert total([1]) == RATE", "total([1])", Holds(predicate="_ == RATE")),
    ("with pytest.raises(ValueError, match='x'):\n        total(None)", "total(None)", VALUE_ERROR),
]
UNITTEST = [
    ("self.assertEqual(total([1]), 1, 'why')", "total([1])", Equals(expected="1")),
    ("self.assertEqual(1, total([1]))", "total([1])", Equals(expected="1")),
    ("self.assertTrue(total([1]))", "total([1])", Holds(predicate="bool(_)")),
    ("self.assertIsNone(total([]))", "total([])", Holds(predicate="_ is None")),
    ("self.assertIn(total([1]), [1, 2])", "total([1])", Holds(predicate="_ in [1, 2]")),
    ("self.assertAlmostEqual(total([1]), 1.0, places=3)", "total([1])", Holds(predicate="round(abs(_ - 1.0), 3) == 0")),
    ("self.assertRaises(TypeError, total, None)", "total(None)", Raises(type_name="TypeError")),
    ("self.assertRaisesRegex(ValueError, 'x', total, 0)", "total(0)", VALUE_ERROR),
    ("with self.assertRaises(TypeError):\n            total(None)", "total(None)", Raises(type_name="TypeError")),
]


@pytest.mark.parametrize(("statement", "call", "expectation"), ASSERTIONS)
def test_an_assertion_of_pytest_is_a_call_and_an_expectation(
    statement: str, call: str, expectation: Expectation
) -> None:
    """Either side may be the call."""
    assert read(f"def test_it():\n    {statement}\n") == [(call, expectation)]


@pytest.mark.parametrize(("statement", "call", "expectation"), UNITTEST)
def test_an_assertion_of_unittest_is_one_too(statement: str, call: str, expectation: Expectation) -> None:
    """By the methods of its classes."""
    text = f"import unittest\nclass TestIt(unittest.TestCase):\n    def test_it(self):\n        {statement}\n"
    assert read(text) == [(call, expectation)]


def test_what_stands_before_an_assertion_is_its_setup() -> None:
    """With the helpers, constants and imports of the file that it needs, and nothing else."""
    text = (
        "BIG = list(range(300))\nUNUSED = list(range(300))\ndef make(n):\n    return [math.sqrt(n)] * 2\n"
        "def test_it():\n    items = make(4)\n    assert total(items) == 4\n"
        "    items += BIG\n    assert total(items) > 4\n"
    )
    first, second = found(text)
    assert first.call.setup.split("\n") == [
        "import math",
        "def make(n):",
        "    return [math.sqrt(n)] * 2",
        "items = make(4)",
    ]
    assert "BIG = list(range(300))" in second.call.setup
    assert "UNUSED" not in second.call.setup
    assert first.quote == "tests/test_prices.py::test_it: assert total(items) == 4"
    assert first.origin is Origin.PROJECT


def test_tables_loops_and_fixtures_give_one_test_a_case() -> None:
    """Values are written into the call, so that it can be read and varied."""
    text = (
        "CASES = [([1], 1), ([2], 2)]\n"
        "@pytest.mark.parametrize('items, wanted', CASES)\n"
        "def test_table(items, wanted):\n    assert total(items) == wanted\n"
        "@pytest.mark.parametrize(('items',), [pytest.param([3], id='x'), ([4],)])\n"
        "@pytest.mark.parametrize('rate', [1, 5])\ndef test_product(items, rate):\n    assert total(items, rate) > 2\n"
        "def test_loop():\n    for items, wanted in [([7], 7), ([8], 8)]:\n        assert total(items) == wanted\n"
        "@pytest.fixture\ndef some():\n    return [9]\ndef test_fixture(some):\n    assert total(some) == 9\n"
    )
    calls = [call for call, _ in read(text)]
    assert sorted(calls) == [
        *("total([1])", "total([2])", "total([3], 1)", "total([3], 5)", "total([4], 1)", "total([4], 5)"),
        *("total([7])", "total([8])", "total(some)"),
    ]


def test_the_state_of_an_object_is_carried_on_from_assertion_to_assertion() -> None:
    """What an assertion did to it is done again before the next one."""
    text = (
        "from stack import Stack\ndef test_pop():\n    s = Stack()\n    s.push(1)\n    s.push(2)\n"
        "    assert s.pop() == 2\n    assert s.pop() == 1\n"
    )
    _, second = found(text, imports="", program=STACK, path="/ws/stack.py")
    assert second.call.expression == "s.pop()"
    assert second.call.setup.split("\n") == ["s = Stack()", "s.push(1)", "s.push(2)", "s.pop()"]


@pytest.mark.parametrize(
    "imports",
    [
        "from shop.prices import total\n",
        "from src.shop.prices import total\n",
        "from prices import total\n",
        "from .prices import total\n",
        "from ..shop.prices import total\n",
        "from shop import total\n",
    ],
)
def test_the_module_is_known_by_every_name_it_can_have(imports: str) -> None:
    """However deep its path is taken, and through the package that hands it on."""
    text = "def test_it():\n    assert total([1]) == 1\n"
    assert read(text, imports=imports, path="/ws/src/shop/prices.py") == [("total([1])", Equals(expected="1"))]


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("import shop.prices\n", "shop.prices.total([1])"),
        ("import shop.prices as p\n", "p.total([1])"),
        ("from shop import prices\n", "prices.total([1])"),
        ("from shop.prices import total as t\n", "t([1])"),
    ],
)
def test_names_are_those_of_the_program(imports: str, call: str) -> None:
    """The sandbox runs the document alone, as one module."""
    assert read(f"def test_it():\n    assert {call} == 1\n", imports=imports) == [("total([1])", Equals(expected="1"))]


@pytest.mark.parametrize(
    "text",
    [
        "def test_it(tmp_path):\n    assert total([1]) == 1\n",
        "from shop.other import helper\ndef test_it():\n    assert total(helper()) == 1\n",
        "def test_it():\n    if RATE:\n        pass\n    assert total([1]) == 1\n",
        "def test_it():\n    assert math.sqrt(4) == 2\n",
        "@pytest.mark.skip\ndef test_it():\n    assert total([1]) == 1\n",
        "@pytest.mark.parametrize('x', make())\ndef test_it(x):\n    assert total(x) == 1\n",
        "def test_it():\n    with pytest.raises(ValueError):\n        x = 1\n        total(x)\n",
        "def check():\n    assert total([1]) == 1\n",
        "def test_it(:\n",
    ],
)
def test_what_cannot_be_read_is_left_out(text: str) -> None:
    """Unknown fixtures, other modules, branches, skipped tests, files that do not parse."""
    assert read(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\nasync def test_it():\n    t = asyncio.create_task(total([1]))\n    assert await t == 1\n",
        "from asyncio import gather\nasync def test_it():\n    assert await gather(total([1])) == [1]\n",
    ],
)
def test_a_test_that_needs_its_event_loop_is_not_taken_apart(text: str) -> None:
    """Its statements run outside of a loop, so that every candidate would fail."""
    assert read(text) == []
    assert len(read("async def test_it():\n    assert await total([1]) == 1\n")) == 1


def test_another_module_of_the_same_name_is_not_this_one() -> None:
    """Nor is a file that does not import it."""
    text = "def test_it():\n    assert total([1]) == 1\n"
    assert read(text, imports="from bank.prices import total\n") == []
    assert read(text, imports="") == []


def test_two_results_for_one_call_are_a_contradiction() -> None:
    """Neither is believed."""
    lines = ("assert total([1]) == 1", "assert total([1]) == 2", "assert total([2]) == 2")
    text = "def test_it():\n" + "".join(f"    {line}\n" for line in lines)
    assert read(text) == [("total([2])", Equals(expected="2"))]


def test_module_names_are_all_endings_of_the_path() -> None:
    """A package goes by its folder."""
    assert module_names("/a/b/c.py") == {"a.b.c", "b.c", "c"}
    assert module_names("b/__init__.py") == {"b"}


@pytest.mark.slow
async def test_they_tell_right_from_wrong_in_the_sandbox() -> None:
    """A coroutine, an object, an exception and a table, run for real."""
    text = (
        "from stack import Stack\n"
        "def test_pop():\n    s = Stack()\n    s.push(1)\n    s.push(2)\n"
        "    assert s.pop() == 2\n    assert s.pop() == 1\n"
        "    with pytest.raises(IndexError):\n        s.pop()\n    assert s.items == []\n"
    )
    context = context_of(STACK)
    tests = project_tests_of(context, "/ws/stack.py", [TestFile(path="test_stack.py", text=text)])
    sandbox = await open_sandbox(SandboxOptions(jobs=1, checks_itself=False))
    passed = {}
    for body in ("return self.items.pop()", "return self.items.pop(0)"):
        reference = reference_program(context)
        verdicts = await sandbox.verify(
            program_with(context, body), tests, Limits(wall_seconds=10), reference=reference
        )
        passed[body] = [verdict.is_pass for verdict in verdicts]
    await sandbox.close()
    right, wrong = passed.values()
    assert right == [True] * len(tests) and len(tests) >= 3
    assert not all(wrong)
