"""The golden messages that the clients are tested with are what the server says and understands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.bench import Bench, make_offer
from support.editor import Editor, Suggested, capabilities
from support.golden import DOCUMENT, FILE, PART, TEXT, text

from plum_lsp.domain.suggestion import Abstention, Offer, SuggestionRequest
from plum_lsp.domain.text import Span
from plum_lsp.server.convert import code_points_of, offer_of

GOLDEN: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_the_server_says_now() -> None:
    """If this fails on purpose, run `python -m support.golden` from `tests/` and mind the clients."""
    assert FILE.read_text(encoding="utf-8") == text()


def test_notifications_are_understood() -> None:
    """The offer's id is read from the item, and a part's length in the store's own unit."""
    assert offer_of(GOLDEN["didShowCompletion"]) == "offer-1"
    part = GOLDEN["didPartiallyAcceptCompletion"]
    assert offer_of(part) == "offer-1"
    assert code_points_of(part["item"]["insertText"], part["acceptedLength"]) == len(PART)


@pytest.fixture
def bench() -> Bench:
    """A server whose pipeline makes the golden offer."""

    async def answer(request: SuggestionRequest) -> Offer | Abstention:
        hole = Span(start=request.offset, end=request.offset)
        return make_offer(TEXT, hole=hole, request_id=request.id)

    return Bench(answer=answer)


async def test_a_connection_speaks_them(bench: Bench) -> None:
    """Over a real connection: the item, the explanation and the answers of the commands."""
    able = capabilities(reports_shown=True)
    able.experimental = GOLDEN["capabilities"]["experimental"]
    async with Editor.connected(bench.serve, able=able) as editor:
        await editor.open(DOCUMENT.text)
        (item,) = await editor.ask()
        assert editor.client.protocol._converter.unstructure(item) == GOLDEN["inlineCompletionList"]["items"][0]
        explain = GOLDEN["executeCommand"]["explain"]
        assert await editor.command(explain["command"], *explain["arguments"]) == GOLDEN["explanation"]["offer"]
        editor.show(Suggested(item=item, evidence={}, uri=editor.uri))
        reject = GOLDEN["executeCommand"]["reject"]
        answer = await editor.command(reject["command"], *reject["arguments"])
        assert set(answer) == set(GOLDEN["recorded"][0])
