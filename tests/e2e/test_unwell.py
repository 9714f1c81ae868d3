"""A policy that is not well, as an editor sees it: a status with what to do, no exception, and offers afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.editor import Editor
from support.scripted_policy import ScriptedPolicy

pytestmark = pytest.mark.slow

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n'


@pytest.mark.parametrize(
    ("status", "said", "remedy"),
    [
        (500, "CUDA out of memory. Tried to allocate 2.00 GiB", "smaller model"),
        (503, "the engine is dead", "server's log"),
        (401, "Invalid API Key", "PLUM_POLICY_API_KEY"),
    ],
    ids=["out of memory", "down", "wrong key"],
)
async def test_a_policy_that_fails_is_told_until_it_is_well(
    policy: ScriptedPolicy, tmp_path: Path, status: int, said: str, remedy: str
) -> None:
    """Key after key while it fails: each answer is empty, the status says what to do; afterwards there are offers."""
    policy.will_fail(status, said)
    async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
        await editor.open(ADD)
        for _ in range(6):
            assert await editor.ask() == []
            assert editor.status["kind"] == "Error"
            assert remedy in editor.status["message"]
        assert (await editor.explain())["reason"] == "policy_unavailable"
        policy.forget()
        policy.will_complete("return a + b\n")
        async with asyncio.timeout(30):
            while not await editor.ask():
                await asyncio.sleep(0.2)
        assert editor.status["kind"] == "Normal"
