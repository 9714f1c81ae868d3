"""The losses are TRL's where all weights are 1, and the weight of a row is its share in the loss."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from support.tiny_model import LINES

from plum_trainer.fit import plain, with_trl
from plum_trainer.fit.job import FitJob
from plum_trainer.fit.train import _model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BY = {"TRL's trainer": with_trl.trainer, "plain torch": plain.trainer}
JOBS = [("kto", "sigmoid", 0.0), *(("dpo", loss, share) for loss in ("sigmoid", "ipo", "robust") for share in (0, 0.2))]


def job_of(base: Path, output: Path, method: str = "kto", loss: str = "sigmoid", sft_weight: float = 0.0) -> FitJob:
    """A fit of the tiny model."""
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(FitJob)}
    texts = {"base": str(base), "champion": "", "rows": "", "output": str(output), "method": method, "loss": loss}
    numbers = {"beta": 0.1, "learning_rate": 1e-3, "epochs": 1, "batch_size": 4, "accumulation": 1, "lora_rank": 4}
    more = {"lora_alpha": 8, "max_length": 256, "seed": 1, "checkpoint_steps": 100, "end_token": "", "threads": 1}
    shares = {"sft_weight": sft_weight, "label_smoothing": 0.1}
    return FitJob(**{**values, **texts, **numbers, **more, **shares, "gradient_checkpointing": False})


def rows_of(tokenizer: Any, job: FitJob, weights: list[float]) -> list[dict[str, Any]]:
    """As many rows as weights, of different lengths: pairs, or right and wrong lines in turn."""
    rows = []
    for place, weight in enumerate(weights):
        prompt, right, wrong = (
            tokenizer(text, add_special_tokens=False)["input_ids"]
            for text in ("def add(a, b):\n" + "#\n" * place, LINES[0] + LINES[1] * place, LINES[1])
        )
        common = {"prompt_ids": prompt, "weight": weight}
        if job.method == "kto":
            rows.append({**common, "completion_ids": wrong if place % 2 else right, "label": place % 2 == 0})
        else:
            rows.append({**common, "chosen_ids": right, "rejected_ids": wrong})
    return rows


def loss(job: FitJob, weights: list[float], *, by: str, is_trls: bool = False) -> float:
    """The loss of one batch, by one of our trainers or by TRL's own method."""
    import torch
    from trl import DPOTrainer, KTOTrainer

    torch.manual_seed(0)
    model, tokenizer = _model(job)
    trainer = BY[by](job, model, tokenizer, rows_of(tokenizer, job, weights), callbacks=[])
    torch.manual_seed(0)
    for name, parameter in sorted(trainer.model.named_parameters()):
        if "lora_" in name:  # else the policy equals its reference and every row has the same loss
            torch.nn.init.normal_(parameter, std=0.2)
    batch = next(iter(trainer.get_train_dataloader()))
    if not is_trls:
        return float(trainer.compute_loss(trainer.model, batch).item())
    batch.pop("weight")
    own = KTOTrainer if job.method == "kto" else DPOTrainer
    return float(own._compute_loss(trainer, trainer.model, batch, False).item())


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize(("method", "kind", "sft_weight"), JOBS)
def test_weights_of_one_change_nothing(
    tiny: Path, tmp_path: Path, method: str, kind: str, sft_weight: float, by: str
) -> None:
    """The loss is TRL's, for every method that TRL has."""
    job = job_of(tiny, tmp_path, method, kind, sft_weight)
    theirs = loss(job, [1.0] * 4, by="TRL's trainer", is_trls=True)
    assert loss(job, [1.0] * 4, by=by) == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize(("method", "sft_weight"), [("kto", 0.0), ("dpo", 0.2)])
def test_a_weight_is_a_factor_of_its_row(tiny: Path, tmp_path: Path, method: str, sft_weight: float, by: str) -> None:
    """Absolute, not relative to the others: half of all weights is half of the loss."""
    job = job_of(tiny, tmp_path, method, sft_weight=sft_weight)
    whole = loss(job, [1.0] * 4, by=by)
    assert loss(job, [0.5] * 4, by=by) == pytest.approx(whole / 2, abs=1e-5)
    alone = [loss(job, [float(place == one) for one in range(4)], by=by) for place in range(4)]
    assert sum(alone) == pytest.approx(whole, abs=1e-5)
    assert max(alone) - min(alone) > 1e-4
