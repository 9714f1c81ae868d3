"""A sandbox that breaks gives no prediction: not a wrong one, and not one of no worth."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.verification import Limits, Program
from plum_lsp.evaluation.offline import verify
from plum_lsp.evaluation.tasks import Task
from plum_lsp.evaluation.watched import WatchedSandbox
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.clock import MonotonicClock

pytestmark = pytest.mark.slow
PROMPT = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n'
TASK = Task(id="t", prompt=PROMPT, suffix="", candidates=("    return a + b\n", "    return b + a\n"))


class Breaking(WatchedSandbox):
    """Breaks under programs that hold a text."""

    breaks_under = ""

    async def examine(self, program: Program, *more: Any, **options: Any) -> Any:
        """As the sandbox does, or not."""
        if self.breaks_under in program.source:
            raise SandboxError("a child was not locked down in time")
        return await super().examine(program, *more, **options)


@pytest.fixture
async def sandbox() -> AsyncIterator[Breaking]:
    """A sandbox without its self-test, which other tests run."""
    opened = await open_sandbox(SandboxOptions(jobs=2, checks_itself=False))
    yield Breaking(opened)
    await opened.close()


@pytest.mark.parametrize("text", ["return b + a", "return"])
async def test_one_candidate_that_was_not_run_is_told(sandbox: Breaking, text: str) -> None:
    """Else it would be stored as `unverified`, like a candidate that says nothing about itself."""
    sandbox.breaks_under = text
    with pytest.raises(SandboxError, match="locked down"):
        await verify(TASK, sandbox, MonotonicClock(), limits=Limits())


async def test_a_sandbox_that_holds_changes_nothing(sandbox: Breaking) -> None:
    """Both candidates are judged."""
    sandbox.breaks_under = "no such text"
    done = await verify(TASK, sandbox, MonotonicClock(), limits=Limits())
    assert [line["tier"] for line in done.lines()] == ["verified", "verified"]
