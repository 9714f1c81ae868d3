"""The gate samples as the editor does: llama.cpp serves the policy, an editor's stop ends a text."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from support.learning import tiny_settings

from plum_lsp.config import PolicySettings, TrainerSettings, cache_dir, load_settings
from plum_lsp.store.learning import KnownProgram
from plum_trainer.data.prompts import held_out
from plum_trainer.fit import children
from plum_trainer.fit.bases import base_of
from plum_trainer.gate.evaluate import read_samples
from plum_trainer.loop.plan import Plan, Sampling
from plum_trainer.loop.rounds import Round
from plum_trainer.loop.sampling import sample
from plum_trainer.loop.trainer import Trainer

PLAN = Plan(
    champion=0,
    base="",
    base_sha256="",
    seed=7,
    rows=0,
    held_out=1,
    benchmark=0,
    one_sided=False,
    counts={},
    settings=TrainerSettings(),
    sampling=Sampling(samples=2, temperature=0.2, temperature_min=0.2, temperature_max=0.8, top_p=0.95, max_tokens=48),
)
CODE = 'def double(n):\n    """Twice the number.\n\n    >>> double(3)\n    6\n    """\n'


@pytest.mark.model
@pytest.mark.slow
def test_the_engine_of_an_editor_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of samples, each cut where its block ends. No second model is loaded."""
    policy = PolicySettings(model="smollm2-135m-instruct", threads=1)
    settings = dataclasses.replace(
        tiny_settings(tmp_path, tmp_path),
        policy=policy,
        cache_dir=str(cache_dir(load_settings(environ=os.environ).settings)),
        trainer=TrainerSettings(),
    )
    trainer = Trainer(settings=settings, data_dir=tmp_path, base=base_of(settings))
    program = KnownProgram(prompt_hash="h", prompt=CODE + "   ", document_uri="file:///a.py", before=CODE, after="")
    prompt = held_out(program, "a.py")
    assert prompt is not None
    current = Round(number=1, folder=tmp_path / "round-1")
    current.freeze((), (prompt,), PLAN)
    monkeypatch.setattr(children, "sample", None)
    job = PLAN.sample_job(adapter="", prompts="", output="", threads=1, end_token="")
    said: list[str] = []
    rows, _ = read_samples(sample(trainer, current, job, name="champion", report=said.append))
    assert sorted(row["index"] for row in rows) == [0, 1, 2, 3]
    assert [row["decides"] for row in sorted(rows, key=lambda row: row["index"])] == [False, False, True, True]
    assert all(line.startswith((" ", "\n")) for row in rows for line in row["text"].splitlines(keepends=True)[1:])
    assert said == ["sampled 4/4"]
    assert sample(trainer, current, job, name="champion", report=said.append).is_file()
    assert said == ["sampled 4/4"], "what was sampled before is not sampled again"
