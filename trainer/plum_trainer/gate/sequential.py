"""Whether a mean has fallen, by a test that may be looked at after every observation. Pure.

A test for one look rolls an equal version back sooner or later if it is looked at each minute. This one holds at all
looks together: the chance that it ever says "fallen" about equal versions stays below the error asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

OBSERVATIONS_MIN = 20
"""On each side. The test takes means to be normal and variances to be known, which needs some observations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The mean of some observations and the variance of that mean."""

    count: int
    mean: float
    variance: float


def spread(values: Sequence[float], *, width: float = 1.0) -> Spread:
    """The mean of independent observations. One observation is a whole request, never one of its candidates.

    One high and one low observation, `width` apart, are added for the variance, so that observations that are all equal
    do not look certain (as Agresti and Caffo, 2000, do for two shares).
    """
    count = len(values)
    if not count:
        return Spread(count=0, mean=0.0, variance=math.inf)
    mean = sum(values) / count
    squares = sum((value - mean) ** 2 for value in values) + width**2 / 2
    return Spread(count=count, mean=mean, variance=squares / (count + 1) / count)


def evidence_of_fall(new: Spread, old: Spread, *, expected: float) -> float:
    """How much more likely the data are if the mean fell than if it did not: a mixture likelihood ratio.

    The fall is mixed over a half-normal distribution with scale `expected` (Robbins, 1970; Johari, Koomen, Pekelis and
    Walsh, "Always valid inference", Operations Research 70, 2022). Differences of two means have independent increments
    in their information 1 / variance, whether the old side grows or not (Jennison and Turnbull, 1997), so the ratio is
    a martingale under equal versions. By Ville's inequality it exceeds 1 / error at any look with a chance of at most
    `error`.

    Returns:
        The ratio. 0 if one side has fewer than `OBSERVATIONS_MIN` observations.
    """
    if min(new.count, old.count) < OBSERVATIONS_MIN:
        return 0.0
    variance = new.variance + old.variance
    fall = old.mean - new.mean
    wider = variance + expected**2
    scaled = fall * expected / math.sqrt(variance * wider)
    return 2 * math.sqrt(variance / wider) * math.exp(min(scaled**2 / 2, 700.0)) * NormalDist().cdf(scaled)
