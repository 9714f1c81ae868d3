"""Documents: edits applied as LSP means them, and one request in flight for each."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.domain.text import Document, Position, PositionEncoding
from plum_lsp.server.documents import Change, OpenDocument, apply_change, split_lines

TEXT = st.text(alphabet="ab \t\r\n\f\v\x1c\x85\u2028é漢😀", max_size=40)
POSITIONS = st.builds(
    lambda line, character: Position(line=line, character=character), st.integers(0, 12), st.integers(0, 12)
)
ENCODINGS = st.sampled_from(PositionEncoding)


def reference(text: str, change: Change, encoding: PositionEncoding) -> str:
    """The edit as the specification words it: offsets into the whole text."""
    document = Document(uri="", version=0, text=text, encoding=encoding)
    assert change.start is not None
    assert change.end is not None
    start, end = sorted((document.offset_at(change.start), document.offset_at(change.end)))
    return text[:start] + change.text + text[end:]


def opened(text: str = "x = 1\n") -> OpenDocument:
    return OpenDocument(Document(uri="file:///a.py", version=1, text=text), language_id="python")


@given(TEXT, st.lists(st.tuples(TEXT, POSITIONS, POSITIONS), max_size=4), ENCODINGS)
def test_edits_land_where_the_specification_says(
    text: str, edits: list[tuple[str, Position, Position]], encoding: PositionEncoding
) -> None:
    """Any series of edits gives the text that slicing by offsets gives, and lines that a fresh split gives."""
    lines = split_lines(text)
    for inserted, start, end in edits:
        change = Change(text=inserted, start=start, end=end)
        text = reference(text, change, encoding)
        apply_change(lines, change, encoding)
        assert "".join(lines) == text
        assert lines == split_lines(text)


@given(TEXT)
def test_only_the_three_line_ends_of_lsp_end_a_line(text: str) -> None:
    """Lines end at CRLF, LF and CR alone, and together they are the text."""
    lines = split_lines(text)
    assert "".join(lines) == text
    assert all(line.endswith(("\n", "\r")) for line in lines[:-1])
    assert not lines[-1].endswith(("\n", "\r"))
    assert all(line.rstrip("\r\n") in {line[:-1], line[:-2]} for line in lines[:-1])


def test_a_form_feed_does_not_move_an_edit() -> None:
    """A form feed and a line separator are part of their line, so the edit after them lands in line 1."""
    document = opened("a = '\f\u2028'\nb = 2\n")
    document.change(
        [Change(text="c", start=Position(line=1, character=0), end=Position(line=1, character=1))], version=2
    )
    assert document.snapshot.text == "a = '\f\u2028'\nc = 2\n"


def test_a_change_without_a_range_replaces_everything() -> None:
    """A full-text change is taken as it is."""
    document = opened()
    document.change([Change(text="y\r\n")], version=2)
    assert (document.snapshot.text, document.version) == ("y\r\n", 2)


def test_a_snapshot_stays_as_it_was() -> None:
    """A snapshot taken before an edit keeps its text and version."""
    document = opened()
    before = document.snapshot
    document.change([Change(text="y")], version=2)
    assert (before.text, before.version) == ("x = 1\n", 1)


async def test_a_newer_request_supersedes_the_one_before() -> None:
    """The first caller gets None, the second its answer, and never do both run at once."""
    document = opened()
    running = 0

    async def work(answer: str, wait: asyncio.Event) -> str:
        nonlocal running
        running += 1
        assert running == 1
        try:
            await wait.wait()
            return answer
        finally:
            await asyncio.sleep(0)
            running -= 1

    never, now = asyncio.Event(), asyncio.Event()
    now.set()
    first = asyncio.create_task(document.run(lambda: work("first", never)))
    await asyncio.sleep(0)
    assert await document.run(lambda: work("second", now)) == "second"
    assert await first is None


async def test_an_edit_ends_the_request_in_flight() -> None:
    """A request asked of a text that is gone answers None."""
    document = opened()
    request = asyncio.create_task(document.run(asyncio.Event().wait))
    await asyncio.sleep(0)
    document.change([Change(text="y")], version=2)
    assert await request is None


async def test_a_version_without_an_edit_does_not() -> None:
    """Some editors send a change that changes nothing; the request goes on."""
    document = opened()
    done = asyncio.Event()
    request = asyncio.create_task(document.run(done.wait))
    await asyncio.sleep(0)
    document.change([], version=2)
    done.set()
    assert await request is True


async def test_a_cancelled_caller_stays_cancelled() -> None:
    """`$/cancelRequest` cancels the handler: the work ends and the handler does not answer."""
    document = opened()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    request = asyncio.create_task(document.run(work))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert ended.is_set()


async def test_three_requests_at_once_leave_only_the_last() -> None:
    """A request that is superseded while it waits for the one before never starts."""
    document = opened()
    started: list[int] = []

    async def work(number: int) -> int:
        started.append(number)
        await asyncio.sleep(0)
        return number

    answers = await asyncio.gather(*(document.run(partial(work, number)) for number in range(3)))
    assert answers == [None, None, 2]
    assert started == [2]
