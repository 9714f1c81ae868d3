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
from support.contexts import prompt_at
from support.raw_server import Answer, RawServer, text_event

from plum_lsp.domain.errors import PolicyError, PolicyOutOfMemory, PolicyProtocolError, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, Finish, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.client.events import EVENT_CHARACTERS_MAX, LINE_BYTES_MAX, EventReader
from plum_lsp.policy.client.wire import read_event
from plum_lsp.policy.client.writing import StopFinder

PROMPT = prompt_at("def add(a, b):\n    ‸\n")
BODY = "    return a + b\n"
HALVES = ("    return", " a + b\n")
STOP = text_event("", finish_reason="stop")
DONE = b"data: [DONE]\n\n"


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


def event(value: Any) -> bytes:
    """One event with any value."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chat(content: Any, **choice: Any) -> bytes:
    """One event of a chat."""
    delta = {"content": content, "role": "assistant"}
    return event({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, **choice}]})


def document(**choice: Any) -> bytes:
    """A whole answer as one JSON document."""
    return json.dumps(
        {"object": "text_completion", "choices": [{"index": 0, "finish_reason": "stop", **choice}]}
    ).encode()


FIRST, SECOND = text_event(HALVES[0]), text_event(HALVES[1])
WHOLE = FIRST + SECOND + STOP + DONE
USAGE = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}

READ: dict[str, bytes | list[bytes]] = {
    # events without choices
    "usage after the end": FIRST + SECOND + STOP + event({"choices": [], "usage": USAGE}) + DONE,
    "usage in between": FIRST + event({"choices": [], "usage": USAGE}) + SECOND + STOP + DONE,
    "usage without choices": FIRST + SECOND + event({"usage": USAGE}) + STOP + DONE,
    "choices of null": event({"choices": None}) + WHOLE,
    "a choice of null": event({"choices": [None]}) + WHOLE,
    "null": event(None) + WHOLE,
    "a number": event(3) + WHOLE,
    "an empty object": event({}) + WHOLE,
    "a typed ping": event({"type": "ping"}) + WHOLE,
    "a named ping": b"event: ping\ndata: {}\n\n" + WHOLE,
    "a named ping in words": b"event: ping\ndata: still here\n\n" + WHOLE,
    "a ping in words": b"data: ping\n\n" + WHOLE,
    "a ping in brackets": b"data: [PING]\n\n" + WHOLE,
    "an empty event": b"data:\n\n" + b"data: \n\n" + WHOLE,
    "an error of null": event({"error": None, "choices": []}) + WHOLE,
    # texts that are null or missing
    "text of null": text_event(None) + WHOLE,
    "text missing": event({"choices": [{"index": 0}]}) + WHOLE,
    "text of null at the end": FIRST + SECOND + text_event(None, finish_reason="stop") + DONE,
    "text missing at the end": FIRST + SECOND + event({"choices": [{"index": 0, "finish_reason": "stop"}]}),
    "text empty": text_event("") + WHOLE,
    "an empty choice": event({"choices": [{}]}) + WHOLE,
    "index missing": event({"choices": [{"text": BODY, "finish_reason": "stop"}]}),
    "index of null": text_event(BODY, index=None, finish_reason="stop"),
    "index in words": text_event(BODY, index="0", finish_reason="stop"),
    "an index that was not asked for": text_event("x", index=5) + text_event("y", index=-1) + WHOLE,
    # line ends and fields
    "CRLF": WHOLE.replace(b"\n", b"\r\n"),
    "CR": WHOLE.replace(b"\n", b"\r"),
    "CR and LF mixed": FIRST.replace(b"\n", b"\r") + SECOND.replace(b"\n", b"\r\n") + STOP + DONE,
    "CRLF split between chunks": [WHOLE.replace(b"\n", b"\r\n")[at : at + 1] for at in range(2000)],
    "no space after the colon": WHOLE.replace(b"data: ", b"data:"),
    "spaces around the value": WHOLE.replace(b"data: ", b"data:   ").replace(b"\n\n", b"  \n\n"),
    "fields of the standard": b"id: 1\nevent: message\nretry: 100\n" + WHOLE,
    "a field that is not in the standard": b"x-trace: 7\n" + WHOLE,
    "fields without a colon": b"id\n" + WHOLE,
    "comments": b": OPENROUTER PROCESSING\n\n" + FIRST + b":\n\n: ping - 2026\n\n" + SECOND + STOP + DONE,
    "comments in CRLF": b":ping\r\n\r\n" * 50 + WHOLE,
    "a byte order mark": b"\xef\xbb\xbf" + WHOLE,
    "a byte order mark in pieces": [b"\xef", b"\xbb", b"\xbf", WHOLE],
    "empty lines first": b"\n\n\r\n" + WHOLE,
    # several data lines, and events without an end
    "several data lines": b'data: {"choices":\ndata: [{"index": 0, "text": "    return a + b\\n",\n'
    b'data: "finish_reason": "stop"}]}\n\n' + DONE,
    "several data lines that end in a brace": b"data: {\n"
    + b'data: "choices": [{"text": "    return a + b\\n", "finish_reason": "stop"}]\ndata: }\n\n',
    "several data lines in CRLF": b'data: {"choices": [\r\ndata: {"text": "    return a + b\\n",\r\n'
    b'data: "finish_reason": "stop"}\r\ndata: ]}\r\n\r\n',
    "no empty lines": WHOLE.replace(b"\n\n", b"\n"),
    "no empty line at the end": FIRST + SECOND + STOP.rstrip(),
    "no line end at the end": FIRST + SECOND + b'data: {"choices": [{"text": "", "finish_reason": "stop"}]}',
    # how a stream ends
    "no [DONE]": FIRST + SECOND + STOP,
    "[DONE] without a reason": FIRST + SECOND + DONE,
    "[DONE] without space": FIRST + SECOND + b"data:[DONE]\n\n",
    "[DONE] in quotation marks": FIRST + SECOND + b'data: "[DONE]"\n\n',
    "[done]": FIRST + SECOND + b"data: [done]\n\n",
    "closed without a reason": FIRST + SECOND,
    "closed without a reason or a line end": (FIRST + SECOND).rstrip(),
    "nonsense after [DONE]": WHOLE + b"<html>\n{\n",
    "a reason that is an object": FIRST + SECOND + text_event("", finish_reason={"type": "stop"}),
    "a reason of its own": FIRST + SECOND + text_event("", finish_reason="eos_token"),
    "a reason in words until the end": text_event(HALVES[0], finish_reason="null") + SECOND + STOP,
    # one document
    "one document": document(text=BODY),
    "one document on several lines": json.dumps(json.loads(document(text=BODY)), indent=2).encode(),
    "one document after a mark": b"\xef\xbb\xbf" + document(text=BODY),
    "one document in pieces": [document(text=BODY)[at : at + 7] for at in range(0, 300, 7)],
    "one document of a chat": json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": BODY}, "finish_reason": "stop"}]}
    ).encode(),
    "one document without a reason": document(text=BODY, finish_reason=None),
    "one document with log-probabilities": document(
        text=BODY, logprobs={"tokens": list(HALVES), "token_logprobs": [None, -1.0]}
    ),
    "one document a line": b"\n".join(
        json.dumps({"choices": [{"text": text, "finish_reason": None}]}).encode() for text in HALVES
    ),
    "one document as an event": b"data: " + document(text=BODY) + b"\n\n",
    # chat-shaped deltas
    "chat": chat("") + chat(HALVES[0]) + chat(HALVES[1]) + chat(None, finish_reason="stop") + DONE,
    "chat with a role alone": event({"choices": [{"delta": {"role": "assistant"}}]}) + chat(BODY) + DONE,
    "chat that ends without a delta": chat(BODY) + event({"choices": [{"index": 0, "finish_reason": "stop"}]}),
    "chat with an empty delta": chat(BODY) + event({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
    "chat with a delta of null": chat(BODY) + event({"choices": [{"delta": None, "finish_reason": "stop"}]}),
    "chat in parts": chat([{"type": "text", "text": HALVES[0]}, {"type": "text", "text": HALVES[1]}]) + DONE,
    "chat with thoughts beside it": event({"choices": [{"delta": {"reasoning_content": "hm"}}]}) + chat(BODY) + DONE,
    "a delta with a text": event({"choices": [{"delta": {"text": BODY}, "finish_reason": "stop"}]}),
    # odd log-probabilities
    "log-probabilities that are no list": text_event(BODY, logprobs={"tokens": 1, "token_logprobs": 2}) + DONE,
    "log-probabilities of null": text_event(BODY, logprobs={"content": [None, {"token": None}]}) + DONE,
    "log-probabilities without a bound": text_event(BODY, logprobs={"tokens": [BODY], "token_logprobs": ["x"]})
    + b'data: {"choices": [{"text": "", "logprobs": {"tokens": ["a"], "token_logprobs": [-Infinity]}}]}\n\n'
    + DONE,
}


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


NAMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "without a completion"),
    "comments alone": (b": ping\n\n" * 3, "without a completion"),
    "[DONE] alone": (DONE, "without a completion"),
    "usage alone": (event({"choices": [], "usage": USAGE}) + DONE, "without a completion"),
    "no text": (text_event(""), "without a completion"),
    "a page": (b"<!DOCTYPE html><html>It works!</html>\n", "It works"),
    "a page without a line end": (b"<html>It works!</html>", "It works"),
    "words": (b"Internal Server Error", "Internal Server Error"),
    "words as data": (b"data: upstream is gone\n\n", "upstream is gone"),
    "half an event": (FIRST + b'data: {"choices": [{"te', "not JSON"),
    "half a document": (b'{"choices": [{"text": "    ret', "not JSON"),
    "choices that are an object": (event({"choices": {"text": "x"}}), "no completion"),
    "choices that are words": (event({"choices": "x"}), "no completion"),
    "a choice that is a number": (event({"choices": [3]}), "no completion"),
    "a list": (b"data: [1]\n\n", "no completion"),
    "a text that is a number": (text_event(None) + event({"choices": [{"text": 7}]}), "a text that is none"),
    "an index that is an object": (event({"choices": [{"text": "x", "index": {}}]}), "without a place"),
    "an index without a bound": (b'data: {"choices": [{"text": "x", "index": 1e999}]}\n\n', "without a place"),
    "deep nesting": (b"data: " + b"[" * 100_000 + b"\n\n", "not JSON"),
    "compressed bytes": (gzip.compress(WHOLE), "compressed"),
    "an error event": (event({"error": {"message": "no slot", "code": 500}}), "no slot"),
    "an error in words": (event({"error": "no slot"}), "no slot"),
    "an error after text": (FIRST + event({"error": {"message": "no slot"}}), "no slot"),
    "an error line": (b'error: {"code": 500, "message": "no slot"}\n\n', "no slot"),
    "an error line in words": (b"error: no slot\n\n", "no slot"),
    "an error line after text": (FIRST + b"error: no slot\n\n", "no slot"),
    "an event named error": (b'event: error\ndata: {"message": "no slot"}\n\n', "no slot"),
    "an event named error in words": (b"event: error\ndata: no slot\n\n", "no slot"),
    "an error as vLLM words it": (event({"object": "error", "message": "no slot"}), "no slot"),
    "an error as Anthropic words it": (event({"type": "error", "error": {"message": "no slot"}}), "no slot"),
    "an error as FastAPI words it": (event({"detail": "no slot"}), "no slot"),
    "an error as a document": (b'{"error": {"message": "no slot"}}', "no slot"),
    "an error as a document after text": (FIRST + b'{"error": {"message": "no slot"}}\n', "no slot"),
    "an error in a choice": (event({"choices": [{"error": {"message": "no slot"}}]}), "no slot"),
    "a quota in mid-stream": (event({"error": {"message": "rate limit", "code": 429}}), "rate limit"),
}


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


def test_limits_are_what_the_messages_say() -> None:
    """A line may be long, an event longer, and neither has no bound."""
    assert 64_000 < LINE_BYTES_MAX < EVENT_CHARACTERS_MAX
