"""Intervals of shares: Wilson's where counts are independent, wider where they resemble each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.report.shares import percentile, share, wilson

COUNTS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 4), st.integers(0, 4)).map(
        lambda row: (row[0], *sorted(row[1:]))
    ),
    max_size=20,
)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (5, 10, 0.2366, 0.7634),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 1, 0.2065, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_independent_trials_have_wilsons_interval(part: int, whole: int, low: float, high: float) -> None:
    """Values of published tables: Newcombe (1998) for 81 of 263."""
    assert wilson(part / whole, whole) == pytest.approx((low, high), abs=5e-5)


def test_nothing_counted_is_no_share() -> None:
    """Zero of zero is unknown, not zero."""
    assert share([]) is None
    assert share([("a", 0, 0)]) is None


def test_one_function_asked_for_often_is_one_function() -> None:
    """Twelve requests for one function say no more than one. Twelve functions do."""
    one = share([("a", 1, 1)] * 12)
    twelve = share([(str(number), 1, 1) for number in range(12)])
    assert one is not None
    assert twelve is not None
    assert (one.part, one.whole) == (twelve.part, twelve.whole) == (12, 12)
    assert one.low == pytest.approx(wilson(1.0, 1)[0])
    assert twelve.low == pytest.approx(wilson(1.0, 12)[0])


def test_functions_that_disagree_widen_the_interval() -> None:
    """Half of the functions always pass and half never do: that is as uncertain as one trial for each function."""
    clustered = share([(str(number), 8 * (number % 2), 8) for number in range(10)])
    mixed = share([(str(number), 4, 8) for number in range(10)])
    assert clustered is not None
    assert mixed is not None
    assert clustered.value == mixed.value == 0.5
    assert clustered.high - clustered.low > 0.5
    assert (mixed.low, mixed.high) == pytest.approx(wilson(0.5, 80))


@given(COUNTS)
def test_a_share_lies_in_its_interval(counts: list[tuple[str, int, int]]) -> None:
    """Also where only one function was counted, where all agree, and where one does not."""
    found = share(counts)
    if found is None:
        assert not any(whole for _, _, whole in counts)
        return
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    independent = wilson(found.value, found.whole)
    assert found.low <= independent[0] + 1e-12
    assert found.high >= independent[1] - 1e-12


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(0, 20))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[int], twentieths: int) -> None:
    """The order of the values does not matter. The wanted part is counted in whole numbers, without rounding."""
    enough = [one for one in values if 20 * sum(other <= one for other in values) >= twentieths * len(values)]
    assert percentile(values, twentieths / 20) == min(enough)
