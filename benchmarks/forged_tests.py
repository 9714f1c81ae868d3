"""Makes random tests of every form that the synthesis reads, each with an answer that no program can guess.

A test is made of parts that are drawn one by one: the expected value, its place, the place of the result, and the
comparison. A program that passes a test without the answer has forged the pass.
"""

from __future__ import annotations

import ast
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plum_lsp.domain.project import TestFile
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import TestCase
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.python.specification.project_tests import project_tests_of

Chance = random.Random
HEAD = "import json, math, operator, pytest, types, unittest\nfrom m import f, Box, Broken, Late, Odd\n"
PROGRAM = '''import json, math, operator, types


class Broken(Exception): pass
class Late(Exception): pass
class Odd(Exception): pass


class Box:
    """Holds a value, and says what it is asked; a class of the program's that can be called."""

    def __init__(self, value): self.value = value
    def same(self, other): return self.value == other
    def __call__(self, *others): return True


def f(x):
    """{docstring}
    """
    '''
"""The file with the hole for the candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Some tests of one hole. `answers` maps the function's argument, as text, to the expected result."""

    context: Context
    tests: tuple[TestCase, ...]
    answers: dict[str, str]


def _number(chance: Chance) -> str:
    return str(chance.randrange(10**9, 10**10))


def _word(chance: Chance) -> str:
    return repr("".join(chance.choices(string.ascii_lowercase, k=12)))


_VALUES: tuple[Callable[[Chance], str], ...] = (
    _number,
    _number,
    _word,
    lambda chance: f"{chance.randrange(10**9)}.{chance.randrange(10**6)}",
    lambda chance: f"[{_number(chance)}, {_word(chance)}]",
    lambda chance: f"({_number(chance)}, {_number(chance)})",
    lambda chance: f"{{{_number(chance)}, {_number(chance)}}}",
    lambda chance: f"{{{_word(chance)}: {_number(chance)}}}",
    lambda chance: f"{{'a': [{_number(chance)}]}}",
    lambda chance: f"b{_word(chance)}",
    lambda chance: f"{_number(chance)} + {chance.randrange(1, 10**6)}j",
)

_ANY_FORMS = (
    "{a} == {e}",
    "{e} == {a}",
    "not ({a} != {e})",
    "({a} == {e}) is True",
    "({a} != {e}) is False",
    "({a} == {e}) == True",
    "bool({a} == {e})",
    "all([{a} == {e}])",
    "any([{a} == {e}])",
    "all(one == {e} for one in [{a}])",
    "operator.eq({a}, {e})",
    "not operator.ne({a}, {e})",
    "(lambda one: one == {e})({a})",
    "{a} in [{e}]",
    "{a} not in [] and {a} in ({e},)",
    "[{a}] == [{e}]",
    "({a}, 1) == ({e}, 1)",
    "{{'k': {a}}} == {{'k': {e}}}",
    "[{a}][0] == {e}",
    "repr({a}) == repr({e})",
    "True if {a} == {e} else False",
    "[False, True][{a} == {e}]",
    "({a} == {e}) + 0 == 1",
    "[one == {e} for one in [{a}]] == [True]",
    "list(map(lambda one: one == {e}, [{a}])) == [True]",
    "[{a}].count({e}) == 1",
    "[{e}].index({a}) == 0",
    "dict(k={a})['k'] == {e}",
    "next(iter([{a} == {e}]))",
    "Box({e}).same({a})",
    "types.SimpleNamespace(k={a}).k == {e}",
    "{a} == {e} and {a} is not None",
    "({a} == {e}) & True",
    "str({a}) == str({e})",
    "f'{{{a}}}' == f'{{{e}}}'",
    "'%s' % [{a}] == '%s' % [{e}]",
)
_INT_FORMS = (
    "{a} - {e} == 0",
    "not {a} - {e}",
    "abs({a} - {e}) < 1e-3",
    "{a} + 1 == {e} + 1",
    "{a} ^ {e} == 0",
    "{e} <= {a} <= {e}",
    "max({a}, {e}) == min({a}, {e})",
    "sorted([{a}, 5]) == [5, {e}]",
    "len({{{a}, {e}}}) == 1",
    "math.isclose({a}, {e}, rel_tol=1e-12)",
    "{a} == pytest.approx({e})",
    "divmod({a}, 7) == divmod({e}, 7) and {a} // 7 == {e} // 7",
    "str({a}).endswith(str({e}))",
    "{a}.bit_length() == ({e}).bit_length() and {a} == {e}",
    "range({e}, {e} + 1).index({a}) == 0",
    "hash({a}) == hash({e})",
    "json.dumps({a}) == json.dumps({e})",
)
_WORD_FORMS = (
    "{a}.startswith({e}) and {a}.endswith({e})",
    "{a}.upper() == {e}.upper()",
    "{a} + 'x' == {e} + 'x'",
    "'-'.join([{a}]) == {e}",
    "{a}.count({e}) == 1",
    "{a}.strip({e}[:1]) == {e}.strip({e}[:1])",
    "sorted({a}) == sorted({e}) and {a}[0] == {e}[0]",
)
_METHODS = ("assertEqual({a}, {e})", "assertEqual({e}, {a})", "assertTrue({a} == {e})", "assertIn({a}, [{e}])")


