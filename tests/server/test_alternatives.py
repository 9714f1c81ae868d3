"""Alternatives: asking again where an offer stands, in the real server with a pipeline that says what it is told."""

from __future__ import annotations

import time

from lsprotocol import types
from support.bench import Bench, abstention, make_offer
from support.editor import Editor, Suggested, capabilities

from plum_lsp.domain.suggestion import Abstention, Offer, SuggestionRequest
from plum_lsp.domain.text import Span

STUB = "def add(a, b):\n    ‸"


def able(**says: bool) -> types.ClientCapabilities:
    """An editor with inline completion that says something of itself."""
    result = capabilities()
    result.experimental = {"plum": {"status": True, **says}}
    return result


def bench_of(*texts: str) -> Bench:
    """A server whose pipeline offers the first of these that the user has not seen."""
    made = 0

    async def answer(request: SuggestionRequest) -> Offer | Abstention:
        nonlocal made
        made += 1
        left = [text for text in texts if text not in request.unwanted.seen]
        hole = Span(start=request.offset, end=request.offset)
        if not left:
            return abstention(request)
        return make_offer(left[0], hole=hole, offer_id=f"offer-{made}", request_id=request.id)

    return Bench(answer=answer)


async def texts(editor: Editor, *, automatic: bool = False) -> list[str]:
    """What is offered at the cursor."""
    return [str(item.insert_text) for item in await editor.ask(automatic=automatic)]


async def test_asking_again_adds_an_alternative() -> None:
    """Each further question brings one more, until there is none."""
    async with Editor.connected(bench_of("a + b", "b + a").serve, able=able(cycles=True)) as editor:
        await editor.open(STUB)
        assert await texts(editor, automatic=True) == ["a + b"]
        assert await texts(editor) == ["a + b", "b + a"]
        assert await texts(editor) == ["a + b", "b + a"]


async def test_an_editor_that_does_not_cycle_gets_a_fresh_offer() -> None:
    """Without the capability, a question is a question."""
    async with Editor.connected(bench_of("a + b", "b + a").serve) as editor:
        await editor.open(STUB)
        assert await texts(editor) == ["a + b"]
        assert await texts(editor) == ["a + b"]


async def test_an_edit_ends_the_alternatives() -> None:
    """Another version of the document, another question."""
    async with Editor.connected(bench_of("a + b", "b + a").serve, able=able(cycles=True)) as editor:
        await editor.open(STUB)
        await editor.ask()
        await editor.type(" ")
        assert await texts(editor) == ["a + b"]


async def test_each_offer_explains_itself() -> None:
    """The evidence of an offer can be had after another was made."""
    async with Editor.connected(bench_of("a + b", "b + a").serve, able=able(cycles=True)) as editor:
        await editor.open(STUB)
        await editor.ask()
        await editor.ask()
        assert (await editor.command("plum.explain", "offer-1"))["offer"] == "offer-1"
        assert (await editor.command("plum.explain"))["offer"] == "offer-2"
        assert (await editor.command("plum.explain", "offer-9"))["kind"] == "nothing"


async def test_turning_one_down_closes_the_others_that_were_seen() -> None:
    """They are closed without a judgement. One that was never drawn is superseded."""
    bench = bench_of("a + b", "b + a", "sum((a, b))")
    async with Editor.connected(bench.serve, able=able(cycles=True, reportsShown=True)) as editor:
        uri = await editor.open(STUB)
        for _ in range(3):
            items = await editor.ask()
        first, second, _ = (Suggested(item=item, evidence={}, uri=uri) for item in items)
        assert bench.server is not None
        desk = bench.server.session.outcomes
        desk._now = lambda: time.time() - 1.0
        editor.show(first)
        editor.show(second)
        await editor.explain()
        desk._now = time.time
        await editor.reject(second)
        states = [followed.tracker.life.state.value for followed in desk._offers.values()]
        assert states == ["dismissed", "rejected", "superseded"]
