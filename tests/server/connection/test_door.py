"""Who is let in where a server listens: an editor that shows the token, or one of the same user."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.cli.serve import serve
from plum_lsp.config.loading import REMOTE_SETTINGS, load_settings, setting_keys
from plum_lsp.domain.errors import ConfigError
from plum_lsp.server.connection import door, transport
from plum_lsp.server.connection.door import FIRST_BYTES_MAX, Refused, admitted, read_token
from plum_lsp.server.connection.transport import Reader, Writer

TOKEN = "a-token-of-some-length"


def frame(message: object, *headers: str) -> bytes:
    """A message as it goes over the wire."""
    body = json.dumps(message).encode()
    return "\r\n".join([f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def hello(token: object = TOKEN, **more: Any) -> dict[str, Any]:
    """The first message of an editor."""
    options = {"plum": {"offers": {}}} if token is None else {"token": token, "plum": {"offers": {}}}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"initializationOptions": options}} | more


class Sent:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


async def knock(data: bytes) -> tuple[Reader, Sent]:
    """What comes of a connection that sends this and no more."""
    reader, sent = asyncio.StreamReader(), Sent()
    reader.feed_data(data)
    reader.feed_eof()
    return await admitted(reader, sent, TOKEN), sent  # type: ignore[arg-type]


async def read(reader: Reader) -> dict[str, Any]:
    """One message, as the server reads it."""
    length = 0
    while (line := await reader.readline()) != b"\r\n":
        length = int(line.partition(b":")[2])
    message: dict[str, Any] = json.loads(await reader.readexactly(length))
    return message


async def test_the_token_opens_and_is_taken_out() -> None:
    """The server reads the first message without it, and what follows as it is."""
    reader, sent = await knock(frame(hello()) + frame({"method": "initialized"}))
    first = await read(reader)
    assert first["params"]["initializationOptions"] == {"plum": {"offers": {}}}
    assert await read(reader) == {"method": "initialized"}
    assert sent.data == b""


@pytest.mark.parametrize("token", ["", None, "wrong", TOKEN + "x", TOKEN[:-1], [TOKEN], {"a": 1}, 3, "\ud800", True])
async def test_another_token_does_not(token: object) -> None:
    """The editor learns why it is refused; the answer does not hold the token."""
    reader, sent = asyncio.StreamReader(), Sent()
    reader.feed_data(frame(hello(token)))
    with pytest.raises(Refused, match="token"):
        await admitted(reader, sent, TOKEN)  # type: ignore[arg-type]
    assert b"initializationOptions.token" in sent.data and TOKEN.encode() not in sent.data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        frame(hello(), "Origin: https://e.example"),
        frame(hello(), "Host: 127.0.0.1"),
        frame(hello(), "Content-Type: text/plain"),
        frame(hello(), *["Content-Length: 3"] * 9),
        frame(hello(method="shutdown")),
        frame(hello(method=["initialize"])),
        frame([hello()]),
        frame(3),
        b"Content-Length: 0\r\n\r\n",
        b"Content-Length: 10\r\n\r\n{}",
        b"Content-Length: 4\r\n\r\n{{{{",
        b"Content-Length: %d\r\n\r\n" % (FIRST_BYTES_MAX + 1),
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 99999999999999\r\n\r\n",
        b"Content-Length: 200000\r\n\r\n" + b"[" * 200000,
        b"x" * 100_000,
    ],
)
async def test_what_is_no_editor_is_refused(data: bytes) -> None:
    """A browser's request, other headers, another first message, lengths that are none."""
    with pytest.raises(Refused):
        await knock(data)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_being_refused(data: bytes) -> None:
    """Whatever they are."""
    with pytest.raises(Refused):
        asyncio.run(knock(data))


async def test_headers_stay_strict_afterwards() -> None:
    """So that nobody can go on with another protocol."""
    reader, _ = await knock(frame(hello()) + frame({"method": "initialized"}, "X-Header: 1"))
    await read(reader)
    with pytest.raises(Refused):
        await read(reader)


@contextlib.asynccontextmanager
async def listening(listen: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Task[int]]:
    """A server that listens and, once somebody is admitted, reads one message."""

    async def serve_one(reader: Reader, writer: Writer) -> int:
        writer.write(frame((await read(reader))["method"]))
        return 0

    task = asyncio.create_task(listen(serve_one))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until_there(path: Path) -> None:
    """Wait until a socket is made."""
    async with asyncio.timeout(30):
        while not path.exists():
            await asyncio.sleep(0.005)


