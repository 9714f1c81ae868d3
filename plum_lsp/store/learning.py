"""The trainer's queries, and the one table that it writes: its history. It makes no decisions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.learning import PairSource
from plum_lsp.domain.preferences import StoredLabel, StoredPair, Written, middle_of
from plum_lsp.domain.suggestion import Finish
from plum_lsp.domain.verification import Call, Equals, Holds, Origin, Prints, Raises, Shows, TestCase, TestId
from plum_lsp.store.conditions import IS_SAMPLED, IS_SHOWN
from plum_lsp.store.database import BUSY_MS, SPECIFICATION, connect, connect_reader, explained, immediate
from plum_lsp.store.migrations import migrate

EXPECTATIONS: Mapping[str, type[Equals | Raises | Prints | Shows | Holds]] = {
    kind.__name__.lower(): kind for kind in (Equals, Raises, Prints, Shows, Holds)
}
"""By the name that the store has. Tests that are run whole are not among them, because they need their project."""

_GIVEN = re.compile(r"\b_\b")
"""The name of a value that is computed beside the candidate. The store does not have the code that computes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProgram:
    """A prompt and the code around its hole, in which a candidate can be run again."""

    prompt_hash: str
    prompt: str
    document_uri: str
    before: str
    after: str
    authors: str = ""
    """The ids of those who asked for it, with commas between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEvent:
    """One step of the trainer. `detail` is its report."""

    id: int
    round: int
    step: str
    detail: Mapping[str, object]
    happened_at: str

    def number(self, *names: str) -> float:
        """A number of the report, found by the names that lead to it.

        Raises:
            StoreError: there is none.
        """
        value: object = self.detail
        for name in names:
            value = value.get(name) if isinstance(value, Mapping) else None
        if not isinstance(value, int | float):
            raise StoreError(f"step {self.step!r} of training round {self.round} has no number {'.'.join(names)!r}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRequest:
    """What one policy version did for one request. Candidates of one request share its difficulty.

    `temperatures` is the list that was asked for, as text. Characters are those of an offer that was shown, 0 if none
    was. `asked_at` is UTC text.
    """

    policy_number: int
    base_sha256: str
    temperatures: str
    asked_at: str
    candidates_run: int
    candidates_passing: int
    first_token_ms: float
    characters_offered: int
    characters_kept: float


class LearningStore:
    """The store as the trainer uses it. Create it with `open_learning`. Use it from one thread."""

    def __init__(self, path: Path, db: Database) -> None:
        self.path = path
        self._db = db

    def __enter__(self) -> LearningStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._db.close()

    def latest_build(self) -> dict[str, Any] | None:
        """The report of the latest build of pairs. None if there was none."""
        rows = self._all("SELECT id, report, built_at FROM pair_builds ORDER BY id DESC LIMIT 1", {})
        if not rows:
            return None
        return {"build": rows[0]["id"], "built_at": rows[0]["built_at"], **json.loads(rows[0]["report"])}

    def pairs(self) -> Iterator[StoredPair]:
        """Every pair of the latest build, in the order they were made."""
        for row in self._stream(_PAIRS, {}):
            yield _pair(row)

    def pair(self, pair_id: int) -> StoredPair | None:
        """One pair of the latest build. None if it has no such pair."""
        rows = self._all(_PAIRS.replace("ORDER BY", "AND preference_pairs.id = :id ORDER BY"), {"id": pair_id})
        return _pair(rows[0]) if rows else None

    def labels(self) -> Iterator[StoredLabel]:
        """Every label of the latest build, in the order they were made."""
        for row in self._stream(_LABELS, {}):
            yield _label(row)

    def programs(self) -> Iterator[KnownProgram]:
        """Every prompt whose candidates were judged by a specification, with the code around it."""
        for row in self._stream(_PROGRAMS, SPECIFICATION):
            yield KnownProgram(**row)

    def project_tests(self) -> dict[str, tuple[TestCase, ...]]:
        """The project's tests of each prompt by its hash, without those that only run inside the project."""
        found: dict[str, list[TestCase]] = {}
        for row in self._stream(_PROJECT_TESTS, {"project": Origin.PROJECT.value}):
            needs_given = _GIVEN.search(f"{row['setup']}\n{row['expression']}") is not None
            if row["expectation_kind"] in EXPECTATIONS and not needs_given:
                found.setdefault(row["prompt_hash"], []).append(_project_test(row))
        return {prompt_hash: tuple(tests) for prompt_hash, tests in found.items()}

    def codes(self) -> Iterator[tuple[str, str]]:
        """The hash of every prompt and the code before its hole."""
        for row in self._stream("SELECT prompt_hash, before FROM programs ORDER BY prompt_hash", {}):
            yield row["prompt_hash"], row["before"]

    def fresh_candidates(self, *, since: str) -> int:
        """How many candidates were judged after an instant (UTC text)."""
        (row,) = self._all("SELECT count(*) AS fresh FROM judgements WHERE judged_at > :since", {"since": since})
        return int(row["fresh"])

    def served(self, *, since: str) -> tuple[ServedRequest, ...]:
        """Every request since an instant (UTC text), once for each policy version that answered it, oldest first."""
        return tuple(ServedRequest(**row) for row in self._all(_SERVED, {"since": since} | SPECIFICATION))

    def events(self, *, round_number: int | None = None) -> tuple[TrainingEvent, ...]:
        """The steps of the trainer, oldest first, optionally of one round."""
        wanted = "" if round_number is None else "WHERE round = :round"
        rows = self._all(f"SELECT * FROM training_events {wanted} ORDER BY id", {"round": round_number or 0})  # noqa: S608
        return tuple(TrainingEvent(**{**row, "detail": json.loads(row["detail"])}) for row in rows)

    def record(self, round_number: int, step: str, detail: Mapping[str, Any], *, now: datetime) -> None:
        """Keep one step of the trainer.

        Raises:
            StoreError: it could not be written.
        """
        with explained(self.path), immediate(self._db):
            self._db.execute(
                "INSERT INTO training_events (round, step, detail, happened_at) VALUES (:round, :step, :detail, :at)",
                {
                    "round": round_number,
                    "step": step,
                    "detail": json.dumps(dict(detail)),
                    "at": now.isoformat(timespec="milliseconds"),
                },
            )

    def _all(self, sql: str, values: Mapping[str, object]) -> list[dict[str, Any]]:
        with explained(self.path):
            return list(self._db.query(sql, dict(values)))

    def _stream(self, sql: str, values: Mapping[str, object]) -> Iterator[dict[str, Any]]:
        with explained(self.path):
            yield from self._db.query(sql, dict(values))


