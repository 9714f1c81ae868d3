"""The codec between child and host: round trips, refusals, bounds; no trees, however odd, crash or stall it."""

from __future__ import annotations

import ast
import collections
import dataclasses
import enum
import json
import math
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.domain.values import show
from plum_lsp.domain.verification import Node, Value
from plum_lsp.sandbox import judge, values
from plum_lsp.sandbox.conversation import read_answer
from plum_lsp.sandbox.jail.decode import rebuild
from plum_lsp.sandbox.jail.encode import TooBig, encode

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=1 << 60, max_value=1 << 90)
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
)
KEYS = st.integers() | st.text() | st.binary() | st.tuples(st.integers(), st.text())
PLAIN = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.sets(KEYS, max_size=5)
        | st.frozensets(KEYS, max_size=5)
        | st.dictionaries(KEYS, inner, max_size=5)
    ),
    max_leaves=20,
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["n", "i", "f", "c", "b", "list", "dict", "enum"]),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=30,
)


def carried(value: Any, bytes_max: int = 1 << 20) -> Value:
    """A value as the host sees it."""
    return values.decode(values.parse(encode(value, bytes_max).encode()))


@given(PLAIN)
def test_what_is_carried_equals_itself(value: Any) -> None:
    """Encoding, decoding and judging agree that a value is itself, NaN included."""
    assert judge.equal(carried(value), carried(value))
    assert judge.digest(carried(value)) == judge.digest(carried(value))


@given(PLAIN)
def test_a_carried_value_can_be_rebuilt(value: Any) -> None:
    """What a predicate sees is what the candidate returned."""
    back = rebuild(json.loads(json.dumps(values.encode(carried(value)))), {})
    assert judge.equal(carried(value), carried(back))
    assert type(back) is type(value)


@given(PLAIN)
def test_literals_are_read_as_python_reads_them(value: Any) -> None:
    """The host's reading of a literal equals what evaluating it gives."""
    source = repr(value)
    try:
        evaluated = ast.literal_eval(source)
    except (ValueError, SyntaxError):  # nan, inf and frozenset(...) are no literals
        return
    assert judge.equal(values.literal(source), carried(evaluated))


@given(PLAIN, PLAIN)
def test_no_false_equality(left: Any, right: Any) -> None:
    """With no tolerance, values are equal only where Python says so; NaN aside."""
    if judge.equal(carried(left), carried(right), tolerance=0.0):
        assert left == right or "nan" in repr(left)


@given(PLAIN, PLAIN)
def test_equal_digests_mean_equal_values(left: Any, right: Any) -> None:
    """What sets and keys are matched by never takes one value for another."""
    if judge.digest(carried(left)) == judge.digest(carried(right)):
        assert left == right or "nan" in repr(left)


@given(JSON)
def test_decoding_refuses_or_returns(wire: Any) -> None:
    """Any JSON is either refused as malformed or becomes a value that can be shown, digested and compared."""
    try:
        value = values.decode(wire)
    except values.MalformedValue:
        return
    assert len(show(value, 80)) <= 80
    judge.digest(value)
    judge.equal(value, value)


@given(st.binary())
def test_any_bytes_are_an_answer_or_malformed(content: bytes) -> None:
    """A frame of noise is refused by its own error."""
    with pytest.raises(values.MalformedValue):
        read_answer(content, 0)


class Level(enum.IntEnum):
    """Equals its value."""

    HIGH = 3


class Colour(enum.Enum):
    """Equals only itself."""

    RED = 1


@dataclasses.dataclass
class Point:
    """Two fields, one of them not compared."""

    x: int
    note: str = dataclasses.field(default="", compare=False)


