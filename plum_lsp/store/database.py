"""Opens the SQLite file: pragmas, permissions, and what a failure means for the user. It knows no tables.

`synchronous = NORMAL` with WAL: commits survive the death of every process (SIGKILL included). The last commits may be
lost if the machine loses power. The file is consistent even then (sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import contextlib
import json
import shlex
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.verification import Origin


@contextlib.contextmanager
def _without(*packages: str) -> Iterator[None]:
    """Let an import of these packages fail, unless they are imported already."""
    hidden = {name: None for name in packages if name not in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]  # None stands for a module that cannot be imported.
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _without("pandas", "numpy"):
    # sqlite-utils imports both where they are installed, for types that no fact has. Each command would start half a
    # second later. This module is the first of the package that is imported.
    from sqlite_utils import Database

APPLICATION_ID = 0x706C756D
"""`plum` in ASCII: tells our file from any other database (sqlite.org/pragma.html#pragma_application_id)."""

SPECIFICATION = {"specification": json.dumps([origin.value for origin in Origin if origin.is_specification])}
"""A parameter of queries about a specification: `origin IN (SELECT value FROM json_each(:specification))`."""

_RETRY_SECONDS = 0.01

BUSY_MS = 5_000
"""How long a writer waits for another process. A transaction takes a few milliseconds."""


CHECKED_BYTES_MAX = 64 * 2**20
"""Reading every page of this many bytes takes about 0.1 s. A store of a million candidates would take seconds each time
it is opened. Damage in a larger file is reported when it is read."""


class _TextDatabase(Database):
    """Stores any text: half of a UTF-16 pair, which a policy or a candidate may write, is kept as `\\ud800`."""

    def execute(self, sql: str, parameters: Any = None) -> sqlite3.Cursor:
        if isinstance(parameters, dict):
            parameters = {name: _storable(value) for name, value in parameters.items()}
        elif parameters is not None:
            parameters = [_storable(value) for value in parameters]
        return super().execute(sql, parameters)


def _storable(value: Any) -> Any:
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode()


def connect(path: Path, *, busy_ms: int = BUSY_MS, is_shared: bool = False) -> Database:
    """Open the database for writing and make it if need be, readable by its owner only.

    The connection may be handed to another thread, but only one may use it. One that `is_shared` may lie in a network
    folder, where others read it: it has no WAL, which needs shared memory (sqlite.org/wal.html), and its group may
    read it.

    Raises:
        StoreError: it is locked, cannot be written, is damaged or is not ours.
    """
    with explained(path):
        mode = 0o640 if is_shared else 0o600
        if not is_shared:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=mode)
        if path.stat().st_mode & ~mode & 0o777:
            path.chmod(mode)
        connection = sqlite3.connect(path, timeout=busy_ms / 1000, check_same_thread=False)
    return _prepared(path, connection, write=True, busy_ms=busy_ms, has_wal=not is_shared)


def connect_reader(path: Path, *, busy_ms: int = BUSY_MS) -> Database:
    """Open an existing database, read-only.

    Raises:
        StoreError: it is missing, unreadable, damaged or not a database of plum-lsp.
    """
    if not path.is_file():
        raise StoreError(f"there is no store at {path}", remedy="It is made by the first suggestion.")
    with explained(path):
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=busy_ms / 1000, check_same_thread=False
        )
    return _prepared(path, connection, write=False, busy_ms=busy_ms)


def try_writing(db: Database, path: Path) -> None:
    """Write a page that says what it said before, to see whether the disk takes it.

    Raises:
        StoreError: it does not.
    """
    with explained(path), immediate(db):
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def set_aside(path: Path, *, now: datetime | None = None) -> Path:
    """Move the database and its files out of the way, and return the new path. For an explicit command only.

    Raises:
        StoreError: it cannot be moved.
    """
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.aside-{stamp}")
    with explained(path):
        if aside.exists():
            raise FileExistsError(0, "a file of that name exists", str(aside))
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    return aside


