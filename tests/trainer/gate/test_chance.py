"""The statistics of the gate and of the watch: exact where they claim it, and right over many looks in simulation."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from benchmarks.gate_simulation import SAMPLES, passing, plain, power, rounds_to_error, solved, spent, watched
from plum_trainer.gate.chance import allowed, by_chance, chance_to_see, smallest_gain
from plum_trainer.gate.sequential import OBSERVATIONS_MIN, evidence_of_fall, spread


@pytest.mark.parametrize("count", [1, 4, 9])
def test_the_chance_is_that_of_all_choices_of_signs(count: int) -> None:
    """Counted one by one, with ties and functions that did not move."""
    chance = random.Random(count)
    for _ in range(20):
        steps = [chance.choice([-4, -1, 0, 0, 1, 2]) for _ in range(count)]
        signs = list(itertools.product((1, -1), repeat=count))
        as_large = sum(
            sum(sign * abs(one) for sign, one in zip(each, steps, strict=True)) >= sum(steps) for each in signs
        )
        assert by_chance([one / 8 for one in steps]) == pytest.approx(as_large / len(signs))


def test_no_difference_is_no_evidence() -> None:
    """Neither are no functions, and ten functions cannot show less than one chance in 1,024."""
    assert by_chance([]) == by_chance([0.0] * 5) == 1.0
    assert by_chance([0.1] * 10) == 1 / 1024


def test_all_looks_together_spend_the_error() -> None:
    """Half of it at the first, and never more than all of it."""
    assert allowed(0.05, look=1) == 0.025
    assert 0.049 < sum(allowed(0.05, look=look) for look in range(1, 1000)) < 0.05


def test_thirty_rounds_do_not_promote_a_worthless_challenger() -> None:
    """A bootstrap over prompts at each round does so nearly always."""
    rules = {"plain": plain({}), "gate": spent}
    found = rounds_to_error(np.random.default_rng(3), 23, 1, rules, runs=60, is_same=True)
    assert found["gate"] <= 0.05
    assert found["plain"] > 0.5


def test_many_functions_show_a_gain() -> None:
    """A gate that refuses everybody would make no error either."""
    chance = np.random.default_rng(5)
    shares = solved(chance, 100)
    differences = passing(chance, np.minimum(shares + 0.2, 1)) - passing(chance, shares)
    assert spent(differences, 1)


@pytest.mark.parametrize(("functions", "look"), [(23, 1), (50, 1), (100, 5)])
def test_the_smallest_gain_is_seen_in_four_of_five_rounds(functions: int, look: int) -> None:
    """About: the simulated models differ in how much they vary. With few functions no gain is enough."""
    gain = smallest_gain(functions, allowed(0.05, look=look) / 2)
    assert gain is not None
    assert 0.7 < power(np.random.default_rng(1), functions, gain, look, runs=150)["gate"] < 0.95
    assert chance_to_see(gain, functions=functions, error=allowed(0.05, look=look) / 2) == pytest.approx(0.8, abs=0.03)
    assert smallest_gain(5, 0.025) is None
    assert chance_to_see(1.0, functions=5, error=0.025) == 0.0


def test_an_equal_version_stays_and_a_worse_one_goes() -> None:
    """Looked at after each of 200 requests of 8 candidates. A test for one look rolls the equal one back."""
    assert SAMPLES * 200 == 1600
    equal = watched(np.random.default_rng(4), fall=0.0, runs=60)
    assert equal["gate"] <= 0.05
    assert equal["plain"] > 0.3
    assert watched(np.random.default_rng(4), fall=0.2, runs=20)["gate"] > 0.9


def test_a_few_requests_are_no_evidence_of_a_fall() -> None:
    """However bad they are. A rise is none, either."""
    few, many = [0.0] * (OBSERVATIONS_MIN - 1), [1.0] * 200
    assert evidence_of_fall(spread(few), spread(many), expected=0.1) == 0.0
    assert evidence_of_fall(spread([0.0] * 40), spread(many), expected=0.1) > 1e6
    assert evidence_of_fall(spread(many), spread([0.0] * 40), expected=0.1) < 1.0
