"""Opening the file: who may read it, what is refused, and what the user is told."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.facts import prompted

from plum_lsp.domain.errors import StoreError
from plum_lsp.store import Store, open_reader, open_store, set_aside
from plum_lsp.store.database import connect, connect_reader, explained, immediate


def pragma(path: Path, name: str) -> object:
    """A pragma's value on a connection made as the writer makes it."""
    db = connect(path)
    try:
        return db.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        db.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("synchronous", 1), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_the_pragmas_are_set(path: Path, name: str, value: object) -> None:
    """WAL, NORMAL, foreign keys, five seconds of patience."""
    assert pragma(path, name) == value


def test_every_table_is_strict(path: Path, store: Store) -> None:
    """No column takes a value of another type."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    assert len(tables) > 10
    assert {name for name, strict in tables if not strict} == {"sqlite_schema"}


def test_only_the_owner_may_read(path: Path, store: Store) -> None:
    """The file and what stands beside it are closed to others, and so is the folder."""
    store.record(prompted())
    store.flush()
    parts = list(path.parent.iterdir())
    assert len(parts) == 4
    assert {part.stat().st_mode & 0o777 for part in parts} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_open_to_others_is_closed(path: Path) -> None:
    """One that was copied without care is made private again."""
    open_store(path).close()
    path.chmod(0o644)
    open_store(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_applications_database_is_refused(path: Path) -> None:
    """It is left as it was."""
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another application"):
        open_store(path)
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused(path: Path) -> None:
    """A file of another kind is left as it was."""
    path.parent.mkdir()
    path.write_text("not a database, but long enough to have a header of its own" * 20)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="no database") as raised:
        open_store(path)
    assert raised.value.remedy
    assert path.read_bytes() == before


def damaged(path: Path) -> Path:
    """A store with facts, some pages of which are overwritten."""
    store = open_store(path)
    for number in range(300):
        store.record(prompted(f"r{number}", prompt=f"prompt {number} " * 20))
    store.close()
    content = bytearray(path.read_bytes())
    content[8192 : 8192 + 40960] = b"\xa5" * 40960
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize("opening", [open_store, open_reader])
def test_a_damaged_store_is_refused_and_kept(path: Path, opening: object) -> None:
    """Nothing is moved or deleted without being asked."""
    damaged(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="damaged"):
        opening(path)  # type: ignore[operator]
    assert path.read_bytes() == before
    assert [part.name for part in path.parent.iterdir() if "aside" in part.name] == []


def test_damage_in_a_large_store_is_told_when_it_is_reached(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening does not read all of it, so that it takes no longer with every day of use; nothing is repaired."""
    damaged(path)
    before = path.read_bytes()
    monkeypatch.setattr("plum_lsp.store.database.CHECKED_BYTES_MAX", 0)
    with pytest.raises(StoreError, match="damaged"), open_reader(path) as reader:
        reader.overview()
        reader.evidence()
    assert path.read_bytes() == before


def test_a_store_set_aside_is_kept_and_makes_room(path: Path) -> None:
    """On the user's command the damaged file moves, whole, and a fresh one can be opened."""
    content = damaged(path).read_bytes()
    aside = set_aside(path, now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert aside.name == "plum.sqlite3.aside-20260102T030405Z"
    assert aside.read_bytes() == content
    assert not path.exists()
    open_store(path).close()


def test_setting_aside_never_overwrites(path: Path) -> None:
    """Twice in one second is an error, not a loss."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    open_store(path).close()
    set_aside(path, now=now)
    open_store(path).close()
    with pytest.raises(StoreError, match="exists"):
        set_aside(path, now=now)


def test_a_store_locked_at_the_start_is_told(path: Path) -> None:
    """When another process holds a migration's lock for too long, opening fails instead of hanging."""
    holder = connect(path)
    holder.conn.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process"):
        open_store(path, busy_ms=20)
    holder.close()


def test_any_folder_name_will_do(tmp_path: Path) -> None:
    """Spaces and the characters that mean something in a URI are part of the name."""
    path = tmp_path / "a b?c=1#d%20é" / "plum.sqlite3"
    open_store(path).close()
    with open_reader(path) as reader:
        assert reader.overview().requests == 0
    assert [part.name for part in tmp_path.iterdir()] == ["a b?c=1#d%20é"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The remedy names the variable."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as raised:
        open_store(tmp_path / "file" / "plum.sqlite3")
    assert "PLUM_DATA_DIR" in raised.value.remedy


def test_a_store_that_cannot_be_written_is_told(path: Path, store: Store) -> None:
    """What SQLite says of a read-only file becomes a sentence with a remedy."""
    db = connect_reader(path)
    with pytest.raises(StoreError, match="cannot be written") as raised, explained(path), immediate(db):
        db.execute("DELETE FROM requests")
    db.close()
    assert raised.value.remedy


def test_a_transaction_takes_the_lock_at_once(path: Path, store: Store) -> None:
    """One that began by reading would fail without waiting if another process wrote before its first write."""
    db, other = connect(path), connect(path, busy_ms=0)
    with immediate(db), pytest.raises(StoreError, match="locked"), explained(path), immediate(other):
        pass
    db.close()
    other.close()


def test_a_failing_transaction_leaves_nothing(path: Path, store: Store) -> None:
    """Rolled back as a whole."""
    db = connect(path)
    with pytest.raises(ZeroDivisionError), immediate(db):
        db.execute("INSERT INTO prompts (hash, text) VALUES ('h', 't')")
        raise ZeroDivisionError
    assert db.execute("SELECT count(*) FROM prompts").fetchone()[0] == 0
    db.close()


def test_every_table_is_documented(path: Path, store: Store) -> None:
    """docs/store.md names each table, and no other."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    page = (Path(__file__).parents[2] / "docs" / "store.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == tables
