"""Gains are over tasks, of the seeds that both sides have, and a comparison that is not done shows what is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from plum_trainer.bench.report import report_of
from plum_trainer.cli import main

TASKS = [f"benchmark:t{number}" for number in range(8)]


def write(folder: Path, seed: int, arm: str, rates: list[float], number: int = 1) -> None:
    """A cell that is done. The ladder's rates are 1, and offers are as good as pass@1."""
    by_task = dict(zip(TASKS, rates, strict=True))
    same = ("pass_at_1", "ladder_pass_at_1", "pass_at_n", "right_offers", "entropy", "mean_length", "ending_share")
    values: dict[str, Any] = {name: sum(rates) / len(rates) for name in same}
    values |= {"pass_by_function": by_task, "offers_by_function": by_task, "diversity": 0.5}
    values |= {"reach_by_function": dict.fromkeys(TASKS, 1.0), "cost": {"fit": {"seconds": 2.0, "work": 1.0}}}
    place = folder / f"seed-{seed}" / arm / f"round-{number}"
    place.mkdir(parents=True)
    (place / "cell.json").write_text(json.dumps(values))


def gains(folder: Path, measure: str = "pass@1") -> dict[tuple[str, str], dict[str, Any]]:
    """The gains of one measure, by arm and what it is compared with."""
    return {(one["arm"], one["over"]): one for one in report_of(folder)["gains"] if one["measure"] == measure}


def test_gains_are_of_the_seeds_that_both_sides_have(tmp_path: Path) -> None:
    """An arm that lacks a seed is compared with the base of its own seeds alone."""
    for seed, rate in ((0, 0.25), (1, 0.75)):
        write(tmp_path, seed, "none", [rate] * 8)
    write(tmp_path, 1, "dpo", [1.0] * 8)
    write(tmp_path, 0, "sft", [0.5] * 8)
    write(tmp_path, 1, "sft", [1.0] * 8)
    found = gains(tmp_path)
    assert (found["dpo", "none"]["mean"], found["dpo", "none"]["seeds"]) == (0.25, 1)
    assert (found["sft", "none"]["mean"], found["sft", "none"]["seeds"]) == (0.25, 2)
    assert ("none", "none") not in found


def test_an_interval_is_over_tasks(tmp_path: Path) -> None:
    """Two tasks of eight that are gained bound it away from all and from none, and offers have one as well."""
    write(tmp_path, 0, "none", [0.0] * 8)
    write(tmp_path, 0, "cooled", [1.0, *[0.0] * 7])
    write(tmp_path, 0, "random-dpo", [0.0] * 8)
    write(tmp_path, 0, "dpo", [1.0, 1.0, *[0.0] * 6])
    for measure in ("pass@1", "right offers"):
        found = gains(tmp_path, measure)
        assert {over for arm, over in found if arm == "dpo"} == {"none", "cooled", "random-dpo"}
        over_base = found["dpo", "none"]
        assert over_base["mean"] == 0.25
        assert over_base["units"] == 8
        assert 0.0 <= over_base["low"] < 0.25 < over_base["high"] < 1.0
        assert found["dpo", "cooled"]["mean"] == 0.125
    assert gains(tmp_path, "pass@n")["dpo", "none"]["mean"] == 0.0
    cell = next(one for one in report_of(tmp_path)["cells"] if one["arm"] == "dpo")
    assert (cell["newly_solved"], cell["newly_lost"]) == (TASKS[:2], [])


def test_tasks_of_a_family_are_one_unit(tmp_path: Path) -> None:
    """Two families of four tasks each: the gain is the same, and its interval as wide as two units make it."""
    write(tmp_path, 0, "none", [0.0] * 8)
    write(tmp_path, 0, "dpo", [1.0] * 4 + [0.0] * 4)
    rows = [{"task_id": task.partition(":")[2], "family": f"f{place // 4}"} for place, task in enumerate(TASKS)]
    (tmp_path / "held_out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = gains(tmp_path)["dpo", "none"]
    assert (found["units"], found["mean"], found["low"], found["high"]) == (2, 0.5, 0.0, 1.0)


def test_what_is_done_so_far_is_shown(tmp_path: Path) -> None:
    """As tables, as JSON and as a chart, while other cells are missing."""
    write(tmp_path, 0, "none", [0.25] * 8)
    write(tmp_path, 0, "kto", [0.5] * 8)
    write(tmp_path, 0, "kto", [0.75] * 8, number=2)
    shown = CliRunner().invoke(main, ["bench-report", str(tmp_path)], env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    assert "+0.500 +0.500 to +0.500" in shown.output
    assert "…" not in shown.output
    assert len(json.loads((tmp_path / "report.json").read_text())["cells"]) == 3
    chart = tmp_path / "report.svg"
    if chart.is_file():  # Vega's converter is an extra
        assert "kto 2" in chart.read_text()


def test_nothing_done_yet_is_no_error(tmp_path: Path) -> None:
    """The first cell of a real model takes minutes."""
    shown = CliRunner().invoke(main, ["bench-report", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
