"""Runs vLLM and keeps it running: readiness with progress, restart after a crash, unloading of retired versions.

Every start loads the version that is active then, so a crash at any moment, also in the middle of a publication, ends
with the version the pointer names.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from plum_lsp.config.folder import policy_log
from plum_lsp.domain import children
from plum_lsp.domain.errors import PlumError, PolicyUnavailable
from plum_lsp.policy.client.refusals import ended
from plum_lsp.policy.hosting.adapters import VllmEngine
from plum_lsp.policy.hosting.front.listening import gate_of, listening
from plum_lsp.policy.hosting.serving import ServeOptions, ServingState, forget_state, served_url, write_state
from plum_lsp.policy.hosting.vllm import plugin as vllm_plugin
from plum_lsp.policy.hosting.vllm.child import free_port
from plum_lsp.policy.hosting.vllm.front import TURNS, VllmFront
from plum_lsp.policy.hosting.vllm.settings import VLLM, has_gpu, vllm_command, vllm_settings
from plum_lsp.policy.models.weights import BaseModel
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.policy.versions.publish import GRACE_SECONDS, HOUSEKEEPING_SECONDS, retire

logger = logging.getLogger(__name__)

START_SECONDS = 1800.0
"""Time to load a large model from a network disk and compile it. Progress is shown meanwhile."""
RESTART_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Waits between restarts. After `STEADY_SECONDS` of health the first wait is used again."""
STEADY_SECONDS = 300.0
END_SECONDS = 15.0


@dataclass(slots=True, kw_only=True)
class VllmSupervisor:
    """One vLLM and its restarts. `tell` shows a line to the user. `progress` shows a line that is overwritten."""

    options: ServeOptions
    base: BaseModel
    store: VersionStore
    data_dir: Path
    tell: Callable[[str], None]
    progress: Callable[[str], None]
    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    engine_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    engine_port: int = field(default_factory=free_port)
    grace_seconds: float = GRACE_SECONDS
    restart_seconds: tuple[float, ...] = RESTART_SECONDS

    @property
    def log(self) -> Path:
        """The file with vLLM's output."""
        return policy_log(self.data_dir)

    @property
    def url(self) -> str:
        """Where it serves."""
        return served_url(self.options)

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            PolicyUnavailable: the first start failed. Later starts are tried again.
        """
        try:
            async with listening(self._front(), self.options):
                await self._run()
        finally:
            forget_state(self.data_dir)

    def _front(self) -> VllmFront:
        context = self.options.context_tokens
        return VllmFront(
            gate_of(self.data_dir, self.api_key, capacity=TURNS, context_tokens=context),
            root=f"http://127.0.0.1:{self.engine_port}",
            engine_key=self.engine_key,
            base_name=self.base.name,
            versions=self.store.root,
        )

    async def _run(self) -> None:
        failures, has_served = 0, False
        while True:
            started = time.monotonic()
            try:
                await self._serve_once(is_first=not has_served)
            except PolicyUnavailable as error:
                if not has_served:
                    raise
                self.tell(str(error))
            has_served = True
            failures = 0 if time.monotonic() - started > STEADY_SECONDS else failures + 1
            wait = self.restart_seconds[min(failures, len(self.restart_seconds)) - 1] if failures else 0.0
            self.tell(f"starting vLLM again in {wait:.0f} s")
            await asyncio.sleep(wait)

    async def _serve_once(self, *, is_first: bool) -> None:
        """One life of vLLM, from its start to its end."""
        canary, active = self.store.canary(), self.store.active()
        previous = canary.previous if canary else None
        behind = replace(self.options, host="127.0.0.1", port=self.engine_port)
        settings = vllm_settings(behind, has_gpu=has_gpu(), active=active, previous=previous)
        if is_first:
            for setting in settings:
                self.tell(f"  {setting}\n      {setting.reason}")
        arguments, environment = vllm_command(settings)
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *children.python_module("vllm.entrypoints.openai.api_server", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=children.environment(
                    {**vllm_plugin.allowed(os.environ), **environment}, VLLM_API_KEY=self.engine_key
                ),
                start_new_session=True,
                preexec_fn=children.die_with_parent,
                cwd=children.FOLDER,
            )
        try:
            await self._until_ready(process)
            write_state(self.data_dir, self._state())
            await self._watch(process)
            self.tell(str(ended(f"vLLM ended: {_last_error(self.log)}", process.returncode, remedy="")))
        finally:
            await asyncio.shield(_end(process))

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        started = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
            while not await _is_healthy(client, self.url):
                waited = time.monotonic() - started
                if process.returncode is not None:
                    told = f"vLLM ended with status {process.returncode}: {_last_error(self.log)}"
                    raise ended(told, process.returncode, remedy=f"Its log is {self.log}.")
                if waited > START_SECONDS:
                    raise PolicyUnavailable(
                        f"vLLM was not ready after {waited:.0f} s", remedy=f"Its log is {self.log}."
                    )
                self.progress(f"{waited:4.0f} s  {_last_line(self.log)}")
                await asyncio.sleep(0.5)
        self.tell(f"ready after {time.monotonic() - started:.0f} s at {self.url}")

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Unload retired versions until the process ends."""
        housekeeping = asyncio.create_task(self._keep_house())
        try:
            await process.wait()
        finally:
            housekeeping.cancel()
            await asyncio.wait([housekeeping])

    async def _keep_house(self) -> None:
        engine = VllmEngine(self.url, self._state().connection())
        try:
            while True:
                try:
                    for name in await retire(self.store, engine, grace_seconds=self.grace_seconds):
                        self.tell(f"unloaded {name}")
                except PlumError as error:
                    logger.debug("no adapter was unloaded: %s", error)
                await asyncio.sleep(HOUSEKEEPING_SECONDS)
        finally:
            await engine.close()

    def _state(self) -> ServingState:
        return ServingState(
            url=self.url,
            api_key=self.api_key,
            engine=VLLM.name,
            model=self.base.name,
            model_path=str(self.options.model),
            model_sha256=self.base.sha256,
            lora_rank=self.options.lora_rank,
            pid=os.getpid(),
        )


async def _is_healthy(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url.removesuffix("/v1") + "/health")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    """End vLLM and the engine processes of its group."""
    for sign, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, END_SECONDS)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await process.wait()


def _last_line(log: Path) -> str:
    """The end of the log, for the progress line."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = file.read().decode(errors="replace").strip().splitlines()
        return lines[-1][-100:] if lines else ""
    return ""


def _last_error(log: Path) -> str:
    """The last line of the log that names an error."""
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()[-300:]
        errors = [line for line in lines if "Error" in line and "Traceback" not in line]
        return (errors or lines or ["it wrote no output"])[-1].strip()[-300:]
    return "it wrote no output"
