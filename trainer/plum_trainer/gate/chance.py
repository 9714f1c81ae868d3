"""How likely chance alone would bring such a gain, and how small that must be at each look. Pure, exact, no sampling.

The gate looks at one held-out set again and again. Each look may promote a worthless challenger, so the looks share
one chance of error. A look gets less of it the later it comes, and the sum over all looks stays below the whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

UNITS = 960
"""Differences are counted in steps of 1/960: exact for 1 to 6, 8, 10 and 12 samples of 1 to 4 prompts, which are
nearly all there are. Others are rounded, and rounding keeps the test valid."""


SPREAD = 0.26
"""Standard deviation of the functions' differences, where a small model gains .05 to .2 and each function is sampled 8
times (`benchmarks.gate_simulation`)."""
POWER = 0.8
"""The usual share of real gains that a test should see (Cohen, 1988)."""


def by_chance(differences: Sequence[float]) -> float:
    """The chance of at least this mean if no difference had a direction: an exact, one-sided sign-flip test.

    If challenger and champion are equal, each function's difference is as likely to have either sign. The test counts
    the share of the 2^n choices of signs whose sum is at least as large (Fisher, The Design of Experiments, 1935,
    section 21). It holds at any number of functions, where a bootstrap is too sure below some twenty.

    The distribution of the sum is a polynomial, kept as one integer with n + 1 bits for each coefficient.

    Args:
        differences: one for each function, in [-1, 1].

    Returns:
        A probability in (0, 1]. 1 without differences.
    """
    steps = [round(one * UNITS) for one in differences]
    common = math.gcd(*steps)
    if not common:
        return 1.0
    steps = [one // common for one in steps if one]
    width = len(steps) + 1
    ways, reached = 1, sum(step for step in steps if step > 0)
    for step in steps:
        ways += ways << (abs(step) * width)
    # The digit sum in base 2^width is the remainder by 2^width - 1: it is at most 2^n, so it is below the divisor.
    as_large = (ways >> (reached * width)) % ((1 << width) - 1)
    return float(as_large / (1 << len(steps)))


def allowed(error: float, *, look: int) -> float:
    """The share of `error` that a look may spend, counted from 1: error / (look * (look + 1)).

    The shares of all looks sum to `error`, so the chance of any wrong promotion stays below it, whatever the looks have
    in common (error spending: Lan and DeMets, Biometrika 70, 1983; the sum over looks is Boole's inequality). Half is
    spent at the first look, because the first challengers of a set are where most is to be gained.
    """
    return error / (look * (look + 1))


def smallest_gain(functions: int, error: float) -> float | None:
    """About the smallest mean gain that so many functions show with a chance of `POWER`. None if no gain is enough.

    With fewer than twenty functions it is somewhat more: the exact test has few values then.
    """
    if functions < 2 or 0.5**functions > error:
        return None
    needed = _quantile(1 - error, functions - 1) + _quantile(POWER, functions - 1)
    gain = needed * SPREAD / math.sqrt(functions)
    return gain if gain < 1 else None


def chance_to_see(gain: float, *, functions: int, error: float) -> float:
    """About how likely so many functions show a mean gain. 0 if no gain would be enough for them."""
    if functions < 2 or 0.5**functions > error:
        return 0.0
    return NormalDist().cdf(gain * math.sqrt(functions) / SPREAD - _quantile(1 - error, functions - 1))


def _quantile(share: float, freedom: int) -> float:
    """Student's t, by its expansion around the normal distribution (Abramowitz and Stegun, 1964, 26.7.5)."""
    normal = NormalDist().inv_cdf(share)
    first = (normal**3 + normal) / 4
    second = (5 * normal**5 + 16 * normal**3 + 3 * normal) / 96
    return normal + first / freedom + second / freedom**2
