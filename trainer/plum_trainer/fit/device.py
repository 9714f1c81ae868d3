"""Shares a GPU with the server: puts vLLM to sleep for a fit and always wakes it afterwards.

vLLM offers `/sleep` and `/wake_up` when it was started with `--enable-sleep-mode` and `VLLM_SERVER_DEV_MODE=1`. A
server without them keeps running, and a message says so. This was not measured on a GPU. On a CPU, sleep has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from plum_lsp.policy.hosting.engines import engine_called
from plum_lsp.policy.hosting.serving import read_state

SECONDS_MAX = 120.0


@contextmanager
def shared(data_dir: Path, mode: str, *, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the server's device for as long as the block runs, if `mode` is `sleep` and a server of ours runs."""
    state = read_state(data_dir) if mode == "sleep" else None
    can_sleep = state is not None and engine_called(state.engine).facts.can_sleep
    root = state.url.removesuffix("/v1") if state is not None and can_sleep else ""
    key = state.api_key if state is not None else ""
    is_asleep = bool(root) and _post(f"{root}/sleep", key)
    if root:
        report(
            "the server sleeps during the fit" if is_asleep else "the server cannot sleep and goes on beside the fit"
        )
    try:
        yield
    finally:
        if is_asleep and not _post(f"{root}/wake_up", key):
            report(f"the server at {root} did not wake up. Run: plum-lsp policy stop")


def _post(url: str, key: str) -> bool:
    """Whether the server did it."""
    try:
        return httpx.post(url, headers={"Authorization": f"Bearer {key}"}, timeout=SECONDS_MAX).is_success
    except httpx.TransportError:
        return False