def _form(chance: Chance, value: str) -> str:
    """How a result and the expected value are compared."""
    own = _INT_FORMS if value.isdigit() else _WORD_FORMS if value[0] in "'\"" else ()
    forms = [form for form in (*_ANY_FORMS, *own, *own) if value[0] != "{" or "{{'k'" not in form]
    return str(chance.choice(forms))


def _body(chance: Chance, given: str, value: str, number: int = 0) -> tuple[str, list[str], str, str]:
    """Code for the top of the file, the lines of one test function, and where it holds result and expected value."""
    name, result = chance.choice(("expected", "want", "e")), chance.choice(("got", "result", "r"))
    top, lines = "", []
    a, e = f"f({given})", value
    match chance.randrange(13):
        case 0:
            lines, e = [f"{name} = {value}"], name
        case 1:
            top, e = f"{name.upper()}_{number} = {value}\n", f"{name.upper()}_{number}"
        case 2:
            top, e = f"def make_{number}():\n    return {value}\n", f"make_{number}()"
        case 3:
            lines = [f"case = {{'in': {given}, 'out': {value}}}"]
            a, e = "f(case['in'])", "case['out']"
        case 4:
            lines, a, e = [f"given, {name} = case = ({given}, {value})"], "f(given)", name
        case 5:
            lines, a, e = [f"case = types.SimpleNamespace(i={given}, o={value})"], "f(case.i)", "case.o"
        case 6:
            lines, a, e = [f"{result}, {name} = f({given}), {value}"], result, name
        case 7:
            lines, a, e = [f"pair = (f({given}), {value})"], "pair[0]", "pair[1]"
        case 8:
            lines, e = [f"{name} = []", f"{name}.append({value})"], f"{name}[0]"
        case 9:
            lines, a, e = [f"{result} = f({given})", f"{name} = {value}", f"same = {result}"], "same", name
        case 10:
            lines, e = [f"{name} = [{value}, {_number(chance)}]", f"first, *_rest = {name}"], "first"
        case 11:
            lines, e = [f"box = Box({value})"], "box.value"
    if chance.random() < 0.3 and "f(" in a:
        lines, a = [*lines, f"{result}_1 = {a}"], f"{result}_1"
    return top, lines, a, e


