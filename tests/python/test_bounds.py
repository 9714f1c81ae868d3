"""Hostile text ends: no docstring, buffer or candidate crashes or occupies the process that reads it.

A case that is not bounded shows as a crash, or runs into the suite's own time limit: unbounded, each takes minutes.
"""

from __future__ import annotations

import ast

import pytest

from plum_lsp.domain.suggestion import Completion, Context, PolicyVersion
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Ending, Node, Observation, Program, Value
from plum_lsp.python.contracts.finding import contracts_of
from plum_lsp.python.effects import effects_of, with_stand_ins
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.inputs.calls import further_calls, generated_calls
from plum_lsp.python.inputs.definitions import filled
from plum_lsp.python.inputs.mutations import neighbours
from plum_lsp.python.mutants import mutants_of
from plum_lsp.python.reading.sources import module_or_none
from plum_lsp.python.reading.window import program_with, read_context
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.verification.agreement import Matrix, Trial
from plum_lsp.verification.likeness import core_of, form_of
from plum_lsp.verification.recital import recites

LONG = 40_000
VERSION = PolicyVersion(number=0, model="", model_sha256="")


def context_of(text: str) -> Context:
    document = Document(uri="file:///a.py", version=1, text=text)
    context = read_context(document, len(text), prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    return context


def read_everything(context: Context, candidate: str) -> int:
    """Every reading of the synthesis of one hole and one candidate; returns how many inputs there are."""
    tests = examples_of(context)
    calls = generated_calls(context, tests, limit=40)
    contracts_of(context, tests)
    further_calls(context, calls, [*(test.call for test in tests), *calls], [candidate], limit=48)
    program = program_with(context, candidate)
    with_stand_ins(program, effects_of(program, "f"))
    first = context.before.count("\n") + 1
    mutants_of(program.source, first_line=first, last_line=first + candidate.count("\n"), limit=16)
    recites(candidate, tests)
    return len(calls)


@pytest.mark.slow
@pytest.mark.parametrize(
    "docstring",
    [
        "1" * LONG,
        "1_" * LONG,
        "1," * LONG,
        "word" * LONG,
        "n " * LONG,
        "n`" * LONG,
        "f(" * LONG,
        "f([" + "[" * LONG,
        "n up to " + "9" * 5_000,
        ">>> f(" + "9" * 4_300 + ", 1)\n    1\n    ",
        ">>> f(0x" + "f" * 6_000 + ", 1)\n    1\n    ",
        ">>> f(" + "+".join(["1"] * 900) + ", 1)\n    1\n    ",
        ">>> f(10**10**8, 1)\n    10**10**8\n    ",
        "".join(f">>> x{i} = dict(a={i}, b=[{i}])\n    " for i in range(300)) + ">>> f(x1, x2)\n    1\n    ",
        ">>> f([" + ", ".join(map(str, range(8_000))) + "], 1)\n    1\n    ",
    ],
    ids=range(15),
)
def test_hostile_docstrings_are_read(docstring: str) -> None:
    """Long runs of anything, numbers that Python cannot write, constants that it must not compute."""
    assert read_everything(context_of(f'def f(n, items):\n    """{docstring}"""\n'), "    return n\n") > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "buffer",
    [
        "\n" * LONG,
        "x = " + "+".join(["1"] * 2_500) + "\n",
        "x = " + "a." * 2_000 + "b\n",
        "X = 0x" + "f" * 6_000 + "\n",
        "def h(x):\n    if x == 0: return 0\n" + "".join(f"    elif x == {i}: return {i}\n" for i in range(900)),
        "".join(f"class C{i}:\n    def __init__(self, a, b: C{i + 1}): pass\n" for i in range(1_000)),
    ],
    ids=range(6),
)
def test_hostile_buffers_are_read(buffer: str) -> None:
    """What stands above the function may be of any depth and length."""
    assert read_everything(context_of(f'{buffer}def f(n, items):\n    """Add."""\n'), "    return n\n") > 0


