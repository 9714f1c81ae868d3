"""Stores the progress of a fit or a sampling, for readers of the store without access to the round's folder.

The history does not get a line for each optimizer step. A line that follows the last one within some seconds goes to
the terminal only. If the store cannot be written, a line of the record is lost, but the fit continues.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from plum_lsp.domain.errors import StoreError
from plum_lsp.store.learning import TrainingEvent
from plum_trainer.loop.rounds import Round
from plum_trainer.loop.trainer import Trainer, record

SECONDS_MIN = 20.0
"""Pause between two lines of the record. A fit of some minutes then writes a dozen."""
PROGRESS = "progress"

_STEP = re.compile(r"step (\d+)/(\d+) loss (\S+)")
_SAMPLED = re.compile(r"sampled (\d+)/(\d+)")


def progress_of(line: str, *, stage: str) -> dict[str, Any] | None:
    """The progress in a line of a child. None if it is another line."""
    if found := _STEP.fullmatch(line):
        return {"stage": stage, "done": int(found[1]), "of": int(found[2]), "loss": float(found[3])}
    if found := _SAMPLED.fullmatch(line):
        return {"stage": stage, "done": int(found[1]), "of": int(found[2])}
    return None


@dataclass(slots=True, kw_only=True)
class ProgressKeeper:
    """Passes on a child's lines and periodically stores its progress, always including the last line of a stage."""

    trainer: Trainer
    current: Round
    stage: str
    _kept_at: datetime | None = field(default=None, init=False)

    def __call__(self, line: str) -> None:
        """Take one line."""
        self.trainer.report(line)
        detail = progress_of(line, stage=self.stage)
        if detail is None:
            return
        now = self.trainer.now()
        is_due = self._kept_at is None or (now - self._kept_at).total_seconds() >= SECONDS_MIN
        if is_due or detail["done"] >= detail["of"]:
            self._kept_at = now
            try:
                record(self.trainer, self.current, PROGRESS, detail)
            except StoreError as error:
                self.trainer.report(f"how far it is could not be kept: {error}")


def shown(detail: Mapping[str, Any]) -> str:
    """Progress in a few words."""
    loss = f", loss {detail['loss']:.3f}" if "loss" in detail else ""
    return f"{detail['stage']}: {detail['done']} of {detail['of']}{loss}"


def latest_only(events: Sequence[TrainingEvent]) -> list[TrainingEvent]:
    """The history with one line of progress for each stage of a round, its latest."""
    latest = {_place(event): event.id for event in events if event.step == PROGRESS}
    return [event for event in events if event.step != PROGRESS or latest[_place(event)] == event.id]


def running(events: Sequence[TrainingEvent]) -> TrainingEvent | None:
    """The latest progress, if it is the last event of its round."""
    return events[-1] if events and events[-1].step == PROGRESS else None


def _place(event: TrainingEvent) -> tuple[int, str]:
    return event.round, str(event.detail.get("stage", ""))
