"""Values of classes that only a candidate knows decide nothing. Standard ones are judged."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from plum_lsp.domain.suggestion import Judged, Tier
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.offline import verify
from plum_lsp.evaluation.tasks import Task
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.clock import MonotonicClock

pytestmark = pytest.mark.slow
PATIENT = Limits(wall_seconds=20.0, cpu_seconds=20.0)
HEAD = '''import array, collections, enum, fractions, types


class Money:
    def __init__(self, cents): self.cents = cents
    def __len__(self): return self.cents
    def __str__(self): return f"{self.cents} c"


def f(n):
    """Says what it has to.

'''
LIAR = """class Lie:
        def __len__(self): return 3
        def __iter__(self): return iter(range(3))
        def __getitem__(self, at): return at
        def __str__(self): return "[0, 1, 2]"
        def __bool__(self): return True
        def __eq__(self, other): return True
        def __contains__(self, one): return True
        def upper(self): return "ABC"
        __hash__ = None
    return Lie()"""
STATED = {
    "len": ">>> len(f(3))\n3",
    "sorted": ">>> sorted(f(3))\n[0, 1, 2]",
    "sum": ">>> sum(f(3))\n3",
    "max": ">>> max(f(3))\n2",
    "list": ">>> list(f(3))\n[0, 1, 2]",
    "item": ">>> f(3)[2]\n2",
    "str": ">>> str(f(3))\n'[0, 1, 2]'",
    "later": ">>> r = f(3)\n>>> tuple(r)\n(0, 1, 2)",
    "in": ">>> 2 in f(3)\nTrue",
    "value": ">>> f(3)\n[0, 1, 2]",
    "equal": ">>> f(3) == [0, 1, 2]\nTrue",
    "worded": "list(f(3)) == [0, 1, 2]",
}


@pytest.fixture
async def sandbox() -> AsyncIterator[JailSandbox]:
    """A sandbox without its self-test, which other tests run."""
    opened = await open_sandbox(SandboxOptions(jobs=2, checks_itself=False))
    yield opened
    await opened.close()


async def judged(sandbox: JailSandbox, docstring: str, *bodies: str) -> tuple[Judged, ...]:
    """Candidates for the function, with these examples in its docstring."""
    stated = docstring.replace("\n", "\n    ")
    task = Task(id="t", prompt=f'{HEAD}    {stated}\n    """\n    ', suffix="\n", candidates=bodies)
    return (await verify(task, sandbox, MonotonicClock(), limits=PATIENT)).group


@pytest.mark.parametrize("stated", STATED.values(), ids=STATED)
async def test_an_object_that_answers_everything_is_neither_verified_nor_refuted(
    sandbox: JailSandbox, stated: str
) -> None:
    """The examples cannot say anything about a class that is made in the function."""
    (liar,) = await judged(sandbox, stated, LIAR)
    assert (liar.tier, liar.is_refuted, liar.undecided) == (Tier.CHECKED, False, 1), liar.reason
    assert "decided nothing" in liar.reason


async def test_one_test_that_decides_nothing_is_enough(sandbox: JailSandbox) -> None:
    """A candidate that is right where it is easy and hides where it is hard is not verified."""
    hides = LIAR.replace("return Lie()", "return [0] if n == 1 else Lie()")
    (hiding,) = await judged(sandbox, ">>> f(1)\n[0]\n>>> len(f(3))\n3", hides)
    assert (hiding.tier, len(hiding.verdicts), hiding.undecided) == (Tier.CHECKED, 1, 1)
    (wrong,) = await judged(sandbox, ">>> f(1)\n[1]\n>>> len(f(3))\n3", hides)
    assert wrong.is_refuted


RIGHT = {
    "len": ("len(f(3))", "3"),
    "sorted": ("sorted(f(3))", "[0, 1, 2]"),
    "list": ("list(f(3))", "[0, 1, 2]"),
    "item": ("f(3)[2]", "2"),
}
SEQUENCES = ("collections.UserList(range(n))", "array.array('i', range(n))", "collections.deque(range(n))", "range(n)")
MAPPINGS = (
    "collections.ChainMap({'a': 1}, {'b': n})",
    "types.MappingProxyType({'a': 1, 'b': n})",
    "collections.UserDict(a=1, b=n)",
    "collections.Counter(a=1, b=n)",
    "collections.defaultdict(int, a=1, b=n)",
    "collections.OrderedDict(a=1, b=n)",
)


@pytest.mark.parametrize("stated", RIGHT.values(), ids=RIGHT)
async def test_standard_sequences_are_judged_as_what_they_are(sandbox: JailSandbox, stated: tuple[str, str]) -> None:
    """They are rebuilt where the question is asked. Wrong ones are refuted."""
    bodies = [f"return {one}" for one in SEQUENCES]
    wrong = [body.replace("range(n)", "range(8, 0, -1)") for body in bodies]
    found = await judged(sandbox, f">>> {stated[0]}\n{stated[1]}", *bodies, *wrong)
    assert [one.is_refuted for one in found] == [False] * len(bodies) + [True] * len(wrong)
    assert all(one.verdicts for one in found)


@pytest.mark.parametrize(
    ("question", "answer"),
    [("len(f(3))", "2"), ("sorted(f(3))", "['a', 'b']"), ("f(3)['b']", "3"), ("dict(f(3))", "{'a': 1, 'b': 3}")],
)
async def test_standard_mappings_are_judged_as_what_they_are(sandbox: JailSandbox, question: str, answer: str) -> None:
    """Also those that are no dicts."""
    bodies = [f"return {one}" for one in MAPPINGS]
    wrong = ["return {'a': n}", "return collections.UserDict(a=1, c=n, d=4)"]
    found = await judged(sandbox, f">>> {question}\n{answer}", *bodies, *wrong)
    assert [one.is_refuted for one in found] == [False] * len(bodies) + [True] * len(wrong)
    assert all(one.verdicts for one in found)


async def test_the_program_s_own_class_answers_beside(sandbox: JailSandbox) -> None:
    """Its methods are those of the file, and not those of the candidate's process."""
    lies = "Money.__str__ = lambda self: '5 c'\n    Money.__len__ = lambda self: 5\n    return Money(2)"
    found = await judged(sandbox, ">>> str(f(5))\n'5 c'\n>>> len(f(5))\n5", "return Money(n)", lies)
    assert [one.is_refuted for one in found] == [False, True]
    assert found[0].verdicts and not found[0].undecided


async def test_a_function_that_is_expected_cannot_be_compared(sandbox: JailSandbox) -> None:
    """Both sides show only a name. A number where a function is expected is wrong."""
    found = await judged(sandbox, ">>> f(3) == len\nTrue\n>>> f(4)\n4", "return len if n == 3 else n", "return n")
    assert not found[0].is_refuted and found[0].tier is not Tier.VERIFIED
    assert found[1].is_refuted
