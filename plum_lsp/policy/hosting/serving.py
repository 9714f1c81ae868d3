"""What a policy server of ours is asked to be, and the file that tells other processes where it is.

Pure but for that file. Running and watching the process is `vllm.supervisor`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from plum_lsp.config.folder import serving_file
from plum_lsp.files.whole import write_json
from plum_lsp.policy.client.connection import Connection
from plum_lsp.policy.models.weights import RANK_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the user asked for. `passed` goes to vLLM as it is (tensor or data parallelism, quantisation, …).

    `slots` is how many requests llama.cpp writes side by side, and `threads` how many threads it uses (0: what is
    idle).
    """

    model: Path
    name: str
    host: str = "127.0.0.1"
    port: int = 8000
    context_tokens: int = 4096
    lora_rank: int = RANK_MAX
    ngram_tokens: int = 0
    slots: int = 1
    threads: int = 0
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One choice, as it is passed to the engine, and the reason for it."""

    arguments: tuple[str, ...]
    reason: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        names = [*(f"{key}={value}" for key, value in self.environment.items()), *self.arguments]
        return " ".join(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingState:
    """A server of ours that runs. `pid` is the supervisor's. `url` ends in `/v1`."""

    url: str
    api_key: str = field(repr=False)
    engine: str
    model: str
    model_path: str
    model_sha256: str
    lora_rank: int
    pid: int

    def connection(self) -> Connection:
        """How to reach it."""
        return Connection(api_key=self.api_key)


def host_reason(host: str) -> str:
    """Why a server listens there."""
    return "this machine only" if host.startswith("127.") else "as asked, guarded by the API key"


def served_url(options: ServeOptions) -> str:
    """Where clients on this machine find the server."""
    host = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host  # noqa: S104 - compared only
    return f"http://{host}:{options.port}/v1"


def write_state(data_dir: Path, state: ServingState) -> None:
    """Tell other processes of this user where the server is."""
    data_dir.mkdir(parents=True, exist_ok=True)
    write_json(serving_file(data_dir), asdict(state), mode=0o600)


def read_state(data_dir: Path) -> ServingState | None:
    """The running server of plum-lsp. None if there is none, or if the process that started it has ended."""
    try:
        found = json.loads(serving_file(data_dir).read_text(encoding="utf-8"))
        state = ServingState(**found)
        os.kill(state.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return state


def forget_state(data_dir: Path) -> None:
    """The server has ended."""
    state = read_state(data_dir)
    if state is None or state.pid == os.getpid():
        serving_file(data_dir).unlink(missing_ok=True)