def open_learning(path: Path, *, busy_ms: int = BUSY_MS) -> LearningStore:
    """Open a store for the trainer, made or brought up to date if need be.

    Raises:
        StoreError: it is locked, cannot be written, is damaged, or a newer plum-lsp wrote it.
    """
    db = connect(path, busy_ms=busy_ms)
    try:
        with explained(path):
            migrate(db)
    except BaseException:
        db.close()
        raise
    return LearningStore(path, db)


def open_history(path: Path, *, busy_ms: int = BUSY_MS) -> LearningStore:
    """Open an existing store of the current schema to read it only.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return LearningStore(path, connect_reader(path, busy_ms=busy_ms))


def fresh_in(path: Path, *, since: str) -> int:
    """How many candidates another store, of any schema, judged after an instant. 0 if it cannot be read now."""
    try:
        db = connect_reader(path)
    except StoreError:
        return 0
    try:
        with explained(path):
            ((count,),) = db.execute("SELECT count(*) FROM judgements WHERE judged_at > :since", {"since": since})
            return int(count)
    except StoreError:
        return 0
    finally:
        db.close()


def _written(row: Mapping[str, Any], side: str, *, text: str | None = None) -> Written:
    return Written(
        middle=middle_of(
            row[f"{side}_text"] if text is None else text,
            completion=row[f"{side}_completion"],
            restored=row[f"{side}_restored"],
        ),
        ends=Finish(row[f"{side}_finish"]) is not Finish.LENGTH,
    )


def _pair(row: Mapping[str, Any]) -> StoredPair:
    return StoredPair(
        **{name: row[name] for name in ("id", "rule", *_COMMON, "distance")},
        source=PairSource(row["source"]),
        chosen=_written(row, "chosen", text=row["corrected_text"]),
        rejected=_written(row, "rejected"),
    )


def _project_test(row: Mapping[str, Any]) -> TestCase:
    return TestCase(
        id=TestId(row["id"]),
        call=Call(expression=row["expression"], setup=row["setup"]),
        expectation=EXPECTATIONS[row["expectation_kind"]](**json.loads(row["expectation"])),
        origin=Origin.PROJECT,
        quote=row["quote"],
    )


def _label(row: Mapping[str, Any]) -> StoredLabel:
    return StoredLabel(
        **{name: row[name] for name in ("id", "rule", *_COMMON)},
        is_desirable=bool(row["is_desirable"]),
        written=_written(row, "own", text=row["corrected_text"]),
    )


_COMMON = ("prompt_hash", "prompt", "document_uri", "policy_number", "base_sha256", "weight", "author")

_PAIRS = """
SELECT preference_pairs.id AS id, rule, source, preference_pairs.prompt_hash AS prompt_hash, prompts.text AS prompt,
       requests.document_uri AS document_uri, coalesce(requests.author, '') AS author,
       policy_versions.number AS policy_number,
       policy_versions.model_sha256 AS base_sha256, weight, distance, chosen_text AS corrected_text,
       chosen.text AS chosen_text, chosen.completion AS chosen_completion, chosen.finish AS chosen_finish,
       requests.restored AS chosen_restored, rejected.text AS rejected_text,
       rejected.completion AS rejected_completion, rejected.finish AS rejected_finish,
       other.restored AS rejected_restored
