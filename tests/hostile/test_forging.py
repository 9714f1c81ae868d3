"""Random lies against random tests: no pass is forged, and the tests are such as a right program passes."""

from __future__ import annotations

import random

import pytest

from benchmarks.forged_tests import a_round, right_body
from benchmarks.forging import forge
from benchmarks.lies import FIXED, a_lie
from plum_lsp.python.reading.lines import parses
from plum_lsp.python.reading.quiet import program_to_run

SECONDS = 40
TRIALS_MIN = 1_000
"""Even where many others are at work."""


@pytest.mark.slow
async def test_no_lie_passes_a_random_test(capsys: pytest.CaptureFixture[str]) -> None:
    """Rounds from a fixed seed; `python -m benchmarks.forging` plays as many as you want."""
    tally = await forge(seconds=SECONDS, seed="make test")
    with capsys.disabled():
        print(f"\nforging: {tally}")
    assert tally.forged == []
    assert tally.trials >= TRIALS_MIN
    assert tally.passable >= 0.99 * tally.asked
    assert tally.answered >= 0.25 * tally.trials


def test_every_lie_is_a_program() -> None:
    """A lie that does not parse would be no trial."""
    (each, _) = a_round("lies", files=1, tests=2)
    chance = random.Random("lies")
    bodies = [a_lie(chance)[1] for _ in range(300)]
    assert [body for body in bodies if not parses(program_to_run(each.context, body).source)] == []
    assert len(FIXED) >= 20


def test_rounds_hold_tests_of_every_kind() -> None:
    """Most of what is drawn can be read; numbers are such as nobody guesses."""
    project, docstring = a_round("kinds", files=1, tests=44)
    kinds = {type(test.expectation).__name__ for each in (project, docstring) for test in each.tests}
    assert kinds == {"Equals", "Holds", "Prints", "Raises"}
    assert len(project.tests) >= 30 and len(docstring.tests) >= 30
    assert "return" in right_body([project])
