"""The system calls a candidate may make, as a seccomp filter assembled from names.

Numbers come from the `system-calls` package (tables generated from kernel headers), so one list serves x86-64 and
aarch64. Every system call that is not listed answers EPERM: fork, exec, socket, connect, kill, ptrace, mount, bpf,
io_uring, keyrings, chmod, utime, xattr, and any call that a future kernel adds. The module does not install the filter:
`jail.lockdown` does.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from system_calls import (  # type: ignore[import-untyped]
    NoSuchSystemCall,
    NotSupportedSystemCall,
    syscalls,
)

_LOAD, _JUMP_EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
"""BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_ALU|AND|K, BPF_RET|K (linux/bpf_common.h)."""
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
"""Offsets in `struct seccomp_data`. The low half of an argument comes first on both architectures."""

ARCHITECTURES = {"x86_64": ("x86_64", 0xC000003E), "aarch64": ("arm64", 0xC00000B7)}
"""Machine name to table name and audit architecture (linux/audit.h)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Holds if argument `index`, masked, is one of `values`. `is_wide` also requires that its upper half is zero."""

    index: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    is_wide: bool = False


PLAIN = """
    read readv pread64 preadv write writev pwrite64 close close_range fstat lseek open openat stat lstat newfstatat
    statx access faccessat faccessat2 readlink readlinkat getdents64 getcwd munmap mremap brk madvise fadvise64
    futex futex_wait set_robust_list get_robust_list rseq set_tid_address sched_yield sched_getaffinity getcpu
    nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times getrusage getpid gettid getppid
    getuid geteuid getgid getegid getgroups getpgrp getpgid getsid getresuid getresgid uname sysinfo getpriority
    getrlimit getrandom rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack rt_sigpending rt_sigtimedwait
    rt_sigsuspend restart_syscall pause alarm setitimer getitimer pipe pipe2 dup dup2 dup3 poll ppoll select
    pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 recvfrom
    recvmsg shutdown getsockname getpeername getsockopt exit exit_group
""".split()  # noqa: SIM905 (a table to be read)
"""Allowed with any arguments: they reach only memory, time, open descriptors and the files that Landlock lets them
read."""

OWN_FOLDER = """
    mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 symlink symlinkat ftruncate fsync fdatasync fallocate
    flock chdir fchdir umask sendfile copy_file_range
""".split()  # noqa: SIM905
"""Also allowed for a child with its own folder. Landlock decides where."""
TIMES_AND_MODES = "chmod fchmod fchmodat fchmodat2 utime utimes utimensat futimesat".split()  # noqa: SIM905
"""Also allowed where everything but that folder is mounted read-only. Landlock does not cover these calls."""

_PROT_EXEC = 4
_THREAD_FLAGS = 0x3D0F00
"""What pthread_create asks of clone (glibc; musl adds CLONE_DETACHED, 0x400000). It makes a thread, never a process."""
_FCNTL = (0, 1, 2, 3, 4, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC."""
_IOCTL = (0x5421, 0x5401, 0x5451, 0x5450, 0x541B, 0x5413)
"""FIONBIO, TCGETS, FIOCLEX, FIONCLEX, FIONREAD, TIOCGWINSZ."""
_BUFFER_SIZES = (7, 8)
"""SO_SNDBUF, SO_RCVBUF of SOL_SOCKET. trio sets them for the pair that wakes it."""
_PR_NAMES = (15, 16)
"""PR_SET_NAME, PR_GET_NAME: threads name themselves."""

CHECKED: dict[str, tuple[Check, ...]] = {
    "mmap": (Check(index=2, mask=_PROT_EXEC, values=(0,)),),
    "mprotect": (Check(index=2, mask=_PROT_EXEC, values=(0,)),),
    "clone": (Check(index=0, mask=0xFFFFFFFF & ~0x400000, values=(_THREAD_FLAGS,)),),
    "fcntl": (Check(index=1, values=_FCNTL),),
    "ioctl": (Check(index=1, values=_IOCTL),),
    "prctl": (Check(index=0, values=_PR_NAMES),),
    "prlimit64": (Check(index=0, values=(0,)),),
    "setsockopt": (Check(index=1, values=(1,)), Check(index=2, values=_BUFFER_SIZES)),
    "socketpair": (Check(index=0, values=(1,)), Check(index=1, mask=0xF, values=(1,))),
    "sendto": (Check(index=4, values=(0,), is_wide=True),),
}
"""Allowed with these arguments: no executable memory, threads only, own limits (hard ones can only fall), stream
pairs and their buffers."""


def assemble(machine: str, more: Sequence[str] = ()) -> bytes:
    """The filter for one machine as an array of `struct sock_filter`. `more` are names that are also allowed.

    Raises:
        KeyError: no filter for such a machine.
    """
    table, audit = ARCHITECTURES[machine]
    code = [
        _instruction(_LOAD, _ARCHITECTURE_AT),
        _instruction(_JUMP_EQUAL, audit, jump_true=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_AT),
    ]
    code += _when(numbers(["clone3"], table), [_instruction(_RETURN, _ERRNO | _ENOSYS)])
    for name, checks in CHECKED.items():
        code += _when(numbers([name], table), _body(checks))
    code += _when(numbers([*PLAIN, *more], table), [_instruction(_RETURN, _ALLOW)])
    code.append(_instruction(_RETURN, _ERRNO | _EPERM))
    return b"".join(code)


def assemble_threadless(machine: str) -> bytes:
    """A second filter that refuses every new thread, for kernels that cannot count them.

    Raises:
        KeyError: no filter for such a machine.
    """
    table, _ = ARCHITECTURES[machine]
    code = [_instruction(_LOAD, _NUMBER_AT)]
    code += _when(numbers(["clone", "clone3"], table), [_instruction(_RETURN, _ERRNO | _EPERM)])
    return b"".join([*code, _instruction(_RETURN, _ALLOW)])


def numbers(names: list[str], table: str) -> list[int]:
    """Numbers of the names that the architecture has. A name that no kernel knows is a bug.

    Raises:
        NoSuchSystemCall: a name is not a system call of any architecture.
    """
    known = syscalls()
    found = []
    for name in names:
        try:
            found.append(int(known.get(name, table)))
        except NotSupportedSystemCall:
            continue
    return found


def _when(values: list[int], body: list[bytes]) -> list[bytes]:
    """Run `body`, which returns, if the call's number is one of `values`."""
    code = []
    for value in values:
        code += [_instruction(_JUMP_EQUAL, value, jump_false=len(body)), *body]
    return code


def _body(checks: tuple[Check, ...]) -> list[bytes]:
    """Return EPERM at the first check that does not hold. Allow the call after the last check."""
    code = []
    deny = _instruction(_RETURN, _ERRNO | _EPERM)
    for check in checks:
        at = _ARGUMENTS_AT + 8 * check.index
        code += [_instruction(_LOAD, at), _instruction(_AND, check.mask)]
        for number, value in enumerate(check.values):
            code.append(_instruction(_JUMP_EQUAL, value, jump_true=len(check.values) - number))
        code.append(deny)
        if check.is_wide:
            code += [_instruction(_LOAD, at + 4), _instruction(_JUMP_EQUAL, 0, jump_true=1), deny]
    return [*code, _instruction(_RETURN, _ALLOW)]


def _instruction(operation: int, operand: int, *, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, jump_true, jump_false, operand)


__all__ = [
    "ARCHITECTURES",
    "CHECKED",
    "OWN_FOLDER",
    "PLAIN",
    "TIMES_AND_MODES",
    "Check",
    "NoSuchSystemCall",
    "assemble",
    "assemble_threadless",
    "numbers",
]
