"""The weight of a row is its share in the loss of TRL's trainer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from support.tiny_model import LINES

from plum_trainer.fit.job import FitJob
from plum_trainer.fit.train import _model, _trainer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def job_of(base: Path, output: Path) -> FitJob:
    """A fit of the tiny model with KTO."""
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(FitJob)}
    texts = {"base": str(base), "champion": "", "rows": "", "output": str(output), "method": "kto", "loss": "kto"}
    numbers = {"beta": 0.1, "learning_rate": 1e-3, "epochs": 1, "batch_size": 4, "accumulation": 1, "lora_rank": 4}
    more = {"lora_alpha": 8, "max_length": 256, "seed": 1, "checkpoint_steps": 100, "end_token": "", "threads": 1}
    return FitJob(**{**values, **texts, **numbers, **more, "gradient_checkpointing": False, "base_sha256": ""})


def loss(base: Path, output: Path, weights: list[float], *, plain: bool = False) -> float:
    """The loss of one batch of two right and two wrong lines, by our trainer or by TRL's own method."""
    import torch
    from trl import KTOTrainer

    job = job_of(base, output)
    torch.manual_seed(0)
    model, tokenizer = _model(job)
    prompt = tokenizer("def add(a, b):\n", add_special_tokens=False)["input_ids"]
    rows = [
        {
            "prompt_ids": prompt,
            "completion_ids": tokenizer(LINES[place % 2], add_special_tokens=False)["input_ids"],
            "label": place % 2 == 0,
            "weight": weight,
        }
        for place, weight in enumerate(weights)
    ]
    trainer = _trainer(job, model, tokenizer, rows)
    for name, parameter in trainer.model.named_parameters():
        if "lora_B" in name:  # else the policy equals its reference and every row has the same loss
            torch.nn.init.normal_(parameter, std=0.5)
    batch = next(iter(trainer.get_train_dataloader()))
    if plain:
        batch.pop("weight")
        return float(KTOTrainer._compute_loss(trainer, trainer.model, batch, False).item())
    return float(trainer._compute_loss(trainer.model, batch).item())


def test_weights_of_one_change_nothing(tiny: Path, tmp_path: Path) -> None:
    """The loss is TRL's."""
    ours = loss(tiny, tmp_path / "a", [1.0] * 4)
    assert ours == pytest.approx(loss(tiny, tmp_path / "b", [1.0] * 4, plain=True), abs=1e-5)


def test_a_weight_is_a_factor_of_its_row(tiny: Path, tmp_path: Path) -> None:
    """Absolute, not relative to the others: half of all weights is half of the loss."""
    whole = loss(tiny, tmp_path / "a", [1.0] * 4)
    assert loss(tiny, tmp_path / "b", [0.5] * 4) == pytest.approx(whole / 2, abs=1e-5)
    alone = [loss(tiny, tmp_path / f"c{place}", [float(place == one) for one in range(4)]) for place in range(4)]
    assert sum(alone) == pytest.approx(whole, abs=1e-5)
    assert max(alone) - min(alone) > 1e-4
