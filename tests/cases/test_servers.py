"""Servers with habits of their own, over LSP: what is offered through each, and what the user is told of the others.

One language server and one policy server answer all rows. Each row gives the policy server another address, so that
nothing learned in one row helps in the next. The words of a refusal are tried one by one in
`tests/policy/client/test_habits.py`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.answers import BODY, DONE, NAMED, READ, event
from support.editor import Editor
from support.raw_server import Answer, RawServer, Seen, refuse, text_event

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n‸'
ABOVE = "".join(f"NUMBER_{number} = {number}\n" for number in range(300)) + "\n\n"
GOOD = Answer(body=[text_event(BODY, finish_reason="stop"), DONE])
NOT_FOUND = refuse(404, {"detail": "Not Found"})

Rule = Callable[[Seen], Answer]


@dataclass(frozen=True, slots=True)
class Desk:
    """An editor at work, and the server that its language server asks."""

    editor: Editor
    server: RawServer

    async def ask(
        self, rule: Rule, *, models: Answer | None = None, name: str = "", text: str = ADD
    ) -> tuple[str, str]:
        """What is offered, and what is told, after one request to a server that answers by this rule."""
        url = self.server.another(rule, models)
        self.editor.configure({"policy": {"url": url, "model": name}, "sampling": {"candidates": 2}})
        offer = await self.editor.suggest(text)
        told = await self.editor.explain()
        return (offer.text.strip() if offer else ""), str(told["text"])


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One editor and one server for all rows."""
    folder: Path = tmp_path_factory.mktemp("servers")
    with RawServer(lambda seen: GOOD) as server:
        async with Editor.running(folder=folder, policy_url=server.url) as editor:
            yield Desk(editor, server)


@pytest.mark.parametrize("name", READ)
async def test_answer_is_offered(desk: Desk, name: str) -> None:
    """Every form of a good answer becomes the same offer."""
    body = READ[name]
    answer = Answer(body=[body] if isinstance(body, bytes) else body)
    offered, told = await desk.ask(lambda seen: answer)
    assert offered == BODY.strip(), told


@pytest.mark.parametrize("name", NAMED)
async def test_cause_is_told(desk: Desk, name: str) -> None:
    """Every answer without a completion is told with its cause, and with no error of ours."""
    body, words = NAMED[name]
    offered, told = await desk.ask(lambda seen: Answer(body=[body]))
    assert offered == ""
    assert words in told
    assert not [error for error in ("KeyError", "TypeError", "AttributeError", "Traceback") if error in told]


def without(*names: str, status: int = 400) -> Rule:
    """A server that knows none of these fields."""

    def rule(seen: Seen) -> Answer:
        wrong = next((name for name in names if name in seen.body), "")
        if not wrong:
            return GOOD
        if status == 422:
            return refuse(422, {"detail": [{"loc": ["body", wrong], "msg": "Extra inputs are not permitted"}]})
        return refuse(status, {"error": {"message": f"Unrecognized request argument supplied: {wrong}"}})

    return rule


def fits(characters: int, status: int, value: Any) -> Rule:
    """A server with a short context."""
    return lambda seen: refuse(status, value) if len(seen.body["prompt"]) > characters else GOOD


def stops(most: int, status: int, words: str) -> Rule:
    """A server with a limit of stop strings, which it ignores anyway."""
    text = text_event(BODY + "<|endoftext|>def other():\n    pass\n", finish_reason="stop")
    is_too_many: Callable[[Seen], bool] = lambda seen: len(seen.body.get("stop", ())) > most  # noqa: E731
    return lambda seen: refuse(status, {"error": words}) if is_too_many(seen) else Answer(body=[text])


def through_chat(status: int) -> Rule:
    """A server for chat alone."""
    chat = event({"choices": [{"delta": {"content": BODY}, "finish_reason": "stop"}]})
    return lambda seen: (
        Answer(body=[chat]) if seen.path.endswith("/chat/completions") else refuse(status, {"error": "no"})
    )


