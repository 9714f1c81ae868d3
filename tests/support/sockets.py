"""Sockets as the event loop sees them."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

WAIT_SECONDS = 20.0
PAIRS_MAX = 500


async def hears_socket(number: int) -> bool:
    """Whether the loop reports the next socket with a number that is free now.

    It does not if it still watches an earlier socket that was closed under it.
    """
    with ExitStack() as held:
        for _ in range(PAIRS_MAX):
            one, other = (held.enter_context(end) for end in socket.socketpair())
            if number in (one.fileno(), other.fileno()):
                heard, writer = (one, other) if one.fileno() == number else (other, one)
                heard.setblocking(False)
                writer.send(b"x")
                async with asyncio.timeout(WAIT_SECONDS):
                    return await asyncio.get_running_loop().sock_recv(heard, 1) == b"x"
    raise AssertionError(f"the number {number} is not free")
