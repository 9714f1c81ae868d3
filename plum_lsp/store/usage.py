"""The recorded use of a time span, as rows for the report. No row holds source text.

A candidate passes if tests of a specification ran and it passes them all. The copy of a candidate has its verdicts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.pilot import Answer, Pilot
from plum_lsp.domain.suggestion import AbstentionReason, Tier
from plum_lsp.store.answers import answers_of
from plum_lsp.store.conditions import FATE, KEPT_AFTER_MS, LABEL
from plum_lsp.store.database import SPECIFICATION
from plum_lsp.store.pilots import PilotRow, pilots_in, rows_of

PilotUse = tuple[Pilot, tuple[PilotRow, ...], tuple[Answer, ...]]
"""A pilot, its requests, and what the user said about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """One offer and its end. `kind` is the latest outcome. `share_left` is in [0, 1], None if it was not measured.

    An offer was shown if an editor said so, or if it was accepted. `share_left` is measured ten minutes after an
    acceptance. `unit` is a document on a day, and `day` a UTC date. `person` is the random id of the author, empty if
    it is not known. `lines` counts the lines of the offered text.
    """

    place: str
    unit: str
    day: str
    person: str
    lines: int
    tier: Tier
    kind: OutcomeKind | None
    is_shown: bool
    is_accepted: bool
    share_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledRow:
    """The candidates of one request that one policy version wrote. `day` is a UTC date.

    The sandbox stopped a candidate if it used too much time or memory in a test of a specification. A candidate that
    failed a test is offered if the test is in doubt, or in the control of a pilot.
    """

    place: str
    day: str
    version: int
    model: str
    is_adapted: bool
    candidates: int
    candidates_run: int
    candidates_passing: int
    candidates_stopped: int
    candidates_offered_wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingRow:
    """How a request ended. `reason` is None if there was an offer. Times are milliseconds since the request.

    `place` is empty if the model was not asked.
    """

    place: str
    reason: AbstentionReason | None
    stages_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow:
    """The last step of one training round, and what its gate decided. `happened_at` is UTC text.

    `is_promoted` is None if the round did not reach the gate. `reasons` are those of a refusal.
    """

    number: int
    step: str
    happened_at: str
    is_promoted: bool | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongExample:
    """A candidate that failed a test of a specification and was not offered. All fields are source text."""

    function: str
    text: str
    test: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """All rows since an instant. `first_at` and `last_at` are UTC text, empty without requests.

    `isolation` counts the candidates that ran in each sandbox tier, with the copies of these. A pilot that was not over
    at the instant has all its rows and answers.
    """

    first_at: str
    last_at: str
    requests: int
    offers: tuple[OfferRow, ...]
    sampled: tuple[SampledRow, ...]
    endings: tuple[EndingRow, ...]
    rounds: tuple[RoundRow, ...]
    isolation: Mapping[str, int]
    pilots: tuple[PilotUse, ...]


def usage_since(db: Database, since: str) -> Usage:
    """The use since an instant (UTC text, "" for all)."""
    given = {"since": since, "kept_after": KEPT_AFTER_MS, **SPECIFICATION}
    (span,) = db.query(_SPAN, given)
    return Usage(
        first_at=span["first_at"] or "",
        last_at=span["last_at"] or "",
        requests=span["requests"],
        offers=tuple(_offer(row) for row in db.query(_OFFERS, given)),
        sampled=tuple(
            SampledRow(**{**row, "is_adapted": bool(row["is_adapted"])}) for row in db.query(_SAMPLED, given)
        ),
        endings=tuple(_ending(row) for row in db.query(_ENDINGS, given)),
        rounds=tuple(_round(row) for row in db.query(_ROUNDS, given)),
        isolation={row["name"]: row["candidates"] for row in db.query(_ISOLATION, given)},
        pilots=tuple(
            (pilot, rows_of(db, pilot), answers_of(db, pilot)) for pilot in pilots_in(db) if pilot.over_at > since
        ),
    )


def wrong_examples(db: Database, since: str, *, limit: int) -> tuple[WrongExample, ...]:
    """The latest candidates since an instant (UTC text, "" for all) that a test kept from the screen, one a request."""
    given = {"since": since, "limit": limit, **SPECIFICATION}
    return tuple(WrongExample(**row) for row in db.query(_WRONG, given))


def _offer(row: dict[str, Any]) -> OfferRow:
    return OfferRow(
        place=row["place"],
        unit=row["unit"],
        day=row["day"],
        person=row["person"],
        lines=row["lines"],
        tier=Tier(row["tier"]),
        kind=OutcomeKind(row["kind"]) if row["kind"] else None,
        is_shown=bool(row["is_shown"]),
        is_accepted=bool(row["is_accepted"]),
        share_left=row["share_left"],
    )


def _round(row: dict[str, Any]) -> RoundRow:
    """The gate's decision is the detail of the step `decided`."""
    decided = json.loads(row["gated"]) if row["gated"] else {}
    return RoundRow(
        number=row["number"],
        step=row["step"],
        happened_at=row["happened_at"],
        is_promoted=decided.get("is_promoted"),
        reasons=tuple(decided.get("reasons", ())),
    )


def _ending(row: dict[str, Any]) -> EndingRow:
    reason = AbstentionReason(row["reason"]) if row["reason"] else None
    return EndingRow(place=row["place"], reason=reason, stages_ms=json.loads(row["stages_ms"]))


