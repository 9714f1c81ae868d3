"""The child process that holds a Hugging Face folder: it starts vLLM in a process of its own and watches it.

Its life is `hosting.embedded`. It does not decide what is sampled.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import Any

from plum_lsp.domain import children
from plum_lsp.policy.hosting.embedded import run_child

VLLM_START_SECONDS = 900.0
"""vLLM compiles at its first start. It took 145 s on two cores."""


def start(order: dict[str, Any]) -> tuple[str, subprocess.Popen[bytes]]:
    """Start vLLM in a process group of its own and wait until it is healthy."""
    port = free_port()
    command = [*children.python_module("vllm.entrypoints.openai.api_server"), "--model", order["model"]]
    command += ["--served-model-name", order["alias"], "--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-model-len", str(order["context_tokens"]), "--enable-prefix-caching"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=2,
        env=children.environment(VLLM_API_KEY=order["api_key"]),
        start_new_session=True,
        cwd=children.FOLDER,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + VLLM_START_SECONDS
    try:
        while not _is_healthy(url):
            if process.poll() is not None:
                raise RuntimeError(f"vLLM ended with status {process.returncode}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"vLLM was not ready after {VLLM_START_SECONDS:.0f} s")
            if select.select([0], [], [], 0.2)[0] and not os.read(0, 4096):
                raise RuntimeError("the owner is gone")
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    return url, process


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    """A port of the loopback address that no process listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    run_child(start, dies_by=signal.SIGTERM)
