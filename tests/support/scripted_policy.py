"""A real HTTP server that speaks the OpenAI completions protocol and says what a test told it to.

It answers `/health`, `/v1/models` and `/v1/completions` (streamed or whole, with log-probabilities, `n` of any
size), misbehaves on request (hangs, drops the connection, fails, talks nonsense), and records every request and
whether its client closed early. It does not sample: seeds and temperatures are only recorded.

    with ScriptedPolicy() as policy:
        policy.will_complete("return a - b\\n", mean_logprob=-0.1)
        policy.will_complete("return a + b\\n", mean_logprob=-2.0, when="def add")
        ... PLUM_POLICY_URL=policy.url, PLUM_POLICY_API_KEY=policy.api_key ...
        assert policy.requests[0].payload["seed"] == 0

Each completion of a request takes the next step of one script, and a script that has run out starts again. A
script is the steps that share one `when`; the longest `when` found in the prompt decides, so that a test can
answer several functions at once. A prompt that nothing matches gets an empty completion.

`python -m support.scripted_policy --script FILE.json` (from `tests/`) serves a list of `will_complete` arguments
until stdin ends, after one line of JSON with `url`, `api_key` and `model`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import select
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HANG_SECONDS_MAX = 600.0
"""A hanging step gives up after this, so that a forgotten server ends."""

_TOKEN = re.compile(r"\n|[ \t]*[^ \t\n]+|[ \t]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One scripted completion: what is sent, how fast, and how it ends.

    A step that `is_held` waits for `ScriptedPolicy.release`, too.
    `ending` is one of stop, length (both regular), hang (nothing more is sent), disconnect (the connection is
    dropped), error (HTTP `status` instead of a stream) and raw (`text` is sent as the body of the answer).
    """

    text: str = ""
    mean_logprob: float = -0.1
    delay_s: float = 0.0
    is_held: bool = False
    pause_s: float = 0.0
    chunk: int | None = None
    ending: str = "stop"
    status: int = 200


@dataclass(slots=True, kw_only=True)
class SeenRequest:
    """What one client asked. `closed_early` becomes true when it hung up before the end; `ended` when we are done."""

    path: str
    payload: dict[str, Any]
    steps: tuple[Step, ...] = ()
    is_authorized: bool = True
    text_sent: str = ""
    closed_early: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def prompt(self) -> str:
        """The prompt as text."""
        prompt = self.payload.get("prompt", "")
        return prompt if isinstance(prompt, str) else "".join(str(part) for part in prompt)


class _Hangup(Exception):
    """The client closed the connection."""


