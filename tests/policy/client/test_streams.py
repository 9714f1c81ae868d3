"""Answers in every form that servers of completions are known to send: read, or named with their cause."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.answers import BODY, DONE, FIRST, NAMED, READ, SECOND, USAGE, WHOLE, event
from support.contexts import prompt_at
from support.raw_server import Answer, RawServer, text_event

from plum_lsp.domain.errors import PolicyError, PolicyOutOfMemory, PolicyProtocolError, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, Finish, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.client.events import EVENT_CHARACTERS_MAX, LINE_BYTES_MAX, EventReader
from plum_lsp.policy.client.wire import read_event
from plum_lsp.policy.client.writing import StopFinder

PROMPT = prompt_at("def add(a, b):\n    ‸\n")


def sampling(count: int = 1, max_tokens: int = 50) -> SamplingOptions:
    """Candidates of one temperature."""
    return SamplingOptions(temperatures=(0.2,) * count, top_p=0.9, max_tokens=max_tokens, seed=7)


async def group(policy: CompletionsPolicy, options: SamplingOptions, prompt: Any = PROMPT) -> list[Completion]:
    """The completions of one group, by candidate."""
    async with aclosing(policy.sample(prompt, options, deadline=time.monotonic() + 20)) as stream:
        return sorted([one async for one in stream], key=lambda one: one.index)


async def read(answer: Answer, options: SamplingOptions | None = None) -> list[Completion]:
    """What a client makes of one answer."""
    with RawServer(lambda seen: answer) as server:
        policy = CompletionsPolicy(server.url)
        try:
            return await group(policy, options or sampling())
        finally:
            await policy.close()


@pytest.mark.parametrize("frames", ["chunked", "length", "close"])
@pytest.mark.parametrize("name", READ)
async def test_answer_is_read(name: str, frames: str) -> None:
    """The completion is whole, however the answer is framed."""
    body = READ[name]
    (one,) = await read(Answer(body=[body] if isinstance(body, bytes) else body, frames=frames))
    assert one.text == BODY
    assert one.finish in {Finish.STOP, Finish.CUT}


BORDERS = "    return 'é世😀'\n"


@pytest.mark.parametrize("is_escaped", [False, True], ids=["bytes", "escapes"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
async def test_chunk_borders_inside_a_character(size: int, is_escaped: bool) -> None:
    """Chunks of any size give the same text."""
    value = {"choices": [{"index": 0, "text": BORDERS, "finish_reason": "stop"}]}
    body = b"data: " + json.dumps(value, ensure_ascii=is_escaped).encode() + b"\n\n" + DONE
    (one,) = await read(Answer(body=[body[at : at + size] for at in range(0, len(body), size)]))
    assert one.text == BORDERS


async def test_character_in_two_events() -> None:
    """Halves of a character that come as escapes in two events are one character. A lone half is replaced."""
    pair = [
        b'data: {"choices": [{"text": "    x = \'\\ud83d"}]}\n\n',
        b'data: {"choices": [{"text": "\\ude00\'\\n"}]}\n\n',
    ]
    (one,) = await read(Answer(body=[*pair, DONE]))
    assert one.text == "    x = '😀'\n"
    (one,) = await read(Answer(body=[pair[0], text_event("'\n"), DONE]))
    assert one.text == "    x = '\ufffd'\n"


PACKED = {"gzip": gzip.compress(WHOLE), "deflate": zlib.compress(WHOLE), "identity": WHOLE, "br-like": WHOLE}


@pytest.mark.parametrize("size", [1, 11, 4096])
@pytest.mark.parametrize("encoding", PACKED)
async def test_compressed_answer(encoding: str, size: int) -> None:
    """A body in an encoding that the client offers is read. An unknown one is read as it is."""
    packed = PACKED[encoding]
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    (one,) = await read(Answer(headers={"Content-Encoding": encoding}, body=pieces))
    assert one.text == BODY


@pytest.mark.parametrize("ends", ["stop", "length", "max_tokens", "content_filter", "model_length", "MAX_TOKENS"])
async def test_reason_of_a_text_without_an_end(ends: str) -> None:
    """Every name of the token limit says that the end is missing."""
    (one,) = await read(Answer(body=[FIRST, text_event("", finish_reason=ends)]))
    assert one.finish is (Finish.STOP if ends == "stop" else Finish.LENGTH)


@pytest.mark.parametrize("name", NAMED)
async def test_answer_that_is_none_is_named(name: str) -> None:
    """The error holds the server's words or the cause."""
    body, told = NAMED[name]
    with pytest.raises(PolicyError, match=told):
        await read(Answer(body=[body]))


