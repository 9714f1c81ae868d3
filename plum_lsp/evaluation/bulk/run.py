"""Hands lines out in batches, stores what comes back, and says how long the rest will take.

It knows no Ray: `Workers` are here or elsewhere. Lines whose rows are stored are not handed out. A batch whose worker
is lost is handed out again, line by line, so that one line cannot take the others with it. A line under which the
sandbox broke is handed out again, too: a broken sandbox does not judge a candidate.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from plum_lsp import __version__
from plum_lsp.domain.errors import PlumError, SandboxUnavailable, StoreError
from plum_lsp.domain.ports import Clock
from plum_lsp.evaluation.bulk.work import Answer, Batch, Line, judge_batch
from plum_lsp.store.judgements import BulkRows, LineKey

TRIES_MAX = 5
"""How often a line is handed out whose worker is lost or whose sandbox breaks. A line may itself be the reason."""
REFUSALS_MAX = 4
"""How often in a row a sandbox may fail to open before the run ends. A machine without isolation would refuse all."""
_SECONDS_BETWEEN = 2.0
"""Between two lines of progress."""

Tell = Callable[[str], None]


class Workers(Protocol):
    """Where batches are judged."""

    def capacity(self) -> int:
        """How many batches may be handed out and not yet answered, at least one."""
        ...

    def submit(self, batch: Batch) -> None:
        """Hand out a batch."""
        ...

    def next_done(self) -> tuple[Batch, Answer | None]:
        """Wait for a batch that ended, with its answer. None if its worker was lost."""
        ...

    def close(self) -> None:
        """End what was begun for the run."""
        ...


class InThisProcess:
    """Judges each batch here, one after another."""

    def __init__(self) -> None:
        self._waiting: deque[Batch] = deque()

    def capacity(self) -> int:
        """One at a time."""
        return 1

    def submit(self, batch: Batch) -> None:
        """Keep the batch until it is asked for."""
        self._waiting.append(batch)

    def next_done(self) -> tuple[Batch, Answer | None]:
        """Judge the batch now."""
        batch = self._waiting.popleft()
        return batch, judge_batch(batch)

    def close(self) -> None:
        """No work was begun."""


def left_of(lines: Sequence[Line], like: Batch, store: BulkRows) -> list[Line]:
    """The lines with a row that is not stored.

    Raises:
        StoreError: rows are stored of another line of that name, or were judged with other limits or another version.
    """
    stored, left = store.stored(), []
    for line in lines:
        digest, rows = stored.get(line.key, ("", frozenset()))
        if digest and digest != like.digest(line):
            raise StoreError(
                f"the rows of task {line.key.task!r} in the file are of another text, setting or version of plum-lsp",
                remedy="Name another file for the rows.",
            )
        if not rows.issuperset(range(like.rows_of(line))):
            left.append(line)
    return left


@dataclass(slots=True, kw_only=True)
class BulkRun:
    """One run over lines. `like` is an empty batch with the limits and the sandbox's settings. `size` is in lines."""

    store: BulkRows
    workers: Workers
    like: Batch
    size: int
    clock: Clock
    tell: Tell
    problems: int = 0
    _queue: deque[tuple[Line, ...]] = field(default_factory=deque)
    _out: int = 0
    _refusals: int = 0
    _asks: dict[LineKey, int] = field(default_factory=dict)
    _failures: Counter[LineKey] = field(default_factory=Counter)

    def judge(self, lines: Sequence[Line]) -> None:
        """Judge the lines and store their rows. `problems` counts those that could not be judged.

        Raises:
            PlumError: a machine cannot judge anything. What is stored stays.
        """
        self._queue.extend(tuple(lines[start : start + self.size]) for start in range(0, len(lines), self.size))
        progress = Progress(total=len(lines), started=self.clock.now(), told=self.clock.now())
        while self._queue or self._out:
            self._hand_out()
            batch, answer = self.workers.next_done()
            self._out -= 1
            done = self._lost(batch) if answer is None else self._take(batch, answer)
            if said := progress.after(done, self.clock.now(), failed=self._failures.total()):
                self.tell(said)

    def _hand_out(self) -> None:
        """As many batches as the workers take. Each line is noted before it leaves."""
        while self._queue and self._out < self.workers.capacity():
            lines = self._queue.popleft()
            keys = [line.key for line in lines]
            self._asks.update(zip(keys, self.store.ask(keys), strict=True))
            self.workers.submit(replace(self.like, lines=lines))
            self._out += 1

    def _take(self, batch: Batch, answer: Answer) -> int:
        """Store an answer. Returns how many lines it ends."""
        if answer.unusable:
            return self._refused(batch, answer)
        self._refusals = 0
        if answer.plum_lsp != __version__:
            raise PlumError(
                f"{answer.machine} has plum-lsp {answer.plum_lsp}, and this machine has {__version__}",
                remedy="Install the same version on each machine of the cluster.",
            )
        ended = 0
        for line, found in zip(batch.lines, answer.found, strict=True):
            ask = self._asks.pop(line.key)
            if found.problem:
                ended += self._again(line, found.problem)
            else:
                self.store.answer(ask, line.key, batch.digest(line), found.predictions)
                ended += 1
        return ended

    def _refused(self, batch: Batch, answer: Answer) -> int:
        """Hand a batch out again whose worker could not open a sandbox, which may only be busy. No line is ended."""
        self._refusals += 1
        if self._refusals == REFUSALS_MAX:
            raise SandboxUnavailable(f"{answer.machine} cannot judge: {answer.unusable}")
        self._queue.append(batch.lines)
        return 0

    def _lost(self, batch: Batch) -> int:
        """Hand the lines of a lost batch out again. Returns how many are given up."""
        return sum(self._again(line, "its worker was lost") for line in batch.lines)

    def _again(self, line: Line, why: str) -> bool:
        """Hand a line out again, alone. Returns whether it is given up instead."""
        self._failures[line.key] += 1
        if self._failures[line.key] < TRIES_MAX:
            self._queue.append((line,))
            return False
        self.problems += 1
        self.tell(f"{line.key.task}: given up after {TRIES_MAX} tries: {why}")
        return True


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a run is. Times are instants on one clock, in seconds."""

    total: int
    started: float
    told: float
    done: int = 0

    def after(self, done: int, now: float, *, failed: int = 0) -> str:
        """Count lines that ended. Returns a line for the user, or an empty text if the last one was just now.

        `failed` counts the tries of lines that gave no answer so far.
        """
        self.done += done
        is_end = self.done == self.total
        if not self.done or (now - self.told < _SECONDS_BETWEEN and not is_end):
            return ""
        self.told = now
        took = max(now - self.started, 1e-9)
        said = f"{self.done}/{self.total} lines, {self.done / took:.1f} a second"
        said += f", {failed} tries failed" if failed else ""
        return said if is_end else f"{said}, about {_words(took / self.done * (self.total - self.done))} left"


def _words(seconds: float) -> str:
    """A time as people say it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
