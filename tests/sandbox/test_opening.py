"""Opening a sandbox where it cannot be opened."""

from __future__ import annotations

import pytest

from plum_lsp.domain.errors import SandboxError, SandboxUnavailable
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import Call, Limits, Program
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_or_absent, open_sandbox
from plum_lsp.sandbox.zygote_process import last_line

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


async def test_one_reason_of_several_tiers_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the names of the tiers before it, and with a remedy."""

    async def start(self: JailSandbox) -> None:
        raise SandboxError("no namespaces")

    monkeypatch.setattr(JailSandbox, "start", start)
    with pytest.raises(SandboxUnavailable) as refused:
        await open_sandbox()
    assert str(refused.value).endswith("not executed: full and bubblewrap and landlock: no namespaces")
    assert refused.value.remedy.startswith("Candidates need Linux 5.13")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"", ""),
        (b"bwrap: no\n\n", "bwrap: no"),
        (b"Traceback (most recent call last):\n  File\nOSError: [Errno 1] no\n", "OSError: [Errno 1] no"),
        (b"\xff" + b"x" * 1000, "\ufffd" + "x" * 399),
    ],
)
def test_the_words_of_a_process_that_failed_are_one_line(output: bytes, words: str) -> None:
    """They hold no half of a traceback."""
    assert last_line(output) == words
