"""What a worker gets and gives: lines of candidates, and their predictions. It writes no file.

Each batch opens a sandbox of its own, which proves that it isolates before any candidate runs. The values travel
between machines, so they hold no settings beyond those that decide a verdict, and no keys. `sampling` has the batches
whose candidates are not written yet.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from dataclasses import asdict, dataclass

from plum_lsp import __version__
from plum_lsp.domain.errors import SandboxError, told
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.offline import verify
from plum_lsp.evaluation.tasks import MalformedTask, Task, task_from, values_of
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.store.judgements import LineKey, Prediction
from plum_lsp.suggestion.clock import MonotonicClock

_SEED_MAX = 2**63 - 1
"""The largest number that the store takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of candidates, with what names it."""

    key: LineKey
    task: Task

    def sha256(self, limits: Limits) -> str:
        """The hash of all that decides the line's verdicts: its text, the limits, and the version of plum-lsp."""
        decisive = [__version__, asdict(limits), self.task.prompt, self.task.suffix, self.task.candidates]
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Lines that one worker judges, in one sandbox. `interpreter` and `jobs` are those of the sandbox's settings."""

    lines: tuple[Line, ...]
    limits: Limits
    interpreter: str = ""
    jobs: int = 0

    @property
    def reaches(self) -> str:
        """The host that a worker asks by HTTP, if any."""
        return ""

    def digest(self, line: Line) -> str:
        """The hash of all that decides the rows of a line."""
        return line.sha256(self.limits)

    def rows_of(self, line: Line) -> int:
        """How many rows a line gets: one for each candidate."""
        return len(line.task.candidates)

    async def found_in(self, sandbox: Sandbox) -> tuple[Found, ...]:
        """What there is to find about each line."""
        return tuple([await _one(line, sandbox, self.limits) for line in self.lines])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The predictions for one line. If `problem` is not empty, the sandbox broke on it and there are none."""

    predictions: tuple[Prediction, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A worker's answer, in the order of the batch's lines.

    `unusable` says why the worker could not judge anything: its machine offers no isolation.
    """

    found: tuple[Found, ...]
    machine: str
    plum_lsp: str = __version__
    unusable: str = ""


def line_of(text: str) -> Line:
    """The line in a row of tasks. A row may name the `version` of the policy and a `seed` beside its task.

    Raises:
        MalformedTask: the row is not a task with candidates. The message says why.
    """
    values = values_of(text)
    task = task_from(values, needs=("candidates",))
    version, seed = values.get("version", ""), values.get("seed", 0)
    if not isinstance(version, str):
        raise MalformedTask("`version` must be a text")
    if type(seed) is not int or abs(seed) > _SEED_MAX:
        raise MalformedTask("`seed` must be a whole number")
    return named(task, version=version, seed=seed)


def named(task: Task, *, version: str, seed: int) -> Line:
    """The line of a task, with the names under which its rows are stored."""
    return Line(key=LineKey(task=_storable(task.id), version=_storable(version), seed=seed), task=task)


def _storable(name: str) -> str:
    """The name as the store keeps it, which takes no half of a UTF-16 pair."""
    return name.encode("utf-8", "backslashreplace").decode()


def judge_batch(batch: Batch) -> Answer:
    """Judge a batch in a fresh sandbox. A worker runs it in a process of its own or in the main one."""
    return asyncio.run(_judged(batch))


async def _judged(batch: Batch) -> Answer:
    machine = socket.gethostname()
    try:
        sandbox = await open_sandbox(SandboxOptions(interpreter=batch.interpreter, jobs=batch.jobs))
    except SandboxError as error:
        return Answer(found=(), machine=machine, unusable=told(error))
    try:
        return Answer(found=await batch.found_in(sandbox), machine=machine)
    finally:
        await sandbox.close()


async def _one(line: Line, sandbox: Sandbox, limits: Limits) -> Found:
    try:
        done = await verify(line.task, sandbox, MonotonicClock(), limits=limits)
    except SandboxError as error:
        return Found(problem=f"the sandbox broke: {error}")
    return Found(predictions=tuple(done.lines()))
