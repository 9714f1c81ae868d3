"""Judges batches on a Ray cluster. Ray is imported when it is asked for, and not before.

A cluster of our own listens on the loopback address alone, with a token of its own and a folder that only its user may
open: a process that reaches Ray can run code. It ends with the command, also if that is killed, and the next one
removes its folder. Usage statistics and the dashboard are off. A task that was lost is not repeated by Ray: `run` hands
it out again, and so counts it.
"""

from __future__ import annotations

import io
import logging
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stdout
from types import ModuleType
from typing import Any

from plum_lsp.domain.errors import PlumError
from plum_lsp.evaluation.bulk.run import Tell
from plum_lsp.evaluation.bulk.work import Answer, Batch, judge_batch
from plum_lsp.files.pages import page
from plum_lsp.files.scratch import ScratchFolder

LOCAL = "local"
"""The address that stands for a cluster of our own, on this machine."""
AHEAD = 2
"""Batches handed out for each processor, so that none waits for the next one."""
STORE_BYTES = 128 * 2**20
"""For values on their way. By default Ray takes a third of the memory."""
SCRATCH = "plum-ray-"
"""How the folder of a cluster of our own begins."""
_RAYS = "r"
"""Ray's part of that folder, which Ray opens to all users. The name is short because paths of sockets are."""
_CONNECT_SECONDS = 20.0
_SECONDS_MAX = 10.0
"""How long to wait before the cluster is looked at again: machines join and leave."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray sends no data to its makers. The second only avoids a warning about GPUs."""
PATIENT = {"RAY_raylet_start_wait_time_s": "300"}
"""How long the start of a node may take. Ray's own 30 s are too short on a busy machine."""
LOOPBACK = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "http_proxy": "http://127.0.0.1:9",
    "no_proxy": "127.0.0.1,localhost",
}
"""Ray replaces 127.0.0.1 by the address of the machine, and then listens on all. Where it takes this machine for the
whole cluster, it does not (`ray._private.services.get_node_ip_address`). Also without statistics, its head asks the
metadata address of three clouds where it runs (`ray._common.usage.usage_lib`): a proxy that is not there ends that."""


class RayWorkers:
    """The processors of a Ray cluster. Each takes one batch at a time."""

    def __init__(self, address: str, tell: Tell, *, reaches: str = "") -> None:
        """Join the cluster at HOST:PORT, or start one of our own. `reaches` is a host that batches ask by HTTP.

        Raises:
            PlumError: Ray is not installed, or the cluster cannot be joined.
        """
        self._ray = _ray(QUIET | _own(reaches) if address == LOCAL else QUIET)
        self._tell = tell
        self._held = ExitStack()
        self._held.enter_context(redirect_stdout(_Mute()))
        self._out: dict[Any, Batch] = {}
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if address == LOCAL:
                folder = self._held.enter_context(ScratchFolder(SCRATCH)).path / _RAYS
                own = {"include_dashboard": False, "_node_ip_address": "127.0.0.1", "object_store_memory": STORE_BYTES}
                self._ray.init(address="local", _temp_dir=str(folder), **own, **quiet)
            else:
                _reach(address)
                self._ray.init(address=address, **quiet)
        except (OSError, OverflowError, RuntimeError, ValueError) as error:
            self.close()
            raise PlumError(f"no Ray cluster at {address}: {error}", remedy=f"See {page('team.md')}.") from error
        self._judge = self._ray.remote(num_cpus=1, max_retries=0)(judge_batch)

    def capacity(self) -> int:
        """Twice the processors that the cluster has now."""
        return max(1, AHEAD * self._processors())

    def submit(self, batch: Batch) -> None:
        """Hand out a batch."""
        self._out[self._judge.remote(batch)] = batch

    def next_done(self) -> tuple[Batch, Answer | None]:
        """Wait for a batch that ended. See the port.

        Raises:
            PlumError: a machine lacks plum-lsp, or the cluster is gone.
        """
        while True:
            done, _ = self._ray.wait(list(self._out), num_returns=1, timeout=_SECONDS_MAX)
            if done:
                return self._out.pop(done[0]), self._answer(done[0])
            if not self._processors():
                self._tell("no machine of the cluster is left; waiting for one to join")

    def close(self) -> None:
        """Leave the cluster. What it still does for this run ends, and a cluster of our own with it."""
        self._ray.shutdown()
        self._held.close()

    def _processors(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))

    def _answer(self, reference: Any) -> Answer | None:
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(reference)
        except errors.RayTaskError as error:
            raise PlumError(f"a worker failed: {error}") from error
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.ObjectLostError, errors.OutOfMemoryError):
            return None
        except errors.RayError as error:
            raise PlumError(f"the Ray cluster failed: {error}") from error
        assert isinstance(answer, Answer)
        return answer


def _reach(address: str) -> None:
    """Connect once. Ray tries for minutes, and tells only itself why.

    Raises:
        OSError: nothing answers at HOST:PORT.
    """
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()


class _Mute(io.TextIOBase):
    """Takes what Ray writes to standard output when a machine is lost: a page of its log, also if told to be quiet."""

    def write(self, text: str) -> int:
        """Drop it. The command's progress says what was lost."""
        return len(text)


def _own(reaches: str) -> dict[str, str]:
    """The environment of a cluster of our own. By default Ray keeps its token in a file that all may read."""
    direct = ",".join(filter(None, (LOOPBACK["no_proxy"], reaches)))
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    return {**LOOPBACK, **PATIENT, **token, "no_proxy": direct}


def _ray(environ: Mapping[str, str]) -> ModuleType:
    """Ray, which reads its environment when it is imported."""
    os.environ.update(environ)
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise PlumError("Ray is not installed", remedy="Install it: pip install 'plum-lsp[ray]'") from error
    assert isinstance(ray, ModuleType)
    return ray
