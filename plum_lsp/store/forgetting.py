"""Really deletes what a user asks to have forgotten: rows, what SQLite keeps of them in free pages, and the log.

The only module that deletes facts. Does not reach what left the database: adapters trained on it, exported files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.store.database import BUSY_MS, connect, explained, immediate
from plum_lsp.store.migrations import migrate


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was deleted. `bytes_before` and `bytes_after` count the file and its log."""

    requests: int
    candidates: int
    prompts: int
    bytes_before: int
    bytes_after: int


def forget(
    path: Path,
    *,
    is_wanted: Callable[[str], bool] | None = None,
    since: str = "",
    busy_ms: int = BUSY_MS,
) -> Forgotten:
    """Delete the requests whose document `is_wanted` and that were made at `since` (UTC text) or later.

    All rows that depend on them are deleted in the same transaction. Without a limit on the choice, the pilots go, too.
    All pairs and labels are deleted. They can be rebuilt from the remaining facts. Then the file is rewritten without
    free pages, and the log is emptied.

    Raises:
        StoreError: the store cannot be opened, or another process keeps it busy. The message says whether some or
            all of the rows are still on the disk.
    """
    if not path.is_file():
        raise StoreError(f"there is no store at {path}", remedy="There are no records to forget.")
    before = _size(path)
    db = connect(path, busy_ms=busy_ms)
    try:
        with explained(path):
            migrate(db)
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA foreign_keys = OFF")  # below, children are deleted first, and a check scans them
            with immediate(db):
                counts = _delete(db, is_wanted, since)
            _compact(path, db)
    finally:
        db.close()
    return Forgotten(**counts, bytes_before=before, bytes_after=_size(path))


def _delete(db: Database, is_wanted: Callable[[str], bool] | None, since: str) -> dict[str, int]:
    db.execute("CREATE TEMP TABLE forgotten (id TEXT PRIMARY KEY) STRICT")
    rows = db.execute("SELECT id, document_uri FROM requests WHERE prompted_at >= :since", {"since": since})
    chosen = [(request,) for request, uri in rows.fetchall() if is_wanted is None or is_wanted(uri)]
    db.conn.executemany("INSERT INTO forgotten VALUES (?)", chosen)
    for sql in _DERIVED:
        db.execute(sql)
    candidates = 0
    for table, sql in _FACTS:
        deleted = db.execute(sql).rowcount
        candidates = deleted if table == "candidates" else candidates
    if is_wanted is None:  # endings without a prompt have no request to find them by
        db.execute(
            "DELETE FROM endings WHERE ended_at >= :since AND request_id NOT IN (SELECT id FROM requests)",
            {"since": since},
        )
    if is_wanted is None and not since:
        db.execute("DELETE FROM pilot_answers")
        db.execute("DELETE FROM pilot_stops")
        db.execute("DELETE FROM pilots")
    db.execute("DELETE FROM programs WHERE prompt_hash NOT IN (SELECT prompt_hash FROM requests)")
    prompts = db.execute("DELETE FROM prompts WHERE hash NOT IN (SELECT prompt_hash FROM requests)").rowcount
    db.execute("DROP TABLE forgotten")
    return {"requests": len(chosen), "candidates": candidates, "prompts": prompts}


def _compact(path: Path, db: Database) -> None:
    """Rewrite the file and empty the log. Free pages and old frames would still hold deleted rows."""
    try:
        db.execute("VACUUM")
        ((busy, _, _),) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        busy = 1
    if busy:
        raise StoreError(
            f"the rows are deleted from the store at {path}, but bytes of them may still be on the disk: another"
            " process is reading it",
            remedy="End that process (an editor, plum-trainer) and run the command again.",
        )


def _size(path: Path) -> int:
    parts = (path, path.with_name(path.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


_DERIVED = (
    "DELETE FROM preference_pairs",
    "DELETE FROM preference_labels",
    "DELETE FROM pair_builds",
)

_OFFERS = "(SELECT offers.id FROM offers JOIN forgotten ON forgotten.id = offers.request_id)"

_FACTS = (
    ("survivals", f"DELETE FROM survivals WHERE offer_id IN {_OFFERS}"),  # noqa: S608
    ("outcomes", f"DELETE FROM outcomes WHERE offer_id IN {_OFFERS}"),  # noqa: S608
    ("endings", "DELETE FROM endings WHERE request_id IN (SELECT id FROM forgotten)"),
    ("offers", "DELETE FROM offers WHERE request_id IN (SELECT id FROM forgotten)"),
    ("verdicts", "DELETE FROM verdicts WHERE request_id IN (SELECT id FROM forgotten)"),
    ("qualities", "DELETE FROM qualities WHERE request_id IN (SELECT id FROM forgotten)"),
    ("judgements", "DELETE FROM judgements WHERE request_id IN (SELECT id FROM forgotten)"),
    ("candidates", "DELETE FROM candidates WHERE request_id IN (SELECT id FROM forgotten)"),
    ("test_cases", "DELETE FROM test_cases WHERE request_id IN (SELECT id FROM forgotten)"),
    ("requests", "DELETE FROM requests WHERE id IN (SELECT id FROM forgotten)"),
)
"""Children before their parents, as the foreign keys ask."""
