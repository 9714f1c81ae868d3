"""Offers that appear and vanish while somebody types: the real server, sandbox and store.

The policy writes a wrong text first in every group, however much of it is typed. The text passes the example, and the
rest of the group contradicts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.editor import Editor, Suggested, capabilities
from support.scripted_policy import ScriptedPolicy

pytestmark = pytest.mark.slow

ABOVE = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    '
SUSPECT = "return a * b + 1"
OTHERS = ("return a + b", "return a - -b", "return a + b + 0")
TYPED = "return a"
"""The user types what all the texts begin with."""


@pytest_asyncio.fixture(params=[True, False], ids=["told of changes", "not told"])
async def editor(request: pytest.FixtureRequest, policy: ScriptedPolicy, tmp_path: Path) -> AsyncIterator[Editor]:
    """An editor that is told of changes and reports what it draws, and one that is not and does not."""
    able = capabilities(hears_changes=request.param, reports_shown=request.param)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, able=able) as editor:
        yield editor


async def offered(editor: Editor, policy: ScriptedPolicy, typed: str, *, automatic: bool = True) -> Suggested | None:
    """The offer at a cursor, with the rest of its group on its way. The policy writes what goes on from there."""
    policy.forget()
    for index, text in enumerate((SUSPECT, *OTHERS)):
        policy.will_complete(text.removeprefix(typed) + "\n", is_held=index > 0)
    asked = asyncio.create_task(editor.suggest(automatic=automatic))
    await asyncio.wait([asked], timeout=1.5 if typed else None)  # The first text alone must be shown before the others.
    policy.release()
    return await asked


async def ended(editor: Editor, policy: ScriptedPolicy) -> None:
    """Wait until the group of the last offer is complete, and its offer was looked at again."""
    await editor.until(lambda: policy.wait_until_idle(0))
    await asyncio.sleep(0.5)


async def test_a_wrong_text_is_shown_and_withdrawn_once(editor: Editor, policy: ScriptedPolicy) -> None:
    """It does not come back with the next keys, each of which would show and withdraw it again."""
    await editor.open(ABOVE + "‸\n")
    seen = []
    for length in range(len(TYPED) + 1):
        offer = await offered(editor, policy, TYPED[:length])
        if offer is not None:
            seen.append(TYPED[:length] + offer.text)
            if editor.capabilities.experimental["plum"]["reportsShown"]:
                editor.show(offer)
        await ended(editor, policy)
        if length < len(TYPED):
            await editor.type(TYPED[length])
    assert seen[0] == SUSPECT
    assert SUSPECT not in seen[1:]
    assert set(seen[1:]) <= set(OTHERS)
    assert len(seen) > 1


async def test_a_closed_offer_does_not_come_back_at_once(editor: Editor, policy: ScriptedPolicy) -> None:
    """Another may take its place. The user gets it back by asking."""
    await editor.open(ABOVE + "‸\n")
    policy.will_complete("return a + b\n")
    first = await editor.suggest(automatic=True)
    assert first is not None
    await editor.command("plum.close", first.id)
    assert await editor.suggest(automatic=True) is None
    assert "just closed" in (await editor.explain())["detail"]
    again = await editor.suggest()
    assert again is not None
    assert again.text == first.text


async def test_deleted_text_does_not_come_back(editor: Editor, policy: ScriptedPolicy) -> None:
    """Neither whole nor the rest of it after its beginning was typed again."""
    await editor.open(ABOVE + "return sum((a, b))‸\n")
    cursor = editor.buffers[editor.uri].cursor
    await editor.replace(len(ABOVE), cursor, "")
    policy.will_complete("return sum((a, b))\n")
    policy.will_complete("return a + b\n")
    offer = await editor.suggest(automatic=True)
    assert offer is not None
    assert offer.text == "return a + b"
    await editor.type("return s")
    policy.forget()
    policy.will_complete("um((a, b))\n")
    assert await editor.suggest(automatic=True) is None
    assert (await editor.suggest()) is not None