CHAT_ONLY = "The completion operation does not work with the specified model, gpt-4o."
CODER = "qwen2.5-coder"
LIVED_WITH: dict[str, tuple[Rule, str]] = {
    "logprobs, 400": (without("logprobs"), ""),
    "logprobs, 422": (without("logprobs", status=422), ""),
    "logprobs, 500": (without("logprobs", status=500), ""),
    "seed, 400": (without("seed"), ""),
    "seed, 422": (without("seed", status=422), ""),
    "top_p, 400": (without("top_p"), ""),
    "top_p, 422": (without("top_p", status=422), ""),
    "temperature": (without("temperature"), ""),
    "everything, 400": (without("logprobs", "seed", "top_p", "stop", "temperature"), CODER),
    "everything, 422": (without("logprobs", "seed", "top_p", "stop", "temperature", status=422), CODER),
    "no reason": (lambda seen: refuse(400, {"error": "bad"}) if "logprobs" in seen.body else GOOD, ""),
    "four stop strings, OpenAI": (
        stops(4, 400, "stop: array too long. Expected maximum length 4, got length 9."),
        CODER,
    ),
    "four stop strings, TGI": (stops(4, 422, "`stop` supports up to 4 stop sequences. Given: 9"), CODER),
    "two stop strings": (stops(2, 400, "at most 2 stop sequences"), CODER),
    "one stop string": (stops(1, 400, "too many stop strings (max 1)"), CODER),
    "no stop string": (stops(0, 400, "stop is not supported"), CODER),
    "stop strings ignored": (stops(99, 400, ""), CODER),
    "context, vLLM": (fits(2000, 400, {"message": "This model's maximum context length is 900 tokens, but 2000"}), ""),
    "context, llama.cpp": (fits(2000, 400, {"error": {"message": "exceeds the available context size"}}), ""),
    "context, TGI": (fits(2000, 422, {"error": "`inputs` tokens + `max_new_tokens` must be <= 900. Given: 2000"}), ""),
    "context, 413": (fits(2000, 413, {"message": "Payload Too Large"}), ""),
    "context, in the stream": (fits(2000, 200, {"error": {"message": "greater than the context length"}}), ""),
    "context, in silence": (
        lambda seen: (
            GOOD
            if len(seen.body["prompt"]) <= 2000
            else Answer()
            if "stream" in seen.body
            else refuse(400, {"error": {"message": "Requested tokens exceed context window of 900"}})
        ),
        "",
    ),
    "chat alone, 404": (through_chat(404), "any"),
    "chat alone, 405": (through_chat(405), "any"),
    "chat alone, 410": (through_chat(410), "any"),
    "chat alone, 501": (through_chat(501), "any"),
    "chat alone, in words": (
        lambda seen: through_chat(400)(seen) if "chat" in seen.path else refuse(400, {"error": CHAT_ONLY}),
        "any",
    ),
    "chat without a role for instructions": (
        lambda seen: (
            through_chat(404)(seen)
            if seen.body.get("messages", [{}])[0].get("role") != "system"
            else refuse(400, {"message": "System role not supported"})
        ),
        "any",
    ),
    "a limit of max_tokens": (
        lambda seen: refuse(400, {"error": "max_tokens must be <= 256"}) if seen.body["max_tokens"] > 256 else GOOD,
        "",
    ),
    "no stream": (lambda seen: Answer(is_torn=True) if "stream" in seen.body else GOOD, ""),
}


@pytest.mark.parametrize("name", LIVED_WITH)
async def test_refusal_is_lived_with(desk: Desk, name: str) -> None:
    """The request is made again in another form, and the second request begins with that form."""
    rule, model = LIVED_WITH[name]
    text = ABOVE + ADD if name.startswith("context") else ADD
    offered, told = await desk.ask(rule, models=refuse(404, {}) if model else None, name=model, text=text)
    assert offered == BODY.strip(), told
    before = len(desk.server.completions)
    offer = await desk.editor.suggest(text)
    assert offer is not None
    again = desk.server.completions[before:]
    assert [seen for seen in again if rule(seen).status == 200] == again


LISTS: dict[str, Answer] = {
    "missing": NOT_FOUND,
    "no method": refuse(405, {}),
    "forbidden": refuse(403, {"error": "Forbidden"}),
    "unauthorised": refuse(401, {"error": "Unauthorized"}),
    "failing": refuse(500, {}),
    "empty": Answer(body=[b'{"object": "list", "data": []}']),
    "null": Answer(body=[b'{"data": null}']),
    "a page": Answer(body=[b"<html>"]),
    "a list of its own": Answer(body=[b'[{"id": "mine"}]']),
    "a default tag": Answer(body=[b'{"data": [{"id": "mine:latest"}]}']),
}


@pytest.mark.parametrize("name", LISTS)
async def test_name_is_used_without_a_list(desk: Desk, name: str) -> None:
    """`policy.model` is enough."""
    offered, told = await desk.ask(lambda seen: GOOD, models=LISTS[name], name="mine")
    assert offered == BODY.strip(), told
    assert {seen.body["model"] for seen in desk.server.completions} == {"mine"}


