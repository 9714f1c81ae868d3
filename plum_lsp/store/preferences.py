"""Reads facts prompt by prompt, so that any number of candidates takes little memory, and stores pairs and labels.

Pairs and labels are the only rows that are deleted and rewritten. Readers see the previous build until the new one is
complete. The module does not decide what makes a pair.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.preferences import CandidateFacts, OfferFacts, PreferenceLabel, PreferencePair, PromptFacts
from plum_lsp.domain.suggestion import Finish, Tier
from plum_lsp.store.conditions import IS_SAMPLED
from plum_lsp.store.database import BUSY_MS, SPECIFICATION, connect, connect_reader, explained, immediate
from plum_lsp.store.migrations import migrate

CANDIDATES_PER_PROMPT_MAX = 512
"""More requests of one prompt add no information. The latest ones count."""
_ROWS_AT_ONCE = 5_000


class PreferenceStore:
    """The store for building pairs. Create it with `open_preferences`. Use it from one thread."""

    def __init__(self, path: Path, db: Database) -> None:
        self.path = path
        self._db = db

    def __enter__(self) -> PreferenceStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._db.close()

    def prompts(self) -> Iterator[PromptFacts]:
        """The facts of every prompt that was sampled, in the order of its hash, one at a time."""
        reader = connect_reader(self.path)
        try:
            with explained(self.path):
                requests = _rows(reader.conn, _REQUESTS, {})
                for prompt_hash, group in groupby(requests, key=lambda row: str(row[0])):
                    rows = list(group)
                    yield self._facts(prompt_hash, rows[0][1], rows)
        finally:
            reader.close()

    def rebuild(
        self, made: Iterable[PreferencePair | PreferenceLabel], report: Mapping[str, object], *, now: datetime
    ) -> None:
        """Replace every pair and label. `report` is read after the last of them was taken.

        They are written in batches of some thousands, so that other writers do not wait long for the lock. They are
        valid once the row of the build is written, which comes last. The next build removes the rest of a killed build.
        """
        with explained(self.path):
            build = self._next_build()
            rest = iter(made)
            while batch := list(islice(rest, _ROWS_AT_ONCE)):
                with immediate(self._db):
                    self._db.conn.executemany(
                        _INSERT_PAIR, [_pair_row(one, build) for one in batch if isinstance(one, PreferencePair)]
                    )
                    self._db.conn.executemany(
                        _INSERT_LABEL, [_label_row(one, build) for one in batch if isinstance(one, PreferenceLabel)]
                    )
            with immediate(self._db):
                self._db.execute(
                    "INSERT INTO pair_builds (id, report, built_at) VALUES (:id, :report, :built_at)",
                    {"id": build, "report": json.dumps(dict(report)), "built_at": now.isoformat(timespec="seconds")},
                )
            for sql in (_DELETE_OLD_PAIRS, _DELETE_OLD_LABELS):
                self._delete(sql, build)

    def _next_build(self) -> int:
        ((build,),) = self._db.execute(_NEXT_BUILD).fetchall()
        return int(build)

    def _delete(self, sql: str, build: int) -> None:
        deleted = _ROWS_AT_ONCE
        while deleted:
            with immediate(self._db):
                deleted = self._db.execute(sql, {"build": build, "limit": _ROWS_AT_ONCE}).rowcount

    def _facts(self, prompt_hash: str, prompt: str, requests: list[tuple[Any, ...]]) -> PromptFacts:
        candidates: list[CandidateFacts] = []
        offers: list[OfferFacts] = []
        for _, _, request_id, restored, offer_id, offered, _ in requests:
            of_request = {"request_id": request_id}
            verdicts = {row[0]: row[1:] for row in self._db.conn.execute(_VERDICTS, of_request | SPECIFICATION)}
            candidates += [
                _candidate(request_id, restored, row, verdicts.get(row[0], (0, 0, 0, 0.0, 0)))
                for row in self._db.conn.execute(_CANDIDATES, of_request)
            ]
            if offer_id is not None:
                offers.append(self._offer(request_id, offer_id, offered))
        return PromptFacts(
            prompt_hash=prompt_hash,
            prompt=prompt,
            document_uris=tuple(dict.fromkeys(row[6] for row in requests)),
            candidates=tuple(candidates[-CANDIDATES_PER_PROMPT_MAX:]),
            offers=tuple(offers),
        )

    def _offer(self, request_id: str, offer_id: str, candidate_id: str) -> OfferFacts:
        outcomes = self._db.conn.execute(_OUTCOMES, {"offer_id": offer_id}).fetchall()
        is_taken = any(kind == OutcomeKind.ACCEPTED.value for kind, _ in outcomes)  # only accepted text can survive
        survival = self._db.conn.execute(_SURVIVAL, {"offer_id": offer_id}).fetchone() if is_taken else None
        return OfferFacts(
            request_id=request_id,
            candidate_id=candidate_id,
            outcomes=tuple(OutcomeKind(kind) for kind, _ in outcomes),
            is_shown=any(visible_ms is not None for _, visible_ms in outcomes),
            survival_share=survival[0] if survival else None,
            survival_text=survival[1] if survival else "",
        )


def open_preferences(path: Path, *, busy_ms: int = BUSY_MS) -> PreferenceStore:
    """Open an existing store to build pairs in it.

    Raises:
        StoreError: there is none, it is locked or damaged, or a newer plum-lsp wrote it.
    """
    db = connect(path, busy_ms=busy_ms)
    try:
        with explained(path):
            migrate(db)
    except BaseException:
        db.close()
        raise
    return PreferenceStore(path, db)


def _rows(connection: sqlite3.Connection, sql: str, values: Mapping[str, object]) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, some at a time."""
    cursor = connection.execute(sql, values)
    while rows := cursor.fetchmany(1_000):
        yield from rows


