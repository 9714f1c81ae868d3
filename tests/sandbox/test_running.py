"""What a program can be and what a call shows: the meaning of `Call` and of each expectation, on the real sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.hostile import test_case as a_test

from plum_lsp.domain.verification import (
    Call,
    Ending,
    Equals,
    Holds,
    Limits,
    Observation,
    Prints,
    Program,
    Raises,
    Shows,
    VerdictStatus,
)
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

pytestmark = pytest.mark.slow
PATIENT = Limits(wall_seconds=20.0)
PASSED, FAILED, ERRORED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.ERRORED

PROGRAM = """
from __future__ import annotations
import asyncio, collections, dataclasses, enum, pickle, sys, threading
from decimal import Decimal

class Colour(enum.Enum):
    RED = 1
class Level(enum.IntEnum):
    HIGH = 3
@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5
class Stack:
    def __init__(self): self.items = []
    def push(self, item): self.items.append(item); return self
    def size(self): return len(self.items)
Pair = collections.namedtuple("Pair", "left right")
class Empty(LookupError): pass

def add(a, b): return a + b
def shout(text): print(text.upper()); print("  done  ")
def fails(name): raise {"value": ValueError("bad value 7"), "own": Empty("nothing here")}[name]
async def later(x):
    await asyncio.sleep(0)
    return x
async def counted(n):
    for i in range(n): yield i
def squares(n):
    for i in range(n): yield i * i
def sort_in_place(items): items.sort()
def threaded():
    out = []
    thread = threading.Thread(target=out.append, args=(1,)); thread.start(); thread.join()
    return out
def pickled(): return pickle.loads(pickle.dumps(Point(1)))
def nested():
    return asyncio.run(later("x"))
