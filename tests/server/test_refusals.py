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