class ScriptedPolicy:
    """The server and its scripts; `with` starts and stops it. Methods may be called from any thread."""

    def __init__(
        self,
        *,
        model: str = "scripted",
        api_key: str = "scripted-key",
        port: int = 0,
        logprobs_style: str = "openai",
        many: str = "gives",
    ) -> None:
        """`logprobs_style` is `openai` (vLLM's), `llama.cpp` (a list of token objects) or `none`.

        `many` is what happens to `n` above 1: `gives` them, `refuses` (400) or `ignores` it (gives one).
        """
        self.many = many
        self.models: list[dict[str, Any]] = [{"id": model, "object": "model"}]
        self.model = model
        self.api_key = api_key
        self.logprobs_style = logprobs_style
        self.requests: list[SeenRequest] = []
        self._scripts: dict[str, list[Step]] = defaultdict(list)
        self._taken: dict[str, int] = defaultdict(int)
        self.is_released = threading.Event()
        self._single_releases = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.policy = self
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()

    @property
    def base_url(self) -> str:
        """The server's address without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """What belongs in PLUM_POLICY_URL: the address of the OpenAI API."""
        return f"{self.base_url}/v1"

    # What will be said

    def will_complete(
        self,
        text: str,
        *,
        mean_logprob: float = -0.1,
        when: str = "",
        delay_s: float = 0.0,
        is_held: bool = False,
        pause_s: float = 0.0,
        chunk: int | None = None,
        finish: str = "stop",
    ) -> None:
        """Answer with `text`: after `delay_s`, in pieces of `chunk` characters (None: one token) `pause_s` apart."""
        step = Step(
            text=text,
            mean_logprob=mean_logprob,
            delay_s=delay_s,
            is_held=is_held,
            pause_s=pause_s,
            chunk=chunk,
            ending=finish,
        )
        self.will(step, when=when)

    def release(self) -> None:
        """Let the held steps go on, until `forget`."""
        self.is_released.set()

    def release_one(self) -> None:
        """Let one held step go on."""
        self._single_releases.release()

    def may_go_on(self) -> bool:
        """Whether a held step goes on. A step that is told so must ask no more."""
        return self.is_released.is_set() or self._single_releases.acquire(blocking=False)

    async def release_once(self, is_so: Callable[[], object]) -> None:
        """Let the held steps go on as soon as something is so."""
        while not is_so():
            await asyncio.sleep(0.01)
        self.release()

    def will_hang(self, after: str = "", *, when: str = "") -> None:
        """Send `after`, then nothing, with the connection open."""
        self.will(Step(text=after, ending="hang"), when=when)

    def will_disconnect(self, after: str = "", *, when: str = "") -> None:
        """Send `after`, then drop the connection in mid-stream."""
        self.will(Step(text=after, ending="disconnect"), when=when)

    def will_fail(self, status: int = 500, message: str = "scripted failure", *, when: str = "") -> None:
        """Answer with an HTTP error."""
        self.will(Step(text=message, ending="error", status=status), when=when)

    def will_send(self, body: str, *, when: str = "") -> None:
        """Answer 200 with `body` as it is: nonsense, or a hand-made stream."""
        self.will(Step(text=body, ending="raw"), when=when)

    def will(self, step: Step, *, when: str = "") -> None:
        """Add any step to the script of prompts that contain `when`."""
        with self._lock:
            self._scripts[when].append(step)

    def forget(self) -> None:
        """Drop all scripts and the record of requests, and hold again what is to be held."""
        self.is_released.clear()
        with self._lock:
            self._scripts.clear()
            self._taken.clear()
            self.requests.clear()

    # What was heard

    @property
    def completions(self) -> list[SeenRequest]:
        """The requests for completions, in order of arrival."""
        return [request for request in list(self.requests) if request.path == "/v1/completions"]

    @property
    def closed_early(self) -> int:
        """How many completion requests their client hung up on."""
        return sum(request.closed_early for request in self.completions)

    @property
    def hanging(self) -> list[SeenRequest]:
        """The completion requests that were left without an end."""
        return [request for request in self.completions if any(step.ending == "hang" for step in request.steps)]

    def wait_until_idle(self, timeout_s: float = 5.0) -> bool:
        """Whether every request seen so far came to its end, by itself or by a hang-up, within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        return all(request.ended.wait(max(0.0, deadline - time.monotonic())) for request in list(self.requests))

    # Life

    def start(self) -> ScriptedPolicy:
        """Begin to answer."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop as a server that dies does: open connections are dropped. Idempotent."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> ScriptedPolicy:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    # For the handler

    def take(self, prompt: str, count: int) -> tuple[Step, ...]:
        """The next `count` steps for this prompt."""
        with self._lock:
            matching = [when for when in self._scripts if when in prompt]
            if not matching:
                return (Step(),) * count
            when = max(matching, key=len)
            script, first = self._scripts[when], self._taken[when]
            self._taken[when] += count
            return tuple(script[(first + index) % len(script)] for index in range(count))

    def see(self, request: SeenRequest) -> None:
        """Record a request."""
        with self._lock:
            self.requests.append(request)

    @contextlib.contextmanager
    def connected(self, connection: socket.socket) -> Iterator[None]:
        """Remember an open connection, so that `stop` can drop it."""
        with self._lock:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    policy: ScriptedPolicy

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are expected; everything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError | _Hangup):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self) -> None:
        with self.server.policy.connected(self.connection):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        policy = self.server.policy
        seen = SeenRequest(path=self.path, payload={}, is_authorized=self._is_authorized())
        policy.see(seen)
        seen.ended.set()
        if self.path in {"/health", "/v1/health"}:
            self._send_json(200, {"status": "ok"})
        elif not seen.is_authorized:
            self._send_json(401, {"error": {"code": 401, "message": "Invalid API Key"}})
        elif self.path == "/v1/models":
            self._send_json(200, {"object": "list", "data": policy.models})
        else:
            self._send_json(404, {"error": {"code": 404, "message": "File Not Found"}})

    def do_POST(self) -> None:
        policy = self.server.policy
        payload = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        seen = SeenRequest(path=self.path, payload=payload, is_authorized=self._is_authorized())
        count = int(payload.get("n") or 1) if policy.many == "gives" else 1
        if seen.is_authorized and self.path == "/v1/completions":
            seen.steps = policy.take(seen.prompt, count)
        policy.see(seen)
        try:
            self._answer(seen)
        except _Disconnect:
            self.close_connection = True
        except (_Hangup, ConnectionError):
            seen.closed_early = True
            self.close_connection = True
        finally:
            seen.ended.set()

    def _answer(self, seen: SeenRequest) -> None:
        if not seen.is_authorized:
            self._send_json(401, {"error": {"code": 401, "message": "Invalid API Key"}})
        elif self.path != "/v1/completions":
            self._send_json(404, {"error": {"code": 404, "message": "File Not Found"}})
        elif self.server.policy.many == "refuses" and seen.payload.get("n", 1) > 1:
            self._send_json(400, {"error": {"code": 400, "message": "n > 1 is not supported"}})
        elif seen.steps[0].ending == "error":
            self._begin(seen.steps[0])
            message = {"code": seen.steps[0].status, "message": seen.steps[0].text}
            self._send_json(seen.steps[0].status, {"error": message})
        elif seen.steps[0].ending == "raw":
            self._send(200, "text/event-stream", seen.steps[0].text.encode())
        elif seen.payload.get("stream"):
            self._stream(seen)
        else:
            self._whole(seen)

    def _is_authorized(self) -> bool:
        api_key = self.server.policy.api_key
        return not api_key or self.headers.get("Authorization") == f"Bearer {api_key}"

    # Answers

    def _whole(self, seen: SeenRequest) -> None:
        choices = []
        for index, step in enumerate(seen.steps):
            self._begin(step)
            self._end(step, seen)
            choices.append(self._choice(index, step, _pieces(step, seen.payload), step.ending))
            seen.text_sent += step.text
        self._send_json(200, self._envelope(choices))

    def _stream(self, seen: SeenRequest) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        queues = [(index, step, _pieces(step, seen.payload)) for index, step in enumerate(seen.steps)]
        for _, step, _ in queues:
            self._begin(step)
        while any(pieces for _, _, pieces in queues):
            for index, step, pieces in queues:
                if pieces:
                    self._wait(step.pause_s)
                    piece = pieces.pop(0)
                    seen.text_sent += "".join(piece)
                    self._event(self._envelope([self._choice(index, step, [piece], None)]))
        for index, step, _ in queues:
            self._end(step, seen)
            self._event(self._envelope([self._choice(index, step, [], step.ending)]))
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _end(self, step: Step, seen: SeenRequest) -> None:
        """Do what irregular endings do."""
        if step.ending == "hang":
            self._wait(HANG_SECONDS_MAX)
        if step.ending == "disconnect":
            seen.ended.set()
            self.connection.shutdown(socket.SHUT_RDWR)
            raise _Disconnect

    def _envelope(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        policy = self.server.policy
        return {"id": "cmpl-1", "object": "text_completion", "model": policy.model, "choices": choices}

    def _choice(self, index: int, step: Step, pieces: list[list[str]], ending: str | None) -> dict[str, Any]:
        tokens = [token for piece in pieces for token in piece]
        choice: dict[str, Any] = {"index": index, "text": "".join(tokens), "logprobs": None, "finish_reason": ending}
        if not tokens:
            return choice
        if self.server.policy.logprobs_style == "openai":
            choice["logprobs"] = {"tokens": tokens, "token_logprobs": [step.mean_logprob] * len(tokens)}
        elif self.server.policy.logprobs_style == "llama.cpp":
            choice["logprobs"] = {"content": [{"token": token, "logprob": step.mean_logprob} for token in tokens]}
        return choice

    # Bytes

    def _event(self, value: dict[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(value).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self._wait(0)
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _send_json(self, status: int, value: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _begin(self, step: Step) -> None:
        """Wait until a step may be sent."""
        self._wait(step.delay_s)
        while step.is_held and not self.server.policy.may_go_on():
            self._wait(0.05)

    def _wait(self, seconds: float) -> None:
        """Wait while watching whether the client hangs up or the server stops."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.connection], [], [], min(max(left, 0.0), 0.05))
            if ready and not self.connection.recv(1, socket.MSG_PEEK):
                raise _Hangup
            if self.server.policy.stopping.is_set():
                raise _Disconnect
            if left <= 0:
                return


class _Disconnect(ConnectionError):
    """We drop the connection ourselves."""


def _pieces(step: Step, payload: dict[str, Any]) -> list[list[str]]:
    """The tokens of a step grouped into the events they are sent in, at most `max_tokens` of them."""
    if step.chunk is not None:
        tokens = [step.text[at : at + step.chunk] for at in range(0, len(step.text), step.chunk)]
    else:
        tokens = _TOKEN.findall(step.text)
    return [[token] for token in tokens[: payload.get("max_tokens") or None]]


def main() -> None:
    """Serve a script until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--script", type=Path, help="a JSON list of will_complete arguments")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--api-key", default="scripted-key")
    options = parser.parse_args()
    with ScriptedPolicy(port=options.port, api_key=options.api_key) as policy:
        for arguments in json.loads(options.script.read_text()) if options.script else []:
            policy.will_complete(**arguments)
        print(json.dumps({"url": policy.url, "api_key": policy.api_key, "model": policy.model}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
