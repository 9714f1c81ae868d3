"""The process that the editor names: when it ends, the server ends, also while standard input stays open."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.editor import PLUM_LSP
from support.wire import HELLO, frame, request

from plum_lsp.server.connection import parent
from plum_lsp.server.connection.parent import Parent

ENDS_SECONDS_MAX = 10.0
"""What editors expect, and what the page of the protocol promises."""


@pytest.fixture
def editor() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for an editor. It is ended by the test and not waited for, so that it stays a zombie."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


async def test_the_end_is_noticed(editor: subprocess.Popen[bytes]) -> None:
    """The wait ends when the process does."""
    waited = Parent()
    waited.tell(editor.pid)
    waiting = asyncio.create_task(waited.gone())
    await asyncio.sleep(0)
    assert not waiting.done()
    editor.kill()
    async with asyncio.timeout(ENDS_SECONDS_MAX):
        await waiting


async def test_without_the_systems_help_it_asks_again(
    editor: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no pidfd_open, the process is looked for again and again."""
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.setattr(parent, "POLL_SECONDS", 0.01)
    waited = Parent()
    waited.tell(editor.pid)
    waiting = asyncio.create_task(waited.gone())
    await asyncio.sleep(0)
    assert not waiting.done()
    editor.kill()
    editor.communicate()
    async with asyncio.timeout(ENDS_SECONDS_MAX):
        await waiting


@pytest.mark.parametrize("process_id", [None, 0, -1, os.getpid()], ids=["null", "zero", "negative", "alive"])
async def test_no_process_or_a_living_one_ends_nothing(process_id: int | None) -> None:
    """The wait goes on."""
    waited = Parent()
    waited.tell(process_id)
    waiting = asyncio.create_task(waited.gone())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


@pytest.mark.parametrize("process_id", [2**22 + 1, 2**40], ids=["gone before", "no number of a process"])
async def test_a_process_that_is_not_there_has_ended(process_id: int) -> None:
    """The wait ends at once."""
    waited = Parent()
    waited.tell(process_id)
    async with asyncio.timeout(ENDS_SECONDS_MAX):
        await waited.gone()


@pytest.mark.slow
async def test_the_server_ends_with_its_editor(editor: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Its standard input is still open. The status is 1, because nobody sent a shutdown."""
    environ = {**os.environ, "PLUM_DATA_DIR": str(tmp_path / "data"), "PLUM_CACHE_DIR": str(tmp_path / "cache")}
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(PLUM_LSP, "serve", stdin=pipe, stdout=pipe, stderr=pipe, env=environ)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(frame(request(1, "initialize", {**HELLO, "processId": editor.pid})))
    async with asyncio.timeout(30.0):
        await server.stdout.readuntil(b'"capabilities"')
    editor.kill()
    async with asyncio.timeout(ENDS_SECONDS_MAX):
        assert await server.wait() == 1
    _, log = await server.communicate()
    assert b"editor's has ended" in log
