"""Simulates the promotion gate and the online watch, to see their errors and their power: no model, about a minute.

Run: python -m benchmarks.gate_simulation

Each rule is shown beside a plain one, on the same simulated samples. The plain gate is a bootstrap over prompts at .95,
at every round. The plain watch is a z-test over candidates at .95, after every request.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from plum_trainer.gate.chance import allowed, by_chance
from plum_trainer.gate.decision import WAYS
from plum_trainer.gate.sequential import evidence_of_fall, spread
from plum_trainer.gate.watch import EXPECTED_FALL, MEASURES

ERROR = 0.05
SAMPLES = 8
"""Of each prompt, as `gate.samples`."""
ROUNDS = 30
PROMPTS_REPEATED = 12
"""How often one function is asked about where prompts are not counted by function."""
DRAWS = 2_000
SIZES = (10, 23, 50, 100)
GAINS = (0.05, 0.10, 0.15)
REQUESTS = 200
"""Of `SAMPLES` candidates each: 1,600 candidates."""

Floats = NDArray[np.float64]


def solved(chance: np.random.Generator, count: int) -> Floats:
    """How often a small model solves each of some functions: most of them nearly always or nearly never."""
    return chance.beta(0.6, 0.7, size=count)


def moved(chance: np.random.Generator, shares: Floats, gain: float) -> Floats:
    """The shares of another model, better by `gain` on average over all functions: some gain more, some lose.

    The shift is in log-odds, with a spread of one over functions: about what one fit moves a small model.
    """
    return _odds_to_shares(_log_odds(shares) + chance.normal(size=shares.size) + shift_for(gain))


@cache
def shift_for(gain: float) -> float:
    """The mean shift in log-odds that brings this gain on average over many functions, by bisection."""
    chance = np.random.default_rng(0)
    shares = solved(chance, 100_000)
    odds = _log_odds(shares) + chance.normal(size=shares.size)
    low, high = -8.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        is_enough = (_odds_to_shares(odds + middle)).mean() - shares.mean() >= gain
        low, high = (low, middle) if is_enough else (middle, high)
    return high


def _log_odds(shares: Floats) -> Floats:
    inner = shares.clip(1e-6, 1 - 1e-6)
    odds: Floats = np.log(inner / (1 - inner))
    return odds


def _odds_to_shares(odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-odds))


def passing(chance: np.random.Generator, shares: Floats, prompts: int = 1) -> Floats:
    """The measured pass@1 of each prompt: (functions, prompts)."""
    return chance.binomial(SAMPLES, np.repeat(shares[:, None], prompts, axis=1)) / SAMPLES


def spent(differences: Floats, look: int) -> bool:
    """The gate's rule: an exact test over functions, with error spent over the looks and shared by the measures."""
    return by_chance(differences.mean(axis=1).tolist()) <= allowed(ERROR, look=look) / WAYS


def plain(weights: dict[int, Floats]) -> Callable[[Floats, int], bool]:
    """A bootstrap over prompts with the same confidence at every look. `weights` keeps resamples by size."""

    def decides(differences: Floats, look: int) -> bool:
        flat = differences.ravel()
        if flat.size not in weights:
            chance = np.random.default_rng(flat.size)
            drawn = chance.multinomial(flat.size, np.full(flat.size, 1 / flat.size), size=DRAWS)
            weights[flat.size] = drawn.astype(np.float64)
        return float((weights[flat.size] @ flat > 1e-9).mean()) >= 1 - ERROR

    return decides


def both_rules() -> dict[str, Callable[[Floats, int], bool]]:
    """The rules that are compared, by name."""
    return {"plain": plain({}), "gate": spent}


def rounds_to_error(
    chance: np.random.Generator,
    functions: int,
    prompts: int,
    rules: dict[str, Callable[[Floats, int], bool]],
    *,
    runs: int,
    is_same: bool,
) -> dict[str, float]:
    """The share of runs in which a worthless challenger is promoted in at least one of `ROUNDS` rounds."""
    wrong = dict.fromkeys(rules, 0)
    for _ in range(runs):
        shares = solved(chance, functions)
        found = dict.fromkeys(rules, False)
        for look in range(1, ROUNDS + 1):
            others = shares if is_same else moved(chance, shares, 0.0)
            differences = passing(chance, others, prompts) - passing(chance, shares, prompts)
            for name, rule in rules.items():
                found[name] = found[name] or rule(differences, look)
        for name in rules:
            wrong[name] += found[name]
    return {name: count / runs for name, count in wrong.items()}


