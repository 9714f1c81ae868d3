"""A policy server whose every byte a test chooses: the status, the headers, the chunks and how the connection ends.

    with RawServer(lambda seen: Answer(body=[b"data: {...}\\n\\n"])) as server:
        ... PLUM_POLICY_URL=server.url ...
        assert "logprobs" not in server.completions[-1].body

A body given as chunks is sent one chunk a packet. Without `frames` the end of the body is the end of the connection.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

MODELS = json.dumps({"object": "list", "data": [{"id": "raw", "object": "model"}]}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request: its path, its headers in lower case, and its body."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent. `frames` is `length`, `chunked` or `close`. `is_torn` drops the connection before the end."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()
    frames: str = "chunked"
    is_torn: bool = False


def text_event(text: str | None, **choice: Any) -> bytes:
    """One event of a completion."""
    return b"data: " + json.dumps({"choices": [{"index": 0, "text": text, **choice}]}).encode() + b"\n\n"


def refuse(status: int, value: Any, **headers: str) -> Answer:
    """A refusal with a JSON body."""
    return Answer(status=status, headers=headers, body=[json.dumps(value).encode()])


class RawServer:
    """Listens on this machine. `answer` is called for each request to anything but `/v1/models`, in its own thread."""

    def __init__(self, answer: Callable[[Seen], Answer], *, models: Answer | None = None) -> None:
        self.answer = answer
        self.models = models or Answer(body=[MODELS])
        self._addresses = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._requests: list[Seen] = []
        self._base = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.url = f"{self._base}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def another(self, answer: Callable[[Seen], Answer], models: Answer | None = None) -> str:
        """Another address of the same server, which answers in another way from now on. The requests are forgotten."""
        with self._lock:
            self._addresses += 1
            self._requests.clear()
        self.answer, self.models = answer, models or Answer(body=[MODELS])
        return f"{self._base}/{self._addresses}/v1"

    @property
    def requests(self) -> list[Seen]:
        """Every request so far."""
        with self._lock:
            return list(self._requests)

    @property
    def completions(self) -> list[Seen]:
        """Every request for a completion or a chat so far."""
        return [seen for seen in self.requests if seen.method == "POST"]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as reader:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            seen = _read(reader)
            if seen is None:
                return
            with self._lock:
                self._requests.append(seen)
            _send(connection, self.models if seen.path == "/v1/models" else self.answer(seen))


def _read(reader: Any) -> Seen | None:
    line = reader.readline().decode("latin-1").split()
    if len(line) < 2:
        return None
    headers: dict[str, str] = {}
    while header := reader.readline().decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))
    path = re.sub(r"^/\d+/", "/", line[1])
    return Seen(method=line[0], path=path, headers=headers, body=json.loads(body) if body else {})


def _send(connection: socket.socket, answer: Answer) -> None:
    headers = {"Content-Type": "text/event-stream", "Connection": "close"} | answer.headers
    body = answer.body
    if answer.frames == "chunked":
        headers["Transfer-Encoding"] = "chunked"
    elif answer.frames == "length":
        body = [b"".join(body)]
        headers["Content-Length"] = str(len(body[0]))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection.sendall(f"HTTP/1.1 {answer.status} Said\r\n{head}\r\n".encode("latin-1"))
    for chunk in body:
        if chunk:
            connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk) if answer.frames == "chunked" else chunk)
    if answer.frames == "chunked" and not answer.is_torn:
        connection.sendall(b"0\r\n\r\n")
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
