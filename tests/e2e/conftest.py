"""What the stories share: a scripted policy, and an editor with the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.editor import Editor
from support.scripted_policy import ScriptedPolicy


@pytest.fixture
def policy() -> Iterator[ScriptedPolicy]:
    """A policy that says what it is told."""
    with ScriptedPolicy() as policy:
        yield policy


@pytest_asyncio.fixture
async def editor(policy: ScriptedPolicy, tmp_path: Path) -> AsyncIterator[Editor]:
    """An editor whose server asks that policy."""
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key) as editor:
        yield editor
