"""Two processes that fit together take the steps that one takes, and one of them writes."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from plum_trainer.fit import children
from plum_trainer.fit.job import FitJob, FitResult, TrainerError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TWO = ("--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no")
"""`--cpu` would start one process. Without a GPU these two fit on the processor (gloo)."""
ROWS = 24
Fit = tuple[Path, FitResult]
"""The folder of a fit, and what came of it."""
METHODS = {"kto": ("kto", False), "kto, plain torch": ("kto", True), "dpo": ("dpo", False), "sft": ("sft", True)}


@pytest.fixture(scope="session")
def untaught(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with random weights."""
    pytest.importorskip("trl", reason="make setup-model installs it")
    from support.tiny_model import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("untaught"), steps=0)


def row(method: str, number: int) -> dict[str, Any]:
    """A row. Prompts, completions and weights differ, so that it matters which rows count in a step."""
    prompt = f"def add{number}(a, b):\n" + "#\n" * (number % 4)
    right, wrong = "    return a + b\n" * (1 + number % 3), "    return a - b\n"
    common = {"prompt": prompt, "weight": 0.5 + number % 2, "source": "verdict"}
    if method == "dpo":
        return {**common, "chosen": right, "rejected": wrong, "chosen_ends": True, "rejected_ends": True}
    return {**common, "completion": wrong if number % 2 else right, "ends": True, "is_desirable": number % 2 == 0}


def job_of(base: Path, folder: Path, method: str, *, is_plain: bool) -> FitJob:
    """A fit of three steps with a checkpoint after each."""
    folder.mkdir()
    rows = [row(method, number) for number in range(ROWS)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(FitJob)}
    texts = {"base": str(base), "champion": "", "rows": str(folder / "rows.jsonl"), "output": str(folder / "out")}
    numbers = {"beta": 0.1, "learning_rate": 1e-3, "epochs": 1, "batch_size": 8, "accumulation": 1, "lora_rank": 4}
    more = {"lora_alpha": 8, "max_length": 256, "seed": 1, "threads": 1, "checkpoint_steps": 1, "sft_weight": 0.2}
    kinds = {"method": method, "loss": "sigmoid", "end_token": "", "precision": "float32", "is_plain": is_plain}
    whether = {"gradient_checkpointing": False, "label_smoothing": 0.1, "base_sha256": ""}
    return FitJob(**{**values, **texts, **numbers, **more, **kinds, **whether})


def weights_of(result: FitResult) -> Mapping[str, Any]:
    """The adapter's tensors."""
    from safetensors.torch import load_file

    return load_file(Path(result.adapter) / "adapter_model.safetensors")


def farthest(one: FitResult, other: FitResult) -> float:
    """The largest difference of two adapters in any weight."""
    first, second = weights_of(one), weights_of(other)
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


@pytest.fixture(scope="module")
def fitted(untaught: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool, tuple[str, ...]], Fit]:
    """An unbroken fit by one process or by `TWO`. Each is made once."""

    @functools.cache
    def fit(method: str, is_plain: bool, accelerate: tuple[str, ...]) -> Fit:
        folder = tmp_path_factory.mktemp("fit") / "whole"
        job = job_of(untaught, folder, method, is_plain=is_plain)
        return folder, children.fit(job, folder, accelerate=accelerate, report=lambda _: None)

    return fit


@pytest.mark.parametrize(("method", "is_plain"), METHODS.values(), ids=METHODS)
def test_two_processes_take_the_steps_of_one(
    fitted: Callable[[str, bool, tuple[str, ...]], Fit], method: str, is_plain: bool
) -> None:
    """The same weights to 1e-4, after as many steps. A checkpoint has the random state of both, and one result."""
    _, first = fitted(method, is_plain, ())
    folder, second = fitted(method, is_plain, TWO)
    assert (first.steps, second.steps) == (3, 3)
    assert farthest(first, second) < 1e-4
    states = sorted(path.name for path in (folder / "out").glob("checkpoint-3/rng_state*"))
    assert states == ["rng_state_0.pth", "rng_state_1.pth"]
    log = (folder / "result.json.log").read_text()
    assert log.count("step 3/3") == 1


@pytest.mark.parametrize("resumed", [(), TWO], ids=["by one", "by two"])
def test_another_number_of_processes_goes_on(
    fitted: Callable[[str, bool, tuple[str, ...]], Fit], untaught: Path, tmp_path: Path, resumed: tuple[str, ...]
) -> None:
    """From the checkpoint of two to one, and of one to two: the weights are those of an unbroken fit."""
    _, expected = fitted("dpo", False, ())
    begun, _ = fitted("dpo", False, () if resumed else TWO)
    broken = job_of(untaught, tmp_path / "broken", "dpo", is_plain=False)
    shutil.copytree(begun / "out", broken.output)
    for name in ("checkpoint-3", "adapter"):
        shutil.rmtree(Path(broken.output) / name)
    result = children.fit(broken, tmp_path / "broken", accelerate=resumed, report=lambda _: None)
    assert (result.resumed_at, result.steps) == (2, 3)
    assert farthest(expected, result) < 1e-4


def test_unequal_parts_are_refused(untaught: Path, tmp_path: Path) -> None:
    """By name, with what to set."""
    job = job_of(untaught, tmp_path / "job", "dpo", is_plain=False)
    three = tuple("3" if option == "2" else option for option in TWO)
    with pytest.raises(TrainerError, match="3 processes cannot share batches of 8 rows") as caught:
        children.fit(job, tmp_path / "job", accelerate=three, report=lambda _: None)
    assert "multiple of 3" in str(caught.value)
