"""What a user lives through with the real server, a real sandbox and a real store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.editor import Editor, capabilities
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config.folder import store_file
from plum_lsp.domain.learning import OutcomeKind

pytestmark = pytest.mark.slow

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n'


def outcomes(folder: Path) -> list[tuple[str, str]]:
    """The kinds and sources of all outcomes in the store, in order."""
    import sqlite3

    with sqlite3.connect(store_file(folder / "data")) as db:
        return db.execute("SELECT kind, source FROM outcomes ORDER BY rowid").fetchall()


def knows_add(policy: ScriptedPolicy) -> None:
    """The policy gets it wrong more often than right."""
    policy.will_complete("return a - b\n", mean_logprob=-0.1)
    policy.will_complete("return a + b\n", mean_logprob=-2.0)


async def test_offers_the_candidate_that_passes(editor: Editor, policy: ScriptedPolicy) -> None:
    """A candidate that passes its tests is offered ahead of a likelier one that fails them."""
    knows_add(policy)
    offer = await editor.suggest(ADD)
    assert offer is not None
    assert offer.text == "return a + b"
    assert offer.is_verified
    assert "✓ >>> add(1, 2) 3" in offer.evidence["text"]
    assert editor.status["message"] == "verified: passes 1 of 1 test"
    assert any(status["message"].startswith("testing ") for status in editor.statuses)


async def test_an_accepted_offer_is_remembered(editor: Editor, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Once the command replies, the outcome is on disk."""
    knows_add(policy)
    offer = await editor.suggest(ADD)
    assert offer is not None
    assert await editor.accept(offer) == {"recorded": True, "problem": ""}
    assert [kind for kind, _ in outcomes(tmp_path)] == [OutcomeKind.ACCEPTED.value]


async def test_an_insertion_without_a_command_is_remembered(
    editor: Editor, policy: ScriptedPolicy, tmp_path: Path
) -> None:
    """A plain client reports nothing; the edit says it all."""
    knows_add(policy)
    offer = await editor.suggest(ADD)
    assert offer is not None
    await editor.insert(offer)
    await editor.until(lambda: editor.logged("outcome=accepted source=inferred"))
    assert outcomes(tmp_path) == [("accepted", "inferred")]


async def test_a_rejected_offer_is_remembered_with_its_reason(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """The user's own word needs no time to read. The next offers are shown more rarely."""
    knows_add(policy)
    able = capabilities(reports_shown=True)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, able=able) as editor:
        offer = await editor.suggest(ADD)
        assert offer is not None
        editor.show(offer)
        assert (await editor.reject(offer, "too clever"))["recorded"]
        await editor.until(lambda: editor.logged("too clever"))
    assert outcomes(tmp_path) == [("rejected", "command")]


