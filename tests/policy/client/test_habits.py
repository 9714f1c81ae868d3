"""Refusals that can be lived with: what is asked again without them, what is remembered, and what is told instead."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
from support.contexts import prompt_at
from support.raw_server import Answer, RawServer, Seen, refuse, text_event

from plum_lsp.domain.errors import PolicyBusy, PolicyError, PolicyProtocolError, PolicyRefused, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, FimPrompt, FimTemplate, Finish, HoleKind, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.client.prompts import CURSOR, INSERT, REWRITE, messages, shortened
from plum_lsp.policy.client.refusals import PAUSE_SECONDS_MAX, retry_after
from plum_lsp.policy.client.watched import WatchedPolicy

BODY = "    return a + b\n"
PLAIN = prompt_at("def add(a, b):\n    ‸\n")
STOPS = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>", "<|im_end|>")
TEMPLATE = FimTemplate(prefix="<P>", suffix="<S>", middle="<M>", stop=STOPS)
WITH_STOPS = replace(PLAIN, stop=STOPS)
LONG = replace(PLAIN, text="".join(f"x{number} = {number}\n" for number in range(500)) + PLAIN.text)
GOOD = Answer(body=[text_event(BODY, finish_reason="stop"), b"data: [DONE]\n\n"])

Rule = Callable[[Seen], Answer | None]


def choices(seen: Seen) -> Answer:
    """As many choices as were asked for."""
    count = seen.body.get("n", 1)
    return Answer(body=[text_event(BODY, index=index, finish_reason="stop") for index in range(count)])


@contextmanager
def serving(rule: Rule, *, models: Answer | None = None) -> Iterator[RawServer]:
    """A server that answers well where the rule says nothing."""
    with RawServer(lambda seen: rule(seen) or choices(seen), models=models) as server:
        yield server


async def group(policy: Any, prompt: FimPrompt = PLAIN, count: int = 1, seconds: float = 20) -> list[Completion]:
    """The completions of one group, by candidate."""
    options = SamplingOptions(temperatures=(0.5,) * count, top_p=0.9, max_tokens=100, seed=7)
    async with aclosing(policy.sample(prompt, options, deadline=time.monotonic() + seconds)) as stream:
        return sorted([one async for one in stream], key=lambda one: one.index)


def unknown(name: str, status: int, value: Any) -> Rule:
    """Refuse every request with this field."""
    return lambda seen: refuse(status, value) if name in seen.body else None


def openai(message: str, param: str | None = None) -> dict[str, Any]:
    """A refusal as OpenAI words it."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}


def fastapi(name: str, message: str = "Extra inputs are not permitted") -> dict[str, Any]:
    """A refusal as FastAPI words it. It repeats the whole request."""
    echo = {"prompt": "x", "seed": 1, "top_p": 1, "logprobs": 1, "n": 2, "stop": []}
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": message, "input": echo}]}


FORMS: list[tuple[str, int, Callable[[str], Any]]] = [
    ("OpenAI's old words", 400, lambda name: openai(f"Unrecognized request argument supplied: {name}")),
    ("OpenAI's new words", 400, lambda name: openai(f"Unknown parameter: '{name}'.", name)),
    ("the field alone", 400, lambda name: openai("This is not supported.", name)),
    ("FastAPI 422", 422, fastapi),
    ("FastAPI 400", 400, fastapi),
    ("FastAPI in words", 422, lambda name: {"detail": f"field `{name}` is not permitted"}),
    (
        "TGI's words",
        422,
        lambda name: {"error": f"Input validation error: `{name}` is not supported", "error_type": "v"},
    ),
    ("a plain error", 400, lambda name: {"error": f"parameter {name} is not supported by this model"}),
    ("a failure", 500, lambda name: {"error": {"message": f"{name} is not supported for models created with x=False"}}),
    ("not implemented", 501, lambda name: {"message": f"argument {name} must be left out"}),
    ("no reason", 400, lambda _name: {"error": "Bad Request"}),
    ("no words", 422, lambda _name: {}),
]


