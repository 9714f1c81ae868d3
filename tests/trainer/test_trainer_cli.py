"""`plum-trainer status` tells what is there, and claims nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.facts import outcome, suggestion

from plum_lsp.store import open_store, store_file
from plum_trainer.cli import main


def run(folder: Path, *arguments: str) -> Result:
    """The command with its data in this folder and no settings of the developer's."""
    environment = {"PLUM_DATA_DIR": str(folder), "XDG_CONFIG_HOME": str(folder), "COLUMNS": "120"}
    return CliRunner().invoke(main, list(arguments), env=environment)


async def test_status_counts_the_evidence(tmp_path: Path) -> None:
    """By policy version: requests, candidates, run, passing, mixed groups and outcomes."""
    store = open_store(store_file(tmp_path))
    for event in (*suggestion("r1"), *suggestion("r2")):
        store.record(event)
    await store.record_outcome(outcome("r1-offer"))
    store.close()
    result = run(tmp_path, "status")
    assert result.exit_code == 0, result.output
    (row,) = [line.split() for line in result.output.splitlines() if "(tiny)" in line]
    assert row == ["1", "(tiny)", "2", "4", "4", "2", "2", "1"]


def test_status_says_that_it_does_not_train(tmp_path: Path) -> None:
    """An empty store is no failure, and nobody is led to expect training."""
    open_store(store_file(tmp_path)).close()
    result = run(tmp_path, "status")
    assert result.exit_code == 0
    assert "No candidate has been sampled yet." in result.output
    assert "not part of this version" in result.output


def test_status_reads_only(tmp_path: Path) -> None:
    """A store that is not there is an error with a remedy, and is not made."""
    result = run(tmp_path, "status")
    assert result.exit_code == 1
    assert "no store" in result.output
    assert "Traceback" not in result.output
    assert not store_file(tmp_path).exists()


@pytest.mark.parametrize("command", ["run", "train", "fit", "publish"])
def test_nothing_pretends_to_train(tmp_path: Path, command: str) -> None:
    """There is one command."""
    assert run(tmp_path, command).exit_code == 2
    assert list(main.commands) == ["status"]
