"""What a policy server of ours is started with and why, and the file that tells other processes where it is.

Pure but for that file. Running and watching the process is `vllm.supervisor`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from plum_lsp.policy.client.connection import Connection
from plum_lsp.policy.hosting.vllm import plugin as vllm_plugin
from plum_lsp.policy.versions.folders import PublishedVersion, write_json
from plum_lsp.policy.versions.publish import RANK_MAX

STATE = "serving.json"
"""In the data folder, readable by its owner alone: it holds the key."""
LORA_SLOTS = 2
"""The active version and the one that is being proved. A third version in use would wait for a slot (6.5 s were
measured)."""
LORA_LOADED_MAX = 8
"""Adapters kept in memory. If vLLM drops a version and its folder is gone, the engine ends. Versions are therefore
unloaded before this number is reached."""
CPU_CACHE_GIB = 2
"""Memory for keys and values on a CPU, in GiB. The default of vLLM is 4, half the memory of a laptop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the user asked for. `passed` goes to vLLM as it is (tensor or data parallelism, quantisation, …).

    `slots` is how many requests llama.cpp writes side by side.
    """

    engine: str
    model: Path
    name: str
    host: str = "127.0.0.1"
    port: int = 8000
    context_tokens: int = 4096
    lora_rank: int = RANK_MAX
    ngram_tokens: int = 0
    slots: int = 1
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


def vllm_settings(
    options: ServeOptions, *, has_gpu: bool, active: PublishedVersion | None, previous: PublishedVersion | None = None
) -> tuple[Setting, ...]:
    """vLLM's settings for this product, each with its reason."""
    settings = [
        Setting(arguments=("--model", str(options.model)), reason="the base model"),
        Setting(arguments=("--served-model-name", options.name), reason="the name of the base model in requests"),
        Setting(
            arguments=("--host", options.host, "--port", str(options.port)),
            reason=_host_reason(options.host),
        ),
        Setting(
            arguments=("--max-model-len", str(options.context_tokens)),
            reason="prefix, suffix and completion fit; more would take memory from the cache",
        ),
        Setting(
            arguments=("--enable-prefix-caching",),
            reason="candidates share their prompt, and the next key stroke shares its beginning",
        ),
        Setting(
            arguments=("--enable-lora", "--max-lora-rank", str(options.lora_rank)),
            reason="policy versions are LoRA adapters of at most this rank",
        ),
        Setting(
            arguments=("--max-loras", str(LORA_SLOTS), "--max-cpu-loras", str(LORA_LOADED_MAX)),
            environment={vllm_plugin.WANTED: "1"},
            reason="a new version is proved while the old one serves, and each answers its own requests only",
        ),
        Setting(
            arguments=(),
            environment={"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"},
            reason="versions are loaded without a restart; keep the port from people you do not trust",
        ),
    ]
    if active is not None:
        settings.append(
            Setting(
                arguments=("--lora-modules", *(f"{one.name}={one.folder}" for one in (active, previous) if one)),
                reason="the active version, and the one before it during a trial, ready with the server",
            )
        )
    if options.ngram_tokens:
        speculative = {"method": "ngram", "num_speculative_tokens": options.ngram_tokens, "prompt_lookup_max": 4}
        settings.append(
            Setting(
                arguments=("--speculative-config", json.dumps(speculative)),
                reason="code repeats itself: tokens are guessed from the prompt and checked in one step",
            )
        )
    if not has_gpu:
        settings.append(
            Setting(
                arguments=(),
                environment={"VLLM_CPU_KVCACHE_SPACE": str(CPU_CACHE_GIB), "OMP_WAIT_POLICY": "passive"},
                reason="no GPU found: a small cache, and threads that do not spin",
            )
        )
    if options.passed:
        settings.append(Setting(arguments=options.passed, reason="passed on as it is"))
    return tuple(settings)


def llama_settings(options: ServeOptions, *, active: PublishedVersion | None, threads: int) -> tuple[Setting, ...]:
    """llama.cpp's settings for this product, each with its reason. They are passed in memory, not as arguments."""
    settings = [
        Setting(arguments=(f"model = {options.model}",), reason=f"served as {options.name}"),
        Setting(arguments=(f"address = {options.host}:{options.port}",), reason=_host_reason(options.host)),
        Setting(
            arguments=(f"context = {options.context_tokens} tokens",),
            reason="prefix, suffix and completion fit; more would take memory from the cache",
        ),
        Setting(
            arguments=(f"slots = {options.slots}",),
            reason="requests wait in line and find their prompt read (docs/decisions/one-slot.md)"
            if options.slots == 1
            else "requests are written side by side, each slot with a prompt cache of its own",
        ),
        Setting(
            arguments=(f"threads = {threads or 'what is idle'}",),
            reason="as set" if threads else "one core is left to the sandbox; threads do not spin",
        ),
        Setting(
            arguments=(f"adapter rank <= {options.lora_rank}",),
            reason="policy versions are LoRA adapters, each with a process of its own while it is in use",
        ),
    ]
    if active is not None:
        settings.append(Setting(arguments=(f"adapter = {active.name}",), reason="the active version"))
    return tuple(settings)


def _host_reason(host: str) -> str:
    return "this machine only" if host.startswith("127.") else "as asked; the API key guards it"


def served_url(options: ServeOptions) -> str:
    """Where clients on this machine find the server."""
    host = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host  # noqa: S104 - compared only
    return f"http://{host}:{options.port}/v1"


def vllm_command(settings: tuple[Setting, ...]) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment of all settings together."""
    arguments = [argument for setting in settings for argument in setting.arguments]
    environment = {key: value for setting in settings for key, value in setting.environment.items()}
    return arguments, environment


def has_gpu() -> bool:
    """Whether the kernel shows a GPU that vLLM runs on (NVIDIA's or AMD's compute devices)."""
    return Path("/dev/nvidia0").exists() or Path("/dev/kfd").exists()


def write_state(data_dir: Path, state: ServingState) -> None:
    """Tell other processes of this user where the server is."""
    data_dir.mkdir(parents=True, exist_ok=True)
    write_json(data_dir / STATE, asdict(state), mode=0o600)


def read_state(data_dir: Path) -> ServingState | None:
    """The running server of plum-lsp. None if there is none, or if the process that started it has ended."""
    try:
        found = json.loads((data_dir / STATE).read_text(encoding="utf-8"))
        state = ServingState(**found)
        os.kill(state.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return state


def forget_state(data_dir: Path) -> None:
    """The server has ended."""
    state = read_state(data_dir)
    if state is None or state.pid == os.getpid():
        (data_dir / STATE).unlink(missing_ok=True)
