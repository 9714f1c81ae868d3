"""The commands of `plum-trainer` that start no training: what they tell, keep and refuse."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.facts import outcome, suggestion

from plum_lsp.config import Settings
from plum_lsp.config.folder import store_file
from plum_lsp.report.installation import to_install
from plum_lsp.store import open_store
from plum_lsp.store.learning import TrainingEvent, open_learning
from plum_trainer.cli import _built_from, main
from plum_trainer.fit.bases import BaseModel
from plum_trainer.fit.job import TrainerError
from plum_trainer.loop.daemon import improve
from plum_trainer.loop.rounds import rounds
from plum_trainer.loop.trainer import Trainer


def run(folder: Path, *arguments: str) -> Result:
    """The command with its data in this folder and no settings of the developer's."""
    environment = {
        "PLUM_DATA_DIR": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PLUM_POLICY_MODEL": "smollm2-135m-instruct",
        "COLUMNS": "120",
    }
    return CliRunner().invoke(main, list(arguments), env=environment)


def published(folder: Path, *, number: int) -> None:
    """Leave the record of a published version in the data folder."""
    version = folder / "adapters" / f"plum-v{number}"
    version.mkdir(parents=True)
    record = {"number": number, "model": "m", "model_sha256": "", "adapter_sha256": "", "rank": 8}
    (version / "version.json").write_text(json.dumps(record))


async def test_status_counts_the_evidence(tmp_path: Path) -> None:
    """By policy version: requests, candidates, run, passing, mixed groups and outcomes."""
    store = open_store(store_file(tmp_path))
    for event in (*suggestion("r1"), *suggestion("r2")):
        store.record(event)
    await store.record_outcome(outcome("r1-offer"))
    store.close()
    result = run(tmp_path, "status", "--all")
    assert result.exit_code == 0, result.output
    (row,) = [line.split() for line in result.output.splitlines() if "(tiny)" in line]
    assert row == ["1", "(tiny)", "2", "4", "4", "2", "2", "1"]


def test_an_empty_store_is_no_failure(tmp_path: Path) -> None:
    """Nobody has used it yet; the base is in service."""
    open_store(store_file(tmp_path)).close()
    result = run(tmp_path, "status", "--all")
    assert result.exit_code == 0
    assert "No candidate has been sampled yet." in result.output
    assert "In service: policy version 0" in result.output


def test_status_reads_only(tmp_path: Path) -> None:
    """A store that is not there is an error with a remedy, and is not made."""
    result = run(tmp_path, "status")
    assert result.exit_code == 1
    assert "no store" in result.output
    assert "Traceback" not in result.output
    assert not store_file(tmp_path).exists()