def _project_test(chance: Chance, number: int, given: str, value: str) -> str:
    """One test function, or class, of a test file."""
    top, lines, a, e = _body(chance, given, value, number)
    form = _form(chance, value).format(a=a, e=e)
    match chance.randrange(7):
        case 0:
            head = f"@pytest.fixture\ndef wanted_{number}():\n    return {value}\n"
            return f"{head}def test_{number}(wanted_{number}):\n    assert f({given}) == wanted_{number}\n"
        case 1:
            row = f"@pytest.mark.parametrize('case', [({given}, {value})])\n"
            check = _form(chance, value).format(a="f(case[0])", e="case[1]")
            return f"{row}def test_{number}(case):\n    assert {check}\n"
        case 2:
            table = f"@pytest.mark.parametrize('i, o', [({given}, {value})])\n"
            check = _form(chance, value).format(a="f(i)", e="o")
            return f"{table}def test_{number}(i, o):\n    assert {check}\n"
        case 3:
            method = chance.choice(_METHODS).format(a="f(self.given)", e="self.wanted")
            setup = f"    def setUp(self):\n        self.given = {given}\n        self.wanted = {value}\n"
            return f"class Test{number}(unittest.TestCase):\n{setup}    def test_it(self):\n        self.{method}\n"
    if chance.random() < 0.1:
        check = _form(chance, value).format(a="f(i)", e="o")
        return f"def test_{number}():\n    for i, o in [({given}, {value})]:\n        assert {check}\n"
    body = "".join(f"    {line}\n" for line in (*lines, f"assert {form}"))
    return f"{top}def test_{number}():\n{body}"


def _session(chance: Chance, given: str, value: str) -> str:
    """One doctest: a value, a text, or a truth."""
    match chance.randrange(6):
        case 0:
            return f">>> f({given})\n{value}"
        case 1:
            return f">>> print('is', f({given}))\nis {ast.literal_eval(value)}"
        case 2:
            return f">>> r = f({given})\n>>> r\n{value}"
    _, lines, a, e = _body(chance, given, value)
    if "make_" in e or e.isupper():
        a, e, lines = f"f({given})", value, []
    form = _form(chance, value).format(a=a, e=e).replace("pytest.approx", "")
    return "\n".join([*(f">>> {line}" for line in lines), f">>> {form}", "True"])


def _raising(chance: Chance, given: str) -> tuple[str, str]:
    """A test of an exception with a text of its own, as doctest shows it, and the exception."""
    name, word = chance.choice(("ValueError", "Broken", "Late", "OSError")), _word(chance)
    return f">>> f({given})\nTraceback (most recent call last):\n    ...\n{name}: {word[1:-1]}", f"{name}({word})"


def a_round(seed: str, *, files: int = 4, tests: int = 44) -> list[Round]:
    """Tests of project files and of a docstring, with the right answers."""
    chance = random.Random(seed)
    answers: dict[str, str] = {}

    def drawn() -> tuple[str, str]:
        given, value = _number(chance), chance.choice(_VALUES)(chance)
        answers[given] = value
        return given, value

    context = context_of("Says what it has to.")
    found: list[TestCase] = []
    for _ in range(files):
        text = "".join(_project_test(chance, number, *drawn()) for number in range(tests))
        found += project_tests_of(context, "/ws/m.py", [TestFile(path="test_m.py", text=HEAD + text)])
    project = Round(context=context, tests=tuple(found), answers=dict(answers))
    answers.clear()
    sessions = [_session(chance, *drawn()) for _ in range(tests)]
    for _ in range(6):
        given = _number(chance)
        session, answers[given] = _raising(chance, given)
        sessions.append(session)
    spoken = context_of("Says what it has to.\n\n" + "\n\n".join(sessions))
    return [project, Round(context=spoken, tests=examples_of(spoken), answers=dict(answers))]


def context_of(docstring: str) -> Context:
    """The hole in the body of `f`."""
    head = PROGRAM.replace("{docstring}", docstring.replace("\n", "\n    "))
    document = Document(uri="file:///ws/m.py", version=1, text=f"{head}\n")
    context = read_context(document, len(head), prefix_tokens=20_000, suffix_tokens=500)
    assert context is not None
    return context


def right_body(rounds: Sequence[Round]) -> str:
    """The body of a function that has every answer."""
    table = ", ".join(f"{given}: {value}" for each in rounds for given, value in each.answers.items())
    return f"found = {{{table}}}[x]\n    if isinstance(found, Exception): raise found\n    return found"