async def test_memory_in_mid_stream() -> None:
    """The words of an error in mid-stream decide its kind."""
    with pytest.raises(PolicyOutOfMemory):
        await read(Answer(body=[FIRST, event({"error": {"message": "CUDA out of memory"}})]))


@pytest.mark.parametrize("frames", ["chunked", "length"])
async def test_bytes_that_cannot_be_decompressed(frames: str) -> None:
    """A wrong encoding is named."""
    with pytest.raises(PolicyUnavailable, match="decompressed"):
        await read(Answer(headers={"Content-Encoding": "gzip"}, body=[b"no gzip at all" * 9], frames=frames))


async def test_torn_connection_is_no_end() -> None:
    """A connection that breaks off inside its frame gives no candidate."""
    with pytest.raises(PolicyUnavailable, match="broke off"):
        await read(Answer(body=[FIRST, SECOND], is_torn=True))


@pytest.mark.parametrize("end", [[], [DONE], [event({"usage": USAGE}), DONE]], ids=["close", "done", "usage"])
async def test_server_that_gives_reasons_has_broken_off_without_one(end: list[bytes]) -> None:
    """Once a server has said why a stream ended, an end without a reason is none. llama-cpp-python sends `[DONE]` when
    another request interrupts the stream.
    """
    answers = [Answer(body=[WHOLE]), Answer(body=[FIRST, *end])]
    with RawServer(lambda seen: answers.pop(0)) as server:
        policy = CompletionsPolicy(server.url)
        await group(policy, sampling())
        with pytest.raises(PolicyProtocolError, match="without saying why"):
            await group(policy, sampling())
        await policy.close()


