"""The generated tasks: two sides that share no family, and tests that a constant or a recital does not pass."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from benchmarks.learning_families import HELD_OUT, TRAIN, TUNING, Family
from benchmarks.learning_tasks import EXAMPLES, NUMBERS, task_of, tasks
from plum_trainer.data.apart import is_near, words_of


def test_the_sides_share_no_family_and_no_near_copy() -> None:
    """There are 120 tasks to train on and 120 held out, every one with a name of its own."""
    rows = list(tasks())
    sides = [[row for row in rows if row["side"] == side] for side in ("train", "held_out")]
    assert [len(side) for side in sides] == [120, 120]
    tuning = [row for row in tasks(TUNING) if row["side"] == "held_out"]
    assert len({row["task_id"] for row in [*rows, *tuning]}) == 240 + len(tuning)
    for one, other in ((sides[0], sides[1]), (sides[0], tuning), (tuning, sides[1])):
        assert not {row["source"] for row in one} & {row["source"] for row in other}
        words = [[words_of(row["prompt"]) for row in side] for side in (one, other)]
        assert not any(is_near(first, second) for first in words[0] for second in words[1])


def answers_of(row: dict[str, str]) -> list[Any]:
    """The answers that the tests of a task ask for."""
    return [ast.literal_eval(line.rpartition(" == ")[2]) for line in row["tests"].splitlines()]


@pytest.mark.parametrize("judges", [HELD_OUT, TUNING], ids=["held out", "tuning"])
def test_no_constant_passes(judges: tuple[Family, ...]) -> None:
    """Each task asks for different answers, and has tests that its docstring does not show."""
    for row in tasks(judges):
        answers = answers_of(row)
        assert len({repr(one) for one in answers}) > 1, row["task_id"]
        assert len(answers) > EXAMPLES, row["task_id"]
        assert row["prompt"].count(">>>") == EXAMPLES


def test_a_third_of_the_training_tasks_may_show_no_example() -> None:
    """They have the same tests, and the held-out tasks stay as they are."""
    usual, found = list(tasks()), list(tasks(has_bare=True))
    bare = [row for row in found if ">>>" not in row["prompt"]]
    assert len(bare) == 40
    assert {row["side"] for row in bare} == {"train"}
    assert sum(row in bare for row in found[:30]) == 10
    assert [row["tests"] for row in found] == [row["tests"] for row in usual]


def test_a_family_depends_on_its_number() -> None:
    """Else its tasks would be copies of one another."""
    for family in (*TRAIN, *TUNING, *HELD_OUT):
        found = {task_of(family, number, side="train")["tests"] for number in NUMBERS}
        assert len(found) == len(NUMBERS)
