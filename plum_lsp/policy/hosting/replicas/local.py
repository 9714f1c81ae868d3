"""The replicas on this machine: each a `plum-lsp policy serve` with a data folder of its own, started again if it ends.

Their folders share the folder of versions, so that each starts with the active version.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from plum_lsp.config.folder import replica_folder, versions_folder
from plum_lsp.domain import children
from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.policy.hosting.replicas.rotation import Reach
from plum_lsp.policy.hosting.serving import read_state
from plum_lsp.policy.hosting.vllm.child import free_port

RESTART_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
"""Waits between the starts of a replica. After `STEADY_SECONDS` of life the first one is used again."""
STEADY_SECONDS = 300.0
END_SECONDS = 40.0
"""Time for a replica to end its engine before it ends itself."""
_DEVICES = "CUDA_VISIBLE_DEVICES"


class LocalReplicas:
    """Keeps `count` replicas running. `arguments` go to `policy serve`, which gets a port of its own for each."""

    def __init__(
        self,
        count: int,
        *,
        arguments: Sequence[str],
        passed: Sequence[str] = (),
        data_dir: Path,
        devices: int = 0,
        tell: Callable[[str], None],
    ) -> None:
        """`passed` follows `--`. With `devices` GPUs, each replica gets one. No replica is started yet."""
        self._names = tuple(f"local-{number}" for number in range(1, count + 1))
        self._arguments, self._passed = tuple(arguments), tuple(passed)
        self._data_dir = data_dir
        self._devices = devices
        self._tell = tell

    def reaches(self) -> Mapping[str, Reach | None]:
        """Each replica, and where it answers if it does."""
        return {name: self._reach(name) for name in self._names}

    async def run(self, *, has_served: Callable[[str], bool]) -> None:
        """Keep all of them running until cancelled. `has_served` says whether one was ever used.

        Raises:
            PolicyUnavailable: one ended before it was.
        """
        keeping = [asyncio.create_task(self._keep(number, has_served)) for number in range(len(self._names))]
        try:
            if keeping:
                await asyncio.wait(keeping, return_when=asyncio.FIRST_COMPLETED)
                next(task for task in keeping if task.done()).result()
            await asyncio.Event().wait()
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)

    def _reach(self, name: str) -> Reach | None:
        state = read_state(replica_folder(self._data_dir, name))
        return Reach(root=state.url.removesuffix("/v1"), key=state.api_key) if state else None

    def _folder(self, name: str) -> Path:
        """The data folder of a replica, with the versions of all."""
        folder, versions = replica_folder(self._data_dir, name), versions_folder(self._data_dir)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        versions.mkdir(parents=True, exist_ok=True)
        link = versions_folder(folder)
        if not link.is_symlink():
            link.symlink_to(versions.resolve(), target_is_directory=True)
        return folder

    async def _keep(self, number: int, has_served: Callable[[str], bool]) -> None:
        name, failures = self._names[number], 0
        while True:
            started = time.monotonic()
            status = await self._live(number)
            if not has_served(name):
                log = self._folder(name) / "replica.log"
                last = (log.read_text(errors="replace").strip().splitlines() or ["it wrote no output"])[-1]
                raise PolicyUnavailable(f"replica {name} did not start: {last[-300:]}", remedy=f"Its log is {log}.")
            failures = 0 if time.monotonic() - started > STEADY_SECONDS else failures
            wait = RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)]
            failures += 1
            self._tell(f"replica {name} ended with status {status} and is started again in {wait:.1f} s")
            await asyncio.sleep(wait)

    async def _live(self, number: int) -> int:
        """One life of a replica, and its status at the end."""
        name = self._names[number]
        folder = self._folder(name)
        arguments = [*self._arguments, "--host", "127.0.0.1", "--port", str(free_port())]
        with (folder / "replica.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *children.python_module("plum_lsp", "policy", "serve", *arguments, "--", *self._passed),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=children.environment(PLUM_DATA_DIR=str(folder), **self._device(number)),
                preexec_fn=children.die_with_parent,
                cwd=children.FOLDER,
            )
        try:
            return await process.wait()
        finally:
            await asyncio.shield(_end(process))

    def _device(self, number: int) -> dict[str, str]:
        """The GPU of a replica. Those that the user allows, in turn."""
        if not self._devices:
            return {}
        allowed = os.environ.get(_DEVICES) or ",".join(map(str, range(self._devices)))
        devices = allowed.split(",")
        return {_DEVICES: devices[number % len(devices)]}


async def _end(process: asyncio.subprocess.Process) -> None:
    for sign, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, END_SECONDS)):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(sign)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await process.wait()