"""


@pytest.fixture
async def sandbox() -> AsyncIterator[JailSandbox]:
    """A sandbox without its self-test, which other tests run."""
    opened = await open_sandbox(SandboxOptions(jobs=2, checks_itself=False))
    yield opened
    await opened.close()


TABLE = [
    ("add(1, 2)", Equals(expected="3"), PASSED),
    ("add(1, 2)", Equals(expected="4"), FAILED),
    ("add(0.1, 0.2)", Equals(expected="0.3"), PASSED),
    ("add(1, 'a')", Equals(expected="3"), ERRORED),
    ("later(5)", Equals(expected="5"), PASSED),
    ("counted(3)", Equals(expected="[0, 1, 2]"), PASSED),
    ("squares(4)", Equals(expected="[0, 1, 4, 9]"), FAILED),
    ("list(squares(4))", Equals(expected="[0, 1, 4, 9]"), PASSED),
    ("threaded()", Equals(expected="[1]"), PASSED),
    ("nested()", Equals(expected="'x'"), PASSED),
    ("pickled()", Equals(expected="Point(1, 0.5)"), PASSED),
    ("Point(1)", Equals(expected="Point(2)"), FAILED),
    ("Pair(1, 2)", Equals(expected="(1, 2)"), PASSED),
    ("Pair(1, 2)", Equals(expected="Pair(1, 2)"), PASSED),
    ("Level.HIGH", Equals(expected="3"), PASSED),
    ("Colour.RED", Equals(expected="Colour.RED"), PASSED),
    ("Colour.RED", Equals(expected="1"), FAILED),
    ("Decimal('1.10')", Equals(expected="Decimal('1.1')"), PASSED),
    ("Stack().push(1)", Equals(expected="Stack().push(1)"), PASSED),
    ("__name__", Equals(expected="'program'"), PASSED),
    ("Point.__module__", Equals(expected="'program'"), PASSED),
    ("add(1, 2)", Equals(expected="undefined_name"), ERRORED),
    ("add(1, 2)", Equals(expected="approx(3.0001, 0.001)"), PASSED),
    ("fails('value')", Raises(type_name="ValueError"), PASSED),
    ("fails('value')", Raises(type_name="ValueError", message="bad value ..."), PASSED),
    ("fails('value')", Raises(type_name="ValueError", message="other"), FAILED),
    ("fails('value')", Raises(type_name="ValueError", pattern="b.d"), PASSED),
    ("fails('value')", Raises(type_name="ValueError", pattern="^value"), FAILED),
    ("fails('value')", Raises(type_name="KeyError"), ERRORED),
    ("fails('own')", Raises(type_name="Empty"), PASSED),
    ("fails('own')", Raises(type_name="LookupError"), PASSED),
    ("add(1, 2)", Raises(type_name="ValueError"), FAILED),
    ("shout('hi')", Prints(text="HI\n  done"), PASSED),
    ("shout('hi')", Prints(text="HI"), FAILED),
    ("Point(1)", Shows(text="Point(x=1, y=0.5)"), PASSED),
    ("Stack()", Shows(text="<program.Stack object at 0x...>"), PASSED),
    ("add(1, 2)", Shows(text="4"), FAILED),
    ("[3, 1]", Holds(predicate="sorted(_) == [1, 3] and len(_) == 2"), PASSED),
    ("Stack().push(1)", Holds(predicate="_.size() == 1"), PASSED),
    ("Point(1)", Holds(predicate="_.x == 1 and _.y == 0.5"), PASSED),
    ("{1, 2}", Holds(predicate="isinstance(_, set) and 3 in _"), FAILED),
    ("add(1, 2)", Holds(predicate="_.missing"), FAILED),
]


async def test_expectations_mean_what_they_say(sandbox: JailSandbox) -> None:
    """One row a rule: expression, expectation, verdict."""
    tests = [a_test(str(number), expression, wanted) for number, (expression, wanted, _) in enumerate(TABLE)]
    verdicts = await sandbox.verify(Program(source=PROGRAM), tests, PATIENT, reference=Program(source=PROGRAM))
    got = [
        (expression, wanted, verdict.status) for (expression, wanted, _), verdict in zip(TABLE, verdicts, strict=True)
    ]
    assert got == TABLE


async def observed(
    sandbox: JailSandbox, source: str, *calls: Call, limits: Limits = PATIENT
) -> tuple[Observation, ...]:
    """What the calls show."""
    return await sandbox.observe(Program(source=source), calls, limits)


async def test_setup_names_last_for_one_call(sandbox: JailSandbox) -> None:
    """Both parts see the module; what setup binds is gone with the call, what it changes stays."""
    calls = (
        Call(setup="y = [2, 1]\nsort_in_place(y)\ndef g(): return y", expression="g()"),
        Call(expression="'y' in globals()"),
        Call(setup="import math\nassert math.pi > 3", expression=""),
    )
    first, second, third = await observed(sandbox, PROGRAM, *calls)
    assert getattr(first.value, "items", None) == (1, 2)
    assert second.value is False
    assert third.ending is Ending.RETURNED


async def test_an_exception_in_setup_is_not_the_calls(sandbox: JailSandbox) -> None:
    """A test that wants an exception of the call is not met by one of its setup."""
    test = a_test("setup", "add(1, 2)", Raises(type_name="ZeroDivisionError"))
    broken = a_test("setup", "add(1, 2)", Raises(type_name="ZeroDivisionError"))
    object.__setattr__(broken, "call", Call(setup="1/0", expression="add(1, 2)"))
    verdicts = await sandbox.verify(Program(source=PROGRAM), [test, broken], PATIENT, reference=Program(source=PROGRAM))
    assert [verdict.status for verdict in verdicts] == [FAILED, ERRORED]


async def test_a_program_that_does_not_load_says_so_for_each_call(sandbox: JailSandbox) -> None:
    """And passes nothing, not even a test that wants what it raised."""
    for source in ("raise ValueError('early')", "def f(:", "import nowhere_to_be_found", "\0"):
        seen = await observed(sandbox, source, Call(expression="1"), Call(expression="2"))
        assert [each.ending for each in seen] == [Ending.CRASHED] * 2
        assert "did not load" in seen[0].detail


async def test_limits_end_calls_by_name(sandbox: JailSandbox) -> None:
    """Deadline, memory, size and output each leave their own ending."""
    hang, big = Call(expression="[0 for _ in iter(int, 1)]"), Call(expression="bytearray(1 << 33)")
    wide = Call(expression="'a' * 3_000_000")
    (timed,) = await observed(sandbox, "", hang, limits=Limits(wall_seconds=0.3, memory_bytes=1 << 32))
    memory, value = await observed(sandbox, "", big, wide)
    assert timed.ending is Ending.TIMED_OUT
    assert (memory.ending, value.ending) == (Ending.OVER_LIMIT, Ending.OVER_LIMIT)


async def test_printed_text_is_bounded(sandbox: JailSandbox) -> None:
    """A flood is cut and marked, and the value is still judged."""
    (seen,) = await observed(sandbox, "def f():\n    print('x' * 1_000_000)\n    return 1", Call(expression="f()"))
    assert seen.value == 1
    assert len(seen.printed) < 70_000
    assert seen.printed.endswith("[more was printed]")


async def test_the_expected_value_never_reaches_the_candidate(sandbox: JailSandbox) -> None:
    """A program that hands over everything its process holds does not know the answer."""
    search = "any('8812' '3377' in str(o) for o in gc.get_objects() if type(o) in (dict, list, str))"
    source = f"import gc\ndef f():\n    return {search}"
    test = a_test("secret", "f()", Equals(expected="str(88123377)"))
    (verdict,) = await sandbox.verify(Program(source=source), [test], PATIENT, reference=Program(source=""))
    assert verdict.status is FAILED
    assert verdict.shown == "False"
