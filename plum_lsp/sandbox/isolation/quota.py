"""Memory and task limits for a whole zygote with its children, on machines where control groups can be made.

Limits of one process (`jail.lockdown`) hold for each child. These limits hold for all of them together. They come on
top of any tier: as root on nearly every machine, as an ordinary user below systemd's user manager (cgroup v2
delegation). Where a group cannot be made, `find` gives the reason, and the tier runs without these limits.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

KEEPER = Path(__file__).parent / "keeper.py"
TASKS_MAX = 2048
"""Processes and threads of one zygote: enough for every child at work, with a few dozen threads in each."""


def memory_max() -> int:
    """Half of the machine's memory. The editor and the policy need the rest."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Folders in which control groups can be made, and for each the files to write with their contents."""

    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    memory_bytes: int
    tasks: int
    is_unified: bool

    @property
    def layer(self) -> str:
        """The name of the limits among a tier's layers."""
        version = "v2" if self.is_unified else "v1"
        return f"cgroup {version} (memory {self.memory_bytes / (1 << 30):.1f} GiB, {self.tasks} tasks)"


class NoQuota(Exception):
    """No group can be made here. The text says why."""


def find(own_groups: str | None = None, mounts: str | None = None) -> Quota:
    """The limits that this machine allows. It makes a group and removes it again to try.

    Args:
        own_groups: the text of `/proc/self/cgroup`, for tests.
        mounts: the text of `/proc/self/mountinfo`, for tests.

    Raises:
        NoQuota: there are none.
    """
    try:
        own = _own_groups(Path("/proc/self/cgroup").read_text() if own_groups is None else own_groups)
        mounted = list(_mounted(Path("/proc/self/mountinfo").read_text() if mounts is None else mounts))
    except OSError as error:
        raise NoQuota(f"control groups cannot be read: {error.strerror}") from None
    memory = memory_max()
    reasons = []
    for groups, is_unified in (*_unified(own, mounted, memory), *_split(own, mounted, memory)):
        problem = _problem(groups)
        if not problem:
            return Quota(groups=groups, memory_bytes=memory, tasks=TASKS_MAX, is_unified=is_unified)
        reasons.append(problem)
    raise NoQuota(reasons[-1] if reasons else "no memory and pids controllers are mounted")


_Groups = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def _own_groups(text: str) -> dict[str, str]:
    """Our own group by controller. The group of the unified hierarchy has the empty name."""
    fields = [line.split(":", 2) for line in text.splitlines() if line.count(":") >= 2]
    return {name: path for _, names, path in fields for name in names.split(",")}


def _mounted(text: str) -> Iterator[tuple[set[str], str, str]]:
    """Controllers (empty for the unified hierarchy), root within the hierarchy, and mount point of each mount."""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind = after.split(" ", 2)
        if len(kind) == 3 and kind[0] in {"cgroup", "cgroup2"}:
            root, point = before.split()[3:5]
            yield (set(kind[2].split()[-1].split(",")) if kind[0] == "cgroup" else set()), root, point


def _folder(own: str, root: str, point: str) -> Path:
    """The path of our own group, if the mount shows a part of the hierarchy."""
    inside = os.path.relpath(own, root) if own.startswith(root) else "."
    return Path(point) / inside


def _unified(
    own: dict[str, str], mounted: Sequence[tuple[set[str], str, str]], memory: int
) -> Iterator[tuple[_Groups, bool]]:
    """Places below our own group or beside it. A group with its own processes has no children with controllers."""
    limits = (("memory.max", str(memory)), ("memory.swap.max", "0"), ("pids.max", str(TASKS_MAX)))
    for controllers, root, point in mounted:
        if controllers or "" not in own:
            continue
        folder = _folder(own[""], root, point)
        for place in dict.fromkeys((folder, folder.parent)):
            with contextlib.suppress(OSError):
                if {"memory", "pids"} <= set((place / "cgroup.subtree_control").read_text().split()):
                    yield ((str(place), limits),), True


def _split(
    own: dict[str, str], mounted: Sequence[tuple[set[str], str, str]], memory: int
) -> Iterator[tuple[_Groups, bool]]:
    """One hierarchy for each controller, as before version 2."""
    limits = {
        "memory": (("memory.limit_in_bytes", str(memory)),),
        "pids": (("pids.max", str(TASKS_MAX)),),
    }
    found = {
        name: str(_folder(own[name], root, point))
        for controllers, root, point in mounted
        for name in limits
        if name in controllers and name in own
    }
    if len(found) == len(limits):
        yield tuple((found[name], limits[name]) for name in limits), False


def _problem(groups: _Groups) -> str:
    """Why such groups cannot be made. Empty if they can."""
    for folder, limits in groups:
        trial = Path(folder) / f"plum-trial-{os.getpid()}"
        try:
            trial.mkdir()
            try:
                for name, content in limits:
                    if name != "memory.swap.max" or (trial / name).exists():
                        (trial / name).write_text(content)
                if not os.access(Path(folder) / "cgroup.procs", os.W_OK):
                    return f"processes cannot be moved within {folder}"
            finally:
                trial.rmdir()
        except OSError as error:
            return f"no group can be made in {folder}: {error.strerror}"
    return ""


def under(quota: Quota, command: Sequence[str]) -> list[str]:
    """The command line that runs another one in a fresh group. The group is removed when the command ends."""
    words = [sys.executable, "-I", "-S", "-B", str(KEEPER)]
    for folder, limits in quota.groups:
        words += [folder, *(f"{name}={content}" for name, content in limits)]
    return [*words, "--", *command]
