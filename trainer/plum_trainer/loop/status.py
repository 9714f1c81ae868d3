"""Where the learning stands, in three lines: the evidence, the next round, and what the gate could see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from plum_lsp.config import Settings
from plum_lsp.config.folder import versions_folder
from plum_lsp.domain.errors import PlumError
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.store.learning import LearningStore
from plum_trainer.data.prompts import HeldOut
from plum_trainer.fit.bases import base_of
from plum_trainer.loop.daemon import situation
from plum_trainer.loop.progress import running, shown
from plum_trainer.loop.rounds import unfinished
from plum_trainer.loop.schedule import Situation, obstacles
from plum_trainer.loop.standing import held_out_prompts, power, training_rows


def status(settings: Settings, data_dir: Path, store: LearningStore, *, now: datetime, load: float) -> tuple[str, ...]:
    """The three lines."""
    prompts = held_out_prompts(settings, store)
    found = situation(store, data_dir, now=now, load=load)
    return (
        f"Evidence: {_evidence(settings, data_dir, store, prompts, found)}.",
        f"Next round: {_next_round(settings, data_dir, store, found)}.",
        f"The gate: {power(settings, store, prompts).told()}.",
    )


def _evidence(
    settings: Settings, data_dir: Path, store: LearningStore, prompts: Sequence[HeldOut], found: Situation
) -> str:
    """How much there is of what a round needs."""
    functions = len({one.function for one in prompts})
    parts = [
        f"{found.fresh_candidates} of {settings.trainer.fresh_min} fresh candidates",
        *_rows(settings, data_dir, store, prompts),
        f"{functions} of {settings.gate.functions_min} held-out functions",
    ]
    return ", ".join(parts)


def _rows(settings: Settings, data_dir: Path, store: LearningStore, prompts: Sequence[HeldOut]) -> list[str]:
    """The rows that a round would train on if it built no new ones. A round does build them."""
    if store.latest_build() is None:
        return ["no rows built yet"]
    active = VersionStore(versions_folder(data_dir)).active()
    try:
        base_sha256 = base_of(settings).sha256
    except PlumError as error:
        return [f"rows not counted ({error})"]
    rows = training_rows(
        settings, store, prompts, version=active.number if active else 0, base_sha256=base_sha256, seed=0
    )
    learning, known = settings.learning, rows.counts.get("functions", 0)
    return [f"{len(rows.rows)} of {learning.rows_min} rows from {known} of {learning.functions_min} functions"]


def _next_round(settings: Settings, data_dir: Path, store: LearningStore, found: Situation) -> str:
    """When it may begin and what it waits for. Or how far a round is that was begun."""
    waiting = "; ".join(obstacles(found, settings.trainer))
    current = unfinished(data_dir)
    if current is None:
        return f"waits: {waiting}" if waiting else "may begin now (plum-trainer run, or once)"
    latest = running(store.events(round_number=current.number))
    at = f", {shown(latest.detail)} at {latest.happened_at}" if latest else ""
    return f"round {current.number} is not finished{at}" + (f"; it waits: {waiting}" if waiting else "")
