"""Queries of the facts: outcomes of offers, one offer with its whole matrix, and the data for training. The values that
they return are in `known`.

The connection cannot write. Other processes may write at the same time. The latest judgement of a candidate and the
latest outcome of an offer count. Earlier ones stay in the store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.quality import Quality
from plum_lsp.domain.suggestion import AbstentionReason, CandidateId, OfferId, Tier
from plum_lsp.domain.verification import Origin, TestId, Verdict, VerdictStatus
from plum_lsp.store.conditions import IS_SHOWN
from plum_lsp.store.database import BUSY_MS, SPECIFICATION, connect_reader, explained
from plum_lsp.store.known import Explanation, KnownCandidate, KnownOutcome, KnownTest, Overview, VersionEvidence
from plum_lsp.store.migrations import is_current, refuse_newer
from plum_lsp.store.usage import Usage, WrongExample, usage_since, wrong_examples


class Reader:
    """A read-only database. Create it with `open_reader`. Use it from one thread."""

    def __init__(self, path: Path, db: Database) -> None:
        self.path = path
        self._db = db

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._db.close()

    def overview(self) -> Overview:
        """How many requests, candidates, verdicts, offers and abstentions there are."""
        with explained(self.path):
            (counts,) = self._db.query(_COUNTS, SPECIFICATION)
            offers = {
                (Tier(row["tier"]), OutcomeKind(row["kind"]) if row["kind"] else None): int(row["offers"])
                for row in self._db.query(_OFFERS_BY_TIER_AND_OUTCOME)
            }
            abstentions = {AbstentionReason(row["reason"]): int(row["endings"]) for row in self._db.query(_ABSTENTIONS)}
        return Overview(**counts, offers=offers, abstentions=abstentions)

    def latest_offer(self) -> OfferId | None:
        """The offer made last, if there is any."""
        with explained(self.path):
            rows = list(self._db.query("SELECT id FROM offers ORDER BY rowid DESC LIMIT 1"))
        return OfferId(rows[0]["id"]) if rows else None

    def explain(self, offer_id: OfferId) -> Explanation | None:
        """One offer with its tests, its whole group and every verdict. None if there is no such offer."""
        with explained(self.path):
            rows = list(self._db.query(_OFFER, {"offer_id": offer_id}))
            return self._explanation(rows[0]) if rows else None

    def evidence(self) -> tuple[VersionEvidence, ...]:
        """What there is to learn from, by policy version, oldest first."""
        with explained(self.path):
            return tuple(VersionEvidence(**row) for row in self._db.query(_EVIDENCE, SPECIFICATION))

    def usage(self, *, since: str = "") -> Usage:
        """The recorded use since an instant (UTC text), all of it by default."""
        with explained(self.path):
            return usage_since(self._db, since)

    def wrong_examples(self, *, since: str = "", limit: int) -> tuple[WrongExample, ...]:
        """The latest candidates that a test kept from the screen, since an instant (UTC text)."""
        with explained(self.path):
            return wrong_examples(self._db, since, limit=limit)

    def _explanation(self, offer: dict[str, Any]) -> Explanation:
        of_request = {"request_id": offer["request_id"]}
        verdicts = list(self._db.query(_VERDICTS, of_request))
        candidates = list(self._db.query(_CANDIDATES, of_request))
        ran = [row for row in candidates if row["id"] == offer["candidate_id"] and row["sandbox_tier"]]
        ran += [row for row in verdicts if row["candidate_id"] == offer["candidate_id"]]  # facts from before m005
        return Explanation(
            **{name: offer[name] for name in _OFFER_FIELDS},
            tier=Tier(offer["tier"]),
            stages_ms=json.loads(offer["stages_ms"]),
            sandbox_tier=ran[0]["sandbox_tier"] if ran else "",
            python_version=ran[0]["python_version"] if ran else "",
            tests=tuple(_test(row) for row in self._db.query(_TESTS, of_request)),
            candidates=tuple(_candidate(row, verdicts) for row in candidates),
            outcomes=tuple(_outcomes(self._db.query(_OUTCOMES, {"offer_id": offer["offer_id"]}))),
        )


def open_reader(path: Path, *, busy_ms: int = BUSY_MS) -> Reader:
    """Open an existing store to read it.

    Raises:
        StoreError: there is none, it cannot be read, it is damaged, or another version's schema is in it.
    """
    db = connect_reader(path, busy_ms=busy_ms)
    try:
        with explained(path):
            refuse_newer(db)
            if not is_current(db):
                raise StoreError(
                    f"the store at {path} is from an older plum-lsp", remedy="Start the server once to bring it up."
                )
    except BaseException:
        db.close()
        raise
    return Reader(path, db)


def _test(row: dict[str, Any]) -> KnownTest:
    return KnownTest(
        id=TestId(row["id"]),
        origin=Origin(row["origin"]),  # type: ignore[call-arg]  # mypy expects a line of the table
        setup=row["setup"],
        expression=row["expression"],
        expectation_kind=row["expectation_kind"],
        expectation=json.loads(row["expectation"]),
        quote=row["quote"],
    )


def _candidate(row: dict[str, Any], verdicts: list[dict[str, Any]]) -> KnownCandidate:
    """The candidate of a row, with those of its group's verdicts that are its own."""
    return KnownCandidate(
        id=CandidateId(row["id"]),
        index=row["position"],
        text=row["text"],
        problem=row["problem"],
        duplicate_of=row["duplicate_of"],
        temperature=row["temperature"],
        seed=row["seed"],
        mean_logprob=row["mean_logprob"],
        tier=Tier(row["tier"]) if row["tier"] else None,
        score=row["score"],
        reason=row["reason"] or "",
        verdicts=tuple(
            Verdict(
                test_id=TestId(verdict["test_id"]),
                status=VerdictStatus(verdict["status"]),
                shown=verdict["shown"],
                wall_ms=verdict["wall_ms"],
            )
            for verdict in verdicts
            if verdict["candidate_id"] == row["id"]
        ),
        quality=_quality(row),
    )