@contextlib.contextmanager
def immediate(db: Database) -> Iterator[None]:
    """One transaction that takes the write lock at once.

    A deferred one (`Database.atomic` alone) fails without waiting when another process wrote in between
    (SQLITE_BUSY_SNAPSHOT, sqlite.org/rescode.html#busy_snapshot).
    """
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.conn.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite or the file system raises into a `StoreError` that says what can be done."""
    try:
        yield
    except sqlite3.Error as error:
        raise _store_error(path, error) from error
    except OSError as error:
        raise StoreError(
            f"the store at {path} cannot be used: {error.strerror}",
            remedy="Check the folder's permissions, or set PLUM_DATA_DIR to another one.",
        ) from error


_AWAY = "To start afresh, move it away: mkdir -p {folder}/aside && mv {path}* {folder}/aside"
"""Its log goes with it (`-wal`): SQLite would replay that into the new file."""
_MEANINGS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: ("is locked by another process", "End the process that holds it, then try again."),
    sqlite3.SQLITE_READONLY: ("cannot be written", "Make the file and its folder writable, or set PLUM_DATA_DIR."),
    sqlite3.SQLITE_PERM: ("cannot be written", "Make the file and its folder writable, or set PLUM_DATA_DIR."),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "Make the file and its folder writable, or set PLUM_DATA_DIR."),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "Free some space. Earlier records are safe."),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk fails or is full",
        "Free some space, or check the disk.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        f"This may save its facts: sqlite3 {{path}} .recover > recovered.sql. {_AWAY}",
    ),
    sqlite3.SQLITE_NOTADB: ("is no database", f"Set PLUM_DATA_DIR to another folder. {_AWAY}"),
}
_ONLY_THE_PRIMARY_CODE = 0xFF
"""Extended result codes carry the primary one in the low byte (sqlite.org/rescode.html)."""


def _store_error(path: Path, error: sqlite3.Error) -> StoreError:
    """What a SQLite error means for the user."""
    code = getattr(error, "sqlite_errorcode", 0) & _ONLY_THE_PRIMARY_CODE
    meaning, remedy = _MEANINGS.get(code, (f"failed: {error}", ""))
    return StoreError(f"the store at {path} {meaning}", remedy=_in_words(remedy, path))


def _in_words(remedy: str, path: Path) -> str:
    """The remedy with the paths of this store, as a shell takes them."""
    return remedy.replace("{path}", shlex.quote(str(path))).replace("{folder}", shlex.quote(str(path.parent)))


def _prepared(
    path: Path, connection: sqlite3.Connection, *, write: bool, busy_ms: int, has_wal: bool = True
) -> Database:
    """The connection with its pragmas set and the file checked. It is closed if a check fails."""
    try:
        with explained(path):
            db = _TextDatabase(connection, execute_plugins=False, recursive_triggers=False)
            _refuse_foreign(path, db)
            _refuse_damaged(path, db)
            if write and has_wal:
                _enable_wal(db, busy_ms=busy_ms)
                db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
            return db
    except BaseException:
        connection.close()
        raise


def _enable_wal(db: Database, *, busy_ms: int) -> None:
    """Switch a new file to WAL. SQLite does not wait for the lock this takes (sqlite.org/wal.html), so we do."""
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            return db.enable_wal()
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & _ONLY_THE_PRIMARY_CODE == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY_SECONDS)


def _refuse_foreign(path: Path, db: Database) -> None:
    """Another application's database is not ours to write in.

    The tables are counted first: another process of ours may be making them, together with the identity, right now.
    """
    ((tables,),) = db.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    ((identity,),) = db.execute("PRAGMA application_id").fetchall()
    if identity != APPLICATION_ID and (identity or tables):
        raise StoreError(
            f"{path} is the database of another application", remedy="Set PLUM_DATA_DIR to another folder."
        )


def _refuse_damaged(path: Path, db: Database) -> None:
    """`quick_check` reads every page but compares no index with its table. It is skipped for a large file."""
    if path.stat().st_size > CHECKED_BYTES_MAX:
        db.execute("SELECT count(*) FROM sqlite_schema")
        return
    ((found,),) = db.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise StoreError(
            f"the store at {path} is damaged: {found}", remedy=_in_words(_MEANINGS[sqlite3.SQLITE_CORRUPT][1], path)
        )
