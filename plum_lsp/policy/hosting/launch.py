"""Starting and ending a policy server of our own: how many threads, and the process that runs it.

Knows processes, not completions. The child itself is `embedded`. Which model it is given is decided in `sources`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from plum_lsp.domain import children
from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.policy.client.refusals import ended
from plum_lsp.policy.hosting.facts import EngineFacts
from plum_lsp.policy.models.catalogue import ModelEntry

logger = logging.getLogger(__name__)

DEATH_SECONDS = 5.0
"""A child that has closed its output is about to end."""

THREADS_MAX = 8
"""Decoding is bound by memory, and more threads than this have not helped small models."""

QUIET_OPENMP = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}
"""Threads that spin while they wait cost a busy machine nine tenths of its speed (measured: 0.6-2 against 26-52
tokens a second)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model to serve: the name requests use, its file or folder, and the engine.

    `entry` is None for a model the catalogue does not know, `sha256` empty for a folder.
    """

    name: str
    path: Path
    engine: EngineFacts
    sha256: str
    entry: ModelEntry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """How to run the server. 0 `threads` chooses by what is idle.

    `adapter` is a LoRA in a GGUF file and `slots` how many requests run side by side, both for llama.cpp.
    """

    threads: int = 0
    slots: int = 1
    adapter: Path | None = None
    context_tokens: int = 4096
    idle_seconds: float = 900.0


def choose_threads(wanted: int, *, cores: int, load: float) -> tuple[int, int]:
    """Threads for writing and for reading the prompt.

    Reading is limited by computing and gains from every idle core. Writing is limited by memory, and one core is left
    to the sandbox. Both numbers shrink on a busy machine.
    """
    if wanted > 0:
        return wanted, wanted
    idle = max(1, min(cores - round(load), cores))
    return max(1, min(idle - 1, THREADS_MAX)), max(1, min(idle, 2 * THREADS_MAX))


class PolicyProcess:
    """One running child. `touch` brackets each request, so that idleness is known to the child."""

    def __init__(self, process: asyncio.subprocess.Process, *, url: str, api_key: str, errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        self.url = url
        self.api_key = api_key

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the child has not ended, as far as is known."""
        return self._process.returncode is None

    def mark(self, sign: bytes) -> None:
        """Tell the child that a request begins (`+`) or ended (`-`). A dead child is ignored."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            with contextlib.suppress(ConnectionError, RuntimeError):
                stdin.write(sign)

    async def wait(self) -> int:
        """Wait until the child has ended."""
        return await self._process.wait()

    def kill(self) -> None:
        """End the child by force."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """End the child: first by closing its stdin, then by force. Idempotent."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(8):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        finally:
            self._errors.close()


async def launch(model: ServedModel, options: LaunchOptions) -> PolicyProcess:
    """Start a server for the model and wait until it answers.

    Raises:
        PolicyUnavailable: it did not start. The message holds the end of its output.
    """
    api_key = secrets.token_urlsafe(24)
    errors: IO[bytes] = tempfile.TemporaryFile(prefix="plum-policy-")  # noqa: SIM115 - lives as long as the child
    process = await asyncio.create_subprocess_exec(
        *children.python_module(model.engine.child),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        env=children.environment(**QUIET_OPENMP),
        cwd=children.FOLDER,
    )
    started = PolicyProcess(process, url="", api_key=api_key, errors=errors)
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(_order(model, options, api_key)).encode() + b"\n")
        async with asyncio.timeout(model.engine.start_seconds):
            answer = await process.stdout.readline()
        if not answer:
            async with asyncio.timeout(DEATH_SECONDS):
                await process.wait()
        started.url = _read_answer(answer, model, errors, process.returncode)
    except (TimeoutError, ConnectionError) as error:
        await _abandon(started)
        raise PolicyUnavailable(f"the policy server for {model.name} did not start: {error!r}") from error
    except BaseException:
        await _abandon(started)
        raise
    logger.info("policy server for %s runs as process %d at %s", model.name, process.pid, started.url)
    return started


async def _abandon(started: PolicyProcess) -> None:
    """End a child that did not come up."""
    started.kill()
    await asyncio.shield(started.close())


def _order(model: ServedModel, options: LaunchOptions, api_key: str) -> dict[str, object]:
    """What the child is told on its first line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads, threads_batch = choose_threads(options.threads, cores=cores, load=os.getloadavg()[0])
    limit = model.entry.context_tokens if model.entry else options.context_tokens
    return {
        "model": str(model.path),
        "alias": model.name,
        "adapter": str(options.adapter) if options.adapter else "",
        "api_key": api_key,
        "owner": os.getpid(),
        "idle_seconds": options.idle_seconds,
        "context_tokens": min(options.context_tokens, limit),
        "slots": options.slots,
        "threads": threads,
        "threads_batch": threads_batch,
    }


def _read_answer(answer: bytes, model: ServedModel, errors: IO[bytes], status: int | None) -> str:
    """The address in the child's one line."""
    try:
        found = json.loads(answer)
    except ValueError:
        found = {}
    if isinstance(found, dict) and found.get("url"):
        return str(found["url"])
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - 2000))
    said = errors.read().decode(errors="replace").strip().splitlines()
    error = str(found.get("error", "")) if isinstance(found, dict) else ""
    reason = ": ".join(filter(None, (error, said[-1] if said else ""))) or "it wrote no output"
    told = f"the policy server for {model.name} did not start: {reason}"
    check = f"Check the file with: plum-lsp model verify {model.name}" if model.entry else f"Check {model.path}."
    raise ended(told, -9 if "status -9" in error else status, remedy=check)
