"""The child process that holds a GGUF file: llama.cpp (the package xllamacpp) in the process itself.

Its life is `hosting.embedded`. It does not decide what is sampled.
"""

from __future__ import annotations

import importlib
import signal
from typing import Any

from plum_lsp.policy.hosting.embedded import run_child

HTTP_THREADS = 32
"""llama.cpp keeps a thread for each open connection, and a waiting candidate is an open connection."""

PROMPT_CACHE_MIB = 256
"""Memory for the prompts of documents that the user returns to. The default of llama.cpp is 8192."""


def start(order: dict[str, Any]) -> tuple[str, None]:
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


if __name__ == "__main__":
    run_child(start, dies_by=signal.SIGKILL)
