"""Looks after the version published last, by what its users did (`gate.watch` decides), and goes back by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from plum_lsp.store.learning import TrainingEvent
from plum_trainer.gate.watch import Trial, Watch, watched
from plum_trainer.loop.trainer import Trainer


def watch(trainer: Trainer) -> str:
    """Look after the version published last: keep it, wait, or go back by ourselves. Returns what was decided and why.

    Raises:
        PlumError: store or pointer cannot be read.
    """
    with trainer.store() as store:
        published = on_trial(store.events(), trainer.versions.active())
        if published is None:
            return ""
        since = datetime.fromisoformat(published.happened_at)
        version = int(published.number("version"))
        previous = int(published.number("previous"))
        settings = trainer.settings.gate
        earliest = (since - timedelta(hours=settings.watch_hours_max)).isoformat(timespec="milliseconds")
        trial = Trial(
            version=version,
            previous=previous,
            base_sha256=trainer.base.sha256,
            published_at=published.happened_at,
            is_shared=trainer.versions.store.canary() is not None,
        )
        hours = (trainer.now() - since).total_seconds() / 3600
        decision = watched(store.served(since=earliest), trial, settings, hours=hours)
        if decision.action is Watch.WAIT:
            return f"watching version {version}: {decision.reason}"
        if decision.action is Watch.ROLL_BACK:
            trainer.versions.go_to(previous)
        else:
            trainer.versions.settle()
        step = "rolled_back" if decision.action is Watch.ROLL_BACK else "kept"
        detail = {"version": version, "to": trainer.versions.active(), "reason": decision.reason}
        store.record(published.round, step, detail, now=trainer.now())
    trainer.report(f"version {version} {step.replace('_', ' ')}: {decision.reason}")
    return f"version {version} {step.replace('_', ' ')}: {decision.reason}"


def on_trial(events: Sequence[TrainingEvent], active: int) -> TrainingEvent | None:
    """The publication of the version in service, if its users have not judged it yet."""
    published = next((event for event in reversed(events) if event.step == "published"), None)
    if published is None or int(published.number("version")) != active:
        return None
    return None if any(event.step in _SETTLED for event in events if event.id > published.id) else published


_SETTLED = frozenset({"rolled_back", "kept"})
