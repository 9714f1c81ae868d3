"""Writes tasks to learn from, and held-out tasks of other families. Run: python -m benchmarks.learning_tasks -o FILE

A family is one idea with a number in it, such as "every number times 3". The families of both sides differ in what is
done, not only in the number. Each task has a docstring with two examples and tests that it does not show. Answers come
from the family's own function. How hard the tasks are for a model is printed by `plum-trainer bench` before it trains.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.learning_families import HELD_OUT, TRAIN, TUNING, Family

EXAMPLES, TESTS = 2, 6
NUMBERS = (2, 3, 5)
BARE_EVERY = 3
"""Of so many training tasks in a row one shows no example, if some shall have none."""


def tasks(judges: tuple[Family, ...] = HELD_OUT, *, has_bare: bool = False) -> Iterator[dict[str, str]]:
    """Every task, in a fixed order: one of each family before any family has a second one."""
    for side, families in (("train", TRAIN), ("held_out", judges)):
        for turn, number in enumerate(NUMBERS):
            for place, family in enumerate(families):
                is_bare = has_bare and side == "train" and (place + turn) % BARE_EVERY == 0
                yield task_of(family, number, side=side, shown=0 if is_bare else EXAMPLES)


def task_of(family: Family, number: int, *, side: str, shown: int = EXAMPLES) -> dict[str, str]:
    """One row of a benchmark file. Its docstring shows so many examples."""
    chance = random.Random(f"{family.name} {number}")
    name = family.name.format(n=number)
    kind = family.parameter.partition(": ")[2]
    arguments = list({repr(one): one for one in (_argument(chance, kind, number) for _ in range(40))}.values())
    arguments = _varied(arguments, lambda one: family.solve(one, number))[: EXAMPLES + TESTS]
    calls = [(f"{name}({one!r})", repr(family.solve(one, number))) for one in arguments]
    lines = [f"def {name}({family.parameter}) -> {family.result}:"]
    lines += [f'    """{family.sentence.format(n=number)}', *[""] * bool(shown)]
    lines += [line for call, answer in calls[:shown] for line in (f"    >>> {call}", f"    {answer}")]
    return {
        "task_id": name,
        "source": family.name,
        "family": family.name,
        "side": side,
        "prompt": "\n".join([*lines, '    """', "    "]),
        "suffix": "",
        "tests": "\n".join(f"assert {call} == {answer}" for call, answer in calls),
    }


def _varied(arguments: list[Any], solve: Callable[[Any], Any]) -> list[Any]:
    """The arguments with different answers in turn, so that no constant passes."""
    by_answer: dict[str, list[Any]] = {}
    for one in arguments:
        by_answer.setdefault(repr(solve(one)), []).append(one)
    return [group[turn] for turn in range(len(arguments)) for group in by_answer.values() if turn < len(group)]


def _argument(chance: random.Random, kind: str, number: int) -> Any:
    if kind == "int":
        return chance.choice((number * chance.randint(0, 4), chance.randint(0, 2 * number + 4)))
    if kind == "str":
        return _word(chance, number)
    if kind == "list[str]":
        return [_word(chance, number) for _ in range(chance.randint(0, 4))]
    return [chance.choice((number, chance.randint(0, 2 * number))) for _ in range(chance.randint(0, number + 4))]


def _word(chance: random.Random, number: int) -> str:
    return "".join(chance.choices("abcdefgh", k=chance.choice((number, number + 1, chance.randint(1, 2 * number)))))


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("tasks.jsonl"))
    parser.add_argument("--each", type=int, default=len(NUMBERS) * len(TRAIN), help="So many tasks of each side")
    parser.add_argument("--tuning", action="store_true", help="Judge by the families that choose settings")
    parser.add_argument("--bare", action="store_true", help="A third of the training tasks shows no example")
    options = parser.parse_args()
    judges = TUNING if options.tuning else HELD_OUT
    rows = list(tasks(judges, has_bare=options.bare))
    kept = [
        row for side in ("train", "held_out") for row in [one for one in rows if one["side"] == side][: options.each]
    ]
    options.output.write_text("".join(json.dumps(row) + "\n" for row in kept))
    print(f"{len(kept)} tasks, {len(TRAIN)} families to train on and {len(judges)} that judge: {options.output}")


if __name__ == "__main__":
    main()
