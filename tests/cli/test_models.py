"""`plum-lsp model recommend`: what it says of a machine without a model."""

from __future__ import annotations

from support.command_line import CommandLine

from plum_lsp.policy.models.catalogue import catalogue


def test_a_machine_without_a_model_is_measured_with_a_loop(user: CommandLine) -> None:
    """It says so, gives each model with its speed or a reason, and how to get the one to take."""
    ran = user.here("model", "recommend", environ={"PLUM_POLICY_URL": ""})
    assert ran.code == 0, ran.said
    assert "Measured with a matrix loop, not with a model" in ran.out
    assert all(name in ran.out for name in catalogue())
    assert "Take " in ran.out
    assert "model fetch " in ran.out
