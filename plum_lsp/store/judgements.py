"""A file with the rows of bulk verification: one for each candidate, stored once for all machines.

A line of candidates may be judged more than once: a machine was lost, the command was stopped, or two commands work on
the same file. The first answer counts. `asks` counts what was handed out, so that repeats can be told from rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.store.database import APPLICATION_ID, connect, explained, immediate

_SCHEMA = (
    """
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
    """,
    """
    CREATE TABLE asks (
      id INTEGER PRIMARY KEY,
      task TEXT NOT NULL,
      version TEXT NOT NULL,
      seed INTEGER NOT NULL,
      asked_at TEXT NOT NULL,
      answered_at TEXT,
      rows_ignored INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
)
_FIELDS = ("offered", "score", "probability", "tier", "tests_run", "tests_passed", "reason", "wall_ms")

Prediction = Mapping[str, object]
"""One candidate's result, as `VerifiedTask.lines` gives it."""


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


class Judgements:
    """The open file. Use it in one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it if there is none.

        Raises:
            StoreError: it cannot be used, or it is another store.
        """
        self._path = path
        self._db = connect(path)
        try:
            with explained(path), immediate(self._db):
                _prepare(path, self._db)
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Judgements:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def stored(self) -> dict[LineKey, tuple[str, frozenset[int]]]:
        """The lines with rows: the hash of the line that was judged, and the candidates whose rows are stored."""
        query = "SELECT task, version, seed, line_sha256, candidate FROM judgements"
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

    def _insert(self, key: LineKey, line_sha256: str, prediction: Prediction) -> bool:
        """Whether the row is new."""
        values = {name: prediction[name] for name in _FIELDS} | asdict(key)
        values |= {"candidate": prediction["candidate_index"], "line_sha256": line_sha256, "judged_at": _now()}
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        statement = f"INSERT OR IGNORE INTO judgements ({names}) VALUES ({places})"  # noqa: S608 - names of ours
        return self._db.execute(statement, values).rowcount == 1

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

    def counts(self) -> Counts:
        """How many rows there are, and how often lines were handed out for them."""
        query = "SELECT count(*), count(*) - count(answered_at), coalesce(sum(rows_ignored), 0) FROM asks"
        with explained(self._path):
            asks, unanswered, ignored = self._db.execute(query).fetchone()
            (rows,) = self._db.execute("SELECT count(*) FROM judgements").fetchone()
        return Counts(rows=rows, asks=asks, unanswered=unanswered, rows_ignored=ignored)


def _prepare(path: Path, db: Database) -> None:
    """Make the tables in an empty file.

    Raises:
        StoreError: the file holds other tables.
    """
    tables = set(db.table_names())
    if not tables:
        for statement in _SCHEMA:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    elif tables != {"judgements", "asks"}:
        raise StoreError(f"{path} is no file of judgements", remedy="Name another file, or one that does not exist.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
