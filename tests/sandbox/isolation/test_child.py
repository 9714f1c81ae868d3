"""A child that is killed while a task talks to it: the task ends, and the event loop forgets the socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from support.sockets import WAIT_SECONDS, hears_socket

from plum_lsp.sandbox.isolation.child import Child, ChildGone


async def test_a_waiting_task_is_told_that_the_child_is_gone() -> None:
    """Whether it reads or writes."""
    near, far = socket.socketpair()
    near.setblocking(False)
    with far:
        child = Child(1, near)
        talks = [asyncio.create_task(child.receive(10)), asyncio.create_task(child.send(bytes(1 << 24)))]
        await asyncio.sleep(0)
        child.kill()
        done, _ = await asyncio.wait(talks, timeout=WAIT_SECONDS)
    assert len(done) == len(talks)
    for task in talks:
        with pytest.raises(ChildGone):
            task.result()
    assert near.fileno() == -1


async def test_the_next_socket_is_heard() -> None:
    """It often gets the number of the one that was closed. The loop must not take it for that one."""
    near, far = socket.socketpair()
    near.setblocking(False)
    number = near.fileno()
    child = Child(1, near)
    talk = asyncio.create_task(child.receive(10))
    await asyncio.sleep(0)
    child.kill()
    with contextlib.suppress(ChildGone):
        await asyncio.wait_for(talk, WAIT_SECONDS)
    far.close()
    assert await hears_socket(number)


async def test_a_child_may_be_killed_twice_and_between_talks() -> None:
    """Its socket is closed once, at once."""
    near, far = socket.socketpair()
    near.setblocking(False)
    child = Child(1, near)
    child.kill()
    child.kill()
    far.close()
    assert near.fileno() == -1
    with pytest.raises(ChildGone):
        await child.receive(10)
