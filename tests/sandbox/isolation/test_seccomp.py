"""The system-call filter, interpreted as the kernel would, on both architectures."""

from __future__ import annotations

import struct

import pytest

from plum_lsp.sandbox.isolation import seccomp

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
MACHINES = list(seccomp.ARCHITECTURES)


def decide(machine: str, name: str | int, *arguments: int, architecture: int | None = None) -> int:
    """What the filter answers to one call: a small interpreter of classic BPF."""
    table, audit = seccomp.ARCHITECTURES[machine]
    number = name if isinstance(name, int) else seccomp.numbers([name], table)[0]
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, architecture or audit, 0, *(argument & (2**64 - 1) for argument in padded))
    code = list(struct.iter_unpack("=HBBI", seccomp.assemble(machine)))
    at = accumulator = 0
    while True:
        operation, jump_true, jump_false, operand = code[at]
        at += 1
        match operation:
            case 0x20:
                accumulator = struct.unpack_from("<I", data, operand)[0]
            case 0x54:
                accumulator &= operand
            case 0x15:
                at += jump_true if accumulator == operand else jump_false
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(hex(operation))


REFUSED = """
execve socket connect bind kill tgkill ptrace mount unshare setns bpf io_uring_setup perf_event_open
userfaultfd keyctl memfd_create process_vm_readv pidfd_open fchmodat utimensat setxattr mkdirat unlinkat
renameat2 linkat symlinkat sendmsg personality setuid capset seccomp landlock_restrict_self chroot pivot_root
init_module shmget msgget ftruncate execveat
""".split()  # noqa: SIM905 (a table to be read)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", REFUSED)
def test_dangerous_calls_are_refused(machine: str, name: str) -> None:
    """With EPERM, whatever their arguments."""
    assert decide(machine, name, 1, 1, 1, 1, 1, 1) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("read", (0,), ALLOW),
        ("openat", (0,), ALLOW),
        ("clone3", (0,), ENOSYS),
        ("clone", (0x3D0F00,), ALLOW),
        ("clone", (0x7D0F00,), ALLOW),
        ("clone", (17,), EPERM),
        ("clone", (0x3D0F00 | 0x20000000,), EPERM),
        ("mmap", (0, 4096, 3, 0x22), ALLOW),
        ("mmap", (0, 4096, 7, 0x22), EPERM),
        ("mmap", (0, 4096, 4, 0x22), EPERM),
        ("mprotect", (0, 4096, 1), ALLOW),
        ("mprotect", (0, 4096, 5), EPERM),
        ("socketpair", (1, 1), ALLOW),
        ("socketpair", (1, 1 | 0o2004000), ALLOW),
        ("socketpair", (1, 2), EPERM),
        ("socketpair", (2, 1), EPERM),
        ("setsockopt", (3, 1, 7), ALLOW),
        ("setsockopt", (3, 1, 8), ALLOW),
        ("setsockopt", (3, 1, 32), EPERM),
        ("setsockopt", (3, 6, 8), EPERM),
        ("sendto", (3, 1, 1, 0, 0, 0), ALLOW),
        ("sendto", (3, 1, 1, 0, 1 << 32, 16), EPERM),
        ("sendto", (3, 1, 1, 0, 8, 16), EPERM),
        ("prlimit64", (0, 7, 0, 1), ALLOW),
        ("prlimit64", (0, 7, 1 << 40, 0), ALLOW),
        ("prlimit64", (5, 7, 0, 1), EPERM),
        ("fcntl", (3, 4, 0), ALLOW),
        ("fcntl", (3, 8, 0), EPERM),
        ("ioctl", (3, 0x5421), ALLOW),
        ("ioctl", (3, 0x5412), EPERM),
        ("prctl", (15,), ALLOW),
        ("prctl", (4, 1), EPERM),
    ],
)
def test_arguments_are_checked(machine: str, name: str, arguments: tuple[int, ...], answer: int) -> None:
    """Where a call is safe only in some forms."""
    assert decide(machine, name, *arguments) == answer


@pytest.mark.parametrize("machine", MACHINES)
def test_another_architecture_is_killed_and_unknown_numbers_refused(machine: str) -> None:
    """32-bit entry points, x32 numbers and calls of later kernels reach nothing."""
    assert decide(machine, "read", architecture=0x40000003) == KILL
    for number in (0x40000000, 0x40000000 | 41, 999, 2**32 - 1):
        assert decide(machine, number) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_every_jump_stays_inside(machine: str) -> None:
    """The program is short enough for the kernel and for eight-bit jumps, and every name is a known call."""
    code = list(struct.iter_unpack("=HBBI", seccomp.assemble(machine)))
    assert len(code) < 4096
    assert all(
        at + 1 + max(jump, other) < len(code)
        for at, (operation, jump, other, _) in enumerate(code)
        if operation == 0x15
    )
    assert seccomp.numbers(seccomp.PLAIN, seccomp.ARCHITECTURES[machine][0])


def test_a_misspelt_call_is_noticed() -> None:
    """A name no kernel has is a mistake of ours."""
    with pytest.raises(seccomp.NoSuchSystemCall):
        seccomp.numbers(["raed"], "x86_64")


def test_numbers_are_the_kernels() -> None:
    """A few from each architecture's own header, against the package's tables."""
    names = ["read", "openat", "futex", "clone", "mmap", "getrandom"]
    assert seccomp.numbers(names, "x86_64") == [0, 257, 202, 56, 9, 318]
    assert seccomp.numbers(names, "arm64") == [63, 56, 98, 220, 222, 278]
