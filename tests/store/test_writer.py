"""The queue and the one thread behind it: what is acknowledged is committed, what is lost is counted and told."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from support.facts import OPTIONS, PROMPT, VERSION, abstention, candidate, outcome, prompted, suggestion

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.events import Event, Sampled
from plum_lsp.domain.ports import Recorder
from plum_lsp.domain.suggestion import RequestId
from plum_lsp.store import Store, StoreRecorder, open_recorder, open_store
from plum_lsp.store.database import connect
from plum_lsp.store.records import hash_of


def rows(path: Path, table: str) -> list[dict[str, object]]:
    """Every row of a table, read through a connection of its own."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    finally:
        connection.close()


async def test_what_is_acknowledged_is_committed(path: Path, store: Store) -> None:
    """Another connection sees every event once `acknowledged` returns."""
    for event in suggestion():
        store.record(event)
    await store.acknowledged()
    assert {table: len(rows(path, table)) for table in ("requests", "candidates", "verdicts", "offers", "endings")} == {
        "requests": 1,
        "candidates": 2,
        "verdicts": 4,
        "offers": 1,
        "endings": 1,
    }
    assert (store.status().written, store.status().lost, store.status().waiting) == (7, 0, 0)


async def test_an_outcome_is_committed_when_it_returns(path: Path, store: Store) -> None:
    """Without waiting for anything else; events queued before it are written first."""
    for event in suggestion():
        store.record(event)
    await store.record_outcome(outcome())
    (row,) = rows(path, "outcomes")
    assert (row["offer_id"], row["kind"], row["source"]) == ("r1-offer", "accepted", "command")


async def test_a_candidate_row_says_how_it_was_sampled(path: Path, store: Store) -> None:
    """Policy version, model, sampling parameters, prompt and log-probabilities stand in the row itself."""
    for event in suggestion():
        store.record(event)
    await store.acknowledged()
    row = rows(path, "candidates")[1]
    (version,) = rows(path, "policy_versions")
    assert (row["policy_version_id"], version["number"]) == (version["id"], VERSION.number)
    assert (row["model_sha256"], row["prompt_hash"]) == (VERSION.model_sha256, hash_of(PROMPT))
    assert (row["temperature"], row["top_p"], row["max_tokens"], row["seed"]) == (1.0, 0.95, 64, OPTIONS.seed + 1)
    assert (row["token_logprobs"], row["mean_logprob"]) == ("[-0.25, -0.5]", -0.375)


async def test_a_prompt_is_stored_once(path: Path, store: Store) -> None:
    """Two requests with the same prompt share its text."""
    for event in (prompted("r1"), prompted("r2"), prompted("r3", prompt="other")):
        store.record(event)
    await store.acknowledged()
    assert sorted(str(row["text"]) for row in rows(path, "prompts")) == sorted([PROMPT, "other"])


async def test_a_request_that_ends_before_its_prompt_is_kept(path: Path, store: Store) -> None:
    """There is no request row, but the reason for the silence is known."""
    store.record(abstention("r9"))
    await store.acknowledged()
    assert [row["reason"] for row in rows(path, "endings")] == ["all_failed"]


ORPHANS: list[Event] = [
    Sampled(request_id=RequestId("gone"), candidate=candidate(), duplicate_of=None),
    suggestion("gone")[1],
    suggestion("gone")[4],
    suggestion("gone")[-1],
]


@pytest.mark.parametrize("orphan", ORPHANS, ids=lambda event: type(event).__name__)
async def test_a_fact_without_its_request_is_lost_alone(path: Path, store: Store, orphan: Event) -> None:
    """It is counted, leaves nothing half written, and what comes with it is kept."""
    store.record(orphan)
    for event in suggestion("r1"):
        store.record(event)
    await store.acknowledged()
    assert (store.status().lost, store.status().written) == (1, 7)
    assert [row["request_id"] for row in rows(path, "offers")] == ["r1"]
    assert {row["request_id"] for row in rows(path, "test_cases")} == {"r1"}


