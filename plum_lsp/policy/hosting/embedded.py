"""The child process that holds a model: llama.cpp (xllamacpp) or vLLM behind an OpenAI endpoint on loopback.

`launch` runs it as `python -P -m plum_lsp.policy.hosting.embedded`. It is not a command for users. The first line on
stdin is the order in JSON. It holds the API key, so that the key is in no argument list. The only line on stdout is the
answer, with the address or the reason for the failure. After that, stdin carries `+` when a request begins and `-` when
it ends.

The child ends when stdin ends (the owner has died), when it has been idle for long enough, or when the kernel reports
that its parent died. It does not decide what is sampled.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any, NoReturn, TextIO

from plum_lsp.domain import children

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal we get when the thread that started us ends."""

HTTP_THREADS = 32
"""llama.cpp keeps a thread for each open connection, and a waiting candidate is an open connection."""

PROMPT_CACHE_MIB = 256
"""Memory for the prompts of documents that the user returns to. The default of llama.cpp is 8192."""

VLLM_START_SECONDS = 900.0
"""vLLM compiles at its first start. It took 145 s on two cores."""


def main() -> None:
    """Start what the order says, answer once, then live as long as the owner wants."""
    answers = _private_stdout()
    order = json.loads(sys.stdin.readline())
    _die_with_parent(int(order["owner"]), signal.SIGTERM if order["engine"] == "vllm" else signal.SIGKILL)
    try:
        url, process = _start_vllm(order) if order["engine"] == "vllm" else _start_llama(order)
    except Exception as error:  # noqa: BLE001 - the boundary of this process: the owner is told and we end
        _answer(answers, {"error": str(error) or type(error).__name__})
        sys.exit(1)
    try:
        _answer(answers, {"url": url})
        _watch(float(order["idle_seconds"]), process)
    finally:
        _end(process)


def _private_stdout() -> TextIO:
    """The real stdout for the one line of the protocol. Other output to stdout is redirected to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _answer(answers: TextIO, value: dict[str, str]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.close()


def _die_with_parent(owner: int, by: signal.Signals) -> None:
    """Ask the kernel to end this process with its parent. End at once if the parent has died already.

    SIGTERM leaves time to end an engine in a separate process. SIGKILL works while a model is being loaded.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, by, 0, 0, 0)
        if os.getppid() != owner:
            sys.exit(1)
    signal.signal(signal.SIGTERM, _leave)


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def _watch(idle_seconds: float, process: subprocess.Popen[bytes] | None) -> None:
    """Read the owner's marks until stdin ends, the engine dies or no request came for `idle_seconds`."""
    active, last = 0, time.monotonic()
    while process is None or process.poll() is None:
        left = idle_seconds - (time.monotonic() - last)
        if idle_seconds > 0 and not active and left <= 0:
            return
        wait = min(left, 1.0) if idle_seconds > 0 and not active else 1.0
        if not select.select([0], [], [], max(wait, 0.0))[0]:
            continue
        marks = os.read(0, 4096)
        if not marks:
            return
        active = max(0, active + marks.count(b"+") - marks.count(b"-"))
        last = time.monotonic()


def _end(process: subprocess.Popen[bytes] | None) -> NoReturn:
    """End the engine's whole process group, then ourselves, without waiting for llama.cpp's threads."""
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    os._exit(0)


def _start_llama(order: dict[str, Any]) -> tuple[str, None]:
    """Load a GGUF file into this process.

    One slot unless told otherwise: requests wait in a queue and each finds the prompt evaluated by the one before
    it. See docs/decisions/one-slot.md for the measurements.
    """
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = order["model"]
    params.model_alias = {order["alias"]}
    if order["adapter"]:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(order["adapter"], 1.0)]
    params.n_parallel = order["slots"]
    params.n_ctx = order["context_tokens"] * order["slots"]
    params.cpuparams.n_threads = order["threads"]
    params.cpuparams_batch.n_threads = order["threads_batch"]
    params.cpuparams.poll = params.cpuparams_batch.poll = 0
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.n_threads_http = HTTP_THREADS
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [order["api_key"]]
    params.ui = False
    params.endpoint_metrics = True
    params.verbosity = 0
    server = xllamacpp.Server(params)
    globals()["_server"] = server
    return str(server.listening_address), None


def _start_vllm(order: dict[str, Any]) -> tuple[str, subprocess.Popen[bytes]]:
    """Start vLLM in a process group of its own and wait until it is healthy."""
    port = _free_port()
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
