"""What a test expects is in no byte that a candidate's child is sent, and the test still tells right from wrong.

`f(x)` is `3 * x + 7`; `{i}` is what it is given and `{o}` what it has to give, both drawn at random, and `{b}` is some
other number of the test. The shapes are those in which people write tests.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable

import pytest

from plum_lsp.domain.project import TestFile
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Limits, TestCase
from plum_lsp.python.reading.quiet import program_to_run
from plum_lsp.python.reading.window import read_context, reference_program
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.python.specification.project_tests import project_tests_of
from plum_lsp.sandbox.conversation import Ask, _question
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

HEAD = "import pytest, unittest\nfrom m import f\n"
PROJECT = {
    "literal": "def test_a():\n    assert f({i}) == {o}, 'not {o}'\n",
    "name": "def test_a():\n    expected = {o}\n    assert f({i}) == expected\n",
    "both": "def test_a():\n    result = f({i})\n    expected = {o}\n    assert expected == result\n",
    "unpacked": "def test_a():\n    result, expected = f({i}), {o}\n    assert result == expected\n",
    "pair": "def test_a():\n    pair = (f({i}), {o})\n    assert pair[0] == pair[1]\n",
    "dict": "def test_a():\n    case = {{'in': {i}, 'out': {o}}}\n    assert f(case['in']) == case['out']\n",
    "tuple": "def test_a():\n    case = ({i}, {o})\n    inp, out = case\n    assert f(inp) == out\n",
    "list": "def test_a():\n    data = [{i}, {o}]\n    first = data[0]\n    assert f(first) == data[-1]\n",
    "global": "EXPECTED = {o}\ndef test_a():\n    assert f({i}) == EXPECTED\n",
    "global dict": "CASE = {{'in': {i}, 'out': {o}}}\ndef test_a():\n    assert f(CASE['in']) == CASE['out']\n",
    "long global": "WANTED = list(range(300)) + [{o}]\ndef test_a():\n    assert f({i}) == WANTED[-1]\n",
    "fixture": "@pytest.fixture\ndef wanted():\n    return {o}\ndef test_a(wanted):\n    assert f({i}) == wanted\n",
    "fixture pair": (
        "@pytest.fixture\ndef case():\n    return ({i}, {o})\ndef test_a(case):\n    assert f(case[0]) == case[1]\n"
    ),
    "table": "@pytest.mark.parametrize('i, o', [({i}, {o})])\ndef test_a(i, o):\n    assert f(i) == o\n",
    "rows": (
        "@pytest.mark.parametrize('case', [({i}, {o})])\ndef test_a(case):\n    i, o = case\n    assert f(i) == o\n"
    ),
    "records": (
        "@pytest.mark.parametrize('c', [{{'i': {i}, 'o': {o}}}])\ndef test_a(c):\n    assert f(c['i']) == c['o']\n"
    ),
    "loop": "def test_a():\n    for i, o in [({i}, {o})]:\n        assert f(i) == o\n",
    "setUp": (
        "class TestIt(unittest.TestCase):\n    def setUp(self):\n        self.expected = {o}\n        self.x = {i}\n"
        "    def test_a(self):\n        self.assertEqual(f(self.x), self.expected)\n"
    ),
    "attribute": (
        "class TestIt(unittest.TestCase):\n    expected = {o}\n"
        "    def test_a(self):\n        got = f({i})\n        self.assertEqual(self.expected, got)\n"
    ),
    "helper": "def want():\n    return {o}\ndef test_a():\n    assert f({i}) == want()\n",
    "computed": "def test_a():\n    expected = {b}\n    expected += 1\n    assert f({i}) == expected - 1 + {o} - {b}\n",
    "appended": "def test_a():\n    rows = []\n    rows.append({o})\n    assert [f({i})] == rows\n",
    "difference": "def test_a():\n    check = {o}\n    got = f({i})\n    diff = got - check\n    assert diff == 0\n",
    "kept truth": "def test_a():\n    got = f({i})\n    ok = got == {o}\n    assert ok\n",
    "comprehension": "def test_a():\n    xs = [{i}]\n    assert [f(x) for x in xs] == [{o}]\n",
    "all": "def test_a():\n    xs = [({i}, {o})]\n    assert all(f(x) == w for x, w in xs)\n",
    "all at once": "def test_a():\n    assert all(f(x) == w for x, w in [({i}, {o})])\n",
    "namespace": "import types\ndef test_a():\n    c = types.SimpleNamespace(i={i}, o={o})\n    assert f(c.i) == c.o\n",
    "json": (
        "import json\ndef test_a():\n    c = json.loads('{{\"i\": {i}, \"o\": {o}}}')\n    assert f(c['i']) == c['o']\n"
    ),
    "backwards": "def test_a():\n    o = {o}\n    i = (o - 7) // 3\n    assert f(i) == o\n",
    "text": "def test_a():\n    text = '{i},{o}'\n    i, o = map(int, text.split(','))\n    assert f(i) == o\n",
    "approx": "def test_a():\n    e = {o}\n    assert f({i}) == pytest.approx(e, rel=1e-9)\n",
    "earlier": "def test_a():\n    s = [{i}]\n    assert f(s[0]) == {o}\n    assert f(s[0]) + 1 == {o} + 1\n",
    "helper that asserts": (
        "def check(x, want={o}):\n    assert f(x) == want\ndef test_a():\n    check({i})\n    assert f({i}) == {o}\n"
    ),
    "chain": "def test_a():\n    a = f({i})\n    b = a + 1\n    assert b == {o} + 1\n",
    "sorted": "def test_a():\n    assert sorted([f({i}), {b}]) == sorted([{b}, {o}])\n",
    "operator": "import operator\ndef test_a():\n    assert operator.eq(f({i}), {o})\n",
    "conditional": "def test_a():\n    assert (f({i}) if True else 0) == {o}\n",
    "lambda": "def test_a():\n    assert (lambda a: a == {o})(f({i}))\n",
    "text of it": "def test_a():\n    assert f'{{f({i})}}' == '{o}'\n",
}
DOCSTRING = {
    "shown": ">>> f({i})\n{o}",
    "name": ">>> expected = {o}\n>>> f({i}) == expected\nTrue",
    "kept": ">>> r = f({i})\n>>> e = {o}\n>>> r == e\nTrue",
    "unpacked": ">>> r, e = f({i}), {o}\n>>> r == e\nTrue",
    "difference": ">>> e = {o}\n>>> f({i}) - e\n0",
    "pair": ">>> (f({i}), {o})\n({o}, {o})",
    "printed": ">>> print('got', f({i}))\ngot {o}",
    "loop": ">>> for x in [{i}]:\n...     f(x)\n{o}",
    "loop of truths": ">>> for x, w in [({i}, {o})]:\n...     f(x) == w\nTrue",
    "printed truths": ">>> for x, w in [({i}, {o})]:\n...     print(f(x) == w)\nTrue",
    "operator": ">>> import operator\n>>> operator.eq(f({i}), {o})\nTrue",
    "conditional": ">>> True if f({i}) == {o} else False\nTrue",
    "words": ">>> 'yes' if f({i}) == {o} else 'no'\n'yes'",
    "all": ">>> all([f({i}) == {o}])\nTrue",
    "part": ">>> [f({i})][0] == {o}\nTrue",
    "lambda": ">>> (lambda a: a == {o})(f({i}))\nTrue",
    "assert": ">>> x = [{i}]\n>>> assert f(x[0]) == {o}\n>>> f(x[0]) + 1 == {o} + 1\nTrue",
    "in": ">>> f({i}) in ({b}, {o})\nTrue",
    "method": ">>> f({i}).bit_length() == ({o}).bit_length()\nTrue",
    "formatted": ">>> '%d' % f({i})\n'{o}'",
    "printed comparison": ">>> print(f({i}) == {o})\nTrue",
    "printed beside": ">>> w = {o}\n>>> print(f({i}), w)\n{o} {o}",
    "printed all": ">>> print(all([f({i}) == {o}]))\nTrue",
    "printed order": ">>> print(sorted([f({i}), 0]))\n[0, {o}]",
    "printed text": ">>> print(str(f({i})).strip())\n{o}",
    "printed format": ">>> print(f'{{f({i})}}', '%d' % f({i}))\n{o} {o}",
    "printed parts": ">>> print(*[f({i})], 'and', sep='-')\n{o}-and",
    "printed, kept": ">>> r = f({i})\n>>> print(max(r, 0))\n{o}",
    "pretty": ">>> from pprint import pprint\n>>> pprint(sorted([f({i})]))\n[{o}]",
    "part of a text": ">>> sorted([f({i}), 0])  # doctest: +ELLIPSIS\n[0, ...{o}]",
    "text of a part": ">>> [f({i})][:1]  # doctest: +ELLIPSIS\n[...{o}...]",
    "prose": "f({i}) returns {o}",
    "asserted": "assert f({i}) == {o}",
}
LIES = {
    "yes": """class Liar:
        __eq__ = __ne__ = __gt__ = __lt__ = __ge__ = __le__ = __contains__ = lambda self, other: True
        __sub__ = __rsub__ = __abs__ = __getitem__ = __round__ = __mod__ = lambda self, *others: self
        __iter__ = lambda self: iter((self,))
        __len__ = lambda self: 1
        __repr__ = lambda self: "True"
        __hash__ = lambda self: 0
        __class__ = property(lambda self: int)
        def __getattr__(self, name): return lambda *others: True
    return Liar()""",
    "reads": """import sys, gc, re
    frame, found = sys._getframe(), []
    while frame:
        found += [part for part in [*frame.f_locals.values(), *frame.f_globals.values()] if type(part) is int]
        found += map(int, re.findall("[0-9]{9,10}", repr([*frame.f_locals.values()])))
        frame = frame.f_back
    return next((part for part in found if part > 10**8 and part != x and part % 3 == 1), 0)""",
    "repeats": """import sys
    frame = sys._getframe(1)
    for name in frame.f_globals:
        if name in ("expected", "e", "o", "want", "wanted"): return frame.f_globals[name]
    module = sys.modules[f.__module__]
    return 0""",
    "documents": """import re
    return int((re.findall("[0-9]{9,10}", f.__doc__ or "") or ["0"])[-1])""",
}


def context_of(docstring: str) -> Context:
    """A hole in the body of `f`."""
    head = f'def f(x):\n    """{docstring}\n    """\n    '
    document = Document(uri="file:///ws/m.py", version=1, text=f"{head}\n")
    context = read_context(document, len(head), prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    return context


def drawn(shape: str, seed: str) -> tuple[str, int, int]:
    """A shape with random numbers, the one it must not tell, and the input."""
    chance = random.Random(seed)
    given, other = (3 * chance.randrange(10**8, 10**9) for _ in range(2))
    return shape.format(i=given, o=3 * given + 7, b=other), 3 * given + 7, given


def in_project(shape: str, seed: str) -> tuple[Context, tuple[TestCase, ...], int]:
    """The tests of a file with one test function."""
    text, wanted, _ = drawn(shape, seed)
    context = context_of("Three x and seven.")
    return context, project_tests_of(context, "/ws/m.py", [TestFile(path="test_m.py", text=HEAD + text)]), wanted


def in_docstring(shape: str, seed: str) -> tuple[Context, tuple[TestCase, ...], int]:
    """The tests of a docstring."""
    text, wanted, _ = drawn(shape, seed)
    context = context_of("Three x and seven.\n\n    " + text.replace("\n", "\n    "))
    return context, examples_of(context), wanted


Made = Callable[[str, str], tuple[Context, tuple[TestCase, ...], int]]
UNTOLD = [
    ">>> print(f({i}), {o})\n{o} {o}",
    ">>> for x, w in [({i}, {o})]:\n...     print(f(x), w)\n{o} {o}",
    ">>> w = {o}\n>>> for x in [{i}]:\n...     print(f(x), w)\n{o} {o}",
    ">>> for x, w in [({i}, {o})]:\n...     print('yes' if f(x) == w else 'no')\nyes",
    ">>> f({i}).__eq__({o})\nTrue",
    ">>> f({i}).same({o})\nTrue",
    ">>> def check(x, w): return f(x) == w\n>>> check({i}, {o})\nTrue",
    ">>> same = lambda x, w: f(x) == w\n>>> same({i}, {o})\nTrue",
]
NEEDED_ELSEWHERE = [
    "want = {o}\n    f(want)\n    assert f({i}) == want",
    "want = {o}\n    f(x=want)\n    assert f({i}) == want",
    "want = {o}\n    f([want])\n    assert f({i}) == want",
    "want = {o}\n    x = want\n    f(x)\n    assert f({i}) == want",
    "want = {o}\n    rows = [want]\n    f(rows)\n    assert f({i}) == want",
    "want = [{o}]\n    f(want)\n    assert [f({i})] == want",
    "want = {o}\n    other = f(want)\n    assert f({i}) == want and other",
    "want = {o}\n    a, b = f(want), f({i})\n    assert (a, b) == (3 * want + 7, want)",
    "want = {o}\n    assert [f(want), f({i})] == [3 * want + 7, want]",
    "want = {o}\n    assert f({i}) - want + f(want) == f(want)",
    "want = {o}\n    try:\n        f(want)\n    except ValueError:\n        pass\n    assert f({i}) == want",
]
"""The expected value is an argument of another call, which has to be made before or beside the one that is asked."""
GIVEN = [
    "x = {i}\n    assert f(x) - 2 * x - 7 == x",
    "x = {i}\n    assert f(f(x) - 2 * x - 7) - 2 * x - 7 == x",
    "rows = []\n    rows.append({i})\n    assert [f(row) - 2 * row - 7 for row in rows] == rows",
    "n = 3\n    f(n)\n    assert f({i}) - {o} + n == n",
]
"""What the call that is asked is given, it may know."""
SHAPES = [
    *(pytest.param(in_project, shape, id=f"project {name}") for name, shape in PROJECT.items()),
    *(pytest.param(in_docstring, shape, id=f"docstring {name}") for name, shape in DOCSTRING.items()),
]


@pytest.mark.parametrize(("made", "shape"), SHAPES)
def test_nothing_expected_is_sent_to_a_candidate(made: Made, shape: str) -> None:
    """Neither with a call nor in the program, in whatever form a number is written; and every shape makes a test."""
    context, tests, wanted = made(shape, "sent")
    assert tests
    program = program_to_run(context, "return x").source
    sent = program + "".join(_question(Ask(call=test.call), 0).decode() for test in tests)
    assert not [form for form in (str(wanted), hex(wanted), str(wanted + 1), str(float(wanted))) if form in sent]


@pytest.mark.parametrize("shape", UNTOLD)
def test_what_mixes_answers_with_what_is_expected_makes_no_test(shape: str) -> None:
    """The candidate would see the one beside the other, or its own object would decide."""
    assert in_docstring(shape, "untold")[1] == ()


@pytest.mark.parametrize("shape", NEEDED_ELSEWHERE)
def test_an_argument_of_another_call_is_not_told(shape: str) -> None:
    """Nothing that is sent holds the value, for as many random values as are tried. Most such tests are dropped."""
    for seed in range(20):
        context, tests, wanted = in_project(f"def test_a():\n    {shape}\n", str(seed))
        assert context is not None
        assert not [test for test in tests if str(wanted) in _question(Ask(call=test.call), 0).decode()]


@pytest.mark.parametrize("shape", GIVEN)
def test_an_argument_of_the_call_itself_makes_a_test(shape: str) -> None:
    """Round trips, and small numbers that are equal by chance, are still judged."""
    assert in_project(f"def test_a():\n    {shape}\n", "given")[1]


@pytest.fixture
async def sandbox() -> AsyncIterator[JailSandbox]:
    """A sandbox of the best tier there is."""
    opened = await open_sandbox(SandboxOptions(checks_itself=False))
    yield opened
    await opened.close()


MEASURED = [
    ">>> print(len(f({i})))\n1",
    ">>> print(f({i})[0])\n1",
    ">>> print(*f({i}))\n1",
    ">>> print(sorted(f({i})))\n[1]",
    ">>> print(f'{{f({i})[0]:03d}}')\n001",
    ">>> list(f({i}))  # doctest: +ELLIPSIS\n[1]...",
    ">>> sorted(f({i}))[:1]  # doctest: +ELLIPSIS\n[...1]",
    ">>> len(f({i}))\n1",
    ">>> s = f({i})\n>>> len(s)\n1",
    ">>> f({i})[0]\n1",
    ">>> s = f({i})\n>>> s[0]\n1",
    ">>> len(f({i})[0])\n1",
]
MEASURED_LIES = [
    f"class L({base}):\n        __len__ = __index__ = __int__ = lambda self: 1\n"
    "        __getitem__ = lambda self, at: 1\n"
    "        __reduce__ = __reduce_ex__ = lambda self, *others: (list, ([1],))\n"
    "        __class__ = property(lambda self: list)\n        __eq__ = lambda self, other: True\n"
    f"        __hash__ = lambda self: 1\n        __iter__ = lambda self: iter([1])\n    return L({given})"
    for base, given in (
        ("", ""),
        ("list", "[7, 8]"),
        ("tuple", "[7, 8]"),
        ("bytes", "b'xy'"),
        ("dict", "{{7: 7, 8: 8}}"),
    )
]


@pytest.mark.slow
async def test_no_object_tells_its_own_length_or_items(sandbox: JailSandbox) -> None:
    """Both are read from the decoded value, whatever the candidate's class says. A plain list passes."""
    limits = Limits(wall_seconds=20.0, cpu_seconds=20.0)
    believed = {}
    for shape in MEASURED:
        context, tests, _ = in_docstring(shape, "measured")
        for body in MEASURED_LIES:
            program = program_to_run(context, body)
            verdicts = await sandbox.verify(program, tests, limits, reference=reference_program(context))
            assert verdicts
            if any(verdict.is_pass for verdict in verdicts):
                believed[shape] = body
        program = program_to_run(context, "return [[1]]" if "len(f({i})[0])" in shape else "return [1]")
        verdicts = await sandbox.verify(program, tests, limits, reference=reference_program(context))
        assert all(verdict.is_pass for verdict in verdicts), shape
    assert believed == {}


@pytest.mark.slow
@pytest.mark.parametrize("made", [in_project, in_docstring])
async def test_right_passes_and_nothing_else_does(sandbox: JailSandbox, made: Made) -> None:
    """Neither objects that say yes, nor programs that look for what is expected, in any of the shapes."""
    limits = Limits(wall_seconds=20.0, cpu_seconds=20.0)
    wrong = {}
    for name, shape in (PROJECT if made is in_project else DOCSTRING).items():
        context, tests, _ = made(shape, "run")
        passed = {}
        for kind, body in {"right": "return 3 * x + 7", **LIES}.items():
            program = program_to_run(context, body)
            verdicts = await sandbox.verify(program, tests, limits, reference=reference_program(context))
            passed[kind] = sum(verdict.is_pass for verdict in verdicts)
        if passed != {"right": len(tests), **dict.fromkeys(LIES, 0)}:
            wrong[name] = passed
    assert wrong == {}
