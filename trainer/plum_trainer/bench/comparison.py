"""All cells of a comparison, one after the other. `report` compares them.

Arms of one seed share the samples of the first round. A cell that is done is not done again, so the command may be
stopped and repeated, also with more arms or seeds. Other settings need another folder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import ConfigError
from plum_lsp.domain.suggestion import FimTemplate
from plum_trainer.bench.arms import Arm
from plum_trainer.bench.cells import Bench, cell
from plum_trainer.bench.report import BASE, report_of
from plum_trainer.data.apart import is_near, words_of
from plum_trainer.data.gold import gold_prompts
from plum_trainer.data.prompts import HeldOut
from plum_trainer.fit.job import read_json, write_json, write_text

BASE_ARM = Arm(name=BASE)


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
        for arm in dict.fromkeys((BASE_ARM, *arms)):
            adapter = ""
            for number in range(1, (rounds if arm.method else 1) + 1):
                place = top / arm.name / f"round-{number}"
                first = top / "first" if number == 1 else place
                adapter = cell(bench, arm, place, seed=seed * 100 + number, first=first, adapter=adapter)
                bench.report(f"{place.relative_to(bench.folder)}: done")
                write_json(bench.folder / "report.json", report_of(bench.folder))
    return report_of(bench.folder)


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
