"""Several processes on one store: two editors at once, and processes that are killed while they write."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plum_lsp.store import open_reader, open_store

TESTS_FOLDER = Path(__file__).parents[1]


def start(path: Path, name: str, *count: str) -> subprocess.Popen[str]:
    """Start a process that writes and acknowledges."""
    return subprocess.Popen(
        [sys.executable, "-m", "support.writing_child", str(path), name, *count],
        cwd=TESTS_FOLDER,
        stdout=subprocess.PIPE,
        text=True,
    )


def integrity(path: Path) -> list[str]:
    """What SQLite finds wrong with the file and its foreign keys."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    return [line for line in found if line != "ok"] + [str(row) for row in broken]


def outcomes(path: Path) -> set[str]:
    """The requests whose outcome is in the file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {str(row[0]).removesuffix("-offer") for row in connection.execute("SELECT offer_id FROM outcomes")}


@pytest.mark.slow
def test_a_killed_process_loses_nothing_acknowledged(path: Path) -> None:
    """SIGKILL at ten random instants: the file stays whole and holds every acknowledged outcome."""
    instants = random.Random(20261123)
    acknowledged: set[str] = set()
    for round_number in range(10):
        with start(path, f"round{round_number}") as child:
            assert child.stdout is not None
            acknowledged.add(child.stdout.readline().strip())
            threading.Event().wait(instants.uniform(0.0, 0.25))
            child.kill()
            acknowledged |= {line.strip() for line in child.stdout if line.endswith("\n")}
        assert child.returncode == -signal.SIGKILL
        assert integrity(path) == []
        assert acknowledged <= outcomes(path)
    assert len(acknowledged) >= 10
    with open_reader(path) as reader:
        assert reader.overview().requests >= len(acknowledged)


@pytest.mark.slow
def test_a_killed_process_leaves_whole_requests_behind(path: Path) -> None:
    """Every acknowledged offer can be explained with its full matrix."""
    with start(path, "a") as child:
        assert child.stdout is not None
        first = child.stdout.readline().strip()
        child.kill()
    store = open_store(path)
    store.close()
    with open_reader(path) as reader:
        known = reader.explain(f"{first}-offer")  # type: ignore[arg-type]
    assert known is not None
    assert [len(one.verdicts) for one in known.candidates] == [2, 2]


@pytest.mark.slow
def test_two_editors_write_at_once(path: Path) -> None:
    """Both make the database and both write; each keeps everything, and a reader in between is not in the way."""
    with start(path, "left", "60") as left, start(path, "right", "60") as right:
        assert left.stdout is not None
        left.stdout.readline()
        with open_reader(path) as reader:
            assert reader.overview().requests > 0
        for child in (left, right):
            child.communicate(timeout=120)
    assert (left.returncode, right.returncode) == (0, 0)
    assert integrity(path) == []
    assert len(outcomes(path)) == 120


@pytest.mark.slow
def test_many_may_make_the_database_at_once(path: Path) -> None:
    """Opening an editor with several windows starts several servers in the same instant."""
    children = [start(path, f"window{number}", "1") for number in range(6)]
    for child in children:
        child.communicate(timeout=120)
    assert [child.returncode for child in children] == [0] * 6
    assert len(outcomes(path)) == 6


def test_opening_at_once_from_threads_makes_one_schema(path: Path) -> None:
    """The steps of the schema are applied exactly once, whoever comes first; nobody is told that it is locked."""
    barrier = threading.Barrier(6)

    def make() -> None:
        barrier.wait()
        open_store(path).close()

    with ThreadPoolExecutor(6) as pool:
        for made in [pool.submit(make) for _ in range(6)]:
            made.result()
