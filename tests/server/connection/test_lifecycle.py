"""The order of messages: what an editor may send when, and the exit status that follows."""

from __future__ import annotations

from typing import Any

import pytest
from support.bench import Bench
from support.wire import HELLO, notice, wired

NOT_INITIALIZED, INVALID, UNKNOWN = -32002, -32600, -32601
TARGET = {"textDocument": {"uri": "file:///a.py"}, "position": {"line": 0, "character": 0}}
REQUESTS: dict[str, Any] = {
    "textDocument/inlineCompletion": {**TARGET, "context": {"triggerKind": 1}},
    "textDocument/completion": TARGET,
    "workspace/executeCommand": {"command": "plum.explain", "arguments": []},
    "plum/unheardOf": {},
    "shutdown": None,
    "textDocument/hover": {"not": "readable"},
}
NOTICES: dict[str, Any] = {
    "initialized": {},
    "textDocument/didOpen": {
        "textDocument": {"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "a"}
    },
    "textDocument/didChange": {"textDocument": {"uri": "file:///a.py", "version": 2}, "contentChanges": []},
    "workspace/didChangeConfiguration": {"settings": {"plum": {"offers": {"deadline_ms": "never"}}}},
    "$/cancelRequest": {"id": 7},
    "plum/unheardOf": {},
}


@pytest.mark.parametrize("method", REQUESTS)
async def test_a_request_before_initialize_is_refused(bench: Bench, method: str) -> None:
    """It gets ServerNotInitialized, and the connection goes on."""
    async with wired(bench) as wire:
        answer = await wire.ask(1, method, REQUESTS[method])
        assert answer["error"]["code"] == NOT_INITIALIZED
        await wire.start()


@pytest.mark.parametrize("method", NOTICES)
async def test_a_notification_before_initialize_is_dropped(bench: Bench, method: str) -> None:
    """It opens nothing and is not answered."""
    async with wired(bench) as wire:
        wire.send(notice(method, NOTICES[method]))
        await wire.start()
        assert bench.server is not None
        assert bench.server.session.documents == {}


@pytest.mark.parametrize("method", [*REQUESTS, "initialize"])
async def test_a_request_after_shutdown_is_refused(bench: Bench, method: str) -> None:
    """It gets InvalidRequest, and `exit` still ends the server with 0."""
    async with wired(bench) as wire:
        await wire.start()
        assert (await wire.ask(1, "shutdown"))["result"] is None
        answer = await wire.ask(2, method, HELLO if method == "initialize" else REQUESTS[method])
        assert answer["error"]["code"] == INVALID
        wire.send(notice("exit"))
        assert await wire.exit_code() == 0


@pytest.mark.parametrize("method", NOTICES)
async def test_a_notification_after_shutdown_is_dropped(bench: Bench, method: str) -> None:
    """It opens nothing."""
    async with wired(bench) as wire:
        await wire.start()
        await wire.ask(1, "shutdown")
        wire.send(notice(method, NOTICES[method]), notice("exit"))
        assert await wire.exit_code() == 0
        assert bench.server is not None
        assert bench.server.session.documents == {}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("exit", 1),
        ("start exit", 1),
        ("start shutdown exit", 0),
        ("start shutdown shutdown exit", 0),
        ("shutdown exit", 1),
        ("start end", 1),
        ("end", 1),
    ],
)
async def test_exit_tells_whether_the_end_was_orderly(bench: Bench, sent: str, status: int) -> None:
    """Only a `shutdown` that was accepted makes it orderly."""
    async with wired(bench) as wire:
        for number, step in enumerate(sent.split(), start=1):
            if step == "start":
                await wire.start()
            elif step == "exit":
                wire.send(notice("exit"))
            elif step == "end":
                wire.writer.write_eof()
            else:
                await wire.ask(number, step)
        assert await wire.exit_code() == status


async def test_a_second_initialize_is_refused(bench: Bench) -> None:
    """It changes nothing."""
    async with wired(bench) as wire:
        await wire.start()
        assert (await wire.ask(1, "initialize", HELLO))["error"]["code"] == INVALID


async def test_an_initialize_that_cannot_be_read_can_be_repeated(bench: Bench) -> None:
    """It gets an error, and the connection is as new."""
    async with wired(bench) as wire:
        assert "error" in await wire.ask(1, "initialize", {"capabilities": 3})
        await wire.start()


@pytest.mark.parametrize("params", [{}, {"params": None}, {"params": {}}, {"params": []}], ids=str)
async def test_an_unknown_request_is_told_as_such(bench: Bench, params: dict[str, Any]) -> None:
    """With parameters or without: MethodNotFound."""
    async with wired(bench) as wire:
        await wire.start()
        wire.send({"jsonrpc": "2.0", "id": 1, "method": "plum/unheardOf", **params})
        assert (await wire.receive())["error"]["code"] == UNKNOWN
