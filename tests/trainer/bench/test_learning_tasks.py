"""The generated tasks: two sides that share no family, and tests that a constant or a recital does not pass."""

from __future__ import annotations

import ast
from typing import Any

from benchmarks.learning_tasks import EXAMPLES, HELD_OUT, NUMBERS, TRAIN, task_of, tasks
from plum_trainer.data.apart import is_near, words_of


def test_the_sides_share_no_family_and_no_near_copy() -> None:
    """There are 120 tasks of each, every one with a name of its own."""
    rows = list(tasks())
    sides = [[row for row in rows if row["side"] == side] for side in ("train", "held_out")]
    assert [len(side) for side in sides] == [120, 120]
    assert len({row["task_id"] for row in rows}) == 240
    assert not {row["source"] for row in sides[0]} & {row["source"] for row in sides[1]}
    words = [[words_of(row["prompt"]) for row in side] for side in sides]
    assert not any(is_near(one, other) for one in words[0] for other in words[1])


def answers_of(row: dict[str, str]) -> list[Any]:
    """The answers that the tests of a task ask for."""
    return [ast.literal_eval(line.rpartition(" == ")[2]) for line in row["tests"].splitlines()]


def test_no_constant_passes() -> None:
    """Each task asks for different answers, and has tests that its docstring does not show."""
    for row in tasks():
        answers = answers_of(row)
        assert len({repr(one) for one in answers}) > 1, row["task_id"]
        assert len(answers) > EXAMPLES, row["task_id"]
        assert row["prompt"].count(">>>") == EXAMPLES


def test_a_family_depends_on_its_number() -> None:
    """Else its tasks would be copies of one another."""
    for family in (*TRAIN, *HELD_OUT):
        found = {task_of(family, number, side="train")["tests"] for number in NUMBERS}
        assert len(found) == len(NUMBERS)
