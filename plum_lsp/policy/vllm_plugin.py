"""A plug-in of vLLM that keeps the base model's tokens from the adapters beside them, on a CPU.

vLLM marks a token that has no adapter with the index -1. Its GPU kernels skip it; the CPU build's look up the last
slot, so that a request of the base model which shares a batch with a version's is answered by an adapter
(vLLM pull request 48421). A vLLM that skips them is left as it is.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

NAME = "plum_lsp"
"""The entry point's, in the group `vllm.general_plugins`."""
LISTED = "VLLM_PLUGINS"
"""vLLM's own: the plug-ins it may load, by name and with commas between; all where it is not set."""
WANTED = "PLUM_LORA_SKIPS_BASE"
"""Set by `policy serve`: the plug-in is installed for every vLLM of its environment, and changes ours alone."""
HOLDERS = ("vllm.lora.ops.torch_ops.lora_ops", "vllm.lora.ops.torch_ops", "vllm.lora.punica_wrapper.punica_cpu")
OPERATIONS = ("bgmv_shrink", "bgmv_expand", "bgmv_expand_slice")
"""The three that look adapters up by token; the others of the CPU build call them."""

Operation = Callable[..., None]


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which vLLM loads this plug-in too."""
    listed = environment.get(LISTED)
    return {**environment, **({} if listed is None else {LISTED: f"{listed},{NAME}"})}


def register() -> None:
    """Run by vLLM in each of its processes.

    Raises:
        AttributeError: this vLLM names the operations otherwise. It then does not start: better than mixed versions.
    """
    if os.environ.get(WANTED) != "1" or not import_module("vllm.platforms").current_platform.is_cpu():
        return
    modules = [import_module(holder) for holder in HOLDERS]
    if skips_base(modules[0].bgmv_shrink):
        return
    for name in OPERATIONS:
        operation = skipping_base(getattr(modules[0], name))
        for module in modules:
            getattr(module, name)
            setattr(module, name, operation)


def skips_base(shrink: Operation) -> bool:
    """Whether an operation leaves a token without an adapter alone."""
    torch: Any = import_module("torch")
    output = torch.zeros(1, 1)
    shrink(torch.ones(1, 1), torch.ones(1, 1, 1), output, torch.tensor([-1]), 1.0)
    return bool(output.item() == 0.0)


def skipping_base(operation: Operation) -> Operation:
    """The same operation, to which a token without an adapter is zero, and so are the adapter's results for it."""

    @functools.wraps(operation)
    def skipping(inputs: Any, weights: Any, output: Any, indices: Any, *rest: Any, **named: Any) -> None:
        known = inputs.masked_fill((indices < 0)[:, None], 0)
        operation(known, weights, output, indices.clamp(min=0), *rest, **named)

    return skipping
