"""The plug-in that keeps the base model's tokens from adapters, on the operations of the installed vLLM."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from importlib.metadata import entry_points

import pytest

from plum_lsp.policy import vllm_plugin

OPERATIONS = """
    import sys, torch
    from vllm.lora.ops import torch_ops
    from vllm.lora.punica_wrapper import punica_cpu
    from plum_lsp.policy import vllm_plugin

    before = torch_ops.bgmv_shrink
    vllm_plugin.register()
    if sys.argv[1] == "not asked":
        sys.exit(torch_ops.bgmv_shrink is not before)
    assert vllm_plugin.skips_base(torch_ops.bgmv_shrink) and vllm_plugin.skips_base(punica_cpu.bgmv_shrink)
    wrapped = torch_ops.bgmv_shrink
    vllm_plugin.register()
    assert torch_ops.bgmv_shrink is wrapped, "wrapped once"

    torch.manual_seed(0)
    inputs, rows, weights = torch.randn(3, 4), torch.tensor([1, -1, 0]), torch.randn(2, 5, 4)
    inputs[1, 0] = float("nan")
    for name in vllm_plugin.OPERATIONS:
        operation = getattr(punica_cpu, name)
        rest = {"bgmv_shrink": (2.0,), "bgmv_expand": (), "bgmv_expand_slice": (0, 5)}[name]
        output = torch.ones(3, 5)
        operation(inputs, weights, output, rows, *rest)
        if name == "bgmv_shrink":
            expected = torch.stack([2 * weights[1] @ inputs[0], torch.zeros(5), 2 * weights[0] @ inputs[2]])
        else:
            expected = 1 + torch.stack([weights[1] @ inputs[0], torch.zeros(5), weights[0] @ inputs[2]])
        assert torch.allclose(output, expected), (name, output, expected)
"""


def test_vllm_finds_it() -> None:
    """It is installed under the name that vLLM's list of plug-ins is given."""
    [found] = entry_points(group="vllm.general_plugins", name=vllm_plugin.NAME)
    assert found.load() is vllm_plugin.register


@pytest.mark.parametrize(
    ("listed", "expected"),
    [({}, {}), ({"VLLM_PLUGINS": "mine"}, {"VLLM_PLUGINS": "mine,plum_lsp"}), ({"A": "1"}, {"A": "1"})],
)
def test_a_list_of_plugins_does_not_leave_it_out(listed: dict[str, str], expected: dict[str, str]) -> None:
    """Who names the plug-ins that vLLM may load keeps them, and gets this one."""
    assert vllm_plugin.allowed(listed) == expected


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.vllm
@pytest.mark.parametrize("asked", ["asked", "not asked"])
def test_a_token_without_an_adapter_gets_none(asked: str) -> None:
    """Its row is as if no adapter were there, the others' are what they were; a vLLM that is not ours is left alone."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(OPERATIONS), asked],
        env={"PATH": "/usr/bin:/bin", vllm_plugin.WANTED: "1" if asked == "asked" else ""},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
