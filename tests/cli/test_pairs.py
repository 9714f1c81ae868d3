"""`plum-lsp pairs` and `plum-lsp forget` on a real store."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.facts import outcome, suggestion

from plum_lsp.cli import plum_lsp
from plum_lsp.config.folder import store_file
from plum_lsp.config.folder import test_maps_folder as maps_folder
from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.feedback.noise import MEASURED
from plum_lsp.project.facts import FOLDER
from plum_lsp.store import open_store


def run(folder: Path, *arguments: str, **environment: str) -> Result:
    """The command with its data in this folder and no settings of the developer's."""
    base = {"PLUM_DATA_DIR": str(folder), "PLUM_CACHE_DIR": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder)}
    return CliRunner().invoke(plum_lsp, list(arguments), env={**base, "COLUMNS": "160", **environment})


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A data folder with three requests for one prompt."""
    store = open_store(store_file(tmp_path))
    for name in ("r1", "r2", "r3"):
        for event in suggestion(name):
            store.record(event)
    await store.record_outcome(outcome("r1-offer", OutcomeKind.DISMISSED))
    store.close()
    return tmp_path


def test_pairs_are_built_listed_and_shown(folder: Path) -> None:
    """Three requests for one prompt hold the same two programs: one pair and two labels."""
    built = run(folder, "pairs", "rebuild")
    assert built.exit_code == 0, built.output
    counts = {line.split()[0]: line.split()[1] for line in built.output.splitlines()}
    assert (counts["pair_verdict"], counts["label_desirable"], counts["label_undesirable"]) == ("1", "1", "1")
    assert "verdict" in run(folder, "pairs", "list").output
    shown = run(folder, "pairs", "show", "1").output
    assert "return a + b" in shown.partition("--- chosen")[2].partition("--- rejected")[0]
    assert run(folder, "pairs", "show", "99").exit_code == 1


def test_a_build_says_how_often_labels_like_these_were_wrong(folder: Path) -> None:
    """By what they rest on, with the interval. The figures are the documented ones."""
    built = run(folder, "pairs", "rebuild").output
    assert "Label noise was measured on 72 labelled groups, not on your code:" in built
    assert "7.1% wrong (3.8% to 12.9%): about 0 of your 1" in built
    assert "right, consistent" not in built, "there is no such label"
    text = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    rows = [
        line.replace("`", "").split(" | ")[:3]
        for line in text.splitlines()
        if line.startswith(("| right,", "| wrong,"))
    ]
    assert [[f"| {one.ground}", str(one.labels), str(one.wrong)] for one in MEASURED] == rows


def test_building_again_gives_the_same(folder: Path) -> None:
    """Pairs are derived: the latest build counts, the one before is gone."""
    exports = []
    for _ in range(2):
        run(folder, "pairs", "rebuild")
        exports.append(run(folder, "pairs", "export", "--format", "trl-dpo").stdout)
    assert exports[0] == exports[1]
    with sqlite3.connect(store_file(folder)) as connection:
        assert connection.execute("SELECT count(*) FROM preference_pairs").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("form", "keys"),
    [("trl-dpo", {"prompt", "chosen", "rejected"}), ("trl-kto", {"prompt", "completion", "label"})],
)
def test_exports_are_rows_for_trl(folder: Path, tmp_path: Path, form: str, keys: set[str]) -> None:
    """JSON lines with the columns that TRL's trainers ask for."""
    run(folder, "pairs", "rebuild")
    file = tmp_path / "out.jsonl"
    assert run(folder, "pairs", "export", "--format", form, "-o", str(file)).exit_code == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows
    assert all(set(row) == keys for row in rows)


def test_benchmark_tasks_are_kept_out(folder: Path, tmp_path: Path) -> None:
    """A function with the header and docstring of a task is not trained on, whatever its layout."""
    store = open_store(store_file(folder))
    from support.facts import prompted

    header = 'def solve(a, b):\n    """Add the two given numbers together."""\n'
    for event in suggestion("r9"):
        store.record(prompted("r9", prompt=header) if type(event).__name__ == "Prompted" else event)
    store.close()
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text(json.dumps({"prompt": "import os\n\n" + header.replace("    ", "  ")}) + "\n")
    built = run(folder, "pairs", "rebuild", PLUM_LEARNING_EXCLUDE_TASKS=str(tasks))
    assert built.exit_code == 0, built.output
    assert "left_out_benchmark_prompts       1" in built.output


def test_what_is_private_now_teaches_nothing(folder: Path) -> None:
    """Even if it was recorded before the settings said so."""
    built = run(folder, "pairs", "rebuild", PLUM_PRIVACY_EXCLUDE="**/p/*.py")
    assert "left_out_private_prompts         1" in built.output


def test_forgetting_everything_leaves_no_byte(folder: Path) -> None:
    """Neither in rows, nor in free pages, nor in the log; pairs go with their facts."""
    run(folder, "pairs", "rebuild")
    path = store_file(folder)
    assert b"return a - b" in b"".join(part.read_bytes() for part in folder.glob("plum.sqlite3*"))
    (folder / "training" / "round-1").mkdir(parents=True)
    maps_folder(folder).mkdir()
    (folder / "cache" / FOLDER).mkdir(parents=True)
    done = run(folder, "forget", "--all", "--yes")
    assert done.exit_code == 0, done.output
    assert "3 requests, 6 candidates, 1 prompts" in done.output
    left = b"".join(part.read_bytes() for part in folder.glob("plum.sqlite3*"))
    assert b"return a" not in left
    assert not (folder / "training" / "round-1").exists()
    assert not maps_folder(folder).exists()
    assert not (folder / "cache" / FOLDER).exists()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize(("wanted", "left"), [("/p/a.py", 0), ("/p", 0), ("/q", 3)])
def test_forgetting_a_path_takes_that_path(folder: Path, wanted: str, left: int) -> None:
    """A file, or everything in a folder; other files stay."""
    assert run(folder, "forget", "--path", wanted, "--yes").exit_code == 0
    with sqlite3.connect(store_file(folder)) as connection:
        assert connection.execute("SELECT count(*) FROM requests").fetchall() == [(left,)]


@pytest.mark.parametrize(("since", "left"), [("2999-01-01", 3), ("1h", 0), ("2000-01-01T10:00", 0)])
def test_forgetting_since_a_time(folder: Path, since: str, left: int) -> None:
    """A time, or how long ago."""
    assert run(folder, "forget", "--since", since, "--yes").exit_code == 0
    with sqlite3.connect(store_file(folder)) as connection:
        assert connection.execute("SELECT count(*) FROM requests").fetchall() == [(left,)]


def test_forgetting_needs_to_be_told_what(folder: Path) -> None:
    """And a yes: without either, nothing is touched."""
    assert run(folder, "forget").exit_code == 2
    assert run(folder, "forget", "--all").exit_code == 1
    assert run(folder, "forget", "--since", "yesterdayish", "--yes").exit_code == 2
    with sqlite3.connect(store_file(folder)) as connection:
        assert connection.execute("SELECT count(*) FROM requests").fetchall() == [(3,)]


def test_a_reader_in_the_way_is_told(folder: Path) -> None:
    """What is not yet gone from the disk is not said to be."""
    with sqlite3.connect(store_file(folder)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM requests").fetchall()
        done = run(folder, "forget", "--all", "--yes")
        reader.rollback()
    assert isinstance(done.exception, StoreError)
    assert "may still be on the disk" in str(done.exception)
    assert run(folder, "forget", "--all", "--yes").exit_code == 0
