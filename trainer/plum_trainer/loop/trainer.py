"""The inputs of every step of a turn (settings, folder, base, clock) and the history that records each step."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plum_lsp.config import Settings
from plum_lsp.config.folder import paused_file, store_file
from plum_lsp.feedback.exclusion import Exclusions
from plum_lsp.store.learning import LearningStore, open_learning
from plum_trainer.fit.bases import BaseModel
from plum_trainer.loop.publish import Versions
from plum_trainer.loop.rounds import Round

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def load_per_core() -> float:
    """The processes that want a core, for each core, over the last minute."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """The inputs of a turn. `report` gets each message. Tests replace `now` and `load`."""

    settings: Settings
    data_dir: Path
    base: BaseModel
    exclusions: Exclusions | None = None
    is_private: Callable[[str], bool] | None = None
    report: Callable[[str], None] = log.info
    now: Callable[[], datetime] = utc_now
    load: Callable[[], float] = load_per_core

    @property
    def versions(self) -> Versions:
        """The adapters and the pointer."""
        return Versions(data_dir=self.data_dir, settings=self.settings, base=self.base)

    def store(self) -> LearningStore:
        """The own store, with the history, opened.

        Raises:
            StoreError: it cannot be.
        """
        return open_learning(store_file(self.data_dir))


def end(trainer: Trainer, current: Round, step: str, detail: Mapping[str, Any]) -> None:
    """Record the event first.

    A round with a recorded end is never continued, so its history must be complete by then.
    """
    with trainer.store() as store:
        is_told = any(event.step == step for event in store.events(round_number=current.number))
    if not is_told:
        record(trainer, current, step, detail)
    current.keep("end.json", {"step": step, **detail})


def record(trainer: Trainer, current: Round, step: str, detail: Mapping[str, Any]) -> None:
    """Keep one step of a round in the history."""
    with trainer.store() as store:
        store.record(current.number, step, detail, now=trainer.now())


def is_paused(data_dir: Path) -> bool:
    """Whether the user paused training."""
    return paused_file(data_dir).exists()