def moved(status: int, place: str) -> Rule:
    """A server that sends its clients elsewhere."""
    return lambda seen: Answer(status=status, headers={"Location": place})


def endless(piece: bytes) -> Rule:
    """A server that never ends its answer."""
    return lambda seen: Answer(body=(piece for _ in range(32_000_000 // len(piece))))


TOLD: dict[str, tuple[Rule, str]] = {
    "moved for good": (moved(301, "https://new.example/v1/completions"), "new.example"),
    "moved for now": (moved(302, "https://new.example/v1/completions"), "new.example"),
    "moved, 307": (moved(307, "//new.example/v1/completions"), "new.example"),
    "moved, 308": (moved(308, "https://new.example:8443/v1/completions"), "new.example:8443"),
    "to a login": (moved(303, "/login?next=x"), "/login"),
    "moved without a place": (moved(301, ""), "301"),
    "quota in seconds": (lambda seen: refuse(429, {"error": "quota"}, **{"Retry-After": "40"}), "quota"),
    "quota with a date": (
        lambda seen: refuse(429, {"error": "quota"}, **{"Retry-After": formatdate(4_000_000_000, usegmt=True)}),
        "quota",
    ),
    "busy": (lambda seen: refuse(503, {"error": "loading"}, **{"Retry-After": "40"}), "loading"),
    "a wrong key": (lambda seen: refuse(401, {"error": {"message": "bad key"}}), "PLUM_POLICY_API_KEY"),
    "no credit": (lambda seen: refuse(402, {"error": {"message": "Insufficient credits"}}), "Add credit"),
    "a page for an error": (
        lambda seen: Answer(status=502, body=[b"<html><head><title>502 Bad Gateway</title></head>"]),
        "a page with the title",
    ),
    "compressed in another way": (
        lambda seen: Answer(headers={"Content-Encoding": "zstd"}, body=[b"\x28\xb5\x2f\xfd"]),
        "zstd",
    ),
    "a filter in place of the text": (
        lambda seen: Answer(body=[text_event("", finish_reason="content_filter"), DONE]),
        "content filter withheld the answer",
    ),
    "a filter after half a text": (
        lambda seen: Answer(body=[text_event("    total = a"), text_event("", finish_reason="content_filter"), DONE]),
        "content filter withheld the rest",
    ),
    "a filter before the text": (
        lambda seen: refuse(400, {"error": {"code": "content_filter", "message": "The response was filtered"}}),
        "content filter withheld the answer",
    ),
    "neither path": (lambda seen: NOT_FOUND, "404"),
    "always too long": (lambda seen: refuse(400, {"error": "context length exceeded"}), "sampling.prefix_tokens"),
    "a line without an end": (endless(b"data: " + b"x" * 60_000), "line of more than"),
    "a comment without an end": (endless(b": " + b"x" * 60_000), "line of more than"),
    "comments without an end": (endless(b": ping\n\n" * 8_000), "without an end"),
    "empty texts without an end": (endless(text_event("") * 500), "without an end"),
    "a broken frame": (lambda seen: Answer(body=[text_event("    return")], is_torn=True), "broke off"),
    "bytes that are no gzip": (
        lambda seen: Answer(headers={"Content-Encoding": "gzip"}, body=[b"no gzip" * 9]),
        "decompressed",
    ),
}


@pytest.mark.parametrize("name", TOLD)
async def test_reason_is_told(desk: Desk, name: str) -> None:
    """What cannot be lived with is told with its reason or remedy."""
    rule, words = TOLD[name]
    offered, told = await desk.ask(rule)
    assert offered == ""
    assert words in told


@pytest.mark.parametrize("value", ["30", "date"])
async def test_pause_is_obeyed(desk: Desk, value: str) -> None:
    """Nothing is asked of a server before the pause that it wants is over."""
    value = formatdate(4_000_000_000, usegmt=True) if value == "date" else value
    await desk.ask(lambda seen: refuse(429, {"error": "quota"}, **{"Retry-After": value}))
    asked = len(desk.server.completions)
    assert await desk.editor.suggest(ADD) is None
    assert len(desk.server.completions) == asked <= 2


@pytest.mark.parametrize(
    "piece", ["    x = 1\n", "    # more\n", "    x += 1\n", "    pass; ", "    '''", "    a +\\\n"]
)
async def test_stream_beyond_its_tokens(desk: Desk, piece: str) -> None:
    """A stream that ignores `max_tokens` is ended, and its text is never verified."""
    offered, told = await desk.ask(endless(text_event(piece)))
    assert json.dumps(told)
    assert len(offered) < 100_000
    assert "✓✓" not in told
