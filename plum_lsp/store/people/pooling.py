"""Puts the facts of several stores into one, for a trainer of many people. The sources are only read.

Each source is copied, and the copy is brought up to date. A source that a newer plum-lsp wrote is refused by its name.
Ids of requests and offers get their author before them, so that no store can speak for the requests of another. The
author is the source's, whatever its rows say. A prompt counts only under its own hash.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.store.database import connect, connect_reader, explained, immediate
from plum_lsp.store.migrations import migrate
from plum_lsp.store.records import hash_of

_TABLES = (
    "prompts",
    "requests",
    "programs",
    "test_cases",
    "candidates",
    "judgements",
    "verdicts",
    "qualities",
    "offers",
    "endings",
    "outcomes",
    "survivals",
)
"""Parents before their children."""
_OWN_NUMBERS = {"judgements", "outcomes", "survivals"}
"""Tables whose ids are numbers of their store. They are numbered anew, in the same order."""
_IDS = {
    "requests": ("id",),
    "offers": ("id", "request_id"),
    "endings": ("request_id", "offer_id"),
    "outcomes": ("offer_id",),
    "survivals": ("offer_id",),
}
"""The columns with ids of requests and offers, where they are not `request_id` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A store and whose facts are in it. The own store must be readable, and another one is left out if it is not."""

    path: Path
    author: str
    is_own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """What a pool holds: requests by author, and why a source was refused."""

    requests: dict[str, int]
    refused: tuple[str, ...]


def pool(path: Path, sources: Iterable[Source]) -> Pooled:
    """Make the pool anew from these sources.

    Raises:
        StoreError: the pool cannot be written, or the own store cannot be read.
    """
    for part in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        part.unlink(missing_ok=True)
    requests: dict[str, int] = {}
    refused = []
    db = connect(path)
    try:
        with explained(path):
            migrate(db)
        for source in sources:
            try:
                count = _add(path, db, source)
            except StoreError as error:
                if source.is_own:
                    raise
                refused.append(f"{source.path.name}: {error}")
            else:
                requests[source.author] = requests.get(source.author, 0) + count
    finally:
        db.close()
    return Pooled(requests=requests, refused=tuple(refused))


def _add(path: Path, db: Database, source: Source) -> int:
    with _up_to_date(source.path) as old, explained(path), immediate(db):
        into = _Into(author=source.author, versions=_versions(db, old), prompts=_foreign_hashes(old, source.author))
        for table in _TABLES:
            _copy(db, old, table, into)
        ((count,),) = old.execute("SELECT count(*) FROM requests").fetchall()
        return int(count)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Into:
    """How the rows of a source are called in the pool."""

    author: str
    versions: dict[int, int]
    prompts: dict[str, str]


@contextlib.contextmanager
def _up_to_date(path: Path) -> Iterator[Database]:
    """A copy of a store, in the schema of today."""
    with tempfile.TemporaryDirectory(prefix="plum-pool-") as folder:
        copy = Path(folder) / path.name
        reader = connect_reader(path)
        try:
            with explained(path), contextlib.closing(sqlite3.connect(copy)) as target:
                reader.conn.backup(target)
        finally:
            reader.close()
        old = connect(copy)
        try:
            with explained(path):
                migrate(old)
                yield old
        finally:
            old.close()


def _versions(db: Database, old: Database) -> dict[int, int]:
    """The number in the pool for each policy version of a source."""
    found = {}
    for row in old.query("SELECT * FROM policy_versions"):
        number = row.pop("id")
        db.execute(
            """
            INSERT INTO policy_versions (number, model, model_sha256, adapter_sha256, first_seen_at)
            VALUES (:number, :model, :model_sha256, :adapter_sha256, :first_seen_at) ON CONFLICT DO NOTHING
            """,
            row,
        )
        ((found[number],),) = db.execute(
            """
            SELECT id FROM policy_versions WHERE number = :number AND model = :model
              AND model_sha256 = :model_sha256 AND adapter_sha256 = :adapter_sha256
            """,
            row,
        ).fetchall()
    return found


def _foreign_hashes(old: Database, author: str) -> dict[str, str]:
    """New keys for prompts whose key is not the hash of their text: it could not be kept as it was, or is a lie."""
    rows = old.query("SELECT hash, text FROM prompts")
    return {row["hash"]: f"{author}:{row['hash']}" for row in rows if hash_of(row["text"]) != row["hash"]}


def _copy(db: Database, old: Database, table: str, into: _Into) -> None:
    columns = [name for (_, name, *_) in db.execute(f"PRAGMA table_info({table})").fetchall()]
    if table in _OWN_NUMBERS:
        columns.remove("id")
    listed, named = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    insert = f"INSERT INTO {table} ({listed}) VALUES ({named}) ON CONFLICT DO NOTHING"  # noqa: S608
    rows = old.query(f"SELECT {listed} FROM {table} ORDER BY rowid")  # noqa: S608
    db.conn.executemany(insert, (_renamed(table, row, into) for row in rows))


def _renamed(table: str, row: dict[str, Any], into: _Into) -> dict[str, Any]:
    """A row as it stands in the pool."""
    for column in _IDS.get(table, ("request_id",)):
        if row.get(column) is not None:
            row[column] = f"{into.author}:{row[column]}"
    key = "hash" if table == "prompts" else "prompt_hash"
    if key in row:
        row[key] = into.prompts.get(row[key], row[key])
    if table == "requests":
        row |= {"author": into.author, "pilot_id": None, "arm": None}  # a pilot is a matter of its own store
    if table == "candidates":
        row["policy_version_id"] = into.versions[row["policy_version_id"]]
    return row
