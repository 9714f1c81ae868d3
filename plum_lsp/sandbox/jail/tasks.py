"""Bounds the threads of a child with the means that this kernel has. `seccomp` refuses to fork processes.

`RLIMIT_NPROC` counts the tasks of a real user in a user namespace, and does not bind the machine's root (setrlimit(2)).
So each child gets its own count: in a user namespace that it makes (`OWN_NAMESPACE`), or, if root stays root, under a
real user id that no other process has (`OWN_USER`). Its effective id, which opens files, stays. If neither is possible,
all children of a zygote share a number on top of the count when the zygote started (`SHARED`). That is the case on
systems that forbid user namespaces, and in tier `full` where the zygote could not map its ids. If no limit binds
(`NOTHING`), threads are not allowed at all.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass

from . import lockdown

OWN_MAX = 64
"""Threads of one child, including the first. A thread pool of Python has 32 at most by default."""
SHARED_MAX = 1024
"""Threads of all children together. Without a namespace of their own, tasks that the user starts later count too."""
OWN_NAMESPACE, OWN_USER, SHARED, NOTHING = "namespace", "user", "shared", "nothing"
_USER_FIRST = 0x70000000
"""Real user ids from here on, one for each process id. No system gives such ids to people or containers."""
_COUNT_MAX = 1 << 22
"""The most tasks that Linux has (`PID_MAX_LIMIT`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The kind of the bound on children, and the number that the kernel gets."""

    kind: str
    tasks: int

    def confine(self) -> None:
        """Bind this process. Ask for the parent's signal (`die_with_parent`) after this call, because ids change here.

        Raises:
            OSError: the kernel refuses it. The child must not go on.
        """
        if self.kind == NOTHING:
            return
        _apart(self.kind)
        resource.setrlimit(resource.RLIMIT_NPROC, (self.tasks, self.tasks))


def find() -> Bound:
    """The strongest bound that holds here. It is tested with processes that end at once."""
    for kind in (OWN_NAMESPACE, OWN_USER):
        if not _can_fork(kind, 1) and _can_fork(kind, 2):
            return Bound(kind=kind, tasks=OWN_MAX)
    if _can_fork(SHARED, 1):
        return Bound(kind=NOTHING, tasks=0)
    return Bound(kind=SHARED, tasks=min(_running() + SHARED_MAX, _hard_limit()))


def _apart(kind: str) -> None:
    if kind == OWN_NAMESPACE:
        lockdown.new_user_namespace()
    elif kind == OWN_USER:
        os.setresuid(_USER_FIRST + os.getpid(), -1, -1)


def _running() -> int:
    """The user's tasks now: one less than the greatest limit under which a further process of theirs cannot fork."""
    low, high = 1, _hard_limit()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _can_fork(SHARED, middle) else (middle, high)
    return low - 1


def _hard_limit() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    return _COUNT_MAX if hard == resource.RLIM_INFINITY else min(hard, _COUNT_MAX)


def _can_fork(kind: str, limit: int) -> bool:
    """Whether a process without rights can fork under this bound. False if it cannot be bound."""

    def attempt() -> None:
        _apart(kind)
        lockdown.drop_capabilities()
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
        _forked(lambda: None)

    return _forked(attempt)


def _forked(work: Callable[[], None]) -> bool:
    """Run `work` in another process, and return whether it worked.

    Raises:
        OSError: there is no room for another process.
    """
    pid = os.fork()
    if not pid:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0
