"""The system calls that take rights away: user ids, capabilities, Landlock, seccomp, resource limits.

The module does not choose what is allowed. The host sends rule sets and filters from `sandbox.isolation`.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import resource
import struct
from collections.abc import Iterator
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
"""The same numbers on every architecture (Linux 5.13, unified table)."""
_LANDLOCK_RULE_PATH_BENEATH = 1
_CAPABILITY_VERSION_3 = 0x20080522


_DATA_BYTES_MAX = 4 * 1024**3
"""Memory for importing a document with all that it imports, where half of the machine's is not less."""


class LockdownError(OSError):
    """The kernel refused a restriction. The child must not go on."""


def _must(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise LockdownError(number, what + ": " + os.strerror(number))
    return result


def become_user(user: int, group: int) -> None:
    """Give up root for good: supplementary groups, group, user."""
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def die_with_parent() -> None:
    """Ask for SIGKILL when the thread that forked us ends.

    A change of ids cancels the request, so call this after it.
    """
    _must(_libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0), "PR_SET_PDEATHSIG")


def refuse_new_privileges() -> None:
    """Forbid a later exec to raise privileges (unprivileged Landlock and seccomp need this). No core, no ptrace."""
    _must(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    _must(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "PR_SET_DUMPABLE")


def drop_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _must(_libc.capset(header, bytes(24)), "capset")


def new_pid_namespace(with_user: bool) -> None:
    """Let the next fork start a pid namespace. `with_user` first makes the user namespace that owns it."""
    _must(_libc.unshare(_CLONE_NEWPID | (_CLONE_NEWUSER if with_user else 0)), "unshare")


def map_own_ids(proc: int, user: int, group: int) -> None:
    """Let our two ids stand for themselves in the user namespace that we have just made (user_namespaces(7)).

    `proc` is a descriptor of the folder `/proc`. Only a process that is dumpable owns its files there.
    """
    _must(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "PR_SET_DUMPABLE")
    try:
        for name, text in (("uid_map", f"{user} {user} 1"), ("setgroups", "deny"), ("gid_map", f"{group} {group} 1")):
            descriptor = os.open(f"self/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
            try:
                os.write(descriptor, text.encode())
            finally:
                os.close(descriptor)
    finally:
        _must(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "PR_SET_DUMPABLE")


def new_user_namespace() -> None:
    """Move this process into a new user namespace that no other process shares."""
    _must(_libc.unshare(_CLONE_NEWUSER), "unshare")


def back_to_pid_namespace(process_fd: int) -> None:
    """Undo `new_pid_namespace` for later forks. `process_fd` is a pidfd of ourselves (setns(2), Linux 5.8)."""
    _must(_libc.setns(process_fd, _CLONE_NEWPID), "setns")


def landlock_version() -> int:
    """The Landlock ABI that the kernel offers. 0 if none."""
    return max(0, int(_libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1)))


def landlock_ruleset(attributes: tuple[int, int, int], rules: list[tuple[str, int]]) -> int:
    """A descriptor of a rule set: handled file and network rights, scopes, and the rights on each path beneath.

    Paths that do not exist are left out. A path that is not a folder keeps the rights that a file can have.
    """
    size = 24 if attributes[2] else 16 if attributes[1] else 8
    packed = struct.pack("=QQQ", *attributes)[:size]
    ruleset = _must(
        _libc.syscall(_LANDLOCK_CREATE_RULESET, packed, ctypes.c_size_t(size), 0), "landlock_create_ruleset"
    )
    os.set_inheritable(ruleset, False)
    for path, rights in rules:
        with contextlib.suppress(FileNotFoundError):
            _allow_beneath(ruleset, path, rights)
    return ruleset


def open_places(rules: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """The paths that exist, with a descriptor and their rights, for rule sets that are made many times."""
    opened = []
    for path, rights in rules:
        with contextlib.suppress(OSError):
            opened.append((os.path.realpath(path), os.open(path, os.O_PATH | os.O_CLOEXEC), rights))
    return opened


def allow_places(ruleset: int, opened: list[tuple[int, int]]) -> None:
    """Add paths that are open already to a rule set."""
    for place, rights in opened:
        packed = struct.pack("=Qi", rights, place)
        _must(_libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, packed, 0), "landlock_add_rule")


def _allow_beneath(ruleset: int, path: str, rights: int) -> None:
    """Add one path to a rule set."""
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allow_places(ruleset, [(place, rights)])
    finally:
        os.close(place)


def restrict_files(ruleset: int) -> None:
    """Put ourselves under a Landlock rule set, for good."""
    _must(_libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")


def filter_system_calls(program: bytes) -> None:
    """Install a seccomp filter (an array of `struct sock_filter`) on this, our only, thread."""
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    _must(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0), "PR_SET_SECCOMP")


def address_space_used() -> int:
    """Bytes of address space in use, to a mebibyte. It asks for a page under falling limits to find them.

    `/proc` has this number, but it is not mounted in the jail.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    low, high = 0, 1 << 40
    while high - low > 1 << 20:
        middle = (low + high) // 2
        resource.setrlimit(resource.RLIMIT_AS, (middle, hard))
        try:
            mmap.mmap(-1, 4096).close()
            high = middle
        except (OSError, MemoryError):
            low = middle
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return high


@contextlib.contextmanager
def data_bounded() -> Iterator[None]:
    """Bound the memory that this process allocates within the block. Children can still get limits of their own.

    RLIMIT_DATA counts private writable memory only (getrlimit(2), Linux 4.7), so large libraries do not count.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    bound = min(half, _DATA_BYTES_MAX) if hard == resource.RLIM_INFINITY else min(half, _DATA_BYTES_MAX, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def limit_resources(limits: dict[str, Any], base_bytes: int) -> None:
    """Set hard limits: memory on top of what the zygote had, CPU seconds, no core, few descriptors.

    No file can grow unless the child has its own folder (`file_bytes`).
    """
    memory = base_bytes + int(limits["memory_bytes"])
    seconds = max(1, int(limits["cpu_seconds"] + 0.999))
    file_bytes = int(limits.get("file_bytes", 0))
    for kind, soft, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_DATA, memory, memory),
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_FSIZE, file_bytes, file_bytes),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, 128, 128),
        (resource.RLIMIT_MEMLOCK, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))
