"""How far a fit or a sampling is: what is kept of it, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.learning import tiny_settings

from plum_lsp.config.folder import store_file
from plum_lsp.domain.errors import StoreError
from plum_lsp.store import open_store
from plum_lsp.store.learning import LearningStore
from plum_trainer.cli import _summary
from plum_trainer.fit.bases import BaseModel
from plum_trainer.loop.progress import ProgressKeeper, latest_only, progress_of, running
from plum_trainer.loop.rounds import Round
from plum_trainer.loop.trainer import Trainer, record

START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = Round(number=1, folder=Path("round-1"))


class Times:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def trainer_of(folder: Path, times: Times, said: list[str]) -> Trainer:
    """A trainer that has a store and needs no model."""
    open_store(store_file(folder)).close()
    base = BaseModel(
        name="m", folder=folder, source=None, entry=None, sha256="h", end_token="", cache_dir=folder / "cache"
    )
    return Trainer(settings=tiny_settings(folder, folder), data_dir=folder, base=base, report=said.append, now=times)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("step 3/40 loss 0.6931", {"stage": "fit", "done": 3, "of": 40, "loss": 0.6931}),
        ("sampled 32/184", {"stage": "fit", "done": 32, "of": 184}),
        ("step by step", None),
        ("out of memory with batches of 8", None),
    ],
)
def test_lines_of_progress_are_told_from_others(line: str, expected: dict[str, object] | None) -> None:
    """A fit counts steps, a sampling counts samples; everything else is only talk."""
    assert progress_of(line, stage="fit") == expected


def test_the_store_gets_a_line_now_and_then_and_the_last(tmp_path: Path) -> None:
    """The terminal is told every step."""
    times, said = Times(), list[str]()
    trainer = trainer_of(tmp_path, times, said)
    keeper = ProgressKeeper(trainer=trainer, current=FIRST, stage="fit")
    for step in range(1, 41):
        keeper(f"step {step}/40 loss 0.5")
        times.pass_seconds(1)
    with trainer.store() as store:
        kept = [event.detail["done"] for event in store.events()]
    assert kept == [1, 21, 40]
    assert len(said) == 40


def test_the_history_has_one_line_for_each_stage(tmp_path: Path) -> None:
    """Its latest; what is running is the last line if nothing came after it."""
    times = Times()
    trainer = trainer_of(tmp_path, times, [])
    for stage, done in (("fit", 1), ("fit", 40), ("champion's samples", 32)):
        record(trainer, FIRST, "progress", {"stage": stage, "done": done, "of": 40})
    with trainer.store() as store:
        events = store.events()
    assert [_summary(event) for event in latest_only(events)] == ["fit: 40 of 40", "champion's samples: 32 of 40"]
    assert running(events) == events[-1]
    record(trainer, FIRST, "decided", {})
    with trainer.store() as store:
        assert running(store.events()) is None


def test_a_store_that_cannot_be_written_does_not_end_the_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and the fit goes on."""
    said: list[str] = []
    keeper = ProgressKeeper(trainer=trainer_of(tmp_path, Times(), said), current=FIRST, stage="fit")

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(LearningStore, "record", refuse)
    keeper("step 1/1 loss 0.5")
    assert said == ["step 1/1 loss 0.5", "how far it is could not be kept: the disk is full"]
