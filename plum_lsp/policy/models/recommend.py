"""Which model of the catalogue suits a machine, by its free memory and by how fast it writes.

A model's speed is estimated from a measured one by the sizes of their files, because each token reads the whole file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from operator import mul
from pathlib import Path

from plum_lsp.policy.models.catalogue import ModelEntry, catalogue, default_entry

MEMORY_FACTOR = 2
"""A model gets at most half of the free memory: the editor, the tests and other programs need the rest."""
LINE_TOKENS = 20
"""The tokens of an ordinary line."""
LINE_SECONDS_MAX = 1.5
"""A model suits if it writes a line in this time. People type on after it."""
THREADS_MAX = 8
"""Writing is bound by memory, and more threads than this have not helped small models."""
LOOP_PER_SECOND, LOOP_TOKENS_PER_SECOND = 47e6, 13.0
"""What `loop_speed` gives on a core (Xeon, Python 3.11), and how many tokens a second one thread of two writes there
with the default model: 26 with two, the lower of the measured figures (`hosting.launch`)."""
_SIDE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was measured. `tokens_per_second` is the speed of the model `timed`. With `is_estimate` a loop was timed."""

    cores: int
    memory_bytes: int
    tokens_per_second: float
    timed: ModelEntry
    is_estimate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A model on a machine. `problem` says why it does not suit, and is empty if it does."""

    entry: ModelEntry
    tokens_per_second: float
    problem: str

    @property
    def line_seconds(self) -> float:
        """How long it takes to write a line."""
        return LINE_TOKENS / self.tokens_per_second


def choices(machine: Machine) -> tuple[Choice, ...]:
    """Every model of the catalogue on this machine, largest first."""
    entries = sorted(catalogue().values(), key=lambda entry: -entry.bytes)
    return tuple(_choice(entry, machine) for entry in entries)


def recommended(found: Iterable[Choice]) -> Choice:
    """The largest model that suits. If none does, the smallest."""
    ordered = sorted(found, key=lambda one: -one.entry.bytes)
    return next((one for one in ordered if not one.problem), ordered[-1])


def _choice(entry: ModelEntry, machine: Machine) -> Choice:
    speed = machine.tokens_per_second * machine.timed.bytes / entry.bytes
    problem = ""
    if not _fits(entry, machine.memory_bytes):
        problem = f"it needs {MEMORY_FACTOR * entry.memory_bytes / 1e9:.1f} GB of free memory, half of it for others"
    elif entry.fim is None:
        problem = "it does not see the text after the cursor"
    elif LINE_TOKENS / speed > LINE_SECONDS_MAX:
        problem = f"a line takes more than {LINE_SECONDS_MAX:.1f} s"
    return Choice(entry=entry, tokens_per_second=speed, problem=problem)


def _fits(entry: ModelEntry, memory_bytes: int) -> bool:
    return memory_bytes >= MEMORY_FACTOR * entry.memory_bytes


def model_for(memory_bytes: int) -> ModelEntry:
    """The model for a machine with so much free memory: the default if it fits well, else the smallest."""
    default = default_entry()
    if _fits(default, memory_bytes):
        return default
    return min(catalogue().values(), key=lambda entry: entry.memory_bytes)


def free_memory() -> int:
    """The memory that programs can still get, in bytes. All of it where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def estimated(*, cores: int, memory_bytes: int, loop_per_second: float) -> Machine:
    """The machine as a loop shows it, where there is no model to time."""
    threads = min(cores, THREADS_MAX)
    speed = LOOP_TOKENS_PER_SECOND * threads * loop_per_second / LOOP_PER_SECOND
    default = default_entry()
    return Machine(cores=cores, memory_bytes=memory_bytes, tokens_per_second=speed, timed=default, is_estimate=True)


def loop_speed(*, seconds: float) -> float:
    """Multiplications a second of one core on the product of a matrix and a vector, for so many processor seconds."""
    matrix = [[1.0 / (row + column + 1) for column in range(_SIDE)] for row in range(_SIDE)]
    vector, rounds, begun = matrix[0], 0, time.process_time()
    while (spent := time.process_time() - begun) < seconds or not rounds:
        for row in matrix:
            sum(map(mul, row, vector))
        rounds += 1
    return rounds * _SIDE * _SIDE / max(spent, 1e-9)
