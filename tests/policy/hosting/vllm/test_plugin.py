"""The plug-in that keeps the base model's tokens from adapters, on the operations of the installed vLLM."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from importlib.metadata import entry_points

import pytest

from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.policy.hosting.vllm import plugin as vllm_plugin

OPERATIONS = """
    import sys, torch
    from vllm.lora.ops import torch_ops
    from vllm.lora.punica_wrapper import punica_cpu
    from vllm.platforms import current_platform
    from plum_lsp.policy.hosting.vllm import plugin as vllm_plugin

    before = torch_ops.bgmv_shrink
    vllm_plugin.register()
    if sys.argv[1] == "not asked" or not current_platform.is_cpu():
        sys.exit(torch_ops.bgmv_shrink is not before)
    wrapped = torch_ops.bgmv_shrink
    vllm_plugin.register()
    assert torch_ops.bgmv_shrink is wrapped, "wrapped once"

    torch.manual_seed(0)
    inputs, rows, weights = torch.randn(3, 4), torch.tensor([1, -1, 1]), torch.randn(2, 5, 4)
    inputs[1, 0] = weights[0, 0, 0] = float("nan")  # neither is anything to the token without an adapter
    for name, more, adds in [
        ("bgmv_shrink", (2.0,), False),
        ("bgmv_expand", (True,), True),
        ("bgmv_expand", (False,), False),
        ("bgmv_expand_slice", (0, 5, True), True),
        ("bgmv_expand_slice", (0, 5, False), False),
    ]:
        output, scale = torch.ones(3, 5), 2.0 if name == "bgmv_shrink" else 1.0
        getattr(punica_cpu, name)(inputs, weights, output, rows, *more)
        first, last = (scale * weights[1] @ inputs[row] + adds for row in (0, 2))
        assert torch.allclose(output, torch.stack([first, torch.ones(5), last])), (name, more, output)
"""


def test_vllm_finds_it() -> None:
    """It is installed under the name that vLLM's list of plug-ins is given."""
    [found] = entry_points(group=vllm_plugin.GROUP, name=vllm_plugin.NAME)
    assert found.load() is vllm_plugin.register


def test_nothing_is_started_that_would_not_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an update of the code that was not installed."""
    monkeypatch.setattr(vllm_plugin, "NAME", "plum_lsp_of_tomorrow")
    with pytest.raises(PolicyUnavailable, match="mix policy versions"):
        vllm_plugin.allowed({})


@pytest.mark.parametrize(
    ("listed", "expected"),
    [({}, {}), ({"VLLM_PLUGINS": "mine"}, {"VLLM_PLUGINS": "mine,plum_lsp"}), ({"A": "1"}, {"A": "1"})],
)
def test_a_list_of_plugins_does_not_leave_it_out(listed: dict[str, str], expected: dict[str, str]) -> None:
    """Who names the plug-ins that vLLM may load keeps them, and gets this one."""
    assert vllm_plugin.allowed(listed) == {**expected, vllm_plugin.COPIED: vllm_plugin.WANTED}


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.vllm
def test_workers_on_other_machines_are_told() -> None:
    """Asked of vLLM itself; what the user has it copy is kept."""
    told = "from vllm.ray.ray_env import get_env_vars_to_copy as names; print(*names())"
    env = vllm_plugin.allowed({"PATH": "/usr/bin:/bin", vllm_plugin.COPIED: "MINE"})
    done = subprocess.run(
        [sys.executable, "-c", told], env=env, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"MINE", vllm_plugin.WANTED} <= set(done.stdout.split())


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
