"""Runs a command on a kernel that refuses isolation: `python without_isolation.py [--refuse=NAME,NAME] COMMAND...`.

A seccomp filter answers the named calls with EPERM, as a hardened container does; without names, `mount` and
`landlock_create_ruleset`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_NUMBERS = {
    "x86_64": {"mount": 165, "landlock_create_ruleset": 444, "unshare": 272, "setresuid": 117},
    "aarch64": {"mount": 40, "landlock_create_ruleset": 444, "unshare": 97, "setresuid": 147},
}
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def refuse(names: list[str]) -> None:
    """Install the filter; it stays for this process and all it starts."""
    refused = [_NUMBERS[platform.machine()][name] for name in names]
    program = struct.pack("HBBI", _LOAD, 0, 0, 0)
    for place, number in enumerate(refused):
        program += struct.pack("HBBI", _JUMP_EQUAL, len(refused) - place, 0, number)
    program += struct.pack("HBBI", _RETURN, 0, 0, _ALLOW)
    program += struct.pack("HBBI", _RETURN, 0, 0, _ERRNO | errno.EPERM)
    code = ctypes.create_string_buffer(program)
    filter_ = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


if __name__ == "__main__":
    command, calls = sys.argv[1:], "mount,landlock_create_ruleset"
    if command[0].startswith("--refuse="):
        calls = command.pop(0).partition("=")[2]
    refuse(calls.split(","))
    os.execv(command[0], command)
