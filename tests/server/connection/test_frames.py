"""Frames: headers in any form that LSP allows are read, and a malformed frame costs no later message."""

from __future__ import annotations

import json

import pytest
from support.bench import Bench
from support.wire import HELLO, frame, notice, request, wired

FORMS = {
    "as usual": "Content-Length: {}\r\n\r\n",
    "lower case": "content-length: {}\r\n\r\n",
    "upper case": "CONTENT-LENGTH: {}\r\n\r\n",
    "odd case": "content-Length: {}\r\n\r\n",
    "no space": "Content-Length:{}\r\n\r\n",
    "more spaces": "Content-Length:   {} \r\n\r\n",
    "type after": "Content-Length: {}\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
    "type before": "Content-Type: application/vscode-jsonrpc; charset=utf8\r\nContent-Length: {}\r\n\r\n",
    "unknown header": "X-Editor: kate\r\nContent-Length: {}\r\n\r\n",
    "many headers": "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nContent-Length: {}\r\nF: 6\r\n\r\n",
    "a header that only looks like it": "Content-Length: {}\r\nX-Content-Length: 3\r\n\r\n",
    "bare line feeds": "Content-Length: {}\n\n",
}
BODY = json.dumps(notice("initialized", {})).encode()
MALFORMED = {
    "no number": b"Content-Length: many\r\n\r\n" + BODY,
    "negative": b"Content-Length: -5\r\n\r\n" + BODY,
    "empty": b"Content-Length:\r\n\r\n" + BODY,
    "zero": b"Content-Length: 0\r\n\r\n",
    "missing": b"Content-Type: application/vscode-jsonrpc\r\n\r\n" + BODY,
    "too short": b"Content-Length: 9\r\n\r\n" + BODY,
    "too large for any document": b"Content-Length: 99999999999\r\n\r\n" + BODY,
    "longer than any number": b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + BODY,
    "no JSON": b"Content-Length: 5\r\n\r\n{nope",
    "no UTF-8": b"Content-Length: 4\r\n\r\n\xff\xfe{}",
    "nested too deeply": b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000,
    "a number": b"Content-Length: 1\r\n\r\n7",
    "a batch": b"Content-Length: 2\r\n\r\n[]",
    "no version": b"Content-Length: 2\r\n\r\n{}",
    "a line without an end": b"x" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("header", FORMS.values(), ids=FORMS)
async def test_every_form_of_a_header_is_read(bench: Bench, header: str) -> None:
    """The message is answered."""
    async with wired(bench) as wire:
        wire.raw(frame(request(1, "initialize", HELLO), header=header))
        answer = await wire.receive()
        assert answer["id"] == 1
        assert "capabilities" in answer["result"]


@pytest.mark.parametrize("method", [5, None, ["shutdown"], {"shutdown": 1}, True])
async def test_a_method_that_is_no_string_is_refused(bench: Bench, method: object) -> None:
    """The request is invalid (JSON-RPC 2.0, section 5.1), before and after the start. It is no fault of the server."""
    async with wired(bench) as wire:
        for number in (7, 8):
            wire.send({"jsonrpc": "2.0", "id": number, "method": method})
            answer = await wire.receive()
            assert (answer["id"], answer["error"]["code"]) == (number, -32600)
            if number == 7:
                await wire.start()


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_frame_costs_no_later_message(bench: Bench, data: bytes) -> None:
    """What follows is answered. What is no message gets an error without an id, or nothing."""
    async with wired(bench) as wire:
        wire.raw(data)
        wire.send(request(1, "initialize", HELLO))
        while (answer := await wire.receive())["id"] is None:
            assert answer["error"]["code"] in {-32700, -32600}
        assert answer["id"] == 1
        assert "result" in answer


async def test_a_length_beyond_the_end_is_waited_for(bench: Bench) -> None:
    """The editor leaves in the middle of a message: the server ends with 1."""
    async with wired(bench) as wire:
        wire.raw(b"Content-Length: 500\r\n\r\n" + BODY)
        wire.writer.write_eof()
        assert await wire.exit_code() == 1