FROM preference_pairs
JOIN prompts ON prompts.hash = preference_pairs.prompt_hash
JOIN policy_versions ON policy_versions.id = preference_pairs.policy_version_id
JOIN requests ON requests.id = chosen_request_id
JOIN requests AS other ON other.id = rejected_request_id
JOIN candidates AS chosen ON chosen.request_id = chosen_request_id AND chosen.id = chosen_candidate_id
JOIN candidates AS rejected ON rejected.request_id = rejected_request_id AND rejected.id = rejected_candidate_id
WHERE build = (SELECT max(id) FROM pair_builds)
ORDER BY preference_pairs.id
"""

_LABELS = """
SELECT preference_labels.id AS id, rule, preference_labels.prompt_hash AS prompt_hash, prompts.text AS prompt,
       requests.document_uri AS document_uri, coalesce(requests.author, '') AS author,
       policy_versions.number AS policy_number,
       policy_versions.model_sha256 AS base_sha256, weight, is_desirable, preference_labels.text AS corrected_text,
       own.text AS own_text, own.completion AS own_completion, own.finish AS own_finish,
       requests.restored AS own_restored
FROM preference_labels
JOIN prompts ON prompts.hash = preference_labels.prompt_hash
JOIN policy_versions ON policy_versions.id = preference_labels.policy_version_id
JOIN requests ON requests.id = preference_labels.request_id
JOIN candidates AS own ON own.request_id = preference_labels.request_id AND own.id = preference_labels.candidate_id
WHERE build = (SELECT max(id) FROM pair_builds)
ORDER BY preference_labels.id
"""

_PROJECT_TESTS = """
SELECT requests.prompt_hash AS prompt_hash, test_cases.id AS id, setup, expression, expectation_kind, expectation, quote
FROM test_cases JOIN requests ON requests.id = test_cases.request_id
WHERE test_cases.origin = :project
GROUP BY requests.prompt_hash, test_cases.id
ORDER BY requests.prompt_hash, min(test_cases.position), test_cases.id
"""

_PROGRAMS = """
SELECT prompts.hash AS prompt_hash, prompts.text AS prompt, min(requests.document_uri) AS document_uri,
       programs.before AS before, programs.after AS after,
       coalesce(group_concat(DISTINCT requests.author), '') AS authors
FROM programs
JOIN prompts ON prompts.hash = programs.prompt_hash
JOIN requests ON requests.prompt_hash = prompts.hash
WHERE EXISTS (
  SELECT 1 FROM verdicts JOIN test_cases ON test_cases.request_id = verdicts.request_id
    AND test_cases.id = verdicts.test_id
  WHERE verdicts.request_id = requests.id AND test_cases.origin IN (SELECT value FROM json_each(:specification))
)
GROUP BY prompts.hash
ORDER BY prompts.hash
"""

_SERVED = f"""
WITH run AS (
  SELECT candidates.request_id AS request_id, candidates.position AS position,
         min(verdicts.status = 'passed') AS is_passing
  FROM candidates
  JOIN verdicts ON verdicts.request_id = candidates.request_id AND verdicts.candidate_id = candidates.id
  JOIN test_cases ON test_cases.request_id = verdicts.request_id AND test_cases.id = verdicts.test_id
  WHERE candidates.sampled_at > :since AND test_cases.origin IN (SELECT value FROM json_each(:specification))
  GROUP BY candidates.request_id, candidates.id
),
told AS (
  SELECT offers.request_id AS request_id, candidates.policy_version_id AS version,
         length(candidates.text) AS characters,
         (SELECT max(1) FROM outcomes WHERE outcomes.offer_id = offers.id
            AND {IS_SHOWN}) AS is_shown,
         (SELECT max(1) FROM outcomes WHERE outcomes.offer_id = offers.id AND kind = 'accepted') AS is_accepted,
         (SELECT share FROM survivals WHERE survivals.offer_id = offers.id ORDER BY after_ms DESC LIMIT 1) AS share
  FROM offers
  JOIN candidates ON candidates.request_id = offers.request_id AND candidates.id = offers.candidate_id
  WHERE offers.offered_at > :since
)
SELECT policy_versions.number AS policy_number, policy_versions.model_sha256 AS base_sha256,
       requests.temperatures AS temperatures, requests.prompted_at AS asked_at,
       count(run.is_passing) AS candidates_run, coalesce(sum(run.is_passing), 0) AS candidates_passing,
       min(candidates.first_token_ms) AS first_token_ms,
       coalesce(max(CASE WHEN told.is_shown THEN told.characters END), 0) AS characters_offered,
       coalesce(max(CASE WHEN told.is_shown AND told.is_accepted THEN told.characters * coalesce(told.share, 1.0) END),
                0.0) AS characters_kept
FROM requests
JOIN candidates ON candidates.request_id = requests.id
JOIN policy_versions ON policy_versions.id = candidates.policy_version_id
LEFT JOIN run ON run.request_id = requests.id
  AND run.position = coalesce(candidates.duplicate_of, candidates.position)
LEFT JOIN told ON told.request_id = requests.id AND told.version = candidates.policy_version_id
WHERE requests.prompted_at > :since AND {IS_SAMPLED}
GROUP BY requests.id, candidates.policy_version_id
ORDER BY requests.prompted_at, requests.id
"""  # noqa: S608  # constants of ours