@pytest.mark.parametrize(
    "annotation",
    ["list[" * 80 + "int" + "]" * 80, " | ".join(["int"] * 900), 'list[list[list[Literal["' + "x" * LONG + '"]]]]'],
    ids=["deep", "wide", "long"],
)
def test_hostile_annotations_are_read(annotation: str) -> None:
    """An annotation that no value can be made of leaves the others."""
    read_everything(context_of(f'def f(n: {annotation}):\n    """Add."""\n'), "    return n\n")


@pytest.mark.parametrize(
    "candidate",
    [
        "    return " + "+".join(["n"] * 900) + "\n",
        "    return 0x" + "f" * 6_000 + "\n",
        "    return " + "-" * 900 + "n\n",
    ],
    ids=["deep", "long number", "signs"],
)
def test_a_candidate_that_cannot_be_written_again_has_a_problem(candidate: str) -> None:
    """Python parses it, and would fail to write it as source; it is not offered."""
    completion = Completion.written(candidate)
    context = context_of('def f(n):\n    """Add."""\n')
    assert "nested too deeply" in make_candidate(completion, context, VERSION).problem
    assert form_of(candidate) == core_of(candidate) == candidate
    assert read_everything(context, candidate) > 0


def test_a_candidate_of_many_indentations_is_parsed_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each indentation that is tried costs a parse."""
    parses: list[str] = []
    parse = ast.parse
    monkeypatch.setattr(ast, "parse", lambda source, **options: parses.append(source) or parse(source, **options))
    form_of("x = [\n" + "".join(" " * width + "1,\n" for width in range(200)) + "return (x\n")
    assert len(parses) < 20


def test_most_mutants_are_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long candidate, only those that are wanted; and never the class around it."""
    written: list[int] = []
    unparse = ast.unparse
    monkeypatch.setattr(ast, "unparse", lambda tree: written.append(1) or unparse(tree))
    body = "        x += n * 2 - 1\n" * 300
    source = f"class A:\n    def above(self):\n        return 1\n\n    def f(self, n):\n        x = 0\n{body}"
    mutants = mutants_of(source, first_line=6, last_line=306, limit=4)
    assert len(mutants) == 4
    assert all(mutant.source.startswith(source[: source.index("        x = 0")]) for mutant in mutants)
    assert all(module_or_none(mutant.source) is not None for mutant in mutants)
    assert len(written) < 100


@pytest.mark.parametrize(
    "value",
    [
        10**5_000,
        Node(kind="dict", type_name="dict", items=(10**5_000, 1)),
        Node(kind="set", type_name="set", items=(10**5_000,)),
    ],
    ids=["int", "dict", "set"],
)
def test_answers_of_any_size_are_compared(value: Value) -> None:
    """Python writes no decimal of more than 4300 digits."""
    seen = [Observation(ending=Ending.RETURNED, value=value)]
    matrix = Matrix.of([Trial.of(index, f"return {index}", seen, stands=True) for index in range(2)])
    assert matrix.likeness(0, 1) == 1.0


def test_neighbours_of_the_longest_number_are_left_out() -> None:
    """Three times a number of 4300 digits cannot be written."""
    assert neighbours("9" * 4_300) == []


def test_neighbours_of_sets_do_not_depend_on_hashes() -> None:
    """The same inputs come in every process."""
    assert "[{'a', 'b', 'c'}, {'a', 'b', 'c'}]" in neighbours("[{'c', 'b', 'a'}]")


def test_stand_ins_go_below_a_docstring_with_a_form_feed() -> None:
    """Only a line feed ends a line of Python."""
    program = Program(source='"""One\x0ctwo\u2028three."""\nimport random\n\ndef f():\n    return random.random()\n')
    changed = with_stand_ins(program, effects_of(program, "f"))
    assert changed.source.startswith('"""One\x0ctwo\u2028three."""\n_stand_ins')


def test_functions_of_two_parameters_get_different_values() -> None:
    """Outside any function too: `a - b` is not told from `b - a` where both are the same."""
    text = "def sub(a, b):\n    return a - b\n"
    calls = further_calls(context_of('"""Tools."""\n\n'), (), (), [text], limit=24)
    arguments = [ast.literal_eval(call.expression.removeprefix("sub")) for call in calls]
    assert any(left != right for left, right in arguments)
    assert filled(context_of('"""Tools."""\n\n'), [text])
