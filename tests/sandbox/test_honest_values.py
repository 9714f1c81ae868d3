"""Values that look alike and are not, values that look different and are not: judged as Python judges them."""

from __future__ import annotations

import array
import collections
import dataclasses
import decimal
import enum
import itertools
import json
import re
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from plum_lsp.domain.verification import (
    Call,
    Ending,
    Equals,
    Node,
    Observation,
    Origin,
    Raised,
    TestCase,
    TestId,
    Value,
    VerdictStatus,
)
from plum_lsp.sandbox import judge, values, verdicts
from plum_lsp.sandbox.conversation import Answer
from plum_lsp.sandbox.jail.decode import rebuild
from plum_lsp.sandbox.jail.encode import encode


class Hidden:
    """Has a private slot."""

    __slots__ = ("__inside",)

    def __init__(self, inside: int) -> None:
        self.__inside = inside


class Indexed:
    """Is iterated by its places."""

    def __getitem__(self, place: int) -> int:
        return [2, 3][place]


class Free:
    """Takes any attributes, in any order."""

    def __init__(self, **parts: int) -> None:
        self.__dict__.update(parts)


class Permission(enum.Flag):
    """Has a member without a name."""

    READ = 1
    WRITE = 2


class Action(enum.Enum):
    """Members whose values equal nothing once carried."""

    RUN = (1, lambda: 1)
    STOP = (1, lambda: 2)


@dataclasses.dataclass
class Settings:
    """Has what looks like a field and is none."""

    SHARED: ClassVar[Any] = {"a": len}
    given: dataclasses.InitVar[Any] = len
    size: int = 1


class Queue(collections.deque[int]):
    """A class of the program's own."""


def carried(value: Any) -> Value:
    """A value as the host sees it."""
    return values.decode(values.parse(encode(value, 1 << 16).encode()))


HALVES = "\ud83d" + "\ude00"
ORDERED = collections.OrderedDict([("a", 1), ("b", 2)])
BACKWARDS = collections.OrderedDict([("b", 2), ("a", 1)])


@pytest.mark.parametrize(
    ("expected", "observed", "is_equal"),
    [
        ({len: 1}, {max: 1}, False),
        ({re.compile("a")}, {re.compile("b")}, False),
        ({re.compile("a")}, {re.compile("a")}, True),
        (Hidden(2), Hidden(3), False),
        (Hidden(2), Hidden(2), True),
        (ORDERED, BACKWARDS, False),
        (ORDERED, {"b": 2, "a": 1}, True),
        ("\U0001f600", HALVES, False),
        (HALVES, HALVES, True),
        ("\ud800", "\ud800", True),
        (Free(a=1, b=2), Free(b=2, a=1), True),
        (Free(a=1, b=2), Free(b=1, a=2), False),
        (Settings(size=2), Settings(size=2), True),
        (Settings(size=2), Settings(size=3), False),
        (Permission(0), Permission(0), True),
        (Permission(0), Permission.READ, False),
        (Action.RUN, Action.RUN, True),
        (Action.RUN, Action.STOP, False),
        ({Action.RUN: 1}, {Action.RUN: 1}, True),
        (Queue([1]), Queue([1]), True),
        (slice(1, 2), slice(1, 2), True),
        (slice(1, 2), slice(1, 3), False),
        (..., ..., True),
        (..., NotImplemented, False),
        (b"a", memoryview(b"a"), True),
        (array.array("i", [1]), array.array("i", [1]), True),
        (array.array("i", [1]), array.array("i", [2]), False),
        (5, decimal.Decimal("sNaN"), False),
        (decimal.Decimal(5), decimal.Decimal("sNaN"), False),
        (decimal.Decimal("NaN"), decimal.Decimal("NaN"), True),
        (1j, 10**400, False),
        (10**400, 1j, False),
    ],
    ids=lambda value: re.sub(r" at 0x\w+", "", ascii(value)),
)
def test_what_equals_what(expected: Any, observed: Any, is_equal: bool) -> None:
    """One row a case; none raises."""
    assert judge.equal(carried(expected), carried(observed)) is is_equal


@pytest.mark.parametrize(
    "iterator",
    [
        *(iter([1, 2, 3].pop, 1), re.finditer("a", "aa"), reversed((3, 2)), reversed([3, 2]), reversed({2: 0, 3: 0})),
        *(iter(bytearray(b"ab")), iter(memoryview(b"ab")), iter(range(1 << 64, (1 << 64) + 2)), iter(Indexed())),
        *(iter(collections.deque([2, 3])), map(abs, [2, 3]), enumerate([2]), itertools.chain([2, 3])),
    ],
    ids=lambda iterator: type(iterator).__name__,
)
def test_iterators_of_all_kinds_are_read_to_their_end(iterator: Any) -> None:
    """A predicate such as `list(_)` gets their items. Of `iter(function, end)` it got an object without any."""
    value = carried(iterator)
    assert isinstance(value, Node)
    assert (value.kind, len(value.items) > 0) == ("generator", True)


def test_halves_of_a_character_are_rebuilt_as_they_were() -> None:
    """A predicate sees the two that were returned, not the one they would make."""
    assert rebuild(json.loads(json.dumps(values.encode(carried(HALVES)))), {}) == HALVES


ODD = "\ud800\x1b[2J\n"


@pytest.mark.parametrize(
    "seen",
    [
        Observation(ending=Ending.RAISED, raised=Raised(type_names=("ValueError",), message=ODD)),
        Observation(ending=Ending.RETURNED, value=Node(kind="object", type_name="A", items=(), text=ODD)),
        Observation(ending=Ending.RETURNED, value=Node(kind="object", type_name="A", items=(ODD, 1))),
        Observation(ending=Ending.CRASHED, detail=ODD * 100),
    ],
    ids=["message", "representation", "attribute", "detail"],
)
def test_what_is_shown_is_one_harmless_line(seen: Observation) -> None:
    """No terminal obeys it and any database takes it."""
    shown = verdicts.describe(seen)
    assert shown.isprintable()
    assert r"\ud800\x1b[2J\n" in shown
    assert len(shown) <= 200


def test_a_value_that_cannot_be_judged_costs_one_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the judge on one value is an error of that test; the next is judged."""
    honest: Callable[..., VerdictStatus] = judge.status_of

    def faulty(expectation: Equals, observation: Observation, **rest: Any) -> VerdictStatus:
        if observation.value == "odd":
            raise ArithmeticError("a candidate's secret")
        return honest(expectation, observation, **rest)

    monkeypatch.setattr(judge, "status_of", faulty)
    seen = [Observation(ending=Ending.RETURNED, value=value) for value in ("odd", 1)]
    tests = [
        TestCase(
            id=TestId(f"t{index}"),
            call=Call(expression="f()"),
            expectation=Equals(expected="1"),
            origin=Origin.DOCTEST,
            quote="",
        )
        for index in range(2)
    ]
    expected = [Observation(ending=Ending.RETURNED, value=1)] * 2
    found = verdicts.verdicts(tests, [Answer(observation=each, shown="", size=0) for each in seen], expected, {}, {})
    assert [verdict.status for verdict in found] == [VerdictStatus.ERRORED, VerdictStatus.PASSED]
    assert found[0].shown == "the value cannot be judged: ArithmeticError"
