"""A round's plan through its file, and files that hold no plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plum_lsp.config import TrainerSettings
from plum_trainer.fit.job import TrainerError
from plum_trainer.loop.plan import Plan, Sampling
from plum_trainer.loop.rounds import Round

PLAN = Plan(
    champion=2,
    base="/models/base",
    base_sha256="ab",
    seed=7,
    rows=30,
    held_out=4,
    benchmark=0,
    one_sided=False,
    too_few=False,
    counts={"rows": 30},
    settings=TrainerSettings(accelerate=("--num_processes", "2"), learning_rate=1e-4),
    sampling=Sampling(samples=8, temperature=0.2, temperature_min=0.2, temperature_max=1.0, top_p=0.95, max_tokens=64),
)


def round_in(folder: Path, values: Any = None) -> Round:
    """A round with a plan; `values` instead of its JSON values."""
    made = Round(number=1, folder=folder / "round-1")
    made.freeze((), (), PLAN)
    if values is not None:
        (made.folder / "plan.json").write_text(json.dumps(values))
    return made


def test_a_plan_is_read_as_it_was_frozen(tmp_path: Path) -> None:
    """A round that was interrupted goes on with the same values."""
    assert round_in(tmp_path).plan == PLAN


def test_a_round_that_has_not_begun_has_no_plan(tmp_path: Path) -> None:
    """The file is written at the start."""
    assert Round(number=1, folder=tmp_path).plan is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: values.pop("benchmark"), "benchmark is missing"),
        (lambda values: values.update(future=1), "future is unknown"),
        (lambda values: values.update(rows="many"), "rows must be a whole number"),
        (lambda values: values.update(one_sided=1), "one_sided must be true or false"),
        (lambda values: values.update(base=None), "base must be text"),
        (lambda values: values.update(counts={"rows": "x"}), "counts must hold whole numbers"),
        (lambda values: values.update(sampling=[]), "sampling must be an object"),
        (lambda values: values["settings"].pop("beta"), "beta is missing"),
        (lambda values: values["settings"].update(method="ppo"), "settings.method must be among kto, dpo, sft"),
        (lambda values: values["sampling"].update(top_p="high"), "sampling.top_p must be a number"),
    ],
)
def test_another_plan_is_named(tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str) -> None:
    """A damaged file, or one of another release, is an error with the value and a remedy."""
    values = json.loads(json.dumps(PLAN.values()))
    change(values)
    with pytest.raises(TrainerError, match=said) as caught:
        round_in(tmp_path, values).plan  # noqa: B018 - reading is what fails
    assert "Delete the folder" in caught.value.remedy


def test_a_round_of_an_older_version_goes_on(tmp_path: Path) -> None:
    """A setting that it did not have yet keeps what that version did."""
    values = json.loads(json.dumps(PLAN.values()))
    del values["settings"]["precision"]
    found = round_in(tmp_path, values).plan
    assert found is not None
    assert found.settings.precision == "float32"
    values["settings"]["precision"] = "bfloat16"
    found = round_in(tmp_path / "new", values).plan
    assert found is not None
    assert found.settings.precision == "bfloat16"


def test_a_fit_takes_every_setting_of_the_plan() -> None:
    """The job of the child has the values that were frozen."""
    job = PLAN.fit_job(champion="", rows="rows.jsonl", output="fit", end_token="<end>")
    shared = {name for name in job.__slots__ if hasattr(PLAN.settings, name) and name not in ("base", "seed")}
    assert len(shared) == 16
    assert all(getattr(job, name) == getattr(PLAN.settings, name) for name in shared)
    assert (job.seed, job.base, job.base_sha256) == (7, "/models/base", "ab")
