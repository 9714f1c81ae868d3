"""Which bounds a docstring states for a parameter."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.python.inputs.ranges import Range, bounds_among, is_reversed, range_of


@pytest.mark.parametrize(
    ("docstring", "low", "high"),
    [
        ("0 <= n <= 1000", 0, 1000),
        ("0 < n < 10", 1, 9),
        ("n > 0", 1, math.inf),
        ("n >= 3 and k < 4", 3, math.inf),
        ("n ≤ 5", -math.inf, 5),
        ("-5 ≤ n", -5, math.inf),
        ("n between 1 and 9", 1, 9),
        ("n is an integer between -3 and 3.", -3, 3),
        ("1 <= n[i] <= 7", 1, 7),
        ("1 <= k, n <= 7", 1, 7),
        ("1 <= n <= 10,000", 1, 10_000),
        ("1 <= n <= 10_000.", 1, 10_000),
        ("n > 0. Later: n > 4", 5, math.inf),
    ],
)
def test_bounds_are_read(docstring: str, low: float, high: float) -> None:
    """However they are written; an exclusive bound is moved by one, and the narrowest counts."""
    assert range_of("n", docstring) == Range(low, high)


@pytest.mark.parametrize(
    "docstring", ["", "n is a number.", "0 <= nn <= 3", "0 <= number_n", "k < 3", "n > 5 and n < 2", "if n then 3 < 4"]
)
def test_where_nothing_is_said_there_are_no_bounds(docstring: str) -> None:
    """Bounds of another parameter, and bounds that leave nothing, are none of this one."""
    assert range_of("n", docstring) == Range()


@pytest.mark.parametrize("bound", ["10^5", "10**5", "1e5", "10⁵"])
def test_powers_are_no_small_bounds(bound: str) -> None:
    """A power of ten is read as such or not at all: read as its base, it would keep out what is meant."""
    assert range_of("n", f"1 <= n <= {bound}").high >= 10**5


@pytest.mark.parametrize(
    ("source", "is_inside"),
    [
        ("1", True),
        ("5", True),
        ("0", False),
        ("5.5", False),
        ("-3", False),
        ("[1, 5]", True),
        ("[1, 6]", False),
        ("(0, 3)", False),
        ("{2, 3}", True),
        ("[]", True),
        ("'a'", True),
        ("['a', 9]", False),
        ("None", True),
        ("True", True),
        ("{9: 9}", True),
        ("f(9)", True),
        ("n[", True),
        ("", True),
    ],
)
def test_numbers_outside_are_kept_out(source: str, is_inside: bool) -> None:
    """Items of containers too; what is no number, or no literal, is not bounded."""
    assert Range(1, 5).holds(source) is is_inside


@settings(deadline=None)
@given(st.integers(-999, 999), st.integers(-999, 999), st.integers(-2000, 2000))
def test_what_is_within_stated_bounds_holds(one: int, other: int, value: int) -> None:
    """The bounds written down are those that values are held against."""
    low, high = sorted((one, other))
    assert range_of("n", f"It is {low} <= n <= {high}.").holds(str(value)) is (low <= value <= high)


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (("x", "lo", "hi"), [(1, 2)]),
        (("max_value", "min_value"), [(1, 0)]),
        (("start_index", "text", "end_index"), [(0, 2)]),
        (("a", "b", "low"), []),
        (("left", "tight"), []),
    ],
)
def test_the_ends_of_a_range_are_told_by_their_names(names: tuple[str, ...], pairs: list[tuple[int, int]]) -> None:
    """In whatever order they stand."""
    assert bounds_among(names) == pairs


def test_only_numbers_can_be_the_wrong_way_round() -> None:
    """What is no literal, or no number, is left as it is."""
    assert is_reversed("3", "-1.5")
    assert not is_reversed("3", "3")
    assert not is_reversed("'b'", "'a'")
    assert not is_reversed("Vector(3)", "1")
