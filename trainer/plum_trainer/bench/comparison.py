"""All cells of a comparison, one after the other, and the table that they make.

Arms of one seed share the samples of the first round. A cell that is done is not done again, so the command may be
stopped and repeated, also with more arms or seeds. Other settings need another folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from plum_lsp.domain.errors import ConfigError
from plum_lsp.domain.suggestion import FimTemplate
from plum_trainer.bench.arms import Arm
from plum_trainer.bench.cells import Bench, cell
from plum_trainer.data.apart import is_near, words_of
from plum_trainer.data.gold import gold_prompts
from plum_trainer.data.prompts import HeldOut
from plum_trainer.fit.job import read_json, write_json, write_text
from plum_trainer.gate.measures import gain

BASE = Arm(name="none")
SOLVED = 0.5
"""A task counts as solved if at least this share of its samples at the gate's temperature is right."""


def split_tasks(
    path: Path, folder: Path, template: FimTemplate | None
) -> tuple[tuple[HeldOut, ...], tuple[HeldOut, ...]]:
    """The tasks to train on and the held-out ones. Each row says its `side`: `train` or `held_out`.

    Raises:
        ConfigError: the file cannot be read, a row is no task with tests and a side, or the sides share a function.
    """
    sides: dict[str, list[str]] = {"train": [], "held_out": []}
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                values = json.loads(line)
                side = values.get("side") if isinstance(values, dict) else None
                if side not in sides:
                    raise ConfigError(f"{path}, line {number}: `side` must be `train` or `held_out`")
                sides[side].append(line)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if not all(sides.values()):
        raise ConfigError(f"{path} needs tasks of both sides")
    found = []
    for side, lines in sides.items():
        write_text(folder / f"{side}.jsonl", "\n".join(lines) + "\n")
        found.append(gold_prompts(folder / f"{side}.jsonl", template))
    train, held_out = found
    words = [words_of(one.before) for one in train]
    for one in held_out:
        if any(is_near(words_of(one.before), other) for other in words):
            raise ConfigError(f"{path}: the held-out task {one.id} is a near copy of a task to train on")
    return train, held_out


def compare(bench: Bench, arms: Sequence[Arm], *, rounds: int, seeds: Sequence[int]) -> dict[str, Any]:
    """Run every cell that is not done, and write and return the report.

    Raises:
        ConfigError: the folder holds cells of other settings or tasks.
        PlumError: a step failed.
    """
    _keep_plan(bench)
    for seed in seeds:
        top = bench.folder / f"seed-{seed}"
        for arm in dict.fromkeys((BASE, *arms)):
            adapter = ""
            for number in range(1, (rounds if arm.method else 1) + 1):
                place = top / arm.name / f"round-{number}"
                first = top / "first" if number == 1 else place
                adapter = cell(bench, arm, place, seed=seed * 100 + number, first=first, adapter=adapter)
                bench.report(f"{place.relative_to(bench.folder)}: done")
    report = report_of(bench.folder)
    write_json(bench.folder / "report.json", report)
    return report


def _keep_plan(bench: Bench) -> None:
    """The settings that decide the figures. They stay those of the first run.

    Raises:
        ConfigError: they are not.
    """
    settings = bench.settings
    plan = {
        "base": bench.base.sha256,
        "samples": bench.samples,
        "trainer": asdict(settings.trainer),
        "sampling": asdict(settings.sampling),
        "gate_samples": settings.gate.samples,
        "gate_temperature": settings.gate.temperature,
        "train": [one.id for one in bench.train],
        "held_out": [one.id for one in bench.held_out],
    }
    path = bench.folder / "plan.json"
    known = read_json(path)
    plan = json.loads(json.dumps(plan))
    if known is not None and known != plan:
        changed = ", ".join(name for name in plan if known.get(name) != plan[name])
        raise ConfigError(f"{bench.folder} holds cells with other values of {changed}", remedy="Name another folder.")
    write_json(path, plan)


def report_of(folder: Path) -> dict[str, Any]:
    """Every cell that is done, compared with the base of its seed, and each arm's gain with all seeds together."""
    cells = []
    pooled: dict[str, dict[str, dict[str, float]]] = {}
    for path in sorted(folder.glob("seed-*/*/round-*/cell.json")):
        seed, arm, number = path.parts[-4:-1]
        values = read_json(path) or {}
        base = read_json(folder / seed / BASE.name / "round-1" / "cell.json") or {}
        cells.append({"seed": seed, "arm": arm, "round": number, **_compared(values, base)})
        rates = pooled.setdefault(f"{arm} {number}", {"before": {}, "after": {}})
        for side, measures in (("before", base), ("after", values)):
            for task, share in measures.get("pass_by_function", {}).items():
                rates[side].setdefault(task, 0.0)
                rates[side][task] += share
    seeds = {name: len({one["seed"] for one in cells if f"{one['arm']} {one['round']}" == name}) for name in pooled}
    gains = {name: asdict(_pooled(rates, seeds[name])) for name, rates in pooled.items()}
    return {"cells": cells, "gains_over_base": gains}


def _pooled(rates: Mapping[str, Mapping[str, float]], seeds: int) -> Any:
    """The gain in pass@1 over tasks, each task's rate being the mean over seeds."""
    before, after = ({task: value / seeds for task, value in rates[side].items()} for side in ("before", "after"))
    return gain(before, after, seed=0)


def _compared(values: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a cell, and which tasks it newly solves or loses."""
    names = ("pass_at_1", "ladder_pass_at_1", "pass_at_n", "right_offers", "entropy", "mean_length", "ending_share")
    known, now = (_solved(one) for one in (base, values))
    return {
        **{name: values[name] for name in names},
        "diversity": values["diversity"],
        "newly_solved": sorted(now - known),
        "newly_lost": sorted(known - now),
        "cost": values["cost"],
    }


def _solved(values: Mapping[str, Any]) -> set[str]:
    return {task for task, share in values.get("pass_by_function", {}).items() if share >= SOLVED}


def table_of(report: Mapping[str, Any]) -> Table:
    """One row a cell."""
    headings = ("pass@1", "ladder", "pass@n", "offers", "new", "lost", "entropy", "length", "ended", "seconds")
    table = Table(box=box.SIMPLE)
    table.add_column("cell")
    for heading in headings:
        table.add_column(heading, justify="right")
    for one in report["cells"]:
        shares = (one[name] for name in ("pass_at_1", "ladder_pass_at_1", "pass_at_n", "right_offers"))
        seconds = sum(step["seconds"] for step in (one["cost"] or {}).values())
        table.add_row(
            f"{one['seed']} {one['arm']} {one['round']}",
            *(f"{share:.3f}" for share in shares),
            str(len(one["newly_solved"])),
            str(len(one["newly_lost"])),
            f"{one['entropy']:.2f}",
            f"{one['mean_length']:.0f}",
            f"{one['ending_share']:.2f}",
            f"{seconds:.0f}",
        )
    return table
