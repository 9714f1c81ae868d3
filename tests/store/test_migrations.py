"""Every released schema is kept as a populated dump and brought up to date; what is newer is refused untouched."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database
from support.dump import DUMPS, restored
from support.facts import outcome, suggestion

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.suggestion import OfferId
from plum_lsp.store import migrations, open_reader, open_store
from plum_lsp.store.database import connect


def schema(path: Path) -> dict[str, str]:
    """The statement that made each table and index."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {str(name): " ".join(str(sql).replace('"', "").split()) for name, sql in rows}


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in sorted(names)}


@pytest.mark.parametrize("dump", sorted(DUMPS.glob("*.sql")), ids=lambda dump: dump.stem)
async def test_a_released_schema_is_brought_up_to_date(tmp_path: Path, dump: Path) -> None:
    """It ends as a fresh one would be, keeps every fact, answers questions and takes new facts."""
    path = restored(dump, tmp_path / "data" / "old.sqlite3")
    facts = contents(path)
    store = open_store(path)
    fresh = tmp_path / "fresh.sqlite3"
    open_store(fresh).close()
    assert schema(path) == schema(fresh)
    for table, rows in facts.items():
        assert len(contents(path)[table]) >= len(rows), table
    for event in suggestion("new"):
        store.record(event)
    await store.record_outcome(outcome("new-offer"))
    store.close()
    with open_reader(path) as reader:
        old = reader.explain(OfferId("r1-offer"))
        assert old is not None
        assert [len(one.verdicts) for one in old.candidates] == [2, 2]
        assert sum(reader.overview().offers.values()) == 2


def test_every_step_has_a_dump() -> None:
    """A step that is released is tested on real rows."""
    names = [name for name, _ in migrations._MIGRATIONS]
    assert [dump.stem for dump in sorted(DUMPS.glob("*.sql"))] == names


def test_bringing_up_to_date_twice_does_nothing(tmp_path: Path) -> None:
    """The second time there is no step left."""
    db = connect(tmp_path / "a.sqlite3")
    assert migrations.migrate(db) == tuple(name for name, _ in migrations._MIGRATIONS)
    assert migrations.migrate(db) == ()
    assert migrations.is_current(db)
    db.close()


def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    """Reading and writing alike: an older plum-lsp does not know what the facts mean."""
    path = tmp_path / "a.sqlite3"
    open_store(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES ('m999_future', '2030-01-01T00:00:00+00:00')")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    for opening in (open_store, open_reader):
        with pytest.raises(StoreError, match=r"newer plum-lsp.*m999_future") as raised:
            opening(path)
        assert "Upgrade" in raised.value.remedy
    assert path.read_bytes() == before


def failing_step(db: Database) -> None:
    """A step that makes a table and then fails."""
    db.execute("CREATE TABLE halves (x TEXT) STRICT")
    raise RuntimeError("the power went out")


def test_a_step_is_applied_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails leaves the schema before it, which still works; once mended it is applied."""
    path = tmp_path / "a.sqlite3"
    open_store(path).close()
    before = schema(path)
    steps = migrations._MIGRATIONS
    monkeypatch.setattr(migrations, "_MIGRATIONS", (*steps, ("m998_half", failing_step)))
    with pytest.raises(RuntimeError):
        open_store(path)
    assert schema(path) == before
    with pytest.raises(StoreError, match="older plum-lsp"):
        open_reader(path)

    monkeypatch.setattr(
        migrations,
        "_MIGRATIONS",
        (*steps, ("m998_half", lambda db: db.execute("CREATE TABLE halves (x TEXT) STRICT"))),
    )
    open_store(path).close()
    assert "halves" in schema(path)


def test_a_file_left_empty_is_made(tmp_path: Path) -> None:
    """A process that died between making the file and its schema left an empty one behind."""
    path = tmp_path / "a.sqlite3"
    path.touch()
    with pytest.raises(StoreError):
        open_reader(path)
    open_store(path).close()
    with open_reader(path) as reader:
        assert reader.overview().requests == 0