def endless(piece: bytes) -> Any:
    """The same bytes until the client hangs up, or for 64 MB."""
    return (piece for _ in range(64 * 1024 * 1024 // len(piece)))


ENDLESS: dict[str, tuple[Callable[[], Any], str]] = {
    "a line": (lambda: endless(b"data: " + b"x" * 65_000), "line of more than"),
    "a comment": (lambda: endless(b": " + b"x" * 65_000), "line of more than"),
    "a document": (lambda: endless(b'{"a":\n' + b" " * 65_000 + b"\n"), "without an end|not JSON|more than"),
    "data lines": (lambda: endless(b"data: " + b"x" * 60_000 + b"\n"), "more than"),
    "comments": (lambda: endless(b": ping\n\n" * 9_000), "without an end"),
    "events without choices": (lambda: endless(event({"choices": []}) * 3_000), "without an end"),
    "empty texts": (lambda: endless(text_event("") * 1_000), "without an end"),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_answer_without_an_end_is_ended(name: str) -> None:
    """Memory and time are bounded, and the cause is named."""
    body, told = ENDLESS[name]
    with pytest.raises(PolicyProtocolError, match=told):
        await read(Answer(body=body()))


@pytest.mark.parametrize("text", ["    x = 1\n", "    # more\n", "    x += 1; ", "    '''", "x", "\n    pass"])
async def test_stream_beyond_its_tokens_is_ended(text: str) -> None:
    """A server that ignores `max_tokens` is left, and the text counts as cut off."""
    (one,) = await read(Answer(body=endless(text_event(text))), sampling(max_tokens=8))
    assert len(one.text) < 8 * 32 + 100
    assert one.finish is Finish.LENGTH or text == "x"


@pytest.mark.parametrize("count", [2, 3, 5])
async def test_choices_of_a_document_are_candidates(count: int) -> None:
    """A document with several choices answers all candidates."""
    choices = [{"index": index, "text": f"    return {index}\n", "finish_reason": "stop"} for index in range(count)]
    found = await read(Answer(body=[json.dumps({"choices": choices}).encode()]), sampling(count))
    assert [one.text for one in found] == [f"    return {index}\n" for index in range(count)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "index", "finish_reason", "logprobs", "content", "token", "tokens", "delta"])
            | st.sampled_from(["token_logprobs", "logprob", "message", "error", "detail", "type"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
LINES = st.one_of(
    JSON.map(lambda value: b"data: " + json.dumps({"choices": [value]}).encode()),
    JSON.map(lambda value: b"data: " + json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps({"choices": value}).encode()),
    st.binary(max_size=20),
    st.sampled_from([b"data: [DONE]", b"event: error", b"event: ping", b"error: x", b"\xef\xbb\xbf", b"\x1f\x8b", b""]),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(LINES, max_size=6),
    end=st.sampled_from([b"\n", b"\n\n", b"\r", b"\r\n\r\n"]),
    size=st.integers(1, 40),
)
def test_any_answer_is_read_or_a_policy_error(lines: list[bytes], end: bytes, size: int) -> None:
    """Whatever a server sends, the reader gives texts or one of our errors, and the chunks do not matter."""
    stream = end.join(lines) + end

    def outcome(chunks: list[bytes]) -> list[tuple[int, str, str]] | str:
        reader = EventReader()
        try:
            events = [one for chunk in chunks for one in reader.feed(chunk)]
            deltas = [delta for one in [*events, *reader.close()] for delta in read_event(one)]
        except PolicyError as error:
            return str(error)
        return [(delta.index, delta.text, delta.finish) for delta in deltas]

    whole = outcome([stream])
    pieces = outcome([stream[at : at + size] for at in range(0, len(stream), size)])
    assert isinstance(whole, str) == isinstance(pieces, str)
    if not isinstance(whole, str):
        assert whole == pieces


@given(
    text=st.text(alphabet="ab<|>\n", max_size=30),
    stop=st.lists(st.text(alphabet="ab<|>", max_size=4), max_size=4),
    size=st.integers(1, 5),
)
def test_text_is_cut_at_its_stop_strings(text: str, stop: list[str], size: int) -> None:
    """The text ends before the first stop string, however it is chunked."""
    text = "x" + text
    finder = StopFinder(stop=tuple(stop))
    kept = "".join(finder.feed(text[at : at + size]) for at in range(0, len(text), size)) + finder.close()
    places = [text.find(word) for word in stop if word and word in text]
    # A chunk may end inside the first of two stop strings that begin at different places.
    assert text.startswith(kept)
    assert not any(word in kept for word in stop if word)
    if not places:
        assert kept == text
    elif all(len(word) == 1 for word in stop if word):
        assert kept == text[: min(places)]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("lead", ["", "\n", "<|a|>", " <|a|>\n<|b|>"])
def test_control_strings_at_the_start_stay(lead: str, size: int) -> None:
    """What removes them is the step that fits the text. A later one ends the text."""
    finder, text = StopFinder(stop=("<|a|>", "<|b|>")), f"{lead}return 1<|a|>junk"
    kept = "".join(finder.feed(text[at : at + size]) for at in range(0, len(text), size)) + finder.close()
    assert kept == f"{lead}return 1"


def test_limits_are_what_the_messages_say() -> None:
    """A line may be long, an event longer, and neither has no bound."""
    assert 64_000 < LINE_BYTES_MAX < EVENT_CHARACTERS_MAX