def test_status_says_how_far_a_round_is(tmp_path: Path) -> None:
    """From the store, which another process writes; the history has it, too."""
    open_store(store_file(tmp_path)).close()
    (tmp_path / "training" / "round-1").mkdir(parents=True)
    with open_learning(store_file(tmp_path)) as store:
        detail = {"stage": "fit", "done": 12, "of": 36, "loss": 0.61}
        store.record(1, "progress", detail, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert "round 1 is not finished, fit: 12 of 36, loss 0.610 at 2026-01-01" in run(tmp_path, "status").output
    assert "fit: 12 of 36, loss 0.610" in run(tmp_path, "history").output


async def test_status_has_three_lines(tmp_path: Path) -> None:
    """How much there is of what is needed, what the next round waits for, and what the gate could find."""
    store = open_store(store_file(tmp_path))
    for event in suggestion("r1"):
        store.record(event)
    await store.acknowledged()
    store.close()
    evidence, waiting, gate = run(tmp_path, "status").output.splitlines()
    assert evidence == "Evidence: 2 of 400 fresh candidates, no rows built yet, 0 of 10 held-out functions."
    assert waiting.startswith("Next round: waits: ")
    assert "2 of 400 fresh candidates" in waiting
    assert gate == "The gate: 0 held-out functions, look 1: no gain would be enough."


def test_a_missing_package_is_told_before_a_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what installs it. No round is begun."""
    monkeypatch.setattr("plum_trainer.fit.packages.NEEDED", ("no_such_package",))
    open_store(store_file(tmp_path)).close()
    told = run(tmp_path, "status").output
    assert f"these packages are missing: no_such_package. Install them: {to_install('train')}" in told
    places = {"folder": tmp_path, "cache_dir": tmp_path}
    base = BaseModel(name="m", source=None, entry=None, sha256="", end_token="", **places)
    with pytest.raises(TrainerError, match="no_such_package"):
        improve(Trainer(settings=Settings(), data_dir=tmp_path, base=base))
    assert not rounds(tmp_path)


def test_pausing_and_resuming_are_kept(tmp_path: Path) -> None:
    """In the data folder, so that the service sees it; each may be said twice."""
    open_store(store_file(tmp_path)).close()
    for command, is_paused in (("pause", True), ("pause", True), ("resume", False), ("resume", False)):
        assert run(tmp_path, command).exit_code == 0
        assert ("paused" in run(tmp_path, "status").output) is is_paused


def test_rolling_back_to_a_missing_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command names the missing version and the ones there are, even if the base model is not on this machine."""
    monkeypatch.setenv("PLUM_CACHE_DIR", str(tmp_path / "empty"))
    open_store(store_file(tmp_path)).close()
    published(tmp_path, number=3)
    result = run(tmp_path, "rollback", "7")
    assert result.exit_code == 1
    assert "there is no version '7'" in result.output
    assert "Published versions: plum-v3." in result.output
    assert "Traceback" not in result.output


def test_what_the_user_did_is_in_the_history(tmp_path: Path) -> None:
    """A roll back by hand, too."""
    open_store(store_file(tmp_path)).close()
    assert run(tmp_path, "rollback", "0").exit_code == 0
    assert "rolled_back" in run(tmp_path, "history").output


@pytest.mark.parametrize(
    ("detail", "expected"),
    [({"version": 3, "previous": 1, "built_from": 1}, 1), ({"version": 3, "previous": 0}, 0), ({"version": 2}, 2)],
    ids=["built from", "older record", "no record"],
)
def test_back_means_to_what_a_version_was_built_from(detail: dict[str, int], expected: int) -> None:
    """The next lower number may be a version that was taken back."""
    event = TrainingEvent(id=1, round=1, step="published", detail=detail, happened_at="")
    assert _built_from(3, [event], [1, 2, 3]) == expected


@pytest.mark.parametrize("kind", ["systemd", "launchd", "windows"])
def test_a_service_file_runs_the_command(tmp_path: Path, kind: str) -> None:
    """With its absolute path, because a service has no PATH of the user's."""
    file = tmp_path / "file"
    assert run(tmp_path, "install-service", "--kind", kind, "-o", str(file)).exit_code == 0
    assert f"{Path(sys.executable).with_name('plum-trainer')}" in file.read_text()


@pytest.mark.slow
def test_the_unit_carries_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the environment, quoted, without the key. systemd accepts the unit."""
    monkeypatch.setenv("PLUM_GATE_BENCHMARK", '/a "b" 100%\\rows.jsonl')
    monkeypatch.setenv("PLUM_POLICY_API_KEY", "secret")
    result = run(tmp_path, "install-service", "--print")
    assert result.exit_code == 0
    assert f'Environment="PLUM_DATA_DIR={tmp_path}"\n' in result.output
    assert 'Environment="PLUM_GATE_BENCHMARK=/a \\"b\\" 100%%\\\\rows.jsonl"\n' in result.output
    assert "secret" not in result.output
    assert not (tmp_path / "systemd").exists()
    verifier = shutil.which("systemd-analyze")
    if verifier is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "plum-trainer.service"
    unit.write_text(result.output)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    checked = subprocess.run([verifier, "--user", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert "plum-trainer.service" not in checked.stderr, checked.stderr
    assert checked.returncode == 0, checked.stderr


def test_the_unit_is_written_and_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where systemd looks; without a session of systemd's that is all, and it is said."""
    monkeypatch.setattr("shutil.which", lambda name: None if name == "systemctl" else f"/bin/{name}")
    unit = tmp_path / "systemd" / "user" / "plum-trainer.service"
    assert "not started" in run(tmp_path, "install-service").output
    assert "ExecStart=" in unit.read_text()
    assert "removed" in run(tmp_path, "uninstall-service").output
    assert not unit.exists()


@pytest.mark.model
def test_a_turn_with_nothing_to_learn_is_no_failure(tmp_path: Path) -> None:
    """It is said, and no adapter is made."""
    result = run(tmp_path, "once")
    assert result.exit_code == 0, result.output
    assert "not enough to train on" in result.output
    assert not (tmp_path / "adapters").exists()