def _quality(row: dict[str, Any]) -> Quality | None:
    if row["security"] is None:
        return None
    signals = {name: row[name] for name in ("complexity", "lines", "slowness")}
    return Quality(security=tuple(json.loads(row["security"])), **signals)


def _outcomes(rows: Iterator[dict[str, Any]]) -> Iterator[KnownOutcome]:
    for row in rows:
        tier = Tier(row["tier"]) if row["tier"] else None
        yield KnownOutcome(**{**row, "kind": OutcomeKind(row["kind"]), "tier": tier})


_OFFER_FIELDS = (
    "offer_id",
    "request_id",
    "candidate_id",
    "document_uri",
    "function_name",
    "reason",
    "offered_at",
    "policy_number",
    "model",
    "model_sha256",
    "prompt",
)

_COUNTS = f"""
SELECT (SELECT count(*) FROM requests) AS requests,
       (SELECT count(*) FROM candidates) AS candidates,
       specified.verdicts AS verdicts, specified.passed AS verdicts_passed,
       (SELECT count(DISTINCT offer_id) FROM outcomes
        WHERE {IS_SHOWN}) AS offers_shown
FROM (
  SELECT count(*) AS verdicts, coalesce(sum(status = 'passed'), 0) AS passed
  FROM verdicts JOIN test_cases ON test_cases.request_id = verdicts.request_id AND test_cases.id = verdicts.test_id
  WHERE test_cases.origin IN (SELECT value FROM json_each(:specification))
) AS specified
"""  # noqa: S608  # constants of ours

_OFFERS_BY_TIER_AND_OUTCOME = """
SELECT coalesce(latest.tier, offers.tier) AS tier, latest.kind AS kind, count(*) AS offers
FROM offers
LEFT JOIN outcomes AS latest
  ON latest.id = (SELECT max(outcomes.id) FROM outcomes WHERE outcomes.offer_id = offers.id)
GROUP BY 1, latest.kind
"""

_ABSTENTIONS = "SELECT reason, count(*) AS endings FROM endings WHERE reason IS NOT NULL GROUP BY reason"

