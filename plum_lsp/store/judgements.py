"""Files with the rows of bulk work, each stored once for all machines: one for each candidate, or for each task.

A line may be done more than once: a machine was lost, the command was stopped, or two commands work on the same file.
The first answer counts. `asks` counts what was handed out, so that repeats can be told from rows.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

from plum_lsp.domain.errors import StoreError
from plum_lsp.store.database import APPLICATION_ID, connect, explained, immediate

_JUDGEMENTS = """
    CREATE TABLE judgements (
      task TEXT NOT NULL,
      version TEXT NOT NULL,
      seed INTEGER NOT NULL,
      candidate INTEGER NOT NULL,
      line_sha256 TEXT NOT NULL,
      offered INTEGER NOT NULL,
      score REAL NOT NULL,
      probability REAL,
      tier TEXT NOT NULL,
      tests_run INTEGER NOT NULL,
      tests_passed INTEGER NOT NULL,
      reason TEXT NOT NULL,
      wall_ms REAL NOT NULL,
      judged_at TEXT NOT NULL,
      PRIMARY KEY (task, version, seed, candidate)
    ) STRICT
    """
_RESULTS = """
    CREATE TABLE results (
      task TEXT NOT NULL,
      version TEXT NOT NULL,
      seed INTEGER NOT NULL,
      line_sha256 TEXT NOT NULL,
      result TEXT NOT NULL,
      judged_at TEXT NOT NULL,
      PRIMARY KEY (task, version, seed)
    ) STRICT
    """
_ASKS = """
    CREATE TABLE asks (
      id INTEGER PRIMARY KEY,
      task TEXT NOT NULL,
      version TEXT NOT NULL,
      seed INTEGER NOT NULL,
      asked_at TEXT NOT NULL,
      answered_at TEXT,
      rows_ignored INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """
_FIELDS = ("offered", "score", "probability", "tier", "tests_run", "tests_passed", "reason", "wall_ms")

Prediction = Mapping[str, object]
"""One candidate's result, as `VerifiedTask.lines` gives it, or that of one task, as `TaskResult.line` does."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LineKey:
    """What names a line: its task, the policy version that wrote its candidates, and the seed."""

    task: str
    version: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a file holds. `asks` are lines handed out, of which `unanswered` never came back.

    `rows_ignored` are rows that came again and were not stored.
    """

    rows: int
    asks: int
    unanswered: int
    rows_ignored: int


class BulkRows(ABC):
    """An open file of one kind of rows. Use it in one thread."""

    table: ClassVar[str]
    schema: ClassVar[str]
    count: ClassVar[str]
    """The column that tells the rows of a line apart, or a number that stands for the only one."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it if there is none.

        Raises:
            StoreError: it cannot be used, or it is another store.
        """
        self._path = path
        self._db = connect(path)
        try:
            with explained(path), immediate(self._db):
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def stored(self) -> dict[LineKey, tuple[str, frozenset[int]]]:
        """The lines with rows: the hash of what was judged, and the numbers of the rows that are stored."""
        query = f"SELECT task, version, seed, line_sha256, {self.count} FROM {self.table}"  # noqa: S608 - names of ours
        found: dict[LineKey, tuple[str, set[int]]] = {}
        with explained(self._path):
            for task, version, seed, digest, candidate in self._db.execute(query):
                found.setdefault(LineKey(task=task, version=version, seed=seed), (digest, set()))[1].add(candidate)
        return {key: (digest, frozenset(candidates)) for key, (digest, candidates) in found.items()}

    def ask(self, keys: Collection[LineKey]) -> list[int]:
        """Note that lines are handed out. Returns a number for each."""
        statement = (
            "INSERT INTO asks (task, version, seed, asked_at) VALUES (:task, :version, :seed, :now) RETURNING id"
        )
        with explained(self._path), immediate(self._db):
            return [self._db.execute(statement, {**asdict(key), "now": _now()}).fetchone()[0] for key in keys]

    def answer(self, ask: int, key: LineKey, line_sha256: str, predictions: Sequence[Prediction]) -> int:
        """Store a line's rows and note the answer. Returns how many rows were there before and are ignored."""
        with explained(self._path), immediate(self._db):
            ignored = sum(not self._insert(key, line_sha256, prediction) for prediction in predictions)
            statement = "UPDATE asks SET answered_at = :now, rows_ignored = :ignored WHERE id = :id"
            self._db.execute(statement, {"now": _now(), "ignored": ignored, "id": ask})
        return ignored

    @abstractmethod
    def _insert(self, key: LineKey, line_sha256: str, prediction: Prediction) -> bool:
        """Store a row, unless it is there. Returns whether it is new."""

    def _is_new(self, values: Mapping[str, object]) -> bool:
        """Insert the values of a row, unless it is there."""
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        statement = f"INSERT OR IGNORE INTO {self.table} ({names}) VALUES ({places})"  # noqa: S608 - names of ours
        return self._db.execute(statement, dict(values)).rowcount == 1

    def counts(self) -> Counts:
        """How many rows there are, and how often lines were handed out for them."""
        query = "SELECT count(*), count(*) - count(answered_at), coalesce(sum(rows_ignored), 0) FROM asks"
        with explained(self._path):
            asks, unanswered, ignored = self._db.execute(query).fetchone()
            (rows,) = self._db.execute(f"SELECT count(*) FROM {self.table}").fetchone()  # noqa: S608
        return Counts(rows=rows, asks=asks, unanswered=unanswered, rows_ignored=ignored)

    def _prepare(self) -> None:
        """Make the tables in an empty file.

        Raises:
            StoreError: the file holds other tables.
        """
        tables = set(self._db.table_names())
        if not tables:
            for statement in (self.schema, _ASKS):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        elif tables != {self.table, "asks"}:
            remedy = "Name another file, or one that does not exist."
            raise StoreError(f"{self._path} is no file of {self.table}", remedy=remedy)


class Judgements(BulkRows):
    """Rows of candidates that were judged."""

    table = "judgements"
    schema = _JUDGEMENTS
    count = "candidate"

    def _insert(self, key: LineKey, line_sha256: str, prediction: Prediction) -> bool:
        """See `BulkRows`."""
        values = {name: prediction[name] for name in _FIELDS} | asdict(key)
        values |= {"candidate": prediction["candidate_index"], "line_sha256": line_sha256, "judged_at": _now()}
        return self._is_new(values)

    def predictions(self, key: LineKey) -> list[dict[str, Any]]:
        """A line's rows, in the order of its candidates."""
        query = f"""
            SELECT candidate, {", ".join(_FIELDS)} FROM judgements
            WHERE task = :task AND version = :version AND seed = :seed ORDER BY candidate
        """  # noqa: S608 - names of ours
        with explained(self._path):
            rows = self._db.execute(query, asdict(key)).fetchall()
        found = [
            {"task_id": key.task, "candidate_index": row[0], **dict(zip(_FIELDS, row[1:], strict=True))} for row in rows
        ]
        return [row | {"offered": bool(row["offered"])} for row in found]


class Results(BulkRows):
    """Rows of tasks that were sampled, judged and scored."""

    table = "results"
    schema = _RESULTS
    count = "0"

    def _insert(self, key: LineKey, line_sha256: str, prediction: Prediction) -> bool:
        """See `BulkRows`."""
        result = json.dumps(dict(prediction))
        return self._is_new(asdict(key) | {"line_sha256": line_sha256, "result": result, "judged_at": _now()})

    def result(self, key: LineKey) -> str | None:
        """The result of a task, as a line of JSON. None if there is none yet."""
        query = "SELECT result FROM results WHERE task = :task AND version = :version AND seed = :seed"
        with explained(self._path):
            found = self._db.execute(query, asdict(key)).fetchone()
        return str(found[0]) if found else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
