"""Which model suits a machine, and how the machine is measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plum_lsp.policy.models.catalogue import catalogue, find_entry
from plum_lsp.policy.models.recommend import Machine, choices, estimated, loop_speed, recommended

DEFAULT, LARGER, SMALL = "qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct"
MACHINE = Machine(cores=2, memory_bytes=8 * 10**9, tokens_per_second=26.0, timed=find_entry(DEFAULT), is_estimate=False)


@pytest.mark.parametrize(
    ("tokens_per_second", "memory_bytes", "name"),
    [
        (26.0, 8 * 10**9, DEFAULT),
        (60.0, 8 * 10**9, LARGER),
        (60.0, 2 * 10**9, DEFAULT),
        (5.0, 8 * 10**9, SMALL),
        (60.0, 10**8, SMALL),
    ],
)
def test_the_largest_model_that_is_fast_enough_and_fits(tokens_per_second: float, memory_bytes: int, name: str) -> None:
    """It writes a line in time and leaves half of the memory. The smallest is left if none does."""
    machine = replace(MACHINE, tokens_per_second=tokens_per_second, memory_bytes=memory_bytes)
    assert recommended(choices(machine)).entry.name == name


def test_each_model_that_does_not_suit_has_a_reason() -> None:
    """A speed follows from the size of the file."""
    found = {one.entry.name: one for one in choices(MACHINE)}
    assert set(found) == set(catalogue())
    assert found[DEFAULT].problem == ""
    assert "a line takes more than 1.5 s" in found[LARGER].problem
    assert "after the cursor" in found[SMALL].problem
    assert found[LARGER].tokens_per_second == pytest.approx(26.0 * 491 / 1117, rel=0.01)
    tight = replace(MACHINE, memory_bytes=10**9)
    assert all("GB of free memory" in one.problem for one in choices(tight) if one.entry.name != SMALL)


def test_a_loop_stands_for_a_model() -> None:
    """Its speed on the machine where it was calibrated gives the model's, and more cores give more."""
    assert loop_speed(seconds=0.0) > 0
    two = estimated(cores=2, memory_bytes=10**9, loop_per_second=47e6)
    assert (round(two.tokens_per_second), two.timed.name, two.is_estimate) == (26, DEFAULT, True)
    assert estimated(cores=64, memory_bytes=10**9, loop_per_second=47e6).tokens_per_second == 4 * two.tokens_per_second
