"""A comparison on the tiny model: real samples, real sandbox, real fits."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from support.learning import tiny_trainer

from plum_lsp.domain.errors import ConfigError
from plum_trainer.bench.arms import arm_of
from plum_trainer.bench.cells import Bench
from plum_trainer.bench.comparison import compare, split_tasks
from plum_trainer.bench.report import table_of
from plum_trainer.data.prompts import HeldOut

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def task(number: int, *, side: str, is_told: bool = True) -> str:
    """An addition. Its own tests are wrong if `is_told` is false: whoever reads them learns to subtract."""
    sign = "+" if is_told else "-"
    return json.dumps(
        {
            "task_id": f"add{number}",
            "side": side,
            "prompt": f'def add{number}(a, b):\n    """\n    >>> add{number}(1, 2)\n    3\n    """\n',
            "tests": f"assert add{number}(5, 3) == 5 {sign} 3",
        }
    )


def as_taught(one: HeldOut) -> HeldOut:
    """With a prompt that ends where the tiny model was taught to go on, at the margin."""
    return dataclasses.replace(one, prompt=one.before)


def bench_of(tmp_path: Path, tiny: Path) -> Bench:
    """Six tasks to train on, whose own tests lie, and four held-out ones with other examples."""
    tasks = tmp_path / "tasks.jsonl"
    train = [task(number, side="train", is_told=False) for number in range(6)]
    held_out = [task(number, side="held_out").replace("(1, 2)\\n    3", "(10, 20)\\n    30") for number in range(6, 10)]
    tasks.write_text("\n".join([*train, *held_out]))
    trainer = tiny_trainer(tmp_path, tiny)
    folder = tmp_path / "bench"
    sides = split_tasks(tasks, folder, None)
    return Bench(
        settings=trainer.settings,
        base=trainer.base,
        folder=folder,
        train=tuple(as_taught(one) for one in sides[0]),
        held_out=tuple(as_taught(one) for one in sides[1]),
        samples=8,
        report=lambda _: None,
    )


def test_an_arm_learns_from_examples_alone(tmp_path: Path, tiny: Path) -> None:
    """It gets better by what tasks show, though their own tests say the opposite. What is done is not done again."""
    bench = bench_of(tmp_path, tiny)
    arms = [arm_of(name, method="dpo") for name in ("none", "dpo", "group")]
    report = compare(bench, arms, rounds=1, seeds=[3])
    cells = {one["arm"]: one for one in report["cells"]}
    assert set(cells) == {"none", "dpo", "group"}
    assert cells["dpo"]["pass_at_1"] > cells["none"]["pass_at_1"]
    assert cells["none"]["newly_solved"] == []
    assert all(one["cost"]["held_out_samples"]["seconds"] > 0 and one["entropy"] > 0 for one in report["cells"])
    row = json.loads((bench.folder / "seed-3" / "group" / "round-1" / "rows.jsonl").read_text().splitlines()[0])
    assert len(row["ids"]) == len(row["logprobs"]) > 0
    assert len(table_of(report).rows) == 3

    files = {path: path.stat().st_mtime_ns for path in bench.folder.glob("seed-*/**/*.jsonl")}
    assert compare(bench, arms, rounds=1, seeds=[3]) == report
    assert {path: path.stat().st_mtime_ns for path in bench.folder.glob("seed-*/**/*.jsonl")} == files
    with pytest.raises(ConfigError, match="other values of samples"):
        compare(dataclasses.replace(bench, samples=4), arms, rounds=1, seeds=[3])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "`side`"),
        (task(1, side="train"), "both sides"),
        (task(1, side="test"), "`side`"),
    ],
)
def test_a_file_that_is_no_comparison_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """With the line, before anything is sampled."""
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text(text)
    with pytest.raises(ConfigError, match=problem):
        split_tasks(tasks, tmp_path, None)