Pair = collections.namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    ("expected", "observed", "is_equal"),
    [
        (1, 1.0, True),
        (True, 1, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (b"a", "a", False),
        ([1], (1,), False),
        ((1, 2), Pair(1, 2), True),
        (3, Level.HIGH, True),
        (1, Colour.RED, False),
        ({1, 2}, frozenset({2, 1}), True),
        ({1: 2.0, "a": 0.1 + 0.2}, {"a": 0.3, 1: 2}, True),
        ({0.3}, {0.1 + 0.2}, True),
        ([1.5], iter([1.5]), False),
        ([1, 2], (n for n in [1, 2]), False),
        ((1, 2), map(int, [1, 2]), False),
        ([(1, 2)], zip([1], [2], strict=True), False),
        ([1], {1: 2}.keys(), False),
        ([2], {1: 2}.values(), False),
        ({1: 2}.values(), {1: 2}.values(), False),
        ({1}, {1: 2}.keys(), True),
        ({(1, 2)}, {1: 2}.items(), True),
        (10_000_000_000, 9_999_999_999 + 0j, False),
        (0, 1e-13 + 1e-13j, False),
        ([0], [1e-13 + 0j], False),
        ({"a": 10_000_000_000}, {"a": 9_999_999_999 + 0j}, False),
        (0.0, 1e-13j, False),
        (2.5, 2.5 + 0j, True),
        (1j, 1j + 1e-13, True),
        (1 + 0j, 1, True),
        (2**70 + 0j, 2**70 + 1, True),
        ({7233902}, {float("nan")}, False),
        ({6909542}, {float("inf")}, False),
        ({complex(0x2C2C, 0.5)}, {complex(0, 0.5)}, False),
        ([1, 2], range(1, 3), False),
        (Point(1, "a"), Point(1, "b"), True),
        (Point(1), Point(2), False),
        (float("nan"), float("nan"), True),
        (float("inf"), float("-inf"), False),
        (1e300, float("inf"), False),
        (float("inf"), 1e308, False),
        (0.0, -0.0, True),
        (0.0, 1e-13, True),
        (0.0, 1e-9, False),
        (1e-20, 0.0, False),
        (1e9, 1e9 + 0.1, True),
        (2**70, float(2**70), True),
        (2**70 + 1, float(2**70), False),
        (10**400, float("inf"), False),
        (1.0, 10**400, False),
        (object(), object(), False),
        (collections.OrderedDict(a=1), {"a": 1}, True),
        (collections.Counter("aab"), {"a": 2, "b": 1}, True),
        (collections.deque([1]), [1], False),
    ],
    ids=lambda value: re.sub(r" at 0x\w+", "", str(value)),
)
def test_the_rules_of_equality(expected: Any, observed: Any, is_equal: bool) -> None:
    """One row a rule."""
    assert judge.equal(carried(expected), carried(observed)) is is_equal


def test_no_stated_tolerance_bends_a_bool_or_text() -> None:
    """A tolerance is about numbers."""
    assert not judge.equal(True, 1.2, tolerance=0.5)
    assert not judge.equal("1", 1, tolerance=0.5)
    assert judge.equal(10, 11, tolerance=0.5)


def test_tolerance_scales_with_the_expected_value() -> None:
    """Not with the observed one, which an infinity would stretch to anything."""
    assert judge.equal(100.0, 100.9, tolerance=0.01)
    assert not judge.equal(100.0, 101.1, tolerance=0.01)
    assert not judge.equal(100.0, math.inf, tolerance=0.01)
    assert not judge.equal(math.inf, 5.0, tolerance=0.01)
    assert judge.equal(0.0, 0.009, tolerance=0.01)


def nested(depth: int) -> list[Any]:
    """A list in a list, and so on."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "make",
    [lambda: nested(1000), lambda: list(range(300_000)), lambda: "a" * 2_000_000, lambda: 1 << 10_000_000],
    ids=["deep", "wide", "long", "huge"],
)
def test_too_big_values_are_not_sent(make: Callable[[], Any]) -> None:
    """The child says so instead; the host would refuse them too."""
    with pytest.raises(TooBig):
        encode(make(), 1 << 20)


def test_the_host_refuses_what_is_too_deep_or_wide_by_itself() -> None:
    """A child that ignores the caps gains nothing."""
    wire: Any = 1
    for _ in range(values.DEPTH_MAX + 2):
        wire = ["n", "list", "list", "", [wire]]
    for refused in (
        wire,
        ["n", "list", "list", "", [0] * (values.NODES_MAX + 1)],
        ["n", "approx", "", "", [1, ["f", "inf"]]],
    ):
        with pytest.raises(values.MalformedValue):
            values.decode(refused)


def test_colliding_hashes_cost_nothing() -> None:
    """Integers that all share one hash in a set or as keys are compared in linear time."""
    numbers = [number * ((1 << 61) - 1) for number in range(20_000)]
    left = Node(kind="set", type_name="set", items=tuple(numbers))
    right = Node(kind="set", type_name="set", items=tuple(reversed(numbers)))
    started = time.process_time()
    assert judge.equal(left, right)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("a...b", "axxb", True),
        ("...", "", True),
        ("a...", "b", False),
        ("a...a", "a", False),
        ("x...y...z", "x1y2z", True),
    ],
)
def test_dots_stand_for_anything(pattern: str, text: str, is_match: bool) -> None:
    """As in doctest."""
    assert judge.matches(pattern, text) is is_match


def test_many_dots_stay_linear() -> None:
    """A pattern of a thousand gaps against a long text does not backtrack."""
    started = time.process_time()
    assert not judge.matches("a..." * 1000 + "b", "a" * 100_000)
    assert time.process_time() - started < 1
