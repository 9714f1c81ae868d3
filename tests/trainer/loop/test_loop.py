"""The real loop on the tiny model: fits in child processes, runs in the sandbox, a gate, a pointer, and a watch."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.learning import fill, group, tiny_trainer

from plum_lsp.config.folder import store_file
from plum_lsp.store import open_store
from plum_trainer.fit.job import TrainerError
from plum_trainer.gate.decision import GateDecision, decision_of
from plum_trainer.loop import daemon
from plum_trainer.loop.daemon import improve, run
from plum_trainer.loop.online import watch
from plum_trainer.loop.progress import PROGRESS
from plum_trainer.loop.rounds import rounds
from plum_trainer.loop.trainer import Trainer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("warm_children")]


def serve(trainer: Trainer, until: Callable[[list[str]], bool]) -> list[str]:
    """Run the service until the history of steps is as asked; returns it."""
    stop, said = threading.Event(), []
    heard = dataclasses.replace(trainer, report=said.append)
    thread = threading.Thread(target=run, args=(heard, stop), kwargs={"poll_seconds": 0.05})
    thread.start()
    try:
        for _ in range(6000):
            with trainer.store() as store:
                steps = [event.step for event in store.events() if event.step != PROGRESS]
            if until(steps):
                return steps
            assert thread.is_alive()
            time.sleep(0.1)
        raise AssertionError((steps, said))
    finally:
        stop.set()
        thread.join()


def test_three_rounds_and_what_came_of_them(tmp_path: Path, tiny: Path) -> None:
    """A good round is published, a poisoned one refused, and one that fares badly online is rolled back by itself."""
    trainer = tiny_trainer(tmp_path, tiny, watch_hours_max=0.0)
    fill(tmp_path)
    steps = serve(trainer, lambda steps: "published" in steps or "rejected" in steps)
    assert steps[:5] == ["started", "frozen", "fitted", "decided", "published"]
    assert trainer.versions.active() == 1

    fill(tmp_path, version=1, is_poisoned=True, first=24)
    steps = serve(trainer, lambda steps: steps.count("decided") == 2 and steps[-1] in {"rejected", "published"})
    assert steps[-1] == "rejected"
    assert trainer.versions.active() == 1

    lenient = tiny_trainer(tmp_path, tiny, confidence=0.5, gain_min=-1.0)
    fill(tmp_path, version=1, run=1)
    steps = serve(lenient, lambda steps: steps.count("published") == 2)
    assert trainer.versions.active() == 2
    for attempt in range(2, 5):
        fail_online(tmp_path, version=2, run=attempt)
    assert "rolled back" in watch(lenient)
    assert trainer.versions.active() == 1
    with trainer.store() as store:
        assert store.events()[-1].step == "rolled_back"
    assert watch(lenient) == ""
    assert len(trainer.versions.store.versions()) == 2


def test_right_texts_alone_are_imitated(tmp_path: Path, tiny: Path) -> None:
    """The method `sft` fits, is judged as the others are, and never sees a wrong text."""
    trainer = tiny_trainer(tmp_path, tiny, method="sft")
    fill(tmp_path)
    assert improve(trainer)
    (done,) = rounds(trainer.data_dir)
    rows = [json.loads(line) for line in (done.folder / "rows.jsonl").read_text().splitlines()]
    assert rows
    assert all(row["is_desirable"] for row in rows)
    with trainer.store() as store:
        assert {"fitted", "decided"} <= {event.step for event in store.events()}


def test_a_round_that_was_overtaken_by_a_rollback_is_not_published(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user goes back while the gate decides: what was fitted from the refused version is not served."""
    trainer = tiny_trainer(tmp_path, tiny)
    fill(tmp_path)
    promoted = improve(trainer)
    assert promoted is not None
    assert trainer.versions.active() == 1
    fill(tmp_path, version=1, run=1)

    def decided(*arguments: object) -> GateDecision:
        trainer.versions.go_to(0)
        return promoted

    monkeypatch.setattr(daemon, "decided", decided)
    with pytest.raises(daemon.Overtaken, match="version 1 is no longer in service"):
        improve(trainer)
    assert trainer.versions.active() == 0
    assert len(trainer.versions.store.versions()) == 1
    with trainer.store() as store:
        assert store.events()[-1].step == "abandoned"


def test_a_damaged_file_of_a_round_is_told_and_given_up_in_the_end(tmp_path: Path, tiny: Path) -> None:
    """Not a traceback that ends the service."""
    trainer = tiny_trainer(tmp_path, tiny)
    fill(tmp_path, functions=10)
    folder = tmp_path / "training" / "round-1"
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").mkdir()
    for _ in range(daemon.FAILURES_MAX):
        with pytest.raises(TrainerError, match="a file of round 1"):
            improve(trainer)
    with trainer.store() as store:
        assert [event.step for event in store.events()][-1] == "abandoned"


def fail_online(data_dir: Path, *, version: int, run: int) -> None:
    """Users are offered what a version writes, and all of it fails."""
    store = open_store(store_file(data_dir))
    for number in range(24):
        events = group(number, version=version, run=run, offered=False)
        for event in events:
            is_right = getattr(getattr(event, "judged", getattr(event, "candidate", None)), "tier", None)
            if is_right is None or is_right.value != "verified":
                store.record(event)
    store.close()


def test_a_decision_says_what_it_rests_on(tmp_path: Path, tiny: Path) -> None:
    """Every number of the gate is in the store, and its round can be read again from its folder."""
    trainer = tiny_trainer(tmp_path, tiny)
    fill(tmp_path, functions=10)
    serve(trainer, lambda steps: steps[-1:] in (["published"], ["rejected"]))
    with trainer.store() as store:
        (decided,) = [event for event in store.events() if event.step == "decided"]
        (fitted,) = [event for event in store.events() if event.step == "fitted"]
    report = decision_of(decided.detail).report
    assert report.held_out
    gains = {"gain", "gain_over_cooled", "offers_gain", "offers_gain_over_cooled"}
    assert {
        "champion",
        "challenger",
        "cooled",
        "functions",
        "look",
        "chance_allowed",
        "held_out",
        "judged_by",
        *gains,
    } == report.as_json().keys()
    assert fitted.detail["versions"]["trl"]
    assert fitted.detail["memory_bytes"] > 0
    (known,) = rounds(tmp_path)
    assert known.plan is not None
    assert len(known.held_out()) == known.plan.held_out
