"""The completions protocol as bytes, in the dialects of OpenAI, vLLM and llama.cpp."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.contexts import prompt_at

from plum_lsp.domain.errors import PolicyError, PolicyProtocolError, PolicyRefused, PolicyUnavailable
from plum_lsp.domain.suggestion import SamplingOptions
from plum_lsp.policy.client.cards import model_names
from plum_lsp.policy.client.events import EventReader
from plum_lsp.policy.client.habits import completion_request
from plum_lsp.policy.client.ladder import temperature_ladder
from plum_lsp.policy.client.refusals import Refusal, refusal
from plum_lsp.policy.client.wire import Delta, Token, read_event


def _event(text: str, **choice: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "text": text, **choice}]}).encode() + b"\n\n"


def _read(body: bytes) -> list[Delta]:
    return [delta for event in EventReader().feed(body) for delta in read_event(event)]


def test_request_holds_the_candidates_own_temperature_and_seed() -> None:
    """Candidate i asks with temperatures[i] and seed + i, streamed, with log-probabilities."""
    options = SamplingOptions(temperatures=(0.2, 0.6), top_p=0.9, max_tokens=50, seed=7)
    request = completion_request("m", prompt_at("def f():\n    ‸"), options, (1,))
    assert (request["temperature"], request["seed"], request["top_p"], request["max_tokens"]) == (0.6, 8, 0.9, 50)
    assert request["stream"] is True
    assert request["logprobs"] == 1
    assert request["prompt"] == "def f():\n"
    assert "stop" not in request


@pytest.mark.parametrize(
    "logprobs",
    [
        {"tokens": ["a", " b"], "token_logprobs": [-0.5, -1]},
        {"content": [{"token": "a", "logprob": -0.5}, {"token": " b", "logprob": -1.0}]},
    ],
    ids=["openai", "llama.cpp"],
)
def test_logprobs_are_read_in_both_shapes(logprobs: object) -> None:
    """Tokens and natural logarithms come out the same from either dialect."""
    (delta,) = _read(_event("a b", logprobs=logprobs, finish_reason=None))
    assert delta.tokens == (Token(text="a", logprob=-0.5), Token(text=" b", logprob=-1.0))
    assert (delta.text, delta.finish) == ("a b", "")


def test_token_that_is_not_its_text_keeps_the_text() -> None:
    """Half a character is a token without text of its own; the event's text counts."""
    content = [{"token": "\ufffd", "logprob": -1.0}, {"token": "\ufffd", "logprob": -2.0}]
    (delta,) = _read(_event("é", logprobs={"content": content}))
    assert delta.text == "é"
    assert [token.logprob for token in delta.tokens] == [-1.0, -2.0]


def test_server_without_logprobs_is_understood() -> None:
    """Text without log-probabilities is a token without one; an empty last event only ends."""
    first, last = _read(_event("a") + _event("", finish_reason="length") + b"data: [DONE]\n\n")
    assert first.tokens == (Token(text="a", logprob=None),)
    assert (last.tokens, last.finish) == ((), "length")


@given(places=st.lists(st.integers(0, 400), max_size=6))
def test_reading_does_not_depend_on_chunks(places: list[int]) -> None:
    """However the bytes are split, even inside a character, the events are the same."""
    stream = (
        b": ping\r\n\r\n"
        + _event("é ")
        + _event("世界")
        + b'data: {"choices": [], "usage": {}}\n\n'
        + _event("", finish_reason="stop")
    )
    marks = sorted({0, len(stream), *(place for place in places if place < len(stream))})
    reader = EventReader()
    events = [event for start, end in itertools.pairwise(marks) for event in reader.feed(stream[start:end])]
    assert [delta.text for event in events for delta in read_event(event)] == ["é ", "世界", ""]


@pytest.mark.parametrize(
    "body",
    [b"<html>hello</html>\n", b"data: {nonsense\n\n", b'data: {"choices": {}}\n', b"data: [1]\n"],
)
def test_nonsense_is_a_protocol_error(body: bytes) -> None:
    """What is no stream of completions is refused with its beginning shown."""
    with pytest.raises(PolicyProtocolError):
        _read(body)


def test_endless_line_is_refused() -> None:
    """A line that never ends does not fill the memory."""
    reader = EventReader()
    with pytest.raises(PolicyProtocolError, match="line of more than"):
        for _ in range(100):
            list(reader.feed(b"x" * 65_536))


def test_error_in_mid_stream_is_the_policys() -> None:
    """An error event ends the stream with the server's own words."""
    with pytest.raises(PolicyError, match="out of memory"):
        _read(b'data: {"error": {"code": 500, "message": "out of memory"}}\n\n')


@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (401, PolicyRefused, "API_KEY"),
        (404, PolicyRefused, "PLUM_POLICY_URL"),
        (503, PolicyUnavailable, "fewer candidates"),
        (400, PolicyProtocolError, ""),
    ],
)
def test_refusals_name_the_remedy(status: int, kind: type[PolicyError], remedy: str) -> None:
    """Each status has its error, with the server's message and, where the user can help, how."""
    error = refusal(Refusal(status, b'{"error": {"message": "because"}}', {}), url="http://x/v1", now=0.0)
    assert type(error) is kind
    assert "because" in str(error)
    assert remedy in error.remedy


def test_models_are_listed_by_name() -> None:
    """Names come from `data`; a list without any is a protocol error."""
    assert model_names(b'{"data": [{"id": "a"}, {"id": "b"}]}') == ("a", "b")
    for body in (b"{}", b'{"data": []}', b"<html>"):
        with pytest.raises(PolicyProtocolError):
            model_names(body)


def test_ladder_rises_evenly_from_low_to_high() -> None:
    """The first temperature is the lowest, the last the highest; one candidate gets the lowest."""
    assert temperature_ladder(5, 0.2, 1.0) == (0.2, 0.4, 0.6, 0.8, 1.0)
    assert temperature_ladder(1, 0.2, 1.0) == (0.2,)
    assert temperature_ladder(3, 0.0, 0.0) == (0.0, 0.0, 0.0)
    for wrong in ((0, 0.2, 1.0), (2, 1.0, 0.2), (2, -1.0, 0.2)):
        with pytest.raises(ValueError, match="no ladder"):
            temperature_ladder(*wrong)
