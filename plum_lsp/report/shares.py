"""Shares, medians and other quantiles, with 95 % intervals that allow for counts that resemble each other. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z = 1.959964
"""The normal quantile of a two-sided 95 % interval."""
TAIL = 0.025
"""The chance that is left at each end of a two-sided 95 % interval."""

_ROUNDING = 1e-9
"""A product such as 0.35 × 20 is a little more than the whole number that it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`part` of `whole`, and the ends of the 95 % interval of `part / whole`, all in [0, 1]. `whole` is positive."""

    part: int
    whole: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share, in [0, 1]."""
        return self.part / self.whole

    def cells(self) -> tuple[str, str, str]:
        """The counts, the share and its interval as text, such as `5 of 8`, `62 %` and `31–86 %`."""
        interval = f"{self.low * 100:.0f}–{self.high * 100:.0f} %"
        return f"{self.part} of {self.whole}", f"{self.value * 100:.0f} %", interval


def share(counts: Iterable[tuple[str, int, int]]) -> Share | None:
    """The share over all counts `(cluster, part, whole)`. None if all wholes are 0.

    Counts of one cluster resemble each other: one function that was asked for twelve times is not twelve functions.
    The interval is Wilson's (1927) at the effective number of trials.
    """
    known = list(counts)
    part, whole = sum(count for _, count, _ in known), sum(count for _, _, count in known)
    if not whole:
        return None
    low, high = wilson(part / whole, effective_trials(known))
    return Share(part=part, whole=whole, low=low, high=high)


def effective_trials(counts: Iterable[tuple[str, int, int]]) -> float:
    """How many independent trials say as much as the counts `(cluster, part, whole)`. A whole must be positive.

    It is `p (1 - p) / v`, where `v` is the variance of the ratio estimated between clusters (Korn and Graubard, 1998),
    at least 1 and at most the number of trials. Where the clusters cannot show a variance, because there is one only
    or `p` is 0 or 1, it is their number.
    """
    parts, wholes = _by_cluster(counts)
    whole, clusters = sum(wholes.values()), len(wholes)
    value = sum(parts.values()) / whole
    if clusters == 1 or not 0 < value < 1:
        return float(clusters)
    squares = sum((parts[name] - value * wholes[name]) ** 2 for name in wholes)
    variance = squares * clusters / (clusters - 1) / whole**2
    return max(value * (1 - value) / max(variance, value * (1 - value) / whole), 1.0)


def wilson(value: float, trials: float) -> tuple[float, float]:
    """The 95 % interval of a share that was seen in so many independent trials (Wilson, 1927)."""
    square = Z**2 / trials
    middle = (value + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(value * (1 - value) / trials + square / trials / 4)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of `values` do not exceed. `values` must not be empty."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered) - _ROUNDING) - 1)]


def _by_cluster(counts: Iterable[tuple[str, int, int]]) -> tuple[dict[str, int], dict[str, int]]:
    """The parts and the wholes, summed by cluster. Clusters without trials are left out."""
    parts: dict[str, int] = {}
    wholes: dict[str, int] = {}
    for name, part, whole in counts:
        if whole:
            parts[name] = parts.get(name, 0) + part
            wholes[name] = wholes.get(name, 0) + whole
    return parts, wholes


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
    number of trials (`effective_trials`), and the ends lie at the same parts of the sample.
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