def _candidate(request_id: str, restored: str, row: tuple[Any, ...], verdicts: tuple[Any, ...]) -> CandidateFacts:
    tests, passed, timed_out, wall_ms, together = verdicts
    identity, version_id, text, completion, fingerprint, problem, finish, tier, probability, strength = row
    return CandidateFacts(
        request_id=request_id,
        id=identity,
        version_id=version_id,
        text=text,
        completion=completion,
        restored=restored,
        fingerprint=fingerprint,
        problem=problem,
        finish=Finish(finish),
        tier=_TIERS.get(tier),
        tests=tests,
        passed=passed,
        timed_out=timed_out,
        wall_ms=wall_ms,
        probability=probability,
        strength=strength,
        together=together,
    )


_TIERS = {tier.value: tier for tier in Tier}


def _pair_row(pair: PreferencePair, build: int) -> dict[str, Any]:
    return {
        "build": build,
        "rule": pair.rule,
        "source": pair.source.value,
        "prompt_hash": pair.prompt_hash,
        "policy_version_id": pair.chosen.version_id,
        "chosen_request_id": pair.chosen.request_id,
        "chosen_candidate_id": pair.chosen.id,
        "chosen_text": pair.chosen_text,
        "rejected_request_id": pair.rejected.request_id,
        "rejected_candidate_id": pair.rejected.id,
        "weight": pair.weight,
        "distance": pair.distance,
    }


def _label_row(label: PreferenceLabel, build: int) -> dict[str, Any]:
    return {
        "build": build,
        "rule": label.rule,
        "prompt_hash": label.prompt_hash,
        "policy_version_id": label.candidate.version_id,
        "request_id": label.candidate.request_id,
        "candidate_id": label.candidate.id,
        "is_desirable": int(label.is_desirable),
        "weight": label.weight,
        "text": label.text,
    }


_NEXT_BUILD = """
SELECT 1 + max(coalesce((SELECT max(id) FROM pair_builds), 0), coalesce((SELECT max(build) FROM preference_pairs), 0),
               coalesce((SELECT max(build) FROM preference_labels), 0))
"""

_DELETE_OLD_PAIRS = """
DELETE FROM preference_pairs WHERE id IN (
  SELECT id FROM preference_pairs WHERE build <> :build ORDER BY id LIMIT :limit
)
"""

_DELETE_OLD_LABELS = """
DELETE FROM preference_labels WHERE id IN (
  SELECT id FROM preference_labels WHERE build <> :build ORDER BY id LIMIT :limit
)
"""

_REQUESTS = f"""
SELECT requests.prompt_hash, prompts.text, requests.id, requests.restored, offers.id, offers.candidate_id,
       requests.document_uri
FROM requests
JOIN prompts ON prompts.hash = requests.prompt_hash
LEFT JOIN offers ON offers.request_id = requests.id
WHERE {IS_SAMPLED}
ORDER BY requests.prompt_hash, requests.rowid
"""  # noqa: S608  # constants of ours

_CANDIDATES = """
SELECT candidates.id, policy_version_id, text, completion, fingerprint, problem, finish,
       CASE WHEN EXISTS (SELECT 1 FROM test_cases WHERE request_id = :request_id AND origin = 'tried')
         THEN NULL ELSE latest.tier END, latest.probability, latest.strength
FROM candidates
LEFT JOIN (
  SELECT candidate_id, max(id), tier, probability, strength
  FROM judgements WHERE request_id = :request_id GROUP BY candidate_id
) AS latest ON latest.candidate_id = candidates.id
WHERE candidates.request_id = :request_id
ORDER BY candidates.position
"""
"""A test that somebody writes has no tier here: that it passes on the code as it is does not make it right, and that it
fails does not make it wrong. What the user did with it counts.

With `max`, SQLite takes the other columns from the row that has it (sqlite.org/lang_select.html#bareagg)."""

_VERDICTS = """
SELECT candidate_id, count(*), sum(status = 'passed'), sum(status = 'timed_out'), sum(wall_ms),
  sum(expectation_kind = 'passes')
FROM verdicts JOIN test_cases ON test_cases.request_id = verdicts.request_id AND test_cases.id = verdicts.test_id
WHERE verdicts.request_id = :request_id AND test_cases.origin IN (SELECT value FROM json_each(:specification))
GROUP BY candidate_id
"""

_OUTCOMES = "SELECT kind, visible_ms FROM outcomes WHERE offer_id = :offer_id ORDER BY id"

_SURVIVAL = "SELECT share, text FROM survivals WHERE offer_id = :offer_id ORDER BY after_ms DESC LIMIT 1"

_INSERT_PAIR = """
INSERT INTO preference_pairs
  (build, rule, source, prompt_hash, policy_version_id, chosen_request_id, chosen_candidate_id, chosen_text,
   rejected_request_id, rejected_candidate_id, weight, distance)
VALUES
  (:build, :rule, :source, :prompt_hash, :policy_version_id, :chosen_request_id, :chosen_candidate_id, :chosen_text,
   :rejected_request_id, :rejected_candidate_id, :weight, :distance)
"""

_INSERT_LABEL = """
INSERT INTO preference_labels
  (build, rule, prompt_hash, policy_version_id, request_id, candidate_id, is_desirable, weight, text)
VALUES
  (:build, :rule, :prompt_hash, :policy_version_id, :request_id, :candidate_id, :is_desirable, :weight, :text)
"""
