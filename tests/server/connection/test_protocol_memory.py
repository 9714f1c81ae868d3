"""A server keeps nothing of a message that it has dealt with: an editor sends one with every key."""

from __future__ import annotations

from support.bench import Bench
from support.editor import Editor


async def test_nothing_is_left_of_messages(bench: Bench) -> None:
    """Of edits, which pygls handles by a generator, settings, which a coroutine takes, and questions."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open("def add(a, b):\n    ‸")
        for _ in range(20):
            await editor.type("x")
            editor.configure({})
            await editor.ask()
        assert bench.server is not None
        assert len(bench.server.protocol._request_futures) <= 1
