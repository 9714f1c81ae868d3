"""Whose requests a store holds: random ids, the same for every session, private to the owner."""

from __future__ import annotations

import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.facts import suggestion

from plum_lsp.store import open_store
from plum_lsp.store.identity import own_identity


def test_every_request_says_whose_it_is(tmp_path: Path) -> None:
    """Two sessions of one person write the same ids, which tell neither name nor host."""
    path = tmp_path / "plum.sqlite3"
    for name in ("one", "two"):
        store = open_store(path)
        for event in suggestion(name):
            store.record(event)
        store.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT author, machine FROM requests").fetchall()
    own = own_identity(tmp_path)
    assert rows == [(own.author, own.machine)] * 2
    assert (tmp_path / "identity.json").stat().st_mode & 0o077 == 0


def test_two_folders_are_two_people(tmp_path: Path) -> None:
    """Ids are drawn, not derived."""
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    one, other = map(own_identity, folders)
    assert len({one.author, one.machine, other.author, other.machine}) == 4


def test_processes_that_begin_at_once_agree(tmp_path: Path) -> None:
    """The first file stands."""
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(own_identity, [tmp_path] * 64))
    assert found == {own_identity(tmp_path)}
    assert [file.name for file in tmp_path.iterdir()] == ["identity.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"author": 1, "machine": 2}', '{"author": "../x", "machine": "y"}'])
def test_a_damaged_file_is_replaced(tmp_path: Path, text: str) -> None:
    """A new identity is better than no record."""
    (tmp_path / "identity.json").write_text(text)
    assert own_identity(tmp_path) == own_identity(tmp_path)
