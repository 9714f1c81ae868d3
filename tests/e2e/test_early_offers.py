"""Offers that are shown before their group is complete, and what becomes of them: the real server, sandbox and store.

The policy holds the rest of each group back until the test has seen the early offer.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.editor import Editor, Suggested, capabilities
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config.folder import store_file

pytestmark = pytest.mark.slow

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n'
SUSPECT, RIGHT = "return a * b + 1", "return a + b"
OTHERS = (RIGHT, "return sum((a, b))", "return b + a", "return a - -b")
"""The suspect passes the example. The others pass it, too, and agree on every other input."""


@pytest_asyncio.fixture
async def hearing(policy: ScriptedPolicy, tmp_path: Path) -> AsyncIterator[Editor]:
    """An editor that is told of changes and reports what it draws."""
    able = capabilities(hears_changes=True, reports_shown=True)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, able=able) as editor:
        yield editor


async def early_offer(editor: Editor, policy: ScriptedPolicy, first: str, rest: tuple[str, ...]) -> Suggested:
    """The offer of the first candidate, drawn, with the rest of the group on its way."""
    policy.will_complete(f"{first}\n")
    for text in rest:
        policy.will_complete(f"{text}\n", is_held=True)
    offer = await editor.suggest(ADD)
    assert offer is not None
    assert (offer.text, offer.is_verified) == (first, True)
    editor.show(offer)
    await editor.until(lambda: len(policy.completions) >= 1 + len(rest))
    return offer


def stored(folder: Path) -> list[tuple[str, str]]:
    """The outcomes in the store, with the labels that were on the screen."""
    with sqlite3.connect(store_file(folder / "data")) as db:
        return db.execute("SELECT kind, tier FROM outcomes ORDER BY id").fetchall()


async def test_the_label_is_upgraded(hearing: Editor, policy: ScriptedPolicy) -> None:
    """The rest of the group agrees, and the evidence says so in place."""
    offer = await early_offer(hearing, policy, RIGHT, OTHERS[1:])
    policy.release()
    await hearing.until(lambda: hearing.changes)
    (change,) = hearing.changes
    assert (change["offer"], change["kind"], change["again"]) == (offer.id, "label", False)
    assert change["explanation"]["probability"] > offer.evidence["probability"]
    assert await hearing.command("plum.explain", offer.id) == change["explanation"]


async def test_a_wrong_offer_is_withdrawn(hearing: Editor, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """The rest of the group contradicts it. The reason is told, and the next question has a better answer."""
    offer = await early_offer(hearing, policy, SUSPECT, OTHERS)
    policy.release()
    await hearing.until(lambda: hearing.changes)
    (change,) = hearing.changes
    assert (change["offer"], change["kind"], change["again"]) == (offer.id, "withdrawn", True)
    assert "where others give" in change["explanation"]["text"]
    assert "Withdrawn" in hearing.status["message"]
    assert await hearing.explain() == change["explanation"]
    better = await hearing.suggest()
    assert better is not None
    assert better.text in OTHERS
    await hearing.accept(better)
    assert stored(tmp_path) == [("withdrawn", "verified"), ("accepted", "verified")]


async def test_the_next_keystroke_ends_the_group(hearing: Editor, policy: ScriptedPolicy) -> None:
    """The streams are closed, and the offer for the text before is not spoken of again."""
    await early_offer(hearing, policy, SUSPECT, OTHERS)
    await hearing.type("r")
    await hearing.until(lambda: policy.closed_early == len(OTHERS))
    policy.release()
    await hearing.suggest()
    assert hearing.changes == []


async def test_the_next_request_ends_the_group(hearing: Editor, policy: ScriptedPolicy) -> None:
    """It does not wait for the group of the one before."""
    await early_offer(hearing, policy, SUSPECT, OTHERS)
    asked = asyncio.create_task(hearing.ask())
    await hearing.until(lambda: policy.closed_early == len(OTHERS))
    policy.release()
    assert await asked
    assert all(change["kind"] == "label" for change in hearing.changes)


async def test_closing_an_offer_ends_the_group(hearing: Editor, policy: ScriptedPolicy) -> None:
    """What is not on the screen needs no further evidence."""
    offer = await early_offer(hearing, policy, SUSPECT, OTHERS)
    await hearing.command("plum.close", offer.id)
    await hearing.until(lambda: policy.closed_early == len(OTHERS))
    assert hearing.changes == []


async def test_accepted_before_the_change(hearing: Editor, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """The store keeps the label that the user saw, and no change is told of text that is in the file."""
    offer = await early_offer(hearing, policy, SUSPECT, OTHERS)
    await hearing.accept(offer)
    policy.release()
    await hearing.until(lambda: policy.wait_until_idle(0))
    assert stored(tmp_path) == [("accepted", "verified")]
    assert hearing.changes == []


async def test_accepted_while_the_withdrawal_is_on_its_way(
    hearing: Editor, policy: ScriptedPolicy, tmp_path: Path
) -> None:
    """The user was faster than the message. The acceptance counts, with the label that was on the screen."""
    offer = await early_offer(hearing, policy, SUSPECT, OTHERS)
    policy.release()
    await hearing.until(lambda: hearing.changes)
    await hearing.accept(offer)
    assert stored(tmp_path) == [("withdrawn", "verified"), ("accepted", "verified")]


async def test_an_editor_that_is_not_told_sees_it_on_the_next_request(editor: Editor, policy: ScriptedPolicy) -> None:
    """The same offer comes again with its new evidence, and nothing is sampled for it."""
    offer = await early_offer(editor, policy, RIGHT, OTHERS[1:])
    policy.release()
    await editor.until(lambda: policy.wait_until_idle(0))

    async def evidence() -> float:
        return float((await editor.command("plum.explain", offer.id))["probability"])

    while await evidence() == offer.evidence["probability"]:
        await asyncio.sleep(0.01)
    asked = len(policy.completions)
    again = await editor.suggest()
    assert again is not None
    assert again.id == offer.id
    assert len(policy.completions) == asked
    assert editor.changes == []


async def test_an_editor_that_is_not_told_gets_another_offer_for_a_withdrawn_one(
    editor: Editor, policy: ScriptedPolicy
) -> None:
    """The offer that turned out wrong is not made again for the same text."""
    await early_offer(editor, policy, SUSPECT, OTHERS)
    policy.release()
    await editor.until(lambda: "Withdrawn" in editor.status["message"])
    again = await editor.suggest()
    assert again is not None
    assert again.text in OTHERS
    assert editor.changes == []
