"""Answers to the questions of a pilot's weeks. A written answer stays. Of two in one week, the later counts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.pilot import Answer, Pilot, Question, week_of
from plum_lsp.store.database import connect, explained, immediate
from plum_lsp.store.migrations import migrate
from plum_lsp.store.pilots import pilots_in

OPEN_DAYS = 7
"""So long after the end of a pilot, its last week can be answered."""


def write_answers(path: Path, answers: Mapping[Question, int], *, now: str) -> tuple[Pilot, int]:
    """Write what the user says about this week of the pilot. Returns the pilot and the week.

    Raises:
        StoreError: there is no pilot that can be answered at `now` (UTC text), or the store cannot be written.
    """
    with closing(connect(path)) as db, explained(path):
        migrate(db)
        with immediate(db):
            pilot = asked_pilot(db, now=now)
            if pilot is None:
                raise StoreError(
                    "no pilot runs, so there are no questions", remedy="Run: plum-lsp pilot start --name NAME"
                )
            week = week_of(pilot, now)
            for question, value in answers.items():
                row = {"week": week, "question": question.value, "value": value, "answered_at": now}
                db.table("pilot_answers").insert({"pilot_id": pilot.id, **row})
    return pilot, week


def asked_pilot(db: Database, *, now: str) -> Pilot | None:
    """The pilot whose questions can be answered at `now` (UTC text): one that runs, or was over lately."""
    latest = max(pilots_in(db), key=lambda one: one.plan.starts_at, default=None)
    if latest is None or now < latest.plan.starts_at:
        return None
    closes = datetime.fromisoformat(latest.over_at) + timedelta(days=OPEN_DAYS)
    return latest if datetime.fromisoformat(now) < closes else None


def answers_of(db: Database, pilot: Pilot) -> tuple[Answer, ...]:
    """What was said in each week of a pilot, in the order of weeks."""
    latest = {(row["week"], row["question"]): row["value"] for row in db.query(_ANSWERS, {"pilot": pilot.id})}
    return tuple(
        Answer(week=week, question=question, value=latest[week, question.value])
        for week in sorted({week for week, _ in latest})
        for question in Question
        if (week, question.value) in latest
    )


_ANSWERS = "SELECT week, question, value FROM pilot_answers WHERE pilot_id = :pilot ORDER BY id"
