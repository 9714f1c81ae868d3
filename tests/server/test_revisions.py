"""Changes of offers, in the real server with a pipeline that says what it is told."""

from __future__ import annotations

from dataclasses import replace

from support.bench import Bench, make_offer
from support.editor import Editor, capabilities

from plum_lsp.domain.events import Revised
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, RequestId, SuggestionRequest, Tier
from plum_lsp.domain.text import Span

STUB = "def add(a, b):\n    ‸"
ABLE = capabilities(hears_changes=True, reports_shown=True)


def offer_for(request: SuggestionRequest, tier: Tier = Tier.VERIFIED) -> Offer:
    """The offer at a request's cursor."""
    hole = Span(start=request.offset, end=request.offset)
    return make_offer(hole=hole, request_id=request.id, tier=tier)


def relabelled(request: SuggestionRequest) -> Revised:
    """The offer turned out to be only checked."""
    return Revised(request_id=request.id, offer=offer_for(request), result=offer_for(request, Tier.CHECKED))


def withdrawn(request: SuggestionRequest) -> Revised:
    """The offer turned out wrong."""
    result = Abstention(request_id=request.id, reason=AbstentionReason.WITHDRAWN, detail="It was withdrawn.")
    return Revised(request_id=request.id, offer=offer_for(request), result=result)


async def test_a_change_that_is_faster_than_the_answer_is_the_answer() -> None:
    """The editor never gets the label that is no longer true, and no message about an offer that it does not have."""
    bench = Bench()

    async def answer(request: SuggestionRequest) -> Offer | Abstention:
        assert bench.server is not None
        bench.server.record(relabelled(request))
        return offer_for(request)

    bench.answer = answer
    async with Editor.connected(bench.serve, able=ABLE) as editor:
        offer = await editor.suggest(STUB)
        assert offer is not None
        assert (offer.tier, editor.status["message"]) == ("checked", "checked: passes 1 of 1 test")
        assert editor.changes == []


async def test_an_offer_withdrawn_before_the_answer_is_not_sent() -> None:
    """The reason is the answer."""
    bench = Bench()

    async def answer(request: SuggestionRequest) -> Offer | Abstention:
        assert bench.server is not None
        bench.server.record(withdrawn(request))
        return offer_for(request)

    bench.answer = answer
    async with Editor.connected(bench.serve, able=ABLE) as editor:
        assert await editor.suggest(STUB) is None
        assert (await editor.explain())["reason"] == "withdrawn"
        assert editor.changes == []


async def test_a_change_for_a_text_that_has_moved_is_dropped() -> None:
    """The offer is gone from the screen already."""
    bench = Bench()
    async with Editor.connected(bench.serve, able=ABLE) as editor:
        await editor.suggest(STUB)
        await editor.type("x")
        assert await editor.explain()
        assert bench.server is not None
        bench.server.record(relabelled(bench.requests[0]))
        bench.server.record(replace(relabelled(bench.requests[0]), request_id=RequestId("unknown")))
        assert (await editor.command("plum.explain", "offer-1"))["tier"] == "verified"
        assert editor.changes == []
        assert bench.pipeline is not None
        assert bench.pipeline.left


async def test_typing_through_has_the_new_label() -> None:
    """An editor that is not told asks with the next key, and the rest of the offer has the label of now."""
    bench = Bench()
    async with Editor.connected(bench.serve) as editor:
        await editor.suggest(STUB)
        assert bench.server is not None
        bench.server.record(relabelled(bench.requests[0]))
        await editor.type("return")
        rest = await editor.suggest(automatic=True)
        assert rest is not None
        assert (rest.text, rest.tier) == (" a + b", "checked")
    assert len(bench.requests) == 1


async def test_the_status_of_another_request_stays() -> None:
    """A change is told in the status only while the status is about its offer."""
    bench = Bench()
    async with Editor.connected(bench.serve, able=ABLE) as editor:
        offer = await editor.suggest(STUB)
        assert offer is not None
        editor.show(offer)
        await editor.command("plum.close", "offer-1")
        assert bench.server is not None
        bench.server.record(relabelled(bench.requests[0]))
        assert await editor.explain()
        assert editor.status["message"] == "ready"
        assert editor.changes == []