@pytest.mark.parametrize("name", ["logprobs", "seed", "top_p"])
@pytest.mark.parametrize(("status", "form"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
async def test_unknown_field_is_left_out_and_remembered(name: str, status: int, form: Callable[[str], Any]) -> None:
    """The group is answered, and the next group does not send the field."""
    with serving(unknown(name, status, form(name))) as server:
        policy = CompletionsPolicy(server.url)
        assert [one.text for one in await group(policy)] == [BODY]
        asked = len(server.completions)
        assert asked == 2
        assert [one.text for one in await group(policy)] == [BODY]
        assert len(server.completions) == asked + 1
        assert name not in server.completions[-1].body
        assert any(name in words for words in policy.habits.in_words())
        await policy.close()


@pytest.mark.parametrize(("status", "form"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
async def test_n_is_refused_and_each_candidate_is_asked_for_alone(status: int, form: Callable[[str], Any]) -> None:
    """No candidate is lost, each has its own seed, and the next group does not ask for several."""
    with serving(unknown("n", status, form("n"))) as server:
        policy = CompletionsPolicy(server.url)
        assert [one.text for one in await group(policy, count=3)] == [BODY] * 3
        assert [seen.body.get("n", 1) for seen in server.completions] == [3, 1, 1, 1]
        assert [seen.body["seed"] for seen in server.completions[1:]] == [7, 8, 9]
        await group(policy, count=3)
        assert [seen.body.get("n", 1) for seen in server.completions[4:]] == [1, 1, 1]
        await policy.close()


@pytest.mark.parametrize(
    "words",
    [
        "n must be 1",
        "`n` > 1 is not supported",
        "best_of must be 1",
        "multiple completions are not supported",
        "n > 1",
        "number of choices is limited to 1",
    ],
)
async def test_n_is_recognised_in_words(words: str) -> None:
    """Only `n` is lost."""
    with serving(lambda seen: refuse(400, openai(words)) if seen.body.get("n", 1) > 1 else None) as server:
        policy = CompletionsPolicy(server.url)
        assert len(await group(policy, count=3)) == 3
        assert policy.habits.refused == {"n"}
        await policy.close()


@pytest.mark.parametrize("status", [200, 200])
async def test_all_four_at_once(status: int) -> None:
    """A server that knows only the prompt is asked with the prompt, after one refusal a field."""
    optional = ("logprobs", "seed", "top_p", "n", "stop")

    def strict(seen: Seen) -> Answer | None:
        wrong = next((name for name in optional if name in seen.body), "")
        return refuse(422, fastapi(wrong)) if wrong else None

    with serving(strict) as server:
        policy = CompletionsPolicy(server.url)
        assert len(await group(policy, WITH_STOPS, count=2)) == 2
        assert policy.habits.refused == set(optional)
        assert status == 200
        await policy.close()


STOP_WORDS = [
    (400, openai("stop: array too long. Expected an array with maximum length 4, but got an array with length 6."), 4),
    (400, openai("['a'] is too long - 'stop'", "stop"), 4),
    (422, {"error": "Input validation error: `stop` supports up to 4 stop sequences. Given: 6", "error_type": "v"}, 4),
    (422, fastapi("stop", "List should have at most 4 items after validation, not 6"), 4),
    (400, {"error": "at most 2 stop strings"}, 2),
    (400, {"message": "too many stop sequences (max 1)"}, 1),
    (400, {"error": "Bad Request"}, 4),
    (400, openai("stop is not supported with this model", "stop"), 0),
]


@pytest.mark.parametrize(("status", "value", "most"), STOP_WORDS)
async def test_stop_strings_are_limited_and_cut_on_our_side(status: int, value: Any, most: int) -> None:
    """The first stop strings are sent, all of them cut, and the limit is remembered."""
    tail = "".join(f"junk{STOPS[-1]}" for _ in range(2))

    def limited(seen: Seen) -> Answer:
        if len(seen.body.get("stop", ())) > most:
            return refuse(status, value)
        return Answer(
            body=[text_event("    return a"), text_event(" + b\n" + STOPS[-1][:4]), text_event(STOPS[-1][4:] + tail)]
        )

    with RawServer(limited) as server:
        policy = CompletionsPolicy(server.url)
        for _ in range(2):
            (one,) = await group(policy, WITH_STOPS)
            assert (one.text, one.finish) == (BODY, Finish.STOP)
        assert server.completions[-1].body.get("stop", []) == list(STOPS[:most])
        await policy.close()


@pytest.mark.parametrize("stop", STOPS)
async def test_own_stop_list_is_cut_always(stop: str) -> None:
    """A server that takes every stop string and ignores them changes nothing."""
    with RawServer(lambda seen: Answer(body=[text_event(BODY + stop + "print(1)\n", finish_reason="stop")])) as server:
        policy = CompletionsPolicy(server.url)
        (one,) = await group(policy, WITH_STOPS)
        assert one.text == BODY
        await policy.close()


async def test_refusal_of_everything_is_told_in_the_first_words() -> None:
    """Requests are not repeated without end, and the server's first reason is the one that is told."""
    with RawServer(lambda seen: refuse(400, {"error": "no such adapter"})) as server:
        policy = CompletionsPolicy(server.url)
        with pytest.raises(PolicyProtocolError, match="no such adapter"):
            await group(policy, WITH_STOPS, count=3)
        assert len(server.completions) <= 12
        assert policy.habits.refused == set()
        await policy.close()


async def test_token_limit_of_another_name() -> None:
    """OpenAI's newer models name the token limit otherwise."""
    told = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    with serving(unknown("max_tokens", 400, openai(told, "max_tokens"))) as server:
        policy = CompletionsPolicy(server.url)
        assert [one.text for one in await group(policy)] == [BODY]
        assert server.completions[-1].body["max_completion_tokens"] == 100
        await policy.close()


LISTS: dict[str, Answer] = {
    "missing": refuse(404, {"detail": "Not Found"}),
    "no method": refuse(405, {"detail": "Method Not Allowed"}),
    "forbidden": refuse(403, {"error": "Forbidden"}),
    "unauthorised": refuse(401, {"error": "Unauthorized"}),
    "failing": refuse(500, {"error": "internal"}),
    "not implemented": refuse(501, {}),
    "empty": Answer(body=[b'{"object": "list", "data": []}']),
    "null": Answer(body=[b'{"data": null}']),
    "a page": Answer(body=[b"<html>Ollama is running</html>"]),
    "nothing": Answer(),
    "entries without a name": Answer(body=[b'{"data": [{}, null, 3, {"id": null}]}']),
    "deep": Answer(body=[b"[" * 50_000]),
}


@pytest.mark.parametrize("name", LISTS)
async def test_list_that_cannot_be_had_is_not_needed(name: str) -> None:
    """With `policy.model`, that name is asked for."""
    with serving(lambda seen: None, models=LISTS[name]) as server:
        policy = CompletionsPolicy(server.url, model="mine")
        assert [one.text for one in await group(policy)] == [BODY]
        assert server.completions[-1].body["model"] == "mine"
        await policy.close()


@pytest.mark.parametrize("name", LISTS)
async def test_list_that_cannot_be_had_names_the_setting(name: str) -> None:
    """Without `policy.model`, the error says what to set."""
    with serving(lambda seen: None, models=LISTS[name]) as server:
        policy = CompletionsPolicy(server.url)
        with pytest.raises(PolicyError) as caught:
            await policy.version()
        names = ("PLUM_POLICY_MODEL", "PLUM_POLICY_API_KEY", "server's log")
        assert any(one in caught.value.remedy for one in names) or caught.value.args[0].endswith("{}")
        await policy.close()


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [{"id": "mine", "parent": 3}]}',
        b'{"data": [null, {"id": 5}, {"id": "mine"}]}',
        b'{"models": [{"name": "mine"}]}',
        b'[{"id": "mine"}, {"id": "other"}]',
        b'{"data": [{"name": "mine"}]}',
        b'{"data": [{"id": "mine:latest"}]}',
    ],
)
async def test_lists_of_other_shapes(body: bytes) -> None:
    """The usual shapes of lists are read, and Ollama's default tag is known."""
    with serving(lambda seen: None, models=Answer(body=[body])) as server:
        policy = CompletionsPolicy(server.url, model="mine")
        assert (await policy.version()).served_name == "mine"
        await policy.close()


REDIRECTS = [
    (301, "https://new.example/v1/completions", "https://new.example/v1"),
    (302, "https://new.example/v1/completions/", "https://new.example/v1"),
    (303, "/login?next=x", "/login"),
    (307, "//new.example/v1/completions", "http://new.example/v1"),
    (308, "/api/v1/completions", "/api/v1"),
    (308, "https://new.example:8443/x/v1/models", "https://new.example:8443/x/v1"),
    (301, "", "PLUM_POLICY_URL"),
    (302, "http://[broken", "PLUM_POLICY_URL"),
    (307, "\x85\x9bhttps://new.example/v1/completions", "https://new.example/v1"),
]


@pytest.mark.parametrize("at", ["models", "completions"])
@pytest.mark.parametrize(("status", "location", "base"), REDIRECTS)
async def test_redirect_names_the_new_address(status: int, location: str, base: str, at: str) -> None:
    """It is not followed, and the new address is told with the setting."""
    moved = Answer(status=status, headers={"Location": location} if location else {})
    is_list = at == "models"
    with serving(lambda seen: None if is_list else moved, models=moved if is_list else None) as server:
        policy = CompletionsPolicy(server.url, api_key="secret")
        with pytest.raises(PolicyRefused, match=str(status)) as caught:
            await group(policy)
        assert base in caught.value.remedy
        assert "PLUM_POLICY_URL" in caught.value.remedy
        assert "\x9b" not in f"{caught.value}{caught.value.remedy}"
        assert len(server.completions) == (0 if is_list else 1)
        await policy.close()


async def test_redirect_to_another_server_sends_it_nothing() -> None:
    """Neither the prompt nor the key reaches the other server."""
    with serving(lambda seen: None) as other:
        moved = Answer(status=307, headers={"Location": f"{other.url}/completions"})
        with RawServer(lambda seen: moved) as server:
            policy = CompletionsPolicy(server.url, api_key="secret")
            with pytest.raises(PolicyRefused) as caught:
                await group(policy)
            assert other.url in str(caught.value)
            assert other.requests == []
            await policy.close()


NOW = 1_780_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("-5", 0.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("99999999", PAUSE_SECONDS_MAX),
        ("nan", 0.0),
        ("inf", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("Sun, 99 Foo 2026 99:99:99 GMT", 0.0),
    ],
)
def test_retry_after_is_read(value: str, seconds: float) -> None:
    """As seconds or as a date, bounded, and compared with the server's own clock if it tells it."""
    assert retry_after({"retry-after": value}, NOW) == pytest.approx(seconds)
    skewed = {"retry-after": value, "date": formatdate(NOW, usegmt=True)}
    assert retry_after(skewed, NOW + 5000) == pytest.approx(seconds)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("value", ["30", "date"])
async def test_pause_is_obeyed(status: int, value: str) -> None:
    """After the refusal nothing is sent until the pause is over, neither by this group nor by the next."""
    value = formatdate(time.time() + 30, usegmt=True) if value == "date" else value
    with serving(lambda seen: refuse(status, {"error": "slow down"}, **{"Retry-After": value})) as server:
        policy = WatchedPolicy(CompletionsPolicy(server.url), tries=3)
        with pytest.raises(PolicyUnavailable, match="slow down"):
            await group(policy)
        for _ in range(3):
            with pytest.raises(PolicyUnavailable, match=r"asked again in (2|3)\d s"):
                await group(policy)
        assert len(server.completions) == 1
        await policy.close()


async def test_short_pause_is_waited_for() -> None:
    """A pause of a fraction of a second costs only that."""
    answers = [refuse(429, {"error": "slow down"}, **{"Retry-After": "0.3"}), GOOD]
    asked: list[float] = []

    def answer(seen: Seen) -> Answer:
        asked.append(time.monotonic())
        return answers.pop(0)

    with RawServer(answer) as server:
        policy = WatchedPolicy(CompletionsPolicy(server.url), tries=3)
        assert [one.text for one in await group(policy)] == [BODY]
        assert asked[1] - asked[0] >= 0.3
        await policy.close()


async def test_pause_for_one_candidate_holds_for_all() -> None:
    """A group that was answered in part obeys the pause, too."""
    answers = [GOOD, refuse(429, {"error": "slow down"}, **{"Retry-After": "60"})]
    with RawServer(lambda seen: answers.pop(0)) as server:
        policy = CompletionsPolicy(server.url, shares_prompt=False)
        assert [one.text for one in await group(policy)] == [BODY]
        with pytest.raises(PolicyBusy):
            await group(policy)
        with pytest.raises(PolicyBusy, match="pause") as caught:
            await group(policy)
        assert 50 < caught.value.seconds <= 60
        assert len(server.completions) == 2
        await policy.close()


TOO_LONG = [
    (400, openai("This model's maximum context length is 900 tokens, however you requested 2100 tokens.", "messages")),
    (400, {"error": {"message": "the request exceeds the available context size, try increasing it", "code": 400}}),
    (400, {"error": {"message": "Requested tokens (2100) exceed context window of 900", "code": "context_length"}}),
    (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 900. Given: 2000 `inputs`"}),
    (413, {"message": "Payload Too Large"}),
    (400, {"object": "error", "message": "The prompt is too long: 2100, model maximum: 900"}),
    (500, {"error": {"message": "context size has been exceeded"}}),
    (200, {"error": {"message": "The number of tokens is greater than the context length"}}),
]


@pytest.mark.parametrize(("status", "value"), TOO_LONG)
async def test_long_prompt_is_asked_again_shorter(status: int, value: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The end of the prompt is kept, the setting is named in the log, and the next prompt fits at once."""

    def short(seen: Seen) -> Answer | None:
        return refuse(status, value) if len(seen.body["prompt"]) > 3000 else None

    with serving(short) as server:
        policy = CompletionsPolicy(server.url)
        assert [one.text for one in await group(policy, LONG)] == [BODY]
        assert server.completions[-1].body["prompt"].endswith(PLAIN.text)
        assert "sampling.prefix_tokens" in caplog.text
        asked = len(server.completions)
        await group(policy, LONG)
        assert len(server.completions) == asked + 1
        await policy.close()


@pytest.mark.parametrize(("status", "value"), TOO_LONG)
async def test_prompt_that_never_fits_names_the_setting(status: int, value: Any) -> None:
    """The error names the setting, after a bounded number of requests."""
    with RawServer(lambda seen: refuse(status, value)) as server:
        policy = CompletionsPolicy(server.url)
        with pytest.raises(PolicyProtocolError) as caught:
            await group(policy, LONG)
        assert "sampling.prefix_tokens" in caught.value.remedy
        assert len(server.completions) <= 6
        await policy.close()


@pytest.mark.parametrize("is_torn", [True, False])
async def test_stream_that_ends_at_once_is_explained_by_a_whole_answer(is_torn: bool) -> None:
    """A server that gives its reasons in whole answers alone is asked for one, and streams again afterwards."""

    def silent(seen: Seen) -> Answer | None:
        if len(seen.body["prompt"]) <= 3000:
            return None
        told = openai("This model's maximum context length is 900 tokens, however you requested 2100 tokens.")
        return Answer(is_torn=is_torn) if seen.body.get("stream") else refuse(400, told)

    with serving(silent) as server:
        policy = CompletionsPolicy(server.url)
        assert [one.text for one in await group(policy, LONG)] == [BODY]
        assert [seen.body.get("stream", False) for seen in server.completions] == [True, False, True]
        assert policy.habits.refused == set()
        await policy.close()


async def test_server_that_fails_to_stream_is_asked_for_whole_answers() -> None:
    """This is remembered."""
    torn = Answer(is_torn=True)
    with serving(lambda seen: torn if seen.body.get("stream") else None) as server:
        policy = CompletionsPolicy(server.url)
        for _ in range(2):
            assert [one.text for one in await group(policy)] == [BODY]
        assert policy.habits.in_words() == ("asked without stream",)
        assert len(server.completions) == 3
        await policy.close()


@pytest.mark.parametrize("is_suffix_first", [False, True])
@pytest.mark.parametrize("size", [0, 10, 50, 200, 10_000])
def test_shortened_prompt_keeps_its_shape(size: int, is_suffix_first: bool) -> None:
    """The sentinels stay, other files go first, and the text around the cursor is kept longest."""
    before, after = "a = 1\n" * 50 + "def f():\n", "\nb = 2\n" * 50
    parts = ["<S>", after, "<P>", before] if is_suffix_first else ["<P>", before, "<S>", after]
    template = replace(TEMPLATE, is_suffix_first=is_suffix_first)
    prompt = replace(PLAIN, text="other file\n" + "".join(parts) + "<M>", template=template)
    short = shortened(prompt, size).text
    if size >= len(prompt.text):
        assert short == prompt.text
        return
    assert len(short) <= size + len("<P><S><M>")
    assert "other file" not in short
    assert short.endswith("<M>")
    assert sorted((short.count("<P>"), short.count("<S>"))) == [1, 1]
    if size >= 50:
        assert "def f():\n" in short


def chat_only(status: int, value: Any) -> Rule:
    """Refuse completions and answer the chat."""

    def rule(seen: Seen) -> Answer | None:
        if seen.path != "/v1/chat/completions":
            return refuse(status, value)
        content = {"choices": [{"index": 0, "delta": {"content": BODY}, "finish_reason": "stop"}]}
        return Answer(body=[b"data: " + json.dumps(content).encode() + b"\n\n"])

    return rule


CHAT_ONLY = [
    (404, {"detail": "Not Found"}),
    (405, {"detail": "Method Not Allowed"}),
    (404, openai("This is a chat model and not supported in the v1/completions endpoint. Use v1/chat/completions?")),
    (400, {"error": "this model is a chat model; use /chat/completions"}),
    (501, {"error": "not implemented"}),
    (400, openai("This is not a completion model")),
    (410, {}),
]


@pytest.mark.parametrize(("status", "value"), CHAT_ONLY)
async def test_chat_only_server_is_asked_through_its_chat(status: int, value: Any) -> None:
    """The file goes with its cursor marked, and completions are not tried again."""
    with serving(chat_only(status, value)) as server:
        policy = CompletionsPolicy(server.url)
        for _ in range(2):
            assert [one.text for one in await group(policy)] == [BODY]
        paths = [seen.path for seen in server.completions]
        assert paths == ["/v1/completions", "/v1/chat/completions", "/v1/chat/completions"]
        body = server.completions[-1].body
        assert "prompt" not in body
        assert body["max_tokens"] == 200
        assert body["messages"][0]["content"] == REWRITE
        assert body["messages"][-1]["content"] == f"{PLAIN.text}{CURSOR}{PLAIN.suffix}"
        assert "chat" in policy.habits.in_words()[0]
        await policy.close()


@pytest.mark.parametrize("status", [404, 405, 410])
async def test_server_without_either_is_refused(status: int) -> None:
    """The first refusal is told, with the setting to check."""
    with RawServer(lambda seen: refuse(status, {"detail": "Not Found"})) as server:
        policy = CompletionsPolicy(server.url)
        with pytest.raises(PolicyError, match=str(status)):
            await group(policy)
        assert len(server.completions) == 2
        assert not policy.habits.is_chat
        await policy.close()


@pytest.mark.parametrize("is_suffix_first", [False, True])
def test_chat_of_a_prompt_with_sentinels(is_suffix_first: bool) -> None:
    """The sentinels of a model are no part of a chat."""
    text = "<S>\nend<P>def f():\n<M>" if is_suffix_first else "<P>def f():\n<S>\nend<M>"
    prompt = replace(PLAIN, text=text, template=replace(TEMPLATE, is_suffix_first=is_suffix_first))
    assert messages(prompt)[-1]["content"] == f"def f():\n{CURSOR}\nend"


@pytest.mark.parametrize("kind", HoleKind)
def test_instruction_fits_the_hole(kind: HoleKind) -> None:
    """The whole function is asked for where the body is written, and the rest of a line elsewhere."""
    asked = messages(replace(PLAIN, block=replace(PLAIN.block, kind=kind)))[0]["content"]
    assert asked == (REWRITE if kind in {HoleKind.BODY, HoleKind.BLOCK} else INSERT)


@pytest.mark.parametrize("text", [PLAIN.text, f"<P>{PLAIN.text}<S>{PLAIN.suffix}<M>"])
async def test_fim_endpoint_takes_the_suffix_as_a_field(text: str) -> None:
    """An address that ends in `/fim` is asked as Mistral documents it, and knows neither our seed nor `n`."""

    def mistral(seen: Seen) -> Answer:
        wrong = next((name for name in ("logprobs", "seed", "n") if name in seen.body), "")
        content = json.dumps({"choices": [{"index": 0, "delta": {"content": BODY}, "finish_reason": "stop"}]}).encode()
        return (
            refuse(422, fastapi(wrong)) if wrong else Answer(body=[b"data: " + content + b"\n\n", b"data: [DONE]\n\n"])
        )

    with RawServer(mistral) as server:
        policy = CompletionsPolicy(server.url.replace("/v1", "/v1/fim"), model="codestral-latest")
        prompt = replace(PLAIN, text=text, template=TEMPLATE)
        assert [one.text for one in await group(policy, prompt, count=2)] == [BODY] * 2
        last = server.completions[-1]
        assert (last.path, last.body["prompt"], last.body["suffix"]) == (
            "/v1/fim/completions",
            PLAIN.text,
            PLAIN.suffix,
        )
        await policy.close()


async def test_chat_that_refuses_fields_is_asked_without() -> None:
    """Both kinds of refusal at once."""
    inner = chat_only(404, {"detail": "Not Found"})

    def rule(seen: Seen) -> Answer | None:
        is_strict = seen.path.endswith("/chat/completions") and "logprobs" in seen.body
        return refuse(400, openai("Unknown parameter: 'logprobs'.")) if is_strict else inner(seen)

    with serving(rule) as server:
        policy = CompletionsPolicy(server.url)
        assert [one.text for one in await group(policy)] == [BODY]
        assert (policy.habits.is_chat, policy.habits.refused) == (True, {"logprobs"})
        await policy.close()
