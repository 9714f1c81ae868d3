"""What the cells of a comparison that are done say: figures, gains with intervals, a table and a chart.

The unit is the family of tasks, or the task where the file of tasks names no families: tasks of one idea are solved
together, and would make intervals too narrow. A rate is the mean over the seeds that both sides have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from plum_lsp.report.chart import GREY, THEME
from plum_trainer.fit.job import read_json
from plum_trainer.gate.measures import gain

BASE, COOLED = "none", "cooled"
SOLVED = 0.5
"""A task counts as solved if at least this share of its samples at the gate's temperature is right."""
MEASURES = {"pass@1": "pass_by_function", "right offers": "offers_by_function", "pass@n": "reach_by_function"}
"""What is compared, and where a cell keeps its rates."""

Cells = Mapping[tuple[str, int], Mapping[str, Mapping[str, Any]]]
"""For each arm and round, what each seed measured."""


def report_of(folder: Path) -> dict[str, Any]:
    """Every cell that is done, and the gain of each arm and round over each untrained or untruthful one."""
    found: dict[tuple[str, int], dict[str, Mapping[str, Any]]] = {}
    for path in sorted(folder.glob("seed-*/*/round-*/cell.json")):
        seed, arm, number = path.parts[-4:-1]
        found.setdefault((arm, int(number.partition("-")[2])), {})[seed] = read_json(path) or {}
    bases = found.get((BASE, 1), {})
    cells = [
        {"seed": seed, "arm": arm, "round": number, **_compared(values, bases.get(seed, {}))}
        for (arm, number), seeds in found.items()
        for seed, values in seeds.items()
    ]
    return {"cells": cells, "gains": list(_gains(found, _families(folder / "held_out.jsonl")))}


def _families(path: Path) -> dict[str, str]:
    """The family of each held-out task that has one."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    return {f"benchmark:{row['task_id']}": row["family"] for row in rows if row.get("family")}


def _gains(cells: Cells, families: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Of every arm over the base, the cooled base, and the arms with random labels of the same round."""
    for (arm, number), seeds in cells.items():
        for (other, round_of_other), known in cells.items():
            is_floor = other in (BASE, COOLED) or (other.startswith("random") and round_of_other == number)
            both = sorted(seeds.keys() & known.keys())
            if not is_floor or other == arm or not both:
                continue
            for measure, name in MEASURES.items():
                before, after = (
                    _rates([side[seed].get(name, {}) for seed in both], families) for side in (known, seeds)
                )
                told = {"arm": arm, "round": number, "over": other, "measure": measure, "seeds": len(both)}
                yield {**told, "units": len(after), **asdict(gain(before, after, seed=0))}


def _rates(seeds: Sequence[Mapping[str, float]], families: Mapping[str, str]) -> dict[str, float]:
    """The rate of each family or task: the mean over its tasks that all seeds have, and over the seeds."""
    found: dict[str, list[float]] = {}
    for task in sorted(set.intersection(*(set(one) for one in seeds))):
        found.setdefault(families.get(task, task), []).extend(one[task] for one in seeds)
    return {unit: sum(rates) / len(rates) for unit, rates in found.items()}


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
    """One row a cell. Its lines fit into 80 columns."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("seed", "arm", "round"):
        table.add_column(heading, no_wrap=heading != "arm")
    for heading in ("p@1", "ladder", "p@n", "offers", "new", "lost", "entr", "len", "ended", "sec"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in report["cells"]:
        shares = (one[name] for name in ("pass_at_1", "ladder_pass_at_1", "pass_at_n", "right_offers"))
        seconds = sum(step["seconds"] for step in (one["cost"] or {}).values())
        table.add_row(
            one["seed"].removeprefix("seed-"),
            one["arm"],
            str(one["round"]),
            *(f"{share:.3f}" for share in shares),
            str(len(one["newly_solved"])),
            str(len(one["newly_lost"])),
            f"{one['entropy']:.2f}",
            f"{one['mean_length']:.0f}",
            f"{one['ending_share']:.2f}",
            f"{seconds:.0f}",
        )
    return table


def gains_table(report: Mapping[str, Any]) -> Table:
    """One row for each arm, what it is compared with, and what is compared. Its lines fit into 80 columns."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("arm", "round", "over", "of", "gain", "95 % interval", "seeds", "units"):
        table.add_column(heading, no_wrap=heading not in ("arm", "over"))
    for one in report["gains"]:
        interval = f"{one['low']:+.3f} to {one['high']:+.3f}"
        names = (one["arm"], str(one["round"]), one["over"], one["measure"].removeprefix("right "))
        table.add_row(*names, f"{one['mean']:+.3f}", interval, str(one["seeds"]), str(one["units"]))
    return table


def chart_of(report: Mapping[str, Any]) -> str | None:
    """An SVG with the gains over the base and their intervals. None if Vega's converter is not installed."""
    try:
        from vl_convert import vegalite_to_svg
    except ImportError:
        return None
    return str(vegalite_to_svg(_chart(report)))


def _chart(report: Mapping[str, Any]) -> dict[str, Any]:
    """The chart in Vega-Lite's language (vega.github.io/vega-lite/docs)."""
    names = ("measure", "mean", "low", "high")
    points = [
        {"arm": f"{one['arm']} {one['round']}", **{name: one[name] for name in names}}
        for one in report["gains"]
        if one["over"] == BASE
    ]
    gain_axis = {"type": "quantitative", "title": "gain over the base, 95 % interval"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": None,
        "data": {"values": points},
        "facet": {"column": {"field": "measure", "type": "nominal", "title": None, "sort": list(MEASURES)}},
        "spec": {
            "width": 200,
            "encoding": {"y": {"field": "arm", "type": "nominal", "title": None, "sort": None}},
            "layer": [
                {
                    "mark": {"type": "rule", "color": GREY},
                    "encoding": {"x": {"datum": 0}, "y": None},
                },
                {"mark": {"type": "rule"}, "encoding": {"x": {"field": "low", **gain_axis}, "x2": {"field": "high"}}},
                {"mark": {"type": "point", "filled": True}, "encoding": {"x": {"field": "mean", **gain_axis}}},
            ],
        },
        "config": THEME,
    }
