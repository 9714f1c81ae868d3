"""Who is alive: the descendants of a process, and whether they are gone. Linux only."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path


def descendants(pid: int) -> set[int]:
    """The processes below `pid`, at any depth."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and (above := parent(int(path.name))) is not None:
            children.setdefault(above, []).append(int(path.name))
    found: set[int] = set()
    pending = [pid]
    while pending:
        for child in children.get(pending.pop(), ()):
            found.add(child)
            pending.append(child)
    return found


def children() -> set[int]:
    """The processes that this one has started and not waited for, alive or not."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


async def until_gone(pids: set[int], *, seconds: float = 10.0) -> set[int]:
    """Those of `pids` that are still alive after `seconds` at most."""
    deadline = time.monotonic() + seconds
    while (alive := {pid for pid in pids if is_alive(pid)}) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return alive


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    return parent(pid) is not None


def parent(pid: int) -> int | None:
    """The process that a process belongs to; None if it is gone."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state == "Z" else int(parent)
