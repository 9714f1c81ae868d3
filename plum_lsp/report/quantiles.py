"""Medians and other quantiles with 95 % intervals that assume no distribution and allow for clusters. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from plum_lsp.report.shares import effective_trials, percentile

TAIL = 0.025
"""The chance that is left at each end of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """A quantile of `count` values, and the ends of its 95 % interval, in the unit of the values.

    An end is None if the values are too few to give one.
    """

    value: float
    count: int
    low: float | None
    high: float | None


def quantile(values: Iterable[tuple[str, float]], share: float) -> Quantile | None:
    """The value that a share of the values `(cluster, value)` does not exceed. None if there are no values.

    The ends of the interval are values of the sample. With independent values, they are the order statistics of David
    and Nagaraja, Order Statistics (2003), section 7.1: the number of values below the true quantile is binomial,
    whatever the distribution. Values of one cluster resemble each other, so the ranks are those of the effective
    number of trials (`shares.effective_trials`), and the ends lie at the same parts of the sample.
    """
    known = sorted((number, name) for name, number in values)
    if not known:
        return None
    ordered = [number for number, _ in known]
    value, count = percentile(ordered, share), len(known)
    trials = count
    if len({name for _, name in known}) < count:
        trials = math.floor(effective_trials((name, int(number <= value), 1) for number, name in known))
    low, high = ranks(trials, share)
    return Quantile(
        value=value,
        count=count,
        low=None if low is None else ordered[(low - 1) * count // trials],
        high=None if high is None else ordered[math.ceil(high * count / trials) - 1],
    )


def ranks(trials: int, share: float) -> tuple[int | None, int | None]:
    """The ranks, from 1, of the independent values between which the quantile lies with a chance of at least 95 %.

    At each end at most 2.5 % are left. A rank is None if there are too few trials.
    """
    low = high = None
    below = 0.0
    for number in range(trials):
        below += _binomial(number, trials, share)
        if below <= TAIL:
            low = number + 1
        if below >= 1 - TAIL:
            high = number + 1
            break
    return low, high


def _binomial(number: int, trials: int, share: float) -> float:
    """The chance of so many successes, each of chance `share`, which lies between 0 and 1."""
    ways = math.lgamma(trials + 1) - math.lgamma(number + 1) - math.lgamma(trials - number + 1)
    return math.exp(ways + number * math.log(share) + (trials - number) * math.log1p(-share))
