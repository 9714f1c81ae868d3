"""Runs a command on a machine whose only way out is a trap: `python network_trap.py COMMAND...`.

Each packet that leaves the machine is caught and named on standard error, also those that ask for a name's address.
Needs what `without_network` needs, `ip` and /dev/net/tun. IPv6 has no way out here at all.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

from support.without_network import REFUSED, leave_network

CAUGHT = 78
"""The exit status if packets were caught. Otherwise it is the command's."""
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x1, 0x1000
"""Linux, Documentation/networking/tuntap.rst."""
_IPV4 = 4


def set_trap() -> int:
    """Leave the network, and send what leaves this machine to the descriptor that is returned.

    Raises:
        OSError: the kernel refuses, or there is no `ip`.
    """
    leave_network()
    ip = shutil.which("ip")
    if ip is None:
        raise OSError("there is no `ip`")
    trap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(trap, _TUNSETIFF, struct.pack("16sH22x", b"trap", _IFF_TUN | _IFF_NO_PI))
    for order in ("addr add 10.99.0.2/24 dev trap", "link set trap up", "route add default dev trap"):
        done = subprocess.run([ip, *order.split()], capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.strip())
    return trap


def caught(trap: int) -> list[str]:
    """Where the packets of IPv4 in the trap were going."""
    found = []
    while True:
        try:
            packet = os.read(trap, 65536)
        except BlockingIOError:
            return found
        if packet[0] >> 4 == _IPV4:
            found.append(socket.inet_ntoa(packet[16:20]))


if __name__ == "__main__":
    try:
        trap = set_trap()
    except OSError as error:
        print(f"no trap on this machine: {error}", file=sys.stderr)
        sys.exit(REFUSED)
    code = subprocess.run(sys.argv[1:], check=False).returncode
    if packets := caught(trap):
        print(f"packets left for {sorted(set(packets))}", file=sys.stderr)
        sys.exit(CAUGHT)
    sys.exit(code)