async def test_the_same_request_twice_is_not_rewritten(path: Path, store: Store) -> None:
    """Facts are written once: an id used again is refused."""
    store.record(prompted("r1"))
    store.record(prompted("r1", prompt="another"))
    await store.acknowledged()
    assert [row["prompt_hash"] for row in rows(path, "requests")] == [hash_of(PROMPT)]
    assert store.status().lost == 1
    assert len(rows(path, "prompts")) == 1


@pytest.mark.parametrize("text", ["\ud800 alone", "nul \0 inside", "tab\tänd 🦀", ""])
async def test_any_text_is_kept(path: Path, store: Store, text: str) -> None:
    """A lone surrogate, which no database takes, as an escape."""
    store.record(prompted("r1", prompt=text))
    store.record(prompted("r2"))
    await store.acknowledged()
    kept = [row["text"] for row in rows(path, "prompts")]
    assert PROMPT in kept
    assert text.encode("utf-8", "backslashreplace").decode() in kept
    assert store.status().lost == 0


async def test_a_nonsensical_event_is_counted(store: Store) -> None:
    """Neither the caller nor the writer fails on what no column can hold."""
    event = prompted("r1")
    store.record(dataclasses.replace(event, options=dataclasses.replace(OPTIONS, seed=2**80)))
    store.record(dataclasses.replace(event, options=dataclasses.replace(OPTIONS, top_p=object())))  # type: ignore[arg-type]
    await store.acknowledged()
    assert store.status().lost == 2


async def test_an_outcome_of_an_unknown_offer_raises(store: Store) -> None:
    """The caller learns that nothing was kept."""
    with pytest.raises(StoreError, match="no offer gone-offer"):
        await store.record_outcome(outcome("gone-offer"))


async def test_a_cancelled_caller_does_not_take_its_outcome_back(path: Path, store: Store) -> None:
    """What happened has happened, whoever stops listening; and the writer goes on."""
    for event in suggestion():
        store.record(event)
    task = asyncio.ensure_future(store.record_outcome(outcome()))
    await asyncio.sleep(0)
    task.cancel()
    await store.acknowledged()
    assert len(rows(path, "outcomes")) == 1
    assert store.status().is_open


def test_too_many_events_are_dropped_not_waited_for(path: Path) -> None:
    """While another process holds the lock the queue fills, and the rest is counted; one message says so."""
    told: list[str] = []
    open_store(path).close()
    holder = connect(path)
    holder.conn.execute("BEGIN IMMEDIATE")
    store = Store(path, connect(path), report=told.append, waiting_max=3)
    store.record(prompted("taken"))
    while store.status().waiting:
        threading.Event().wait(0.001)
    for number in range(5):
        store.record(prompted(f"r{number}"))
    status = store.status()
    holder.conn.execute("ROLLBACK")
    holder.close()
    store.close()
    assert (status.waiting, status.lost, len(told)) == (3, 2, 1)
    assert "too many" in told[0]
    assert store.status().written == 4


async def test_a_closed_store_takes_nothing_more(store: Store) -> None:
    """Events are counted, outcomes raise, closing again is fine."""
    store.close()
    store.record(prompted("r1"))
    with pytest.raises(StoreError, match="closed"):
        await store.record_outcome(outcome())
    with pytest.raises(StoreError, match="closed"):
        store.flush()
    store.close()
    assert (store.status().lost, store.status().is_open) == (1, False)


def test_closing_writes_what_waits(path: Path) -> None:
    """Nothing that was taken is lost by an orderly end."""
    store = open_store(path)
    for number in range(200):
        store.record(prompted(f"r{number}"))
    store.close()
    assert len(rows(path, "requests")) == 200


