"""Pilots in the store: start, stop, the one that runs, and the requests of one. A written plan is never changed."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.pilot import Arm, Measure, Pilot, PilotId, Plan
from plum_lsp.domain.suggestion import Tier
from plum_lsp.store.conditions import FATE, KEPT_AFTER_MS
from plum_lsp.store.database import BUSY_MS, SPECIFICATION, connect, explained, immediate
from plum_lsp.store.migrations import migrate

_log = logging.getLogger(__name__)
_LOOK_SECONDS_MAX = 0.2
"""How long a request waits for the store to say which pilot runs. In WAL mode a reader waits for no writer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotRow:
    """One request of a pilot. `person` is the random id of its author, empty if it is not known.

    `unit` is a document of this person on a `day` (a UTC date). `tier` is that of the offer, None if there was none.
    `is_tested` says that tests of a specification ran on the offered candidate, before or (in the shadow) after the
    offer, and `has_failed` that it failed one. `answer_ms` is the time to the answer.
    """

    person: str
    unit: str
    day: str
    arm: Arm
    tier: Tier | None
    is_tested: bool
    has_failed: bool
    is_shown: bool
    is_accepted: bool
    kind: OutcomeKind | None
    share_left: float | None
    answer_ms: float | None


def start_pilot(path: Path, plan: Plan, *, now: str) -> Pilot:
    """Write the plan of a pilot. It runs from then on.

    Raises:
        StoreError: another one runs at `now` (UTC text), the name was used, or the store cannot be written.
    """
    with closing(connect(path)) as db, explained(path):
        migrate(db)
        with immediate(db):
            if (running := _running(db, now)) is not None:
                raise StoreError(
                    f"the pilot {running.plan.name!r} runs until {running.plan.ends_at[:10]}",
                    remedy="`plum-lsp pilot stop` ends it.",
                )
            if any(pilot.plan.name == plan.name for pilot in pilots_in(db)):
                raise StoreError(f"there was a pilot {plan.name!r}", remedy="Choose another name.")
            row = {
                **asdict(plan),
                "measure": plan.measure.value,
                "is_shadow": int(plan.is_shadow),
                "key": secrets.token_hex(16),
            }
            db.table("pilots").insert(row)
            started = _running(db, now)
    assert started is not None, "it was just written"
    return started


def stop_pilot(path: Path, *, now: str, busy_ms: int = BUSY_MS) -> Pilot | None:
    """End the pilot that runs at `now` (UTC text). None if none runs.

    Raises:
        StoreError: the store cannot be written.
    """
    with closing(connect(path, busy_ms=busy_ms)) as db, explained(path):
        migrate(db)
        with immediate(db):
            running = _running(db, now)
            if running is not None:
                db.table("pilot_stops").insert({"pilot_id": running.id, "stopped_at": now})
    return running


def running_pilot(path: Path, *, now: str) -> Pilot | None:
    """The pilot that runs at `now` (UTC text). None if the store cannot be read: such a request could not be recorded.

    It opens the file for one small query (about 0.2 ms), so that a pilot starts and ends without a restart of editors.
    """
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with closing(Database(sqlite3.connect(uri, uri=True, timeout=_LOOK_SECONDS_MAX), execute_plugins=False)) as db:
            return _running(db, now)
    except sqlite3.Error as error:
        _log.debug("the store did not say whether a pilot runs: %s", error)
        return None


def pilots_in(db: Database) -> tuple[Pilot, ...]:
    """All pilots, oldest first."""
    return tuple(_pilot(row) for row in db.query(_PILOTS))


def rows_of(db: Database, pilot: Pilot) -> tuple[PilotRow, ...]:
    """The requests of a pilot, in their order."""
    given = {"pilot": pilot.id, "kept_after": KEPT_AFTER_MS, **SPECIFICATION}
    return tuple(_row(row) for row in db.query(_ROWS, given))


def _running(db: Database, now: str) -> Pilot | None:
    pilots = (_pilot(row) for row in db.query(_PILOTS))
    return next((pilot for pilot in pilots if pilot.plan.starts_at <= now < pilot.over_at), None)


def _pilot(row: dict[str, Any]) -> Pilot:
    plan = Plan(
        name=row["name"],
        control_share=row["control_share"],
        is_shadow=bool(row["is_shadow"]),
        measure=Measure(row["measure"]),
        gain_min=row["gain_min"],
        effect_min=row["effect_min"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
    )
    return Pilot(id=PilotId(row["id"]), key=row["key"], plan=plan, stopped_at=row["stopped_at"] or "")


def _row(row: dict[str, Any]) -> PilotRow:
    return PilotRow(
        person=row["person"],
        unit=f"{row['person']} {row['unit']}",
        day=row["day"],
        arm=Arm(row["arm"]),
        tier=Tier(row["tier"]) if row["tier"] else None,
        is_tested=row["tests"] > 0,
        has_failed=row["failures"] > 0,
        is_shown=bool(row["is_shown"]),
        is_accepted=bool(row["is_accepted"]),
        kind=OutcomeKind(row["kind"]) if row["kind"] else None,
        share_left=row["share_left"],
        answer_ms=row["answer_ms"],
    )


_PILOTS = """
SELECT pilots.*, pilot_stops.stopped_at AS stopped_at
FROM pilots LEFT JOIN pilot_stops ON pilot_stops.pilot_id = pilots.id ORDER BY pilots.id
"""

_ROWS = f"""
SELECT substr(requests.prompted_at, 1, 10) || ' ' || requests.document_uri AS unit,
       substr(requests.prompted_at, 1, 10) AS day,
       coalesce(requests.author, '') AS person, requests.arm AS arm, offers.tier AS tier,
       count(specified.status) AS tests, coalesce(sum(specified.status <> 'passed'), 0) AS failures,
{FATE},
       json_extract(endings.stages_ms, '$.ended') AS answer_ms
FROM requests
LEFT JOIN offers ON offers.request_id = requests.id
LEFT JOIN endings ON endings.request_id = requests.id
LEFT JOIN (
  SELECT verdicts.request_id, verdicts.candidate_id, verdicts.status FROM verdicts
  JOIN test_cases ON test_cases.request_id = verdicts.request_id AND test_cases.id = verdicts.test_id
  WHERE test_cases.origin IN (SELECT value FROM json_each(:specification))
) AS specified ON specified.request_id = offers.request_id AND specified.candidate_id = offers.candidate_id
WHERE requests.pilot_id = :pilot
GROUP BY requests.id
ORDER BY requests.rowid
"""  # noqa: S608  # constants of ours
