"""The only thread that writes, and the queue before it. `record` never blocks. `acknowledged` means committed.

All waiting items are written in one transaction, so that a burst of events costs one commit. Each item has its own
savepoint, so that a refused item does not affect the others. The writer does not retry. An item that cannot be written
is lost, counted and reported once.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sqlite_utils import Database

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.events import Event
from plum_lsp.domain.learning import Outcome, Survival
from plum_lsp.store.database import BUSY_MS, connect, explained, immediate, try_writing
from plum_lsp.store.identity import UNKNOWN, Identity, own_identity
from plum_lsp.store.migrations import migrate
from plum_lsp.store.records import write_event, write_outcome

log = logging.getLogger(__name__)

WAITING_MAX = 4_096
"""Events that may wait: some hundred requests, far more than pile up while another process holds the lock."""
_CLOSE_SECONDS = 10.0
"""Longer than one wait for another process's lock, after which the writer gives up by itself."""

_REFUSALS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    ValueError,
    TypeError,
    OverflowError,
)
"""What is wrong with one item alone. `OperationalError` (locked, full, read-only) concerns the whole transaction."""

Report = Callable[[str], None]
Fact: TypeAlias = Event | Outcome | Survival
Clean = Callable[[Fact], Fact]
"""Takes out of a fact what may not be kept, in the writer thread, before anything is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """How the store is doing. `problem` is the latest one, empty if there never was any."""

    path: Path
    is_open: bool
    written: int
    lost: int
    waiting: int
    problem: str


@dataclass(slots=True, kw_only=True)
class _Item:
    """Something to write, or (with neither event nor outcome) a marker to be acknowledged."""

    at: float
    event: Event | None = None
    outcome: Outcome | Survival | None = None
    done: Future[None] | None = None
    kept: Fact | None = None
    """What was written in the end, without what may not be kept."""


class Store:
    """An open database and its writer. Make it with `open_store`."""

    def __init__(
        self,
        path: Path,
        db: Database,
        *,
        report: Report = log.warning,
        clock: Callable[[], float] = time.time,
        waiting_max: int = WAITING_MAX,
        clean: Clean | None = None,
        identity: Identity = UNKNOWN,
        mirror: Store | None = None,
    ) -> None:
        self.path = path
        self._mirror = mirror
        self._identity = identity
        self._clean = clean or (lambda fact: fact)
        self._db = db
        self._report = report
        self._clock = clock
        self._waiting_max = waiting_max
        self._waiting: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        self._written = 0
        self._lost = 0
        self._problem = ""
        self._thread = threading.Thread(target=self._run, name="plum-store", daemon=True)
        self._thread.start()

    def record(self, event: Event) -> None:
        """Queue one event. It is lost and counted if too many wait or the store is closed. Never blocks or raises."""
        with self._changed:
            is_room = len(self._waiting) < self._waiting_max and not self._is_closing
            if is_room:
                self._waiting.append(_Item(at=self._clock(), event=event))
                self._changed.notify()
        if not is_room:
            self._lose(1, "too many events wait to be written" if not self._is_closing else "the store is closed")

    def repeat(self, fact: Fact, at: float) -> None:
        """Queue what another store has written. It is lost if too much waits, which holds up no one."""
        event, outcome = (None, fact) if isinstance(fact, Outcome | Survival) else (fact, None)
        with self._changed:
            is_room = len(self._waiting) < self._waiting_max and not self._is_closing
            if is_room:
                self._waiting.append(_Item(at=at, event=event, outcome=outcome))
                self._changed.notify()
        if not is_room:
            self._lose(1, "too many events wait to be shared")

    async def record_outcome(self, outcome: Outcome | Survival) -> None:
        """Write one outcome or survival after all items queued before it. Returns once it is committed.

        The outcome is written even if the caller is cancelled.

        Raises:
            StoreError: it cannot be written, or its offer is unknown.
        """
        await asyncio.wrap_future(self._submit(outcome))

    async def acknowledged(self) -> None:
        """Return once everything queued so far is committed or counted as lost.

        Raises:
            StoreError: the store is closed.
        """
        await asyncio.wrap_future(self._submit(None))

    def flush(self, *, timeout_s: float = _CLOSE_SECONDS) -> None:
        """`acknowledged` for callers that have no event loop.

        Raises:
            StoreError: the store is closed, or the writer is not done in time.
        """
        try:
            self._submit(None).result(timeout_s)
        except FutureTimeoutError:
            raise StoreError(f"the store at {self.path} did not answer within {timeout_s:g} s") from None

    def status(self) -> StoreStatus:
        """How many events were written, lost and are waiting."""
        with self._changed:
            return StoreStatus(
                path=self.path,
                is_open=not self._is_closing,
                written=self._written,
                lost=self._lost,
                waiting=len(self._waiting),
                problem=self._problem,
            )

    def close(self) -> None:
        """Write the waiting items, then close the file. Idempotent."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive():
            self._lose(len(self._waiting), "the writer did not end in time")
        if self._mirror is not None:
            self._mirror.close()

    def _submit(self, outcome: Outcome | Survival | None) -> Future[None]:
        """Queue an item whose caller waits for it. Outcomes come at the pace of a person and need no bound."""
        done: Future[None] = Future()
        with self._changed:
            if self._is_closing:
                raise StoreError(f"the store at {self.path} is closed")
            self._waiting.append(_Item(at=self._clock(), outcome=outcome, done=done))
            self._changed.notify()
        return done

    def _run(self) -> None:
        """The writer thread: write batches until closed and empty."""
        batch: list[_Item] = []
        try:
            while batch := self._next_batch():
                self._write(batch)
        finally:
            with self._changed:
                self._is_closing = True
                abandoned = [*batch, *self._waiting]
            for item in abandoned:
                _resolve(item.done, StoreError(f"the store at {self.path} is closed"))
            self._db.close()

    def _next_batch(self) -> list[_Item]:
        """Wait for items to write. Empty means that the store closes."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            batch = list(self._waiting)
            self._waiting.clear()
            return batch

    def _write(self, batch: list[_Item]) -> None:
        """Write one transaction, then report its result to all waiting callers."""
        failures: dict[int, StoreError] = {}
        try:
            with explained(self.path), immediate(self._db):
                for index, item in enumerate(batch):
                    failure = self._write_item(item)
                    if failure is not None:
                        failures[index] = failure
        except StoreError as error:
            failures = {index: error for index, item in enumerate(batch) if item.event or item.outcome}
        written = sum(1 for item in batch if item.event or item.outcome) - len(failures)
        with self._changed:
            self._written += written
        if failures:
            self._lose(len(failures), str(next(iter(failures.values()))))
        for index, item in enumerate(batch):
            if self._mirror is not None and item.kept is not None and index not in failures:
                self._mirror.repeat(item.kept, item.at)
            _resolve(item.done, failures.get(index))

    def _write_item(self, item: _Item) -> StoreError | None:
        """Write one item in a savepoint. A refusal is returned. An error that ends the transaction is raised."""
        try:
            with self._db.atomic():
                fact = item.event or item.outcome
                fact = item.kept = self._clean(fact) if fact is not None else None
                if isinstance(fact, Outcome | Survival):
                    write_outcome(self._db, fact)
                elif fact is not None:
                    write_event(self._db, fact, at=item.at, identity=self._identity)
        except _REFUSALS as error:
            return StoreError(f"the store refused {type(item.event or item.outcome).__name__}: {error}")
        return None

    def _lose(self, count: int, problem: str) -> None:
        """Count a lost item, and report the first one."""
        with self._changed:
            is_first = not self._lost
            self._lost += count
            self._problem = problem
        if is_first and count:
            self._report(f"plum-lsp could not keep a record of what happens: {problem}")


def _resolve(done: Future[None] | None, failure: StoreError | None) -> None:
    """Report to the caller, if it still waits."""
    if done is None or done.done() or not done.set_running_or_notify_cancel():
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)


def open_store(
    path: Path,
    *,
    report: Report = log.warning,
    busy_ms: int = BUSY_MS,
    clean: Clean | None = None,
    mirror: Store | None = None,
    shared_by: Identity | None = None,
) -> Store:
    """Open the database for writing, made or brought up to date if need be, and start its writer.

    Args:
        path: the database file. Its folder is created if necessary.
        report: called once, from any thread, when an item cannot be written.
        busy_ms: how long to wait while another process writes.
        clean: removes from each fact what must not be stored.
        mirror: a store that gets what this one has written. It is closed with this one.
        shared_by: whose facts they are, for a file in a folder that others read. None for a store of one's own.

    Raises:
        StoreError: it is locked, cannot be written, is damaged, or a newer plum-lsp wrote it.
    """
    db = connect(path, busy_ms=busy_ms, is_shared=shared_by is not None)
    try:
        with explained(path):
            migrate(db)
            identity = shared_by or own_identity(path.parent)
    except BaseException:
        db.close()
        raise
    return Store(path, db, report=report, clean=clean, identity=identity, mirror=mirror)


def check_store(path: Path) -> None:
    """Open the database as `open_store` does, and write to it once.

    Raises:
        StoreError: it is locked, cannot be written, is damaged, or a newer plum-lsp wrote it.
    """
    db = connect(path)
    try:
        with explained(path):
            migrate(db)
        try_writing(db, path)
    finally:
        db.close()


class StoreRecorder:
    """The `Recorder` that writes to the store. Without a store it says so once, and suggestions go on."""

    def __init__(self, path: Path, store: Store | StoreError, *, report: Report = log.warning) -> None:
        self.path = path
        self.store = store if isinstance(store, Store) else None
        self._problem = "" if isinstance(store, Store) else ". ".join(filter(None, (str(store), store.remedy)))
        self._lost = 0
        if self._problem:
            report(f"plum-lsp keeps no record of what happens: {self._problem}")

    def record(self, event: Event) -> None:
        """Queue the event, if there is a store."""
        if self.store is not None:
            self.store.record(event)
        else:
            self._lost += 1

    def status(self) -> StoreStatus:
        """How the store is doing, or why there is none."""
        if self.store is not None:
            return self.store.status()
        return StoreStatus(path=self.path, is_open=False, written=0, lost=self._lost, waiting=0, problem=self._problem)

    def close(self) -> None:
        """Close the store, if there is one. Idempotent."""
        if self.store is not None:
            self.store.close()


def open_recorder(
    path: Path, *, report: Report = log.warning, clean: Clean | None = None, mirror: Store | None = None
) -> StoreRecorder:
    """The recorder of the store at `path`, or one that drops all events if the store cannot be opened.

    Does not raise.
    """
    try:
        return StoreRecorder(path, open_store(path, report=report, clean=clean, mirror=mirror), report=report)
    except StoreError as error:
        if mirror is not None:
            mirror.close()
        return StoreRecorder(path, error, report=report)
