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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLES, TESTS = 2, 6
NUMBERS = range(2, 14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One idea. `{n}` in name and sentence stands for the number."""

    name: str
    parameter: str
    result: str
    sentence: str
    solve: Callable[[Any, int], Any]


def _family(name: str, parameter: str, result: str, sentence: str, solve: Callable[[Any, int], Any]) -> Family:
    return Family(name=name, parameter=parameter, result=result, sentence=sentence, solve=solve)


TRAIN = (
    _family("add_{n}", "number: int", "int", "The number plus {n}.", lambda x, n: x + n),
    _family("times_{n}", "numbers: list[int]", "list[int]", "Every number times {n}.", lambda x, n: [y * n for y in x]),
    _family(
        "above_{n}", "numbers: list[int]", "list[int]", "The numbers above {n}.", lambda x, n: [y for y in x if y > n]
    ),
    _family("repeated_{n}", "text: str", "str", "The text, {n} times in a row.", lambda x, n: x * n),
    _family("first_{n}", "text: str", "str", "The first {n} characters.", lambda x, n: x[:n]),
    _family("is_multiple_of_{n}", "number: int", "bool", "Whether {n} divides it.", lambda x, n: x % n == 0),
    _family("at_most_{n}", "number: int", "int", "The number, but no more than {n}.", lambda x, n: min(x, n)),
    _family(
        "total_with_{n}", "numbers: list[int]", "int", "The sum of all numbers, and {n} more.", lambda x, n: sum(x) + n
    ),
    _family("without_last_{n}", "items: list[int]", "list[int]", "All items but the last {n}.", lambda x, n: x[:-n]),
    _family("has_length_{n}", "text: str", "bool", "Whether it has {n} characters.", lambda x, n: len(x) == n),
)
HELD_OUT = (
    _family("squared_less_{n}", "number: int", "int", "Its square, less {n}.", lambda x, n: x * x - n),
    _family(
        "count_below_{n}",
        "values: list[int]",
        "int",
        "How many values lie below {n}.",
        lambda x, n: sum(y < n for y in x),
    ),
    _family("every_{n}th", "word: str", "str", "Every {n}th letter, from the start.", lambda x, n: x[::n]),
    _family("padded_to_{n}", "word: str", "str", "Filled up with zeros on its left to {n}.", lambda x, n: x.zfill(n)),
    _family("rest_by_{n}", "amount: int", "int", "The remainder after division by {n}.", lambda x, n: x % n),
    _family("contains_{n}", "values: list[int]", "bool", "Whether {n} is among the values.", lambda x, n: n in x),
    _family("drop_{n}", "values: list[int]", "list[int]", "What follows the {n} in front.", lambda x, n: x[n:]),
    _family("is_longer_than_{n}", "word: str", "bool", "Whether it exceeds {n} letters.", lambda x, n: len(x) > n),
    _family(
        "largest_or_{n}",
        "values: list[int]",
        "int",
        "The greatest value, or {n} if none.",
        lambda x, n: max(x, default=n),
    ),
    _family("tens_plus_{n}", "amount: int", "int", "Ten times the amount, and {n}.", lambda x, n: 10 * x + n),
)


def tasks() -> Iterator[dict[str, str]]:
    """Every task, in a fixed order."""
    for side, families in (("train", TRAIN), ("held_out", HELD_OUT)):
        for number in NUMBERS:
            for family in families:
                yield task_of(family, number, side=side)


def task_of(family: Family, number: int, *, side: str) -> dict[str, str]:
    """One row of a benchmark file."""
    chance = random.Random(f"{family.name} {number}")
    name = family.name.format(n=number)
    kind = family.parameter.partition(": ")[2]
    arguments = list({repr(one): one for one in (_argument(chance, kind, number) for _ in range(40))}.values())
    arguments = _varied(arguments, lambda one: family.solve(one, number))[: EXAMPLES + TESTS]
    calls = [(f"{name}({one!r})", repr(family.solve(one, number))) for one in arguments]
    lines = [f"def {name}({family.parameter}) -> {family.result}:"]
    lines += [f'    """{family.sentence.format(n=number)}', ""]
    lines += [line for call, answer in calls[:EXAMPLES] for line in (f"    >>> {call}", f"    {answer}")]
    return {
        "task_id": name,
        "source": family.name,
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
        return "".join(chance.choices("abcdefgh", k=chance.choice((number, number + 1, chance.randint(1, number)))))
    return [chance.choice((number, chance.randint(0, 2 * number))) for _ in range(chance.randint(0, number + 4))]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("tasks.jsonl"))
    parser.add_argument("--each", type=int, default=len(NUMBERS) * len(TRAIN), help="So many tasks of each side")
    options = parser.parse_args()
    rows = list(tasks())
    kept = [
        row for side in ("train", "held_out") for row in [one for one in rows if one["side"] == side][: options.each]
    ]
    options.output.write_text("".join(json.dumps(row) + "\n" for row in kept))
    print(f"{len(kept)} tasks, {len(TRAIN)} families to train on and {len(HELD_OUT)} held out: {options.output}")


if __name__ == "__main__":
    main()
