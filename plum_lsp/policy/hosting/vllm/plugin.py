"""A plug-in of vLLM that keeps the base model's tokens from the adapters beside them, on a CPU.

vLLM marks a token without an adapter with the index -1. Its GPU kernels skip such tokens. The kernels of the CPU build
look up the last slot instead. A request of the base model that shares a batch with a request of a version is then
answered by an adapter (vLLM pull request 48421). A vLLM that skips such tokens is not changed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from plum_lsp.domain.errors import PolicyUnavailable

GROUP, NAME = "vllm.general_plugins", "plum_lsp"
"""The entry point of this package by which vLLM finds the plug-in."""
LISTED = "VLLM_PLUGINS"
"""A variable of vLLM: the names of the plug-ins that it may load, separated by commas. Unset means all."""
WANTED = "PLUM_LORA_SKIPS_BASE"
"""Set by `policy serve`. The plug-in is installed for every vLLM of its environment, but changes only the one with
this."""
COPIED = "VLLM_RAY_EXTRA_ENV_VARS_TO_COPY"
"""A variable of vLLM: further variables that its workers on other machines get, separated by commas."""
SOURCE = "vllm.lora.ops.torch_ops.lora_ops"
HOLDERS = (SOURCE, "vllm.lora.ops.torch_ops", "vllm.lora.punica_wrapper.punica_cpu")
"""The module that defines the operations, and the modules that import them under the same names."""
OPERATIONS: Mapping[str, tuple[object, ...]] = {"bgmv_shrink": (1.0,), "bgmv_expand": (), "bgmv_expand_slice": (0, 1)}
"""The three operations that look up adapters by token, with their last argument. The other operations of the CPU build
call them."""

Operation = Callable[..., None]


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which vLLM loads this plug-in too, in its workers on other machines as well.

    Raises:
        PolicyUnavailable: vLLM would not find it.
    """
    if not entry_points(group=GROUP, name=NAME):
        remedy = "Install plum-lsp again, in the environment that has vLLM (in a checkout: make setup)."
        raise PolicyUnavailable("vLLM would not find plum-lsp's plug-in, and mix policy versions", remedy=remedy)
    listed, copied = environment.get(LISTED), environment.get(COPIED)
    added = {COPIED: f"{copied},{WANTED}" if copied else WANTED}
    if listed is not None:
        added[LISTED] = f"{listed},{NAME}"
    return {**environment, **added}


def register() -> None:
    """Run by vLLM in each of its processes.

    Raises:
        ImportError, AttributeError, TypeError: this vLLM has the fault and keeps the operations elsewhere. It then does
            not start, which is better than mixed versions.
    """
    if os.environ.get(WANTED) != "1" or not import_module("vllm.platforms").current_platform.is_cpu():
        return
    source = import_module(SOURCE)
    if all(skips_base(getattr(source, name), rest) for name, rest in OPERATIONS.items()):
        return
    modules = [import_module(holder) for holder in HOLDERS]
    for name in OPERATIONS:
        operation = skipping_base(getattr(source, name))
        for module in modules:
            getattr(module, name)
            setattr(module, name, operation)


def skips_base(operation: Operation, rest: tuple[object, ...]) -> bool:
    """Whether an operation skips a token without an adapter."""
    torch: Any = import_module("torch")
    output = torch.zeros(1, 1)
    operation(torch.ones(1, 1), torch.ones(1, 1, 1), output, torch.tensor([-1]), *rest)
    return bool(output.item() == 0.0)


def skipping_base(operation: Operation) -> Operation:
    """The same operation, which leaves the output of a token without an adapter as it was."""

    @functools.wraps(operation)
    def skipping(inputs: Any, weights: Any, output: Any, indices: Any, *rest: Any, **named: Any) -> None:
        bare, rows = indices < 0, output[: len(indices)]
        kept = rows[bare]
        operation(inputs, weights, output, indices.clamp(min=0), *rest, **named)
        rows[bare] = kept

    return skipping