async def test_a_socket_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mode lets nobody else in, it is served without a token, and it is gone afterwards."""
    path = tmp_path / "socket"
    async with listening(lambda serve_one: transport.serve_socket(serve_one, path), monkeypatch) as task:
        await until_there(path)
        assert path.stat().st_mode & 0o777 == 0o600
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(frame({"method": "initialize"}))
        assert b"initialize" in await reader.read()
        writer.close()
        assert await task == 0
    assert not path.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "no folder", "too long"])
async def test_a_path_that_can_have_no_socket(kind: str, tmp_path: Path) -> None:
    """The error names it, and a file that stood there stays."""
    path = tmp_path / {"no folder": "none/socket", "too long": "x" * 120}.get(kind, "socket")
    if kind == "file":
        path.write_text("of the user")
    if kind == "folder":
        path.mkdir()

    async def serve(reader: Any, writer: Any) -> int:
        raise AssertionError("there is no connection")

    with pytest.raises(ConfigError, match="no socket can be made") as caught:
        await transport.serve_socket(serve, path)
    assert str(path) in str(caught.value)
    assert path.exists() is (kind in {"file", "folder"})


async def test_a_socket_that_took_its_place_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that ends does not remove the socket of the next one at the same path."""
    path = tmp_path / "socket"
    async with listening(lambda serve_one: transport.serve_socket(serve_one, path), monkeypatch) as task:
        await until_there(path)
        reader, writer = await asyncio.open_unix_connection(path)
        path.rename(tmp_path / "old")
        path.write_text("of the next one")
        writer.write(frame({"method": "initialize"}))
        assert b"initialize" in await reader.read()
        writer.close()
        assert await task == 0
    assert path.read_text() == "of the next one"


async def test_another_user_is_refused_at_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the file's mode let it in."""
    path = tmp_path / "socket"
    monkeypatch.setattr(transport, "_user_of", lambda _: os.geteuid() + 1)
    async with listening(lambda serve_one: transport.serve_socket(serve_one, path), monkeypatch) as task:
        await until_there(path)
        reader, writer = await asyncio.open_unix_connection(path)
        assert await reader.read() == b""
        writer.close()
        assert not task.done()


async def test_a_crowd_does_not_keep_the_editor_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Connections that say nothing are closed after a while, and more than a few at once."""
    monkeypatch.setattr(door, "FIRST_SECONDS_MAX", 0.05)
    found: list[int] = []
    monkeypatch.setattr(transport.logger, "info", lambda _, *given: found.append(given[1]))
    listen = lambda serve_one: transport.serve_tcp(serve_one, host="127.0.0.1", port=0, token=TOKEN)  # noqa: E731
    async with listening(listen, monkeypatch) as task, asyncio.timeout(30):
        while not found:
            await asyncio.sleep(0.005)
        crowd = [await asyncio.open_connection("127.0.0.1", found[0]) for _ in range(40)]
        for reader, writer in crowd:
            assert await reader.read() == b""
            writer.close()
        monkeypatch.setattr(door, "FIRST_SECONDS_MAX", 30.0)  # a busy machine may be slower than the crowd is patient
        reader, writer = await asyncio.open_connection("127.0.0.1", found[0])
        writer.write(frame(hello()))
        assert b"initialize" in await reader.read()
        writer.close()
        assert await task == 0


def test_a_token_is_made_once_and_is_the_users_own(tmp_path: Path) -> None:
    """Long enough not to be guessed."""
    file = tmp_path / "token"
    token = read_token(file)
    assert len(token) >= 32 and file.stat().st_mode & 0o777 == 0o600
    assert read_token(file) == token


def test_a_token_that_others_can_read_is_none(tmp_path: Path) -> None:
    """Nor one that is short, or no file."""
    file = tmp_path / "token"
    read_token(file)
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="others"):
        read_token(file)
    file.chmod(0o600)
    file.write_text("short")
    with pytest.raises(ConfigError, match="characters"):
        read_token(file)
    with pytest.raises(ConfigError):
        read_token(tmp_path)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "127.0.0.1.example.org", ""])
def test_another_machine_needs_a_token_of_the_users(host: str) -> None:
    """Without one, the command does not listen where others can reach it."""
    answer = CliRunner().invoke(serve, ["--tcp", "--host", host])
    assert answer.exit_code == 2 and "--token-file" in answer.output


def test_a_remote_editor_names_no_program_file_or_address() -> None:
    """Every setting but the listed ones is ignored and told; nothing of the listed ones is a text that names any."""
    values = dict.fromkeys(setting_keys(), "/bin/sh")
    nested: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[name] = value
    loaded = load_settings(user_file=None, environ={}, editor=nested, strict=False, is_editor_remote=True)
    kept = {key for key, source in loaded.sources.items() if source == "editor"}
    assert kept <= {"privacy.exclude"}
    refused = [key for key in setting_keys() if not key.startswith(REMOTE_SETTINGS)]
    assert {"sandbox.interpreter", "sandbox.project", "policy.url", "policy.proxy", "data_dir"} <= set(refused)
    assert sum("over TCP" in problem for problem in loaded.problems) == len(refused)