@pytest.mark.slow
def test_a_lock_held_too_long_costs_the_batch_and_is_told_once(path: Path) -> None:
    """The writer waits as long as it was told, counts what it could not write, and recovers by itself."""
    told: list[str] = []
    store = open_store(path, report=told.append, busy_ms=50)
    holder = connect(path)
    holder.conn.execute("BEGIN IMMEDIATE")
    store.record(prompted("r1"))
    store.flush()
    store.record(prompted("r2"))
    store.flush()
    holder.conn.execute("ROLLBACK")
    holder.close()
    store.record(prompted("r3"))
    store.close()
    assert (store.status().lost, store.status().written, len(told)) == (2, 1, 1)
    assert "locked by another process" in told[0]


def test_a_full_disk_is_told_and_harms_nothing(path: Path) -> None:
    """The file cannot grow: what was committed stays, what could not be written is counted, the reason is named."""
    db = connect(path)
    open_store(path).close()
    told: list[str] = []
    ((pages,),) = db.execute("PRAGMA page_count").fetchall()
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    store = Store(path, db, report=told.append)
    store.record(prompted("small"))
    store.flush()
    store.record(prompted("big", prompt="x" * 1_000_000))
    store.flush()
    store.close()
    assert [row["id"] for row in rows(path, "requests")] == ["small"]
    assert "disk is full" in told[0]


@pytest.mark.parametrize("is_store", [True, False])
def test_the_recorder_keeps_its_port_with_and_without_a_store(
    tmp_path: Path, is_store: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recording never blocks or raises; without a store it says so once, and `status` tells why."""
    told: list[str] = []
    place = tmp_path / "plum.sqlite3"
    if not is_store:
        place.mkdir()
    recorder = open_recorder(place, report=told.append)
    as_port: Recorder = recorder
    for event in (*suggestion(), ORPHANS[0]):
        as_port.record(event)
    recorder.close()
    status = recorder.status()
    assert (status.written, status.lost) == ((7, 1) if is_store else (0, 8))
    assert len(told) == 1
    assert status.problem
    assert capsys.readouterr().out == ""


def test_recording_from_many_threads_loses_nothing(path: Path) -> None:
    """The server records from its loop, others may from theirs."""
    store = open_store(path)

    def record(start: int) -> None:
        for number in range(start, start + 50):
            store.record(prompted(f"r{number}"))

    threads = [threading.Thread(target=record, args=(start,)) for start in range(0, 200, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert len(rows(path, "requests")) == 200


def test_a_writer_that_dies_leaves_nobody_waiting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours in the writer ends it; whoever waits is told instead of hanging."""
    caught: list[object] = []
    monkeypatch.setattr(threading, "excepthook", caught.append)
    store = open_store(path)
    monkeypatch.setattr(store, "_write", lambda batch: 1 / 0)
    with pytest.raises(StoreError, match="closed"):
        store.flush()
    store.close()
    assert not store.status().is_open
    assert len(caught) == 1


def test_a_recorder_without_a_store_is_made_from_its_error(tmp_path: Path) -> None:
    """The remedy is part of what the user reads."""
    told: list[str] = []
    StoreRecorder(tmp_path, StoreError("it broke", remedy="Mend it."), report=told.append)
    assert told == ["plum-lsp keeps no record of what happens: it broke. Mend it."]


async def test_half_a_character_loses_nothing(path: Path, store: Store) -> None:
    """A lone surrogate in any text of any event is written as an escape; all rows are there."""
    half = "a\ud800é"
    for event in suggestion():
        store.record(_with_text(event, half))
    await store.acknowledged()
    assert store.status().lost == 0, store.status().problem
    assert all(row["shown"] == "a\\ud800é" for row in rows(path, "verdicts"))
    assert all(row["text"] == "a\\ud800é" for row in rows(path, "candidates"))
    assert rows(path, "endings")


def _with_text(value: Any, text: str) -> Any:
    """The event with every free text in it replaced."""
    names = {"text", "shown", "reason", "quote", "before", "after", "completion", "problem", "model"}
    if isinstance(value, tuple):
        return tuple(_with_text(one, text) for one in value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changed = {
        field.name: text
        if field.name in names and isinstance(getattr(value, field.name), str)
        else _with_text(getattr(value, field.name), text)
        for field in dataclasses.fields(value)
    }
    return dataclasses.replace(value, **changed)
