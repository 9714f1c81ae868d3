"""Whether a round should begin now. Pure: time, load and evidence are arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from plum_lsp.config import TrainerSettings
from plum_trainer.fit.packages import INSTALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The inputs of the decision. `load` is per core. `last_round_at` None means that there was no round."""

    now: datetime
    last_round_at: datetime | None
    fresh_candidates: int
    load: float
    is_paused: bool
    is_unfinished: bool
    is_on_trial: bool
    """Whether the version in service is still being watched: it is no champion to begin from yet."""
    missing: tuple[str, ...] = ()
    """Packages that a fit needs."""


def why_not(situation: Situation, settings: TrainerSettings) -> str:
    """Why no round should begin now. Empty if one should. An interrupted round continues without new evidence."""
    return next(obstacles(situation, settings), "")


def obstacles(situation: Situation, settings: TrainerSettings) -> Iterator[str]:
    """Everything that a round waits for, the most lasting first."""
    if situation.missing:
        yield f"these packages are missing: {', '.join(situation.missing)}. {INSTALL}"
    if situation.is_paused:
        yield "paused"
    if settings.hours:
        if not is_within(situation.now.hour, settings.hours):
            yield f"outside the hours {settings.hours}"
    elif situation.load > settings.idle_load_max:
        yield f"the machine is busy (load {situation.load:.2f} a core)"
    if situation.is_unfinished:
        return
    if situation.is_on_trial:
        yield "the version in service is still being watched"
    if situation.fresh_candidates < settings.fresh_min:
        yield f"{situation.fresh_candidates} of {settings.fresh_min} fresh candidates"
    if situation.last_round_at is not None:
        next_at = situation.last_round_at + timedelta(hours=settings.every_hours)
        if situation.now < next_at:
            yield f"the next round may begin at {next_at.isoformat(timespec='minutes')}"


def is_within(hour: int, hours: str) -> bool:
    """Whether an hour of the day lies in a span such as `22-6`. The first hour is included, the last is not."""
    first, last = (int(part) for part in hours.split("-"))
    return first <= hour < last if first <= last else hour >= first or hour < last