async def test_a_closed_offer_is_no_rejection(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Escape closes an offer that was read."""
    knows_add(policy)
    able = capabilities(reports_shown=True)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, able=able) as editor:
        offer = await editor.suggest(ADD)
        assert offer is not None
        editor.show(offer)
        await editor.explain()  # The server has read that it is shown, and counts from then.
        await asyncio.sleep(0.8)
        assert (await editor.command("plum.close", offer.id))["recorded"]
    assert outcomes(tmp_path) == [("dismissed", "command")]


@pytest.mark.parametrize("command", ["plum.close", "plum.reject"])
async def test_the_status_of_an_offer_goes_with_it(command: str, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """What is no longer on the screen is not called verified. A newer status stays."""
    knows_add(policy)
    able = capabilities(reports_shown=True)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, able=able) as editor:
        first = await editor.suggest(ADD)
        assert first is not None
        await editor.until(lambda: editor.status["message"].startswith("verified: "))
        await editor.command(command, first.id)
        await editor.until(lambda: editor.status == {"busy": False, "kind": "Normal", "message": "ready"})
        policy.will_complete("    return -number\n")
        other = await editor.suggest("def negate(number: int) -> int:\n    ‸\n")
        assert other is not None
        await editor.until(lambda: not editor.status["busy"] and editor.status["message"] != "ready")
        newer = editor.status
        await editor.command(command, first.id)
        assert editor.status == newer


async def test_an_undone_acceptance_is_a_rejection(editor: Editor, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """The user takes the text back at once."""
    knows_add(policy)
    offer = await editor.suggest(ADD)
    assert offer is not None
    await editor.accept(offer)
    start = ADD.index("‸")
    await editor.replace(start, start + len(offer.text), "")
    await editor.until(lambda: editor.logged("outcome=rejected source=inferred"))
    assert [kind for kind, _ in outcomes(tmp_path)] == ["accepted", "rejected"]


async def test_an_offer_taken_in_part_is_remembered(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """The length counts UTF-16 units on the wire and code points in the store."""
    policy.will_complete('return "😀" + str(a + b)\n')
    able = capabilities(reports_shown=True)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, able=able) as editor:
        offer = await editor.suggest("def add(a: int, b: int) -> str:\n    ‸\n")
        assert offer is not None
        editor.show(offer)
        editor.accept_part(offer, len('return "😀"') + 1)
        await editor.until(lambda: editor.logged("outcome=partly_accepted"))
        import sqlite3

        with sqlite3.connect(store_file(tmp_path / "data")) as db:
            assert db.execute("SELECT accepted_length FROM outcomes").fetchall() == [(len('return "😀"'),)]


async def test_typing_something_else_dismisses(editor: Editor, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """What the user wrote instead ends the offer without a word from the editor."""
    knows_add(policy)
    assert await editor.suggest(ADD) is not None
    await asyncio.sleep(0.8)
    await editor.type("raise NotImplementedError")
    await editor.until(lambda: editor.logged("outcome=dismissed source=inferred"))


async def test_a_newer_offer_supersedes_the_one_before(editor: Editor, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Two offers for one document: the first is no judgement."""
    knows_add(policy)
    assert await editor.suggest(ADD) is not None
    second = await editor.suggest()
    assert second is not None
    await editor.accept(second)
    assert [kind for kind, _ in outcomes(tmp_path)] == ["superseded", "accepted"]


async def test_a_hanging_candidate_costs_one_limit(editor: Editor, policy: ScriptedPolicy) -> None:
    """A candidate that loops for ever is stopped, and the right one is offered."""
    policy.will_complete("while True:\n        pass\n", mean_logprob=-0.1)
    policy.will_complete("return a + b\n", mean_logprob=-2.0, delay_s=0.3)
    offer = await editor.suggest(ADD)
    assert offer is not None
    assert offer.text == "return a + b"


async def test_only_hanging_candidates_are_refuted(editor: Editor, policy: ScriptedPolicy) -> None:
    """Nothing is offered, and the reason names the time."""
    policy.will_complete("while True:\n        pass\n")
    assert await editor.suggest(ADD) is None
    assert (await editor.explain())["reason"] == "all_failed"


async def test_a_policy_that_dies_is_told_and_the_next_one_serves(tmp_path: Path) -> None:
    """The connection breaks in mid-request: an abstention with the reason; a policy that comes back is used again."""
    with ScriptedPolicy() as policy:
        policy.will_hang("return")
        port = int(policy.base_url.rpartition(":")[2])
        async with Editor.running(folder=tmp_path, policy_url=policy.url) as editor:
            await editor.open(ADD)
            asked = asyncio.create_task(editor.ask())
            await editor.until(lambda: policy.completions)
            policy.stop()
            assert await asked == []
            assert (await editor.explain())["reason"] == "policy_unavailable"
            assert editor.status["kind"] == "Error"
            with ScriptedPolicy(port=port) as revived:
                knows_add(revived)
                assert len(await editor.ask()) == 1


async def test_a_cancelled_request_frees_the_policy(editor: Editor, policy: ScriptedPolicy) -> None:
    """Taking the question back closes the stream, so that the policy stops generating."""
    policy.will_hang("return")
    await editor.open(ADD)
    asked = asyncio.create_task(editor.ask())
    await editor.until(lambda: len(policy.completions) >= 1)
    await editor.type("r")
    assert await asked == []
    await editor.until(lambda: policy.closed_early >= 1)
    await editor.until(lambda: not editor.status["busy"])


async def test_a_version_that_moves_gets_no_answer(editor: Editor, policy: ScriptedPolicy) -> None:
    """A slow answer for a text that is gone is dropped; the next question is answered."""
    policy.will_complete("return a + b\n", is_held=True)
    await editor.open(ADD)
    asked = asyncio.create_task(editor.ask())
    await editor.until(lambda: policy.completions)
    await editor.replace(0, 0, "# moved\n")
    assert await asked == []
    policy.release()
    buffer = editor.buffers[editor.uri]
    buffer.cursor = editor.text.rindex("\n")
    assert len(await editor.ask()) == 1


async def test_two_editors_share_one_store(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Both record what happened in them, at the same time."""
    policy.will_complete("return a + b\n")  # each answer alike: which editor's request gets which is left to chance
    async with (
        Editor.running(folder=tmp_path, policy_url=policy.url) as one,
        Editor.running(folder=tmp_path, policy_url=policy.url) as two,
    ):
        for _ in range(3):
            first, second = await asyncio.gather(one.suggest(ADD), two.suggest(ADD))
            assert first is not None
            assert second is not None
            replies = await asyncio.gather(one.accept(first), two.accept(second))
            assert all(reply["recorded"] for reply in replies)
    assert [kind for kind, _ in outcomes(tmp_path)] == ["accepted"] * 6


async def test_a_broken_buffer_is_no_obstacle(editor: Editor, policy: ScriptedPolicy) -> None:
    """Half-written code around the function, above and below."""
    policy.will_complete("return a + b\n")
    offer = await editor.suggest("x = (1,\nclass Half(\n\n" + ADD + "\n\ndef later(:\n    return [\n")
    assert offer is not None
    assert offer.is_verified


async def test_a_huge_buffer_is_answered_in_time(editor: Editor, policy: ScriptedPolicy) -> None:
    """50,000 lines, with an edit before the question."""
    policy.will_complete("return a + b\n")
    filler = "".join(f"def filler_{number}(x):\n    y = x + {number}\n    return y\n\n\n" for number in range(5_000))
    await editor.open(filler + "\n\n" + ADD + "\n\n" + filler)
    await editor.until_ready()
    await editor.type("\n    ")
    assert len(await editor.ask()) == 1, "an answer after the deadline would be empty"
    assert (await editor.explain())["tier"] == "verified"


async def test_the_menu_serves_editors_without_inline_completion(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """One preselected entry with the evidence."""
    knows_add(policy)
    able = capabilities(inline=False)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, able=able) as editor:
        await editor.open(ADD)
        (item,) = await editor.complete()
        assert item.label == "return a + b"
        assert item.detail == "✓ verified: passes 1 of 1 test"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_every_position_encoding_is_spoken(policy: ScriptedPolicy, tmp_path: Path, encoding: str) -> None:
    """Characters outside the BMP before the cursor, on its line and above."""
    policy.will_complete("'sad' if face == '😢' else 'happy'\n")
    able = capabilities(encodings=(encoding,))
    async with Editor.running(folder=tmp_path, policy_url=policy.url, able=able) as editor:
        offer = await editor.suggest(
            'def mood(face):\n    """>>> mood("😢")\n    \'sad\'\n    """\n    漢 = "😀é"; return ‸\n'
        )
        assert offer is not None
        await editor.accept(offer)
        assert "漢 = \"😀é\"; return 'sad' if face == '😢' else 'happy'\n" in editor.text


async def test_settings_reach_the_policy(editor: Editor, policy: ScriptedPolicy) -> None:
    """Pushed settings change how many candidates are sampled."""
    knows_add(policy)
    await editor.suggest(ADD)
    editor.configure({"offers": {"stopEarly": False}, "sampling": {"candidates": 2, "maxTokens": 33}})
    assert all(request.payload.get("max_tokens") != 33 for request in policy.completions)
    assert await editor.suggest(ADD) is not None
    asked = [request.payload for request in policy.completions if request.payload.get("max_tokens") == 33]
    assert sum(int(payload.get("n") or 1) for payload in asked) == 2
