"""SIGKILL at random moments: the champion stays, no half-written adapter is seen, and the next run goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.learning import fill, tiny_trainer

from plum_lsp.config.folder import versions_folder
from plum_lsp.domain.errors import PlumError
from plum_lsp.policy.models.weights import AdapterFacts, BaseModel, read_adapter
from plum_lsp.policy.versions.folders import VersionStore
from plum_trainer.fit.job import FitJob, read_json, values_of, write_json
from plum_trainer.loop.rounds import rounds

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ONCE = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.learning import tiny_trainer
from plum_trainer.loop.daemon import improve
improve(tiny_trainer(Path({data!r}), Path({base!r})))
"""


def once(data_dir: Path, base: Path) -> subprocess.Popen[bytes]:
    """One turn in a process of its own."""
    program = ONCE.format(tests=str(Path(__file__).parents[2]), data=str(data_dir), base=str(base))
    return subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def consistent(data_dir: Path) -> None:
    """Whatever was killed: the pointer names a whole version, and every version is whole."""
    store = VersionStore(versions_folder(data_dir))
    pointer = read_json(store.root / "active.json")
    assert pointer is None or pointer["number"] == 0 or store.active() is not None
    for version in store.versions():
        assert read_adapter(version.folder).sha256 == version.adapter_sha256


def test_a_turn_killed_again_and_again_ends_as_it_would_have(tmp_path: Path, tiny: Path) -> None:
    """Four kills at seeded moments, consistent after each; then the turn ends and its history is whole."""
    fill(tmp_path, functions=12)
    generator = random.Random(5)
    for _ in range(4):
        turn = once(tmp_path, tiny)
        time.sleep(generator.uniform(0.5, 12.0))
        turn.send_signal(signal.SIGKILL)
        turn.wait()
        consistent(tmp_path)
    assert once(tmp_path, tiny).wait() == 0
    consistent(tmp_path)
    (known,) = [one for one in rounds(tmp_path) if one.number == 1]
    assert known.end is not None
    with tiny_trainer(tmp_path, tiny).store() as store:
        steps = [event.step for event in store.events(round_number=1)]
    assert steps[-1] in {"published", "rejected"}
    assert steps.count(steps[-1]) == 1


def job_of(tmp_path: Path, base: Path, name: str, method: str = "dpo") -> FitJob:
    """A fit of a few steps with a checkpoint at every second one. With `sft` plain torch fits, else TRL."""
    rows = tmp_path / "rows.jsonl"
    lines = [
        {
            "prompt": f"def add{number}(a, b):\n",
            "chosen": "    return a + b\n",
            "rejected": "    return a - b\n",
            "chosen_ends": True,
            "rejected_ends": True,
            "weight": 1.0,
            "source": "verdict",
        }
        for number in range(40)
    ]
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = tiny_trainer(tmp_path, base).settings.trainer
    wanted = [field for field in FitJob.__dataclass_fields__ if hasattr(settings, field)]
    values: dict[str, Any] = {field: getattr(settings, field) for field in wanted}
    values |= {"base": str(base), "champion": "", "rows": str(rows), "output": str(tmp_path / name), "end_token": ""}
    if method == "sft":
        text = {"completion": "    return a + b\n", "ends": True, "is_desirable": True, "weight": 1.0, "source": "x"}
        rows.write_text("".join(json.dumps({"prompt": line["prompt"], **text}) + "\n" for line in lines))
    return FitJob(**{**values, "method": method, "batch_size": 4, "epochs": 2, "checkpoint_steps": 2})


def fit(tmp_path: Path, job: FitJob, name: str, *, kill_at_step: int = 0) -> int:
    """Run the child; killed as soon as it says that it reached a step."""
    write_json(tmp_path / f"{name}.json", values_of(job))
    command = [
        sys.executable,
        "-m",
        "plum_trainer.fit.train",
        str(tmp_path / f"{name}.json"),
        str(tmp_path / f"{name}.result"),
    ]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    progress = Path(job.output) / "progress.json"
    while kill_at_step and child.poll() is None:
        if ((read_json(progress) or {}).get("step") or 0) >= kill_at_step:
            os.kill(child.pid, signal.SIGKILL)
            break
        time.sleep(0.01)
    return child.wait()


def half_written(output: Path) -> None:
    """Add a later checkpoint as a fit leaves it that is killed while it writes one."""
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        part = output / "checkpoint-12" / name
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(b"{")


@pytest.mark.parametrize("method", ["dpo", "sft"])
def test_a_killed_fit_resumes_to_the_same_result(tmp_path: Path, tiny: Path, method: str) -> None:
    """Bit by bit: optimizer, schedule, order of rows and random state go on where the checkpoint was."""
    whole, broken = (job_of(tmp_path, tiny, name, method) for name in ("whole", "broken"))
    assert fit(tmp_path, whole, "whole") == 0
    assert fit(tmp_path, broken, "broken", kill_at_step=7) == -signal.SIGKILL
    half_written(Path(broken.output))
    assert fit(tmp_path, broken, "broken") == 0
    results = [read_json(tmp_path / f"{name}.result") or {} for name in ("whole", "broken")]
    assert results[1]["resumed_at"] >= 4
    assert results[0]["steps"] == results[1]["steps"] == 20
    weights = [(Path(one["adapter"]) / "adapter_model.safetensors").read_bytes() for one in results]
    assert weights[0] == weights[1]


def test_an_adapter_of_another_base_is_not_trained_on(tmp_path: Path, tiny: Path) -> None:
    """The round fails with what to do, and the store says so."""
    from plum_trainer.loop.daemon import improve

    trainer = tiny_trainer(tmp_path, tiny)
    fill(tmp_path, functions=12)
    adapter = tmp_path / "other"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    store = trainer.versions.store
    facts = AdapterFacts(rank=8, modules={}, base_sha256="", sha256="x")
    store.activate(store.commit(store.stage(adapter), facts, BaseModel(name="another", sha256="another", shapes={})))
    fill(tmp_path, version=1, functions=12, run=1)
    with pytest.raises(PlumError, match="another base"):
        improve(trainer)
    with trainer.store() as store:
        assert store.events()[-1].step == "failed"
    assert trainer.versions.active() == 1


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there before stays, and nothing half-written lies beside it."""
    path = tmp_path / "decision.json"
    write_json(path, {"is_promoted": False})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(path, {"is_promoted": True})
    assert read_json(path) == {"is_promoted": False}
    assert [one.name for one in tmp_path.iterdir()] == ["decision.json"]
