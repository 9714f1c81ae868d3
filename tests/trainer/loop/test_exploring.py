"""Samples that become alike make the sampler stray, if its settings let it, until they differ again."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.learning import fill

from plum_lsp.config import LearningSettings, SamplingSettings, Settings
from plum_lsp.config.folder import store_file
from plum_lsp.feedback.exploration import SHARE_MAX, TEMPERATURE_MAX, Exploration, exploration_of
from plum_lsp.store import open_store
from plum_lsp.store.learning import open_learning
from plum_lsp.suggestion.options import pipeline_options
from plum_trainer.cli import main
from plum_trainer.data.apart import fingerprints
from plum_trainer.fit.bases import BaseModel
from plum_trainer.gate.measures import Sample, measured
from plum_trainer.loop.exploring import diversities, explored
from plum_trainer.loop.gating import explore, watch_diversity
from plum_trainer.loop.rounds import Round
from plum_trainer.loop.standing import held_out_prompts, power
from plum_trainer.loop.trainer import Trainer, record

FIRST = Exploration(temperature=1.1, novelty_share=0.2, round=1)


def after(before: Exploration | None, diversity: float, *, round_number: int) -> Exploration | None:
    """One round's step, compared with a first version of diversity .8."""
    return explored(before, diversity=diversity, reference=0.8, drop_max=0.25, round_number=round_number)


def test_nothing_changes_while_samples_differ() -> None:
    """A small loss is none."""
    assert after(None, 0.8, round_number=1) is None
    assert after(None, 0.72, round_number=1) is None
    assert after(FIRST, 0.72, round_number=2) == FIRST


def test_each_round_of_alike_samples_strays_one_step_further() -> None:
    """Up to what leaves enough candidates to offer, and code that parses."""
    step = after(None, 0.6, round_number=1)
    assert step == FIRST
    assert after(step, 0.6, round_number=1) == step, "a round that was counted is not counted again"
    for number in range(2, 12):
        step = after(step, 0.6, round_number=number)
    assert step is not None and (step.temperature, step.novelty_share) == (TEMPERATURE_MAX, SHARE_MAX)


def test_it_comes_back_once_samples_differ() -> None:
    """Step by step, to nothing."""
    step: Exploration | None = dataclasses.replace(FIRST, temperature=1.2, novelty_share=0.3)
    seen = []
    for number in range(2, 6):
        step = after(step, 0.85, round_number=number)
        seen.append(step.novelty_share if step else None)
    assert seen == [0.2, 0.1, None, None]


@pytest.mark.parametrize(
    ("candidates", "expected"), [(1, ()), (2, (1.2,)), (5, (1.2,)), (10, (1.2, 1.2)), (11, (1.2, 1.2, 1.2))]
)
def test_the_quota_of_a_group_never_takes_its_best_guess(
    tmp_path: Path, candidates: int, expected: tuple[float, ...]
) -> None:
    """The last candidates stray; the ladder of the others is as it was for so many."""
    (tmp_path / "training").mkdir()
    wanted = Exploration(temperature=1.2, novelty_share=0.2, round=3)
    (tmp_path / "training" / "exploration.json").write_text(wanted.text())
    sampling = SamplingSettings(candidates=candidates, explores=True)
    settings = Settings(data_dir=str(tmp_path), sampling=sampling)
    temperatures = pipeline_options(settings).sampling.temperatures
    assert len(temperatures) == candidates
    assert temperatures[candidates - len(expected) :] == expected
    assert temperatures[0] == sampling.temperature_min
    usual = dataclasses.replace(settings, sampling=dataclasses.replace(sampling, explores=False))
    assert 1.2 not in pipeline_options(usual).sampling.temperatures


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"temperature": 9, "novelty_share": 0.2, "round": 1}', '{"temperature": 1.1, "novelty_share": 1}'],
)
def test_a_damaged_wish_changes_nothing(text: str) -> None:
    """Half a file, or more than can be asked."""
    assert exploration_of(text) is None


def test_a_round_leaves_its_wish_and_takes_it_back(tmp_path: Path) -> None:
    """In a file that the sampler reads, and in the history; an alarm goes with it."""
    open_store(store_file(tmp_path)).close()
    said: list[str] = []
    base = BaseModel(name="m", folder=tmp_path, source=None, entry=None, sha256="h", end_token="", cache_dir=tmp_path)
    trainer = Trainer(settings=Settings(), data_dir=tmp_path, base=base, report=said.append)
    usual = measured(
        [Sample(prompt_id="p", function="f", text=f"return {n}", ends=True, passes=True) for n in range(4)]
    )
    alike = measured([Sample(prompt_id="p", function="f", text="return 1", ends=True, passes=True)] * 4)
    first, second, third = (Round(number=number, folder=tmp_path) for number in (1, 2, 3))
    record(trainer, first, "frozen", {"champion": 0})
    record(trainer, first, "decided", {"report": {"champion": {"diversity": 1.0}, "challenger": {"diversity": 0.25}}})
    watch_diversity(trainer, first, usual, alike)
    explore(trainer, first, alike)
    wish = tmp_path / "training" / "exploration.json"
    assert exploration_of(wish.read_text()) == FIRST
    explore(trainer, second, usual)
    explore(trainer, third, usual)
    assert not wish.exists()
    with trainer.store() as store:
        steps = [event.step for event in store.events()][2:]
    assert steps == ["diversity_alarm", "exploration", "exploration", "exploration"]
    assert said[-1] == "samples stray no more"


def test_status_tells_the_diversity_of_each_version(tmp_path: Path) -> None:
    """As the gate measured it: the champion's, and that of a challenger that was published."""
    open_store(store_file(tmp_path)).close()
    report = {"champion": {"diversity": 0.81}, "challenger": {"diversity": 0.6}}
    with open_learning(store_file(tmp_path)) as store:
        for step, detail in (
            ("frozen", {"champion": 0}),
            ("decided", {"report": report}),
            ("published", {"version": 1}),
        ):
            store.record(1, step, detail, now=datetime(2026, 1, 1, tzinfo=UTC))
        assert diversities(store.events()) == {0: 0.81, 1: 0.6}
    env = {"PLUM_DATA_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    told = CliRunner().invoke(main, ["status", "--all"], env=env)
    assert "Diversity of samples: version 0 0.810, version 1 0.600" in told.output


def test_status_tells_what_the_gate_could_see(tmp_path: Path) -> None:
    """A handful of held-out functions shows nothing. Looks at them are counted."""
    settings = dataclasses.replace(Settings(), learning=LearningSettings(held_out_share=1.0))
    fill(tmp_path, functions=24)
    with open_learning(store_file(tmp_path)) as store:
        first = power(settings, store, held_out_prompts(settings, store))
        held_out = fingerprints({one.function for one in held_out_prompts(settings, store)})
        store.record(1, "decided", {"report": {"held_out": held_out}}, now=datetime(2026, 1, 1, tzinfo=UTC))
        second = power(settings, store, held_out_prompts(settings, store))
    assert (first.functions, first.look, second.look) == (24, 1, 2)
    assert first.gain is not None and second.gain is not None and first.gain < second.gain
    env = {"PLUM_DATA_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PLUM_LEARNING_HELD_OUT_SHARE": "0.2"}
    assert "held-out functions, look 2: no gain would be enough" in CliRunner().invoke(main, ["status"], env=env).output
