"""A process that speaks vLLM's protocol and can be killed: one replica of a model that writes the name of its version.

    python -m support.scripted_replica --port 0 --versions FOLDER

It prints its address and starts with the active version of the folder. Each completion is a stream of tokens, a moment
apart, and each token holds the name of the version that wrote it. `--refuses NAME` is a fault: no adapter loads whose
folder has a file of that name. `--same` is another: adapters change nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from plum_lsp.policy.hosting.http_server import BODY_BYTES_MAX, Refusal, Reply, Request, serve_http
from plum_lsp.policy.versions.folders import VersionStore

KEY = "replica-key"
BASE = "base"
TOKENS = 6


class ScriptedReplica:
    """The handler. It writes down each completion that it is asked for, by its prompt."""

    def __init__(self, versions: Path, *, pause_s: float, refuses: str, is_same: bool) -> None:
        active = VersionStore(versions).active()
        self._names = {BASE: "", **({active.name: active.name} if active else {})}
        self._pause_s = pause_s
        self._refuses = refuses
        self._is_same = is_same
        self._prompts: list[str] = []

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        asked = f"{request.head.method} {request.head.path}"
        fields = json.loads(request.body or b"{}")
        if asked == "GET /health":
            await reply.whole(200, b"{}")
        elif request.head.authorization != f"Bearer {KEY}":
            await reply.error(Refusal(401, "no"))
        elif asked == "GET /v1/models":
            await reply.whole(200, json.dumps({"data": [{"id": name} for name in self._names]}).encode())
        elif asked == "GET /prompts":
            await reply.whole(200, json.dumps(self._prompts).encode())
        elif asked == "POST /v1/load_lora_adapter":
            await self._load(str(fields["lora_name"]), Path(fields["lora_path"]), reply)
        elif asked == "POST /v1/unload_lora_adapter":
            self._names.pop(str(fields["lora_name"]), None)
            await reply.whole(200, b"{}")
        elif asked == "POST /v1/completions" and fields["model"] in self._names:
            self._prompts.append(fields["prompt"])
            await self._complete(fields, reply)
        else:
            await reply.error(Refusal(404, f"no {asked}"))

    async def _load(self, name: str, folder: Path, reply: Reply) -> None:
        await asyncio.sleep(self._pause_s)
        if name in self._names or (self._refuses and (folder / self._refuses).exists()):
            await reply.error(Refusal(400, "this lora does not load"))
            return
        self._names[name] = name
        await reply.whole(200, b'"loaded"')

    async def _complete(self, fields: dict[str, Any], reply: Reply) -> None:
        name = str(fields["model"])
        written = BASE if self._is_same else name
        logprob = -0.1 - zlib.crc32(written.encode()) % 100 / 100
        tokens = [f" {written}"] * min(TOKENS, int(fields.get("max_tokens", TOKENS)))
        if not fields.get("stream"):
            logprobs = {"tokens": tokens, "token_logprobs": [logprob] * len(tokens)}
            choice = {"index": 0, "text": "".join(tokens), "logprobs": logprobs, "finish_reason": "length"}
            await reply.whole(200, json.dumps({"choices": [choice]}).encode())
            return
        await asyncio.sleep(self._pause_s)
        await reply.begin(200, "text/event-stream")
        for number, token in enumerate(tokens):
            await asyncio.sleep(self._pause_s)
            ending = "length" if number == len(tokens) - 1 else None
            logprobs = {"tokens": [token], "token_logprobs": [logprob]}
            choices = [
                {"index": index, "text": token, "logprobs": logprobs, "finish_reason": ending}
                for index in range(int(fields.get("n") or 1))
            ]
            await reply.send(b"data: " + json.dumps({"choices": choices}).encode() + b"\n\n")
        await reply.send(b"data: [DONE]\n\n")


@contextmanager
def scripted_replica(versions: Path, *arguments: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """A replica that answers, until the end or until it is killed."""
    command = [sys.executable, "-m", "support.scripted_replica", "--versions", str(versions), "--port", str(port)]
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield process
    finally:
        process.kill()
        process.communicate()


async def _serve(replica: ScriptedReplica, port: int) -> None:
    async with serve_http(replica.handle, admit=lambda head: nullcontext(BODY_BYTES_MAX), host="127.0.0.1", port=port):
        print("ready", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--versions", type=Path, required=True)
    parser.add_argument("--pause-s", type=float, default=0.01)
    parser.add_argument("--refuses", default="")
    parser.add_argument("--same", action="store_true")
    given = parser.parse_args()
    replica = ScriptedReplica(given.versions, pause_s=given.pause_s, refuses=given.refuses, is_same=given.same)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(replica, given.port))


if __name__ == "__main__":
    main()
