"""A base in bfloat16 on a CPU: the fit learns the same, and the adapter is kept in float32."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from support.tiny_model import LINES

from plum_trainer.data.rows import PairRow
from plum_trainer.data.rows import values_of as row_values
from plum_trainer.fit import children
from plum_trainer.fit.job import FitJob, FitResult, SampleJob

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("warm_children")]

ROW = PairRow(
    prompt="def add(a, b):\n",
    chosen=LINES[0],
    rejected=LINES[1],
    chosen_ends=True,
    rejected_ends=True,
    weight=1.0,
    source="verdict",
)


def fitted(tiny: Path, folder: Path, precision: str, **changes: Any) -> FitResult:
    """A fit of eight equal pairs in two steps."""
    folder.mkdir()
    (folder / "rows.jsonl").write_text((json.dumps(row_values(ROW)) + "\n") * 8)
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(FitJob)}
    places = {"base": str(tiny), "champion": "", "rows": str(folder / "rows.jsonl"), "output": str(folder / "fit")}
    numbers = {"beta": 0.1, "learning_rate": 1e-2, "epochs": 3, "batch_size": 4, "accumulation": 1, "lora_rank": 4}
    more = {"lora_alpha": 8, "max_length": 256, "checkpoint_steps": 100, "end_token": "", "threads": 1}
    own = {"method": "dpo", "loss": "sigmoid", "gradient_checkpointing": False, "base_sha256": "", "sft_weight": 0.0}
    job = FitJob(**{**values, **places, **numbers, **more, **own, "precision": precision, **changes})
    return children.fit(job, folder, report=lambda _: None)


def sampled(tiny: Path, folder: Path, adapter: str) -> list[dict[str, Any]]:
    """Two samples of a prompt, from the base in bfloat16 with an adapter."""
    prompt = {"id": "add", "prompt": ROW.prompt, "kind": "module", "indent": "", "line_head": ""}
    (folder / "prompts.jsonl").write_text(json.dumps(prompt) + "\n")
    job = SampleJob(
        base=str(tiny),
        adapter=adapter,
        prompts=str(folder / "prompts.jsonl"),
        output=str(folder / "samples.jsonl"),
        temperatures=(0.0, 1.0),
        deciding=1,
        top_p=1.0,
        max_tokens=12,
        batch_size=2,
        seed=1,
        threads=1,
        end_token="",
        precision="bfloat16",
        has_ids=True,
    )
    path = children.sample(job, folder, name="samples", report=lambda _: None)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_base_in_bfloat16_learns_what_one_in_float32_learns(tmp_path: Path, tiny: Path) -> None:
    """To about two digits of the loss. A second fit goes on from the adapter, and the same base samples from it."""
    from safetensors.torch import load_file

    full, half = (fitted(tiny, tmp_path / name, name) for name in ("float32", "bfloat16"))
    assert half.loss_last < half.loss_first
    assert half.loss_last == pytest.approx(full.loss_last, rel=0.1)
    weights = load_file(Path(half.adapter) / "adapter_model.safetensors")
    assert {str(one.dtype) for one in weights.values()} == {"torch.float32"}

    second = fitted(tiny, tmp_path / "second", "bfloat16", champion=half.adapter)
    assert second.loss_first == pytest.approx(0.693, abs=0.01), "the reference of a fit is the policy it begins with"
    lines = sampled(tiny, tmp_path, half.adapter)
    assert [line["decides"] for line in lines if "id" in line] == [False, True]
    assert all(len(line["logprobs"]) == len(line["ids"]) for line in lines if "id" in line)
