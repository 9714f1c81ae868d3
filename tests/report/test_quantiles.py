"""Medians and percentiles with intervals: order statistics where values are independent, wider where they are not."""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.report.figures import seconds
from plum_lsp.report.shares import Quantile, quantile, ranks


@pytest.mark.parametrize(
    ("trials", "wanted"), [(5, (None, None)), (6, (1, 6)), (10, (2, 9)), (20, (6, 15)), (100, (40, 61))]
)
def test_the_ranks_of_a_median_are_those_of_published_tables(
    trials: int, wanted: tuple[int | None, int | None]
) -> None:
    """Those of the sign test: Conover, Practical Nonparametric Statistics (1999), table A3 and section 3.4."""
    assert ranks(trials, 0.5) == wanted


@pytest.mark.parametrize("trials", [1, 2, 30, 71, 72, 200])
def test_the_ranks_are_those_of_exact_arithmetic(trials: int) -> None:
    """Of the 95th percentile. Fewer than 72 values give no upper end."""
    share, tail = Fraction(19, 20), Fraction(1, 40)
    chances = [comb(trials, one) * share**one * (1 - share) ** (trials - one) for one in range(trials + 1)]
    lows = [rank for rank in range(1, trials + 1) if sum(chances[:rank]) <= tail]
    highs = [rank for rank in range(1, trials + 1) if sum(chances[rank:]) <= tail]
    assert ranks(trials, 0.95) == (max(lows, default=None), min(highs, default=None))
    assert (ranks(trials, 0.95)[1] is None) == (trials < 72)


def test_nothing_has_no_median() -> None:
    """Zero values are no value of zero."""
    assert quantile([], 0.5) is None


def test_a_few_values_have_a_median_and_no_interval() -> None:
    """With five values there is none that holds in 95 % of cases."""
    found = quantile([(str(number), float(number)) for number in range(5)], 0.5)
    assert found == Quantile(value=2.0, count=5, low=None, high=None)


def test_values_of_one_function_count_as_one() -> None:
    """Ten functions with ten equal times each say as much as ten times, and one function says nothing."""
    clustered = [(str(number % 10), float(number % 10)) for number in range(100)]
    single = [(str(number), float(number)) for number in range(10)]
    found, alone = quantile(clustered, 0.5), quantile(single, 0.5)
    assert found is not None
    assert alone is not None
    assert (alone.low, alone.high) == (1.0, 8.0)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 1.0
    assert found.high >= 8.0
    one = quantile([("a", float(number)) for number in range(100)], 0.5)
    assert one == Quantile(value=49.0, count=100, low=None, high=None)


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 20).map(float)), min_size=1, max_size=60),
    st.sampled_from([0.5, 0.95]),
)
def test_a_quantile_lies_in_its_interval(values: list[tuple[str, float]], share: float) -> None:
    """Both ends are values of the sample, however the values are clustered."""
    found = quantile(values, share)
    assert found is not None
    numbers = {number for _, number in values}
    assert {found.value, found.low or found.value, found.high or found.value} <= numbers
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.high >= found.value


def test_the_interval_holds_as_often_as_it_says() -> None:
    """The median of an uneven distribution, drawn 400 times in clusters of four equal values."""
    chance, held = random.Random(11), 0
    for _ in range(400):
        drawn = [(str(number), chance.expovariate(1.0)) for number in range(30)]
        found = quantile(drawn * 4, 0.5)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.6931 <= found.high
    assert held >= 0.93 * 400


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(250.0, 1000.0, "0.25–1.00 s"), (250.0, None, "≥ 0.25 s"), (None, 1000.0, "≤ 1.00 s"), (None, None, "–")],
)
def test_a_time_stands_with_its_interval(low: float | None, high: float | None, told: str) -> None:
    """In seconds. An end that is not known is left open."""
    assert seconds(Quantile(value=500.0, count=9, low=low, high=high)) == ("0.50 s", told)
