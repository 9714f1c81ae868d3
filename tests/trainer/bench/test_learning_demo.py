"""The demo runs what a user's trainer would run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.learning import group

from benchmarks.learning_demo import Stages, Tally, parser, settings_of, show_gate
from plum_lsp.config import TrainerSettings
from plum_trainer.gate.decision import decide
from plum_trainer.gate.measures import Sample, measured


def test_the_demo_runs_the_trainers_defaults(tmp_path: Path) -> None:
    """The seed and the threads aside, which change no method. Another seed samples and fits with other numbers."""
    first, second = (settings_of(tmp_path, parser().parse_args(["--seed", seed, "--threads", "0"])) for seed in "01")
    assert first.trainer == TrainerSettings()
    assert dataclasses.replace(second.trainer, seed=0) == TrainerSettings()
    assert second.trainer.seed != 0
    assert abs(second.sampling.seed - first.sampling.seed) > 1000
    assert settings_of(tmp_path, parser().parse_args(["--method", "dpo"])).trainer.method == "dpo"


def test_candidates_that_pass_are_counted() -> None:
    """The candidates of a request that were run, by what the sandbox said last."""
    tally = Tally()
    for event in group(1):
        tally.record(event)
    assert (tally.run, tally.passing) == (2, 1)


def test_the_cooled_base_stands_beside_the_challenger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the gain over it, so that a sharper policy cannot be mistaken for a better one."""

    def policy(right: int) -> list[Sample]:
        return [
            Sample(prompt_id=f"p{n}", function=f"f{n}", text=str(n), ends=True, passes=n < right, decides=True)
            for n in range(10)
        ]

    before, cooled, after = (measured(policy(right)) for right in (2, 5, 6))
    settings = settings_of(tmp_path, parser().parse_args([]))
    decision = decide(before, after, cooled, settings.gate, look=1, seed=1)
    active = SimpleNamespace(versions=SimpleNamespace(active=lambda: 0))
    show_gate(Stages(), active, decision)  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    assert "pass@1 over the cooled base +0.100" in printed
    row = next(line.split() for line in printed.splitlines() if line.split()[:1] == ["pass_at_1"])
    assert row == ["pass_at_1", "0.200", "0.500", "0.600"]
    assert "base    cooled  challenger" in printed