_OFFER = """
SELECT offers.id AS offer_id, offers.request_id AS request_id, offers.candidate_id AS candidate_id,
       requests.document_uri AS document_uri, requests.function_name AS function_name,
       offers.tier AS tier, offers.reason AS reason, offers.offered_at AS offered_at,
       policy_versions.number AS policy_number, policy_versions.model AS model,
       policy_versions.model_sha256 AS model_sha256, prompts.text AS prompt,
       coalesce(endings.stages_ms, '{}') AS stages_ms
FROM offers
JOIN requests ON requests.id = offers.request_id
JOIN prompts ON prompts.hash = requests.prompt_hash
JOIN candidates ON candidates.request_id = offers.request_id AND candidates.id = offers.candidate_id
JOIN policy_versions ON policy_versions.id = candidates.policy_version_id
LEFT JOIN endings ON endings.request_id = offers.request_id
WHERE offers.id = :offer_id
"""

_TESTS = "SELECT * FROM test_cases WHERE request_id = :request_id ORDER BY position, id"

_CANDIDATES = """
SELECT candidates.*, judgements.tier AS tier, judgements.score AS score, judgements.reason AS reason,
  judgements.sandbox_tier AS sandbox_tier, judgements.python_version AS python_version,
  security, complexity, lines, slowness
FROM candidates
LEFT JOIN qualities ON qualities.request_id = candidates.request_id AND qualities.candidate_id = candidates.id
LEFT JOIN judgements ON judgements.id = (
  SELECT max(later.id) FROM judgements AS later
  WHERE later.request_id = candidates.request_id AND later.candidate_id = candidates.id
)
WHERE candidates.request_id = :request_id
ORDER BY candidates.position
"""

_VERDICTS = """
SELECT verdicts.* FROM verdicts
JOIN test_cases ON test_cases.request_id = verdicts.request_id AND test_cases.id = verdicts.test_id
WHERE verdicts.request_id = :request_id
ORDER BY verdicts.candidate_id, test_cases.position, test_cases.id
"""

_OUTCOMES = """
SELECT kind, source, accepted_length, visible_ms, happened_at, tier FROM outcomes WHERE offer_id = :offer_id ORDER BY id
"""

_EVIDENCE = """
WITH run AS (
  SELECT verdicts.request_id AS request_id, candidate_id, min(status = 'passed') AS is_passing
  FROM verdicts JOIN test_cases ON test_cases.request_id = verdicts.request_id AND test_cases.id = verdicts.test_id
  WHERE test_cases.origin IN (SELECT value FROM json_each(:specification))
  GROUP BY verdicts.request_id, candidate_id
),
grouped AS (
  SELECT candidates.policy_version_id AS version, candidates.request_id AS request_id, count(*) AS candidates,
         count(run.is_passing) AS candidates_run, coalesce(sum(run.is_passing), 0) AS candidates_passing
  FROM candidates
  LEFT JOIN run ON run.request_id = candidates.request_id AND run.candidate_id = candidates.id
  GROUP BY candidates.policy_version_id, candidates.request_id
),
told AS (
  SELECT offers.request_id AS request_id, count(DISTINCT offers.id) AS outcomes
  FROM outcomes JOIN offers ON offers.id = outcomes.offer_id GROUP BY offers.request_id
)
SELECT policy_versions.number AS number, policy_versions.model AS model,
       policy_versions.adapter_sha256 AS adapter_sha256, count(*) AS requests,
       sum(grouped.candidates) AS candidates, sum(grouped.candidates_run) AS candidates_run,
       sum(grouped.candidates_passing) AS candidates_passing,
       sum(grouped.candidates_passing BETWEEN 1 AND grouped.candidates_run - 1) AS groups_mixed,
       coalesce(sum(told.outcomes), 0) AS outcomes
FROM grouped
JOIN policy_versions ON policy_versions.id = grouped.version
LEFT JOIN told ON told.request_id = grouped.request_id
GROUP BY policy_versions.id
ORDER BY policy_versions.number, policy_versions.id
"""