def power(chance: np.random.Generator, functions: int, gain: float, look: int, *, runs: int) -> dict[str, float]:
    """The share of runs in which a challenger that is better by `gain` is promoted at that look."""
    rules = both_rules()
    found = dict.fromkeys(rules, 0)
    for _ in range(runs):
        shares = solved(chance, functions)
        differences = passing(chance, moved(chance, shares, gain)) - passing(chance, shares)
        for name, rule in rules.items():
            found[name] += rule(differences, look)
    return {name: count / runs for name, count in found.items()}


def watched(chance: np.random.Generator, *, fall: float, runs: int) -> dict[str, float]:
    """The share of runs in which a version is rolled back within `REQUESTS` requests, looked at after each.

    Candidates of one request share its difficulty. The version before has as many requests.
    """
    found = {"plain": 0, "gate": 0}
    for _ in range(runs):
        old = passing(chance, solved(chance, REQUESTS))[:, 0]
        new = passing(chance, moved(chance, solved(chance, REQUESTS), -fall))[:, 0]
        before = spread(old.tolist())
        total_old, is_plain, is_gate = old.sum() * SAMPLES, False, False
        for count in range(5, REQUESTS + 1):
            is_plain = is_plain or falls(new[:count].sum() * SAMPLES, count, total_old, REQUESTS)
            after = spread(new[:count].tolist())
            is_gate = is_gate or evidence_of_fall(after, before, expected=EXPECTED_FALL) > MEASURES / ERROR
        found["plain"] += is_plain
        found["gate"] += is_gate
    return {name: count / runs for name, count in found.items()}


def falls(good: float, requests: int, good_before: float, requests_before: int) -> bool:
    """The plain watch: a z-test of two shares of candidates, one success and one failure added to each."""
    count, count_before = requests * SAMPLES + 2, requests_before * SAMPLES + 2
    share, before = (good + 1) / count, (good_before + 1) / count_before
    variance = share * (1 - share) / count + before * (1 - before) / count_before
    return float((before - share) / math.sqrt(variance)) > 1.6449


def main() -> None:
    """Print the errors and the power of both rules."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400, help="simulated runs for each figure")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = np.random.default_rng(options.seed)
    print(f"{options.runs} runs a figure; each figure: plain rule / gate\n")
    print(f"A worthless challenger is promoted at least once in {ROUNDS} rounds on one held-out set:")
    for name, is_same in (("the same model", True), ("another model, no better", False)):
        for size in SIZES:
            told = rounds_to_error(chance, size, 1, both_rules(), runs=options.runs // 2, is_same=is_same)
            print(f"  {name:25} {size:4} functions            {told['plain']:.3f} / {told['gate']:.3f}")
        told = rounds_to_error(chance, 10, PROMPTS_REPEATED, both_rules(), runs=options.runs // 2, is_same=is_same)
        print(f"  {name:25}   10 functions, {PROMPTS_REPEATED} prompts each {told['plain']:.3f} / {told['gate']:.3f}")
    for look in (1, 5):
        print(f"\nA better challenger is promoted at look {look}:")
        for size in SIZES:
            cells = [power(chance, size, gain, look, runs=options.runs) for gain in GAINS]
            told_cells = "   ".join(
                f"+{gain:.2f}: {cell['plain']:.2f} / {cell['gate']:.2f}"
                for gain, cell in zip(GAINS, cells, strict=True)
            )
            print(f"  {size:4} functions   {told_cells}")
    print(f"\nA version is rolled back within {REQUESTS * SAMPLES} candidates, looked at after every request:")
    for fall in (0.0, 0.05, 0.1, 0.2):
        told = watched(chance, fall=fall, runs=options.runs // 2)
        print(f"  {'equal' if not fall else f'{fall:.2f} worse'}   {told['plain']:.3f} / {told['gate']:.3f}")


if __name__ == "__main__":
    main()
