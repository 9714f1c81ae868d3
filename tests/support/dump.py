"""Writes the dump of a new migration: the newest dump, brought up to date. Run `python -m support.dump` in `tests/`."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path

from plum_lsp.store import migrations, open_store
from plum_lsp.store.database import APPLICATION_ID

DUMPS = Path(__file__).parents[1] / "store" / "dumps"


def restored(dump: Path, path: Path) -> Path:
    """The database a dump describes. Dumps leave the application's identity out, which stands in the header."""
    path.parent.mkdir(exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return path


def write_newest() -> Path:
    """Write the dump of the last step and return its path."""
    newest = max(DUMPS.glob("*.sql"))
    target = DUMPS / f"{migrations._MIGRATIONS[-1][0]}.sql"
    with tempfile.TemporaryDirectory() as folder:
        path = restored(newest, Path(folder) / "data" / "old.sqlite3")
        open_store(path).close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            target.write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    print(write_newest())
