"""Runs a command on a machine whose only network is its own loopback: `python without_network.py COMMAND...`.

A network namespace of its own, as root or, where the kernel lets ordinary users have one, as an ordinary user.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
"""netdevice(7)."""
REFUSED = 77
"""The exit status if the kernel gives this user no network namespace."""


def leave_network() -> None:
    """Move this process into a network namespace that holds a loopback and nothing else.

    Raises:
        OSError: the kernel refuses.
    """
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET | (_CLONE_NEWUSER if user else 0)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if user:  # user_namespaces(7): a user keeps its number, and may then do as it likes with its own network
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


if __name__ == "__main__":
    try:
        leave_network()
    except OSError as error:
        print(f"no network namespace on this machine: {error}", file=sys.stderr)
        sys.exit(REFUSED)
    os.execvp(sys.argv[1], sys.argv[1:])
