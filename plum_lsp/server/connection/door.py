"""Admits an editor to a listening server: it parses frames strictly and checks a token in the first message.

The first message must be `initialize`, with the token in `initializationOptions.token`. Until the message arrives, the
server reads and waits only up to small bounds and starts no service. `transport` does the listening.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import ConfigError

FIRST_SECONDS_MAX = 10.0
"""An editor sends its first message as soon as it is connected."""
FIRST_BYTES_MAX = 1024 * 1024
"""The longest capabilities of an editor are about 20 KB."""
MESSAGE_BYTES_MAX = 64 * 1024 * 1024
"""Documents that people edit are shorter than this."""
HEADER_LINES_MAX = 4
TOKEN_CHARACTERS_MIN = 16
_LENGTH = re.compile(rb"(?i)content-length: *(\d{1,9}) *\r\n")
_TYPE = re.compile(rb"(?i)content-type: *application/vscode-jsonrpc; *charset=utf-?8 *\r\n")
_INVALID_REQUEST = -32600


class Refused(ConnectionError):
    """A connection that does not speak LSP, or speaks it without the token."""


class StrictReader:
    """Reads the frames of LSP only. A web browser's request is refused at its first line."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._lines = 0

    async def readline(self) -> bytes:
        """One header line, only in the form of the examples in LSP. Empty at the end.

        Raises:
            Refused: it is no header of LSP (LSP 3.18, "Header Part").
        """
        try:
            line = await self._reader.readline()
        except ValueError:
            raise Refused("a header line without an end") from None
        length = _LENGTH.fullmatch(line)
        self._lines = 0 if line in {b"", b"\r\n"} else self._lines + 1
        if self._lines > HEADER_LINES_MAX:
            raise Refused("too many headers")
        if length is not None:
            if int(length[1]) > MESSAGE_BYTES_MAX:
                raise Refused(f"a message of more than {MESSAGE_BYTES_MAX:,} bytes")
            return b"Content-Length: %d\r\n" % int(length[1])
        if line not in {b"", b"\r\n"} and _TYPE.fullmatch(line) is None:
            raise Refused("a header that LSP does not have")
        return line

    async def readexactly(self, n: int, /) -> bytes:
        """One body."""
        return await self._reader.readexactly(n)


class _Replayed:
    """A reader that first returns the bytes that were already read."""

    def __init__(self, body: bytes, rest: StrictReader) -> None:
        self._lines = [b"Content-Length: %d\r\n" % len(body), b"\r\n"]
        self._body = body
        self._rest = rest

    async def readline(self) -> bytes:
        return self._lines.pop(0) if self._lines else await self._rest.readline()

    async def readexactly(self, n: int, /) -> bytes:
        body, self._body = self._body, b""
        return body or await self._rest.readexactly(n)


async def admitted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> _Replayed:
    """The connection as the server reads it, once its first message has shown the token.

    Raises:
        Refused: the first message did not show the token.
        TimeoutError: no message arrived.
    """
    strict = StrictReader(reader)
    async with asyncio.timeout(FIRST_SECONDS_MAX):
        body = await _first_body(strict)
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("the first message is no JSON") from None
    if not isinstance(message, dict) or message.get("method") != "initialize":
        raise Refused("the first message is not initialize")
    if not hmac.compare_digest(_taken_token(message).encode("utf-8", "surrogatepass"), token.encode()):
        writer.write(_frame(_refusal(message.get("id"))))
        raise Refused("the token is wrong or missing")
    return _Replayed(json.dumps(message).encode(), strict)


async def _first_body(strict: StrictReader) -> bytes:
    length = 0
    while (line := await strict.readline()) != b"\r\n":
        if not line:
            raise Refused("the connection ended")
        if line.startswith(b"Content-Length"):
            length = int(line.split()[1])
    if not 0 < length <= FIRST_BYTES_MAX:
        raise Refused("the first message has no length, or is too long")
    try:
        return await strict.readexactly(length)
    except asyncio.IncompleteReadError:
        raise Refused("the connection ended") from None


def _taken_token(message: dict[str, Any]) -> str:
    """The token, removed from the message, because no later reader needs it."""
    params = message.get("params")
    options = params.get("initializationOptions") if isinstance(params, dict) else None
    token = options.pop("token", "") if isinstance(options, dict) else ""
    return token if isinstance(token, str) else ""


def _refusal(message_id: object) -> Mapping[str, object]:
    told = "plum-lsp: initializationOptions.token is wrong or missing. The server's log names the file with the token"
    known = message_id if isinstance(message_id, int | str) else None
    return {"jsonrpc": "2.0", "id": known, "error": {"code": _INVALID_REQUEST, "message": told}}


def _frame(message: Mapping[str, object]) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def read_token(file: Path) -> str:
    """The token in a file of the user. A missing file is created with a new token.

    Raises:
        ConfigError: the file cannot be read or created, other users can read it, or the token is too short.
    """
    try:
        if not file.exists():
            file.touch(mode=0o600, exist_ok=False)
            file.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
        mode = file.stat().st_mode
        token = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be used as a token: {error}", remedy="Name another --token-file.") from error
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"others can read {file}", remedy=f"Run: chmod 600 {file}")
    if len(token) < TOKEN_CHARACTERS_MIN:
        remedy = "Delete the file. The next start creates a new one."
        raise ConfigError(f"the token in {file} has fewer than {TOKEN_CHARACTERS_MIN} characters", remedy=remedy)
    return token