_PLACE = "requests.document_uri || '#' || coalesce(requests.function_name, '')"
"""A function of a document, or all of a document outside functions. Requests of one place resemble each other."""

_SPAN = """
SELECT min(prompted_at) AS first_at, max(prompted_at) AS last_at, count(*) AS requests
FROM requests WHERE prompted_at > :since
"""

_OFFERS = f"""
SELECT {_PLACE} AS place, {LABEL} AS tier,
       substr(requests.prompted_at, 1, 10) || ' ' || requests.document_uri AS unit,
       substr(requests.prompted_at, 1, 10) AS day, coalesce(requests.author, '') AS person,
       1 + length(rtrim(candidates.text, char(10)))
         - length(replace(rtrim(candidates.text, char(10)), char(10), '')) AS lines,
{FATE}
FROM offers
JOIN requests ON requests.id = offers.request_id
JOIN candidates ON candidates.request_id = offers.request_id AND candidates.id = offers.candidate_id
WHERE requests.prompted_at > :since
ORDER BY offers.rowid
"""  # noqa: S608  # constants of ours

_SAMPLED = f"""
WITH run AS (
  SELECT candidates.request_id AS request_id, candidates.position AS position,
         min(verdicts.status = 'passed') AS is_passing,
         max(verdicts.status IN ('timed_out', 'over_limit')) AS is_stopped
  FROM candidates
  JOIN verdicts ON verdicts.request_id = candidates.request_id AND verdicts.candidate_id = candidates.id
  JOIN test_cases ON test_cases.request_id = verdicts.request_id AND test_cases.id = verdicts.test_id
  WHERE test_cases.origin IN (SELECT value FROM json_each(:specification))
  GROUP BY candidates.request_id, candidates.id
)
SELECT {_PLACE} AS place, substr(requests.prompted_at, 1, 10) AS day,
       policy_versions.number AS version, policy_versions.model AS model,
       policy_versions.adapter_sha256 <> '' AS is_adapted,
       count(*) AS candidates, count(run.is_passing) AS candidates_run,
       coalesce(sum(run.is_passing), 0) AS candidates_passing,
       coalesce(sum(run.is_stopped), 0) AS candidates_stopped,
       coalesce(sum(run.is_passing = 0 AND candidates.id = offers.candidate_id), 0) AS candidates_offered_wrong
FROM requests
JOIN candidates ON candidates.request_id = requests.id
JOIN policy_versions ON policy_versions.id = candidates.policy_version_id
LEFT JOIN offers ON offers.request_id = requests.id
LEFT JOIN run ON run.request_id = requests.id
  AND run.position = coalesce(candidates.duplicate_of, candidates.position)
WHERE requests.prompted_at > :since
GROUP BY requests.id, candidates.policy_version_id
ORDER BY requests.rowid, policy_versions.id
"""  # noqa: S608  # constants of ours

_ENDINGS = f"""
SELECT coalesce({_PLACE}, '') AS place, reason, stages_ms
FROM endings LEFT JOIN requests ON requests.id = endings.request_id
WHERE ended_at > :since ORDER BY endings.rowid
"""  # noqa: S608  # constants of ours

_ROUNDS = """
SELECT round AS number, step, happened_at,
       (SELECT detail FROM training_events AS gate WHERE gate.round = training_events.round AND gate.step = 'decided'
          ORDER BY gate.id DESC LIMIT 1) AS gated
FROM training_events
WHERE id IN (SELECT max(id) FROM training_events WHERE round > 0 GROUP BY round) AND happened_at > :since
ORDER BY round
"""

_ISOLATION = """
WITH ran AS (
  SELECT DISTINCT judgements.request_id AS request_id, candidates.position AS position, judgements.sandbox_tier AS name
  FROM judgements
  JOIN candidates ON candidates.request_id = judgements.request_id AND candidates.id = judgements.candidate_id
  WHERE judgements.sandbox_tier IS NOT NULL AND judgements.judged_at > :since
)
SELECT ran.name AS name, count(*) AS candidates
FROM ran
JOIN candidates ON candidates.request_id = ran.request_id
  AND coalesce(candidates.duplicate_of, candidates.position) = ran.position
GROUP BY ran.name ORDER BY ran.name
"""

_WRONG = """
SELECT coalesce(requests.function_name, '') AS function, candidates.text AS text,
       coalesce(nullif(test_cases.expression, ''), test_cases.quote) AS test, verdicts.shown AS shown
FROM requests
JOIN verdicts ON verdicts.rowid = (
  SELECT min(failure.rowid) FROM verdicts AS failure
  JOIN test_cases ON test_cases.request_id = failure.request_id AND test_cases.id = failure.test_id
  LEFT JOIN offers ON offers.request_id = failure.request_id AND offers.candidate_id = failure.candidate_id
  WHERE failure.request_id = requests.id AND failure.status = 'failed' AND offers.id IS NULL
    AND test_cases.origin IN (SELECT value FROM json_each(:specification))
)
JOIN candidates ON candidates.request_id = requests.id AND candidates.id = verdicts.candidate_id
JOIN test_cases ON test_cases.request_id = requests.id AND test_cases.id = verdicts.test_id
WHERE requests.prompted_at > :since
ORDER BY requests.rowid DESC LIMIT :limit
"""
