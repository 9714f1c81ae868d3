"""Opening a sandbox where it cannot be opened."""

from __future__ import annotations

import pytest

from plum_lsp.domain.errors import SandboxUnavailable
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import Call, Limits, Program
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_or_absent

EMPTY = Program(source="")


@pytest.fixture
async def absent() -> Sandbox:
    """What is opened on a machine that cannot have a sandbox."""
    return await open_or_absent(SandboxOptions(tier="wishful"))


async def test_an_absent_sandbox_says_why(absent: Sandbox) -> None:
    """The user reads the reason with its remedy. No document has a project in it."""
    assert "wishful" in absent.problem
    assert "choose one of" in absent.problem
    assert absent.project is None


async def test_an_absent_sandbox_runs_nothing(absent: Sandbox) -> None:
    """Each method that would run code raises the error of the machine."""
    ways = (
        absent.observe(EMPTY, [Call(expression="1")], Limits()),
        absent.verify(EMPTY, [], Limits(), reference=EMPTY),
        absent.examine(EMPTY, [], [], Limits(), reference=EMPTY),
        absent.run_tests(EMPTY, ["test_it.py::test_it"], watches=False, seconds=1.0),
    )
    for way in ways:
        with pytest.raises(SandboxUnavailable, match="wishful"):
            await way
    with pytest.raises(SandboxUnavailable):
        _ = absent.tier


async def test_an_absent_sandbox_can_be_closed(absent: Sandbox) -> None:
    """Its owner need not ask whether it is one."""
    await absent.close()
