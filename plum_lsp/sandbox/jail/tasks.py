"""How many threads a child may have, and what of this kernel holds it to that. Forking is `seccomp`'s to refuse.

`RLIMIT_NPROC` counts the tasks of a real user in a user namespace, and does not bind the machine's root (setrlimit(2)).
So each child gets a count of its own: in a user namespace that it makes (`OWN_NAMESPACE`), or, where root stays root,
under a real user id that nobody else has (`OWN_USER`); its effective id, which opens files, stays. Where neither can be
had, all children of a zygote share a number on top of what the count was when the zygote started (`SHARED`): in tier
`full`, whose namespaces the kernel lets make no further ones, and where user namespaces are forbidden. Where nothing
binds (`NOTHING`), there are no threads at all.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass

from . import lockdown

OWN_MAX = 64
"""Threads of one child, the first included: a pool of Python's has 32 at most unless it is told otherwise."""
SHARED_MAX = 1024
"""Threads of all children together; where no namespace is theirs alone, with what the user starts meanwhile."""
OWN_NAMESPACE, OWN_USER, SHARED, NOTHING = "namespace", "user", "shared", "nothing"
_USER_FIRST = 0x70000000
"""Real user ids from here on, one for each process id; no system gives such ids to people or containers."""
_COUNT_MAX = 1 << 22
"""The most tasks that Linux has (`PID_MAX_LIMIT`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What holds children, and the number that the kernel is told."""

    kind: str
    tasks: int

    def confine(self) -> None:
        """Bind this process, whose parent is to be asked for its signal afterwards: ids change here.

        Raises:
            OSError: the kernel refuses it; the child must not go on.
        """
        if self.kind == NOTHING:
            return
        _apart(self.kind)
        resource.setrlimit(resource.RLIMIT_NPROC, (self.tasks, self.tasks))


def find() -> Bound:
    """The strongest bound that holds here, tried with processes that end at once."""
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
    """How many tasks the user has, to the kernel's own count: the greatest limit under which one cannot fork."""
    low, high = 1, _hard_limit()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _can_fork(SHARED, middle) else (middle, high)
    return low


def _hard_limit() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    return _COUNT_MAX if hard == resource.RLIM_INFINITY else min(hard, _COUNT_MAX)


def _can_fork(kind: str, limit: int) -> bool:
    """Whether a process without rights that is bound in this way may make another; False where it cannot be bound."""

    def attempt() -> None:
        _apart(kind)
        lockdown.drop_capabilities()
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
        _forked(lambda: None)

    return _forked(attempt)


def _forked(work: Callable[[], None]) -> bool:
    """Do something in another process; whether it worked.

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
