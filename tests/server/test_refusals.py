"""Documents that no question may be asked about: nothing is offered, and the editor gets an answer, not an error."""

from __future__ import annotations

import pytest
from support.bench import Bench
from support.editor import Editor

STUB = "def add(a, b):\n    ‸"


@pytest.mark.parametrize("uri", ["http://[broken/x.py", "file:///a%00b.py"])
async def test_an_address_that_cannot_be_read_counts_as_excluded(bench: Bench, uri: str) -> None:
    """Nobody can tell whether the settings exclude it, so nothing is asked; the user learns why."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB, uri=uri)
        assert await editor.ask() == []
        assert (await editor.explain())["reason"] == "excluded"
    assert bench.requests == []


async def test_a_text_that_is_no_unicode_reaches_no_pipeline(bench: Bench) -> None:
    """A lone surrogate can be neither sent nor stored, and an error about it would quote the source."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open("half = '" + chr(0xD800) + "'\n" + STUB)
        assert await editor.ask() == []
        assert (await editor.explain())["reason"] == "nothing_to_complete"
    assert bench.requests == []


async def test_a_document_that_is_not_served_says_so(bench: Bench) -> None:
    """The reason is about the last request, not about the document before it."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        assert await editor.ask()
        for language in ("javascript", "Python", "python3"):
            await editor.open(STUB, language=language)
            assert await editor.ask() == []
            assert f'language of this document is "{language}"' in (await editor.explain())["text"]


async def test_a_document_that_is_not_open_says_so(bench: Bench) -> None:
    """An editor that asks for a closed document learns why the answer is empty."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        place = {"textDocument": {"uri": editor.uri}, "position": {"line": 1, "character": 4}}
        await editor.close()
        await editor.send("textDocument/inlineCompletion", {**place, "context": {"triggerKind": 1}})
        assert "did not open this document" in (await editor.explain())["text"]
    assert bench.requests == []
