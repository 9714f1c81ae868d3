"""What each vendor's server says in its own words: what is asked again in another form, and what is told."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from support.answers import DONE, FIRST, SECOND, STOP, WHOLE, chat, event
from support.contexts import prompt_at
from support.raw_server import Answer, RawServer, Seen, refuse, text_event

from plum_lsp.domain.errors import PlumError, PolicyProtocolError, PolicyRefused, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, Finish, SamplingOptions
from plum_lsp.policy.client.address import key_headers
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.client.refusals import error_message, shown

BODY = "    return a + b\n"
PROMPT = prompt_at("def add(a, b):\n    ‸\n")
LONG = prompt_at("".join(f"x{number} = {number}\n" for number in range(300)) + "def add(a, b):\n    ‸\n")
TEXT = Answer(body=[text_event(BODY, finish_reason="stop"), DONE])
CHAT = Answer(body=[chat(BODY, finish_reason="stop"), DONE])
NOT_FOUND = refuse(404, {"detail": "Not Found"})

Rule = Callable[[Seen], Answer]


async def asked(policy: CompletionsPolicy, prompt: Any = PROMPT) -> Completion:
    """The completion of a group of one."""
    options = SamplingOptions(temperatures=(0.5,), top_p=0.9, max_tokens=320, seed=7)
    async with aclosing(policy.sample(prompt, options, deadline=time.monotonic() + 20)) as stream:
        (one,) = [one async for one in stream]
    return one


async def asked_twice(rule: Rule, prompt: Any = PROMPT) -> list[Seen]:
    """The requests of the second group, once both groups have got the right text."""
    with RawServer(rule) as server:
        policy = CompletionsPolicy(server.url)
        try:
            assert (await asked(policy, prompt)).text == BODY
            first = len(server.completions)
            assert (await asked(policy, prompt)).text == BODY
            return server.completions[first:]
        finally:
            await policy.close()


async def error_of(rule: Rule, *, models: Answer | None = None, model: str = "", key: str = "") -> PlumError:
    """The error that a group ends in."""
    with RawServer(rule, models=models) as server:
        policy = CompletionsPolicy(server.url, model=model, api_key=key)
        try:
            with pytest.raises(PlumError) as caught:
                await asked(policy)
            return caught.value
        finally:
            await policy.close()


CHAT_ONLY = [
    "The completion operation does not work with the specified model, gpt-4o. Please choose different model.",
    "The model does not support Completions API",
    'completions api is only available when using beta api (set base_url="https://api.deepseek.com/beta")',
    '"llama3" does not support completion',
    "model 'x' does not support generate",
    "This model does not support text completion",
    "Model x is not supported for completions. Use messages.",
    "Unexpected endpoint or method. (POST /completions)",
]


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("words", CHAT_ONLY)
async def test_chat_alone_in_words(words: str, status: int) -> None:
    """The chat endpoint is asked, and from then on at once."""
    rule: Rule = lambda seen: CHAT if "chat" in seen.path else refuse(status, {"error": words})  # noqa: E731
    (seen,) = await asked_twice(rule)
    assert seen.path.endswith("/chat/completions")


ONE_ROLE = [
    (400, {"object": "error", "message": "System role not supported", "code": 400}),
    (500, {"error": {"message": "... raise_exception('System role not supported')", "code": 500}}),
    (400, {"error": {"message": "Conversation roles must alternate user/assistant/user/assistant/..."}}),
    (400, [{"error": {"code": 400, "message": "Developer instruction is not enabled for models/gemma-3-1b-it"}}]),
    (400, {"error": {"message": "'messages[0].role' does not support 'system'", "param": "messages[0].role"}}),
    (400, {"error": "Only user and assistant roles are supported!"}),
]


@pytest.mark.parametrize(("status", "value"), ONE_ROLE)
async def test_template_without_a_role_for_instructions(status: int, value: Any) -> None:
    """The instruction moves into the message of the user."""

    def rule(seen: Seen) -> Answer:
        if "chat" not in seen.path:
            return NOT_FOUND
        return refuse(status, value) if seen.body["messages"][0]["role"] == "system" else CHAT

    (seen,) = await asked_twice(rule)
    (message,) = seen.body["messages"]
    assert message["role"] == "user"
    assert "You complete Python code" in message["content"]


TOKENS = [
    (400, {"error": "max_tokens must be <= 256"}),
    (400, {"error": {"message": "max_tokens is too large: 320. This model supports at most 256 completion tokens."}}),
    (422, {"detail": [{"loc": ["body", "max_tokens"], "msg": "Input should be less than or equal to 256"}]}),
    (422, {"error": "Input validation error: `max_new_tokens` must be <= 256. Given: 320"}),
    (400, {"error": "max_tokens should be between 1 and 256"}),
]


@pytest.mark.parametrize(("status", "value"), TOKENS)
async def test_limit_of_max_tokens(status: int, value: Any) -> None:
    """As many tokens as the server allows are asked for, and the prompt stays whole."""
    (seen,) = await asked_twice(lambda seen: refuse(status, value) if seen.body["max_tokens"] > 256 else TEXT, LONG)
    assert seen.body["max_tokens"] == 256
    assert seen.body["prompt"] == LONG.text
    assert seen.body["logprobs"] == 1


TOO_LONG = [
    (422, {"error": "Input validation error: `inputs` must have less than 512 tokens. Given: 900"}),
    (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (900) exceeds the maximum number of tokens (512).",
                }
            }
        ],
    ),
    (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 300. Given: 900 `inputs`"}),
]


@pytest.mark.parametrize(("status", "value"), TOO_LONG)
async def test_prompt_beyond_the_context(status: int, value: Any) -> None:
    """The prompt is shortened, and nothing else is left out."""
    (seen,) = await asked_twice(lambda seen: refuse(status, value) if len(seen.body["prompt"]) > 2000 else TEXT, LONG)
    assert {"logprobs", "seed", "top_p"} <= seen.body.keys()
    assert seen.body["max_tokens"] == 320


async def test_field_in_the_answer_of_a_provider() -> None:
    """OpenRouter passes on what the provider behind it said."""
    raw = json.dumps({"error": {"message": "logprobs is not supported"}})
    value = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}}
    (seen,) = await asked_twice(lambda seen: refuse(400, value) if "logprobs" in seen.body else TEXT)
    assert "seed" in seen.body


SAID = [
    ([{"error": {"code": 400, "message": "no slot"}}], "no slot"),
    ({"object": "error", "message": {"detail": [{"loc": ["body", "n"], "msg": "no slot"}]}}, "body.n: no slot"),
    ({"success": False, "errors": [{"code": 5007, "message": "no slot"}]}, "no slot"),
    ({"errors": ["no slot", "no luck"]}, "no slot; no luck"),
    (
        {"error": {"message": "Provider returned error", "metadata": {"raw": "no slot"}}},
        "Provider returned error: no slot",
    ),
    ({"error": True, "reason": "no slot"}, "no slot"),
    ({"type": "about:blank", "title": "Bad", "detail": "no slot"}, "no slot"),
    ({"code": 1, "msg": "no slot"}, "no slot"),
    ({"error": {"code": "no_slot"}}, "{'code': 'no_slot'}"),
]


@pytest.mark.parametrize(("value", "told"), SAID)
def test_words_of_an_error(value: Any, told: str) -> None:
    """The words are found in every vendor's form."""
    assert error_message(value) == told


def test_page_is_told_by_its_title() -> None:
    """The markup tells a person nothing."""
    page = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>" + b"x" * 400
    assert shown(page) == "a page with the title '502 Bad Gateway'"


ENDS = ["abort", "error", "network_error", "insufficient_system_resource", "cancelled", "token_limit", "SAFETY"]


@pytest.mark.parametrize("reason", [*ENDS, "max_output_tokens", "time_limit", "incomplete", "truncated", "limit"])
async def test_reason_that_is_no_end(reason: str) -> None:
    """A text that ended so may lack its end."""
    with RawServer(lambda seen: Answer(body=[FIRST, text_event("", finish_reason=reason), DONE])) as server:
        policy = CompletionsPolicy(server.url)
        assert (await asked(policy)).finish is Finish.LENGTH
        await policy.close()


async def test_limit_behind_a_stop_string() -> None:
    """A text whose stop string came is whole, whatever its server said after it."""
    prompt = replace(PROMPT, stop=("<|endoftext|>",))
    answer = Answer(body=[text_event(f"{BODY}<|endoftext|>import os\n", finish_reason="length"), DONE])
    with RawServer(lambda seen: answer) as server:
        policy = CompletionsPolicy(server.url)
        found = await asked(policy, prompt)
        assert (found.text, found.finish) == (BODY, Finish.STOP)
        await policy.close()


INSTEAD = {
    "a refusal": (
        event({"choices": [{"delta": {"refusal": "I cannot"}}]})
        + event({"choices": [{"delta": {"refusal": " help."}, "finish_reason": "stop"}]}),
        "I cannot help",
    ),
    "a tool": (
        event({"choices": [{"delta": {"tool_calls": [{"id": "1"}]}, "finish_reason": "tool_calls"}]}),
        "called a tool",
    ),
    "a filter": (text_event("", finish_reason="content_filter"), "content filter"),
    "Gemini's filter": (chat("", finish_reason="RECITATION"), "content filter withheld the answer"),
    "a filter in an object": (text_event("", finish_reason={"type": "content_filter"}), "content filter withheld"),
    "a filter after blanks": (
        text_event("\n  ") + text_event("", finish_reason="content_filter"),
        "content filter withheld the answer",
    ),
    "a filter after a refusal": (
        event({"choices": [{"delta": {"refusal": "No. " * 80}}]}) + chat("", finish_reason="content_filter"),
        "content filter withheld the answer",
    ),
    "a filter in Ollama's form": (
        event({"response": "", "done": True, "done_reason": "content_filter"}),
        "content filter withheld the answer",
    ),
}


@pytest.mark.parametrize("name", INSTEAD)
async def test_what_comes_in_place_of_a_text(name: str) -> None:
    """It is told, with the setting that helps."""
    body, words = INSTEAD[name]
    error = await error_of(lambda seen: Answer(body=[body, DONE]))
    assert words in str(error)
    assert "policy.model" in error.remedy


AZURE = {
    "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
    "Please modify your prompt and retry.",
    "param": "prompt",
    "code": "content_filter",
    "innererror": {"code": "ResponsibleAIPolicyViolation"},
}
FILTERS = {
    "Azure": (400, {"error": AZURE}),
    "Azure, in the stream": (200, {"error": AZURE}),
    "LiteLLM": (400, {"error": {"message": "litellm.ContentPolicyViolationError: AzureException", "code": "400"}}),
    "DashScope": (400, {"code": "DataInspectionFailed", "message": "Input data is not accepted"}),
    "OpenRouter": (403, {"error": {"code": 403, "message": "Your input was flagged for violence"}}),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_filter_that_refuses(name: str) -> None:
    """It is named as the cause, in the same words as a filter that ends a text, and nothing is asked again."""
    status, value = FILTERS[name]
    with RawServer(lambda seen: refuse(status, value)) as server:
        policy = CompletionsPolicy(server.url)
        with pytest.raises(PolicyRefused, match="content filter withheld the answer") as caught:
            await asked(policy)
        assert "filter" in caught.value.remedy
        assert len(server.completions) == 1
        await policy.close()


@pytest.mark.parametrize("message", ["unknown field: filter", "logprobs is not supported", "content must be a string"])
async def test_other_refusal_is_no_filter(message: str) -> None:
    """A word of a filter in another refusal proves nothing."""
    error = await error_of(lambda seen: refuse(400, {"error": {"message": message, "code": 400}}))
    assert "content filter" not in str(error)


@pytest.mark.parametrize(
    ("status", "value"),
    [
        (402, {"error": {"message": "Insufficient credits. Add more"}}),
        (402, {"error": {"message": "Insufficient Balance"}}),
        (429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}),
    ],
)
async def test_account_without_credit(status: int, value: Any) -> None:
    """No later try helps, and the cure is named."""
    error = await error_of(lambda seen: refuse(status, value))
    assert isinstance(error, PolicyRefused)
    assert "credit" in error.remedy


@pytest.mark.parametrize("status", [408, 425])
async def test_server_that_was_too_slow_is_asked_again(status: int) -> None:
    """It says nothing about a key or a model."""
    error = await error_of(lambda seen: refuse(status, {"error": "Request timed out"}))
    assert isinstance(error, PolicyUnavailable)
    assert not isinstance(error, PolicyRefused)
    assert "api_key" not in error.remedy


async def test_key_is_not_repeated() -> None:
    """A message goes to the log and to the screen."""
    error = await error_of(lambda seen: refuse(401, {"error": "bad key secret-key-123"}), key="secret-key-123")
    assert "secret-key" not in f"{error}"
    assert "bad key" in f"{error}"


async def test_form_that_is_not_known_is_shown() -> None:
    """A server that answers with neither choices nor an error is shown by what it sent."""
    odd = event({"choices": None, "base_resp": {"status_code": 1004, "status_msg": "no slot"}})
    error = await error_of(lambda seen: Answer(body=[odd, DONE]))
    assert "no slot" in str(error)


@pytest.mark.parametrize("encoding", ["zstd", "br", "compress"])
async def test_encoding_that_was_not_asked_for(encoding: str) -> None:
    """It is named, and the address is not blamed."""
    error = await error_of(lambda seen: Answer(headers={"Content-Encoding": encoding}, body=[b"\x28\xb5\x2f\xfd"]))
    assert isinstance(error, PolicyProtocolError)
    assert encoding in str(error)
    assert "compression" in error.remedy


async def test_old_name_of_gzip() -> None:
    """RFC 9110 asks for it."""
    body = gzip.compress(WHOLE)
    await asked_twice(lambda seen: Answer(headers={"Content-Encoding": "x-gzip"}, body=[body]))


async def test_frame_that_breaks_behind_the_end() -> None:
    """What comes after `[DONE]` does not matter to the other candidates."""
    with RawServer(lambda seen: Answer(body=[FIRST, SECOND, STOP, DONE], is_torn=True)) as server:
        policy = CompletionsPolicy(server.url)
        options = SamplingOptions(temperatures=(0.5, 0.5), top_p=0.9, max_tokens=50, seed=7)
        async with aclosing(policy.sample(PROMPT, options, deadline=time.monotonic() + 20)) as stream:
            assert [one.text async for one in stream] == [BODY, BODY]
        await policy.close()


@pytest.mark.parametrize("end", ["/completions", "/chat/completions", "/completions/", " "])
async def test_address_of_an_endpoint(end: str) -> None:
    """The endpoint that people copy is taken off the address."""
    with RawServer(lambda seen: TEXT) as server:
        policy = CompletionsPolicy(server.url + end)
        assert (await asked(policy)).text == BODY
        assert [seen.path for seen in server.completions] == ["/v1/completions"]
        await policy.close()


AZURE_PATH = "/openai/deployments/mine"
AZURE_ENDS = ["", "/completions", "/chat/completions", "/"]


@pytest.mark.parametrize("end", AZURE_ENDS)
async def test_deployment_in_the_address(end: str) -> None:
    """The deployment is the model, each request keeps the query, and the key goes into the header that Azure reads."""
    with RawServer(lambda seen: TEXT if seen.method == "POST" else NOT_FOUND) as server:
        base = server.url.removesuffix("/v1") + AZURE_PATH
        policy = CompletionsPolicy(f"{base}{end}?api-version=2024-10-21", api_key="secret-key-123")
        assert (await asked(policy)).text == BODY
        await policy.close()
    listed, sent = server.requests
    assert (listed.path, sent.path) == tuple(
        f"{AZURE_PATH}{path}?api-version=2024-10-21" for path in ("/models", "/completions")
    )
    assert sent.body["model"] == "mine"
    assert {seen.headers.get("api-key") for seen in server.requests} == {"secret-key-123"}
    assert not any("authorization" in seen.headers for seen in server.requests)


async def test_chat_of_a_deployment_keeps_the_query() -> None:
    """So does every other form of a request."""
    chat_only = refuse(400, {"error": {"message": CHAT_ONLY[0]}})
    with RawServer(lambda seen: CHAT if "chat" in seen.path else chat_only) as server:
        policy = CompletionsPolicy(f"{server.url.removesuffix('/v1')}{AZURE_PATH}?api-version=2024-10-21")
        assert (await asked(policy)).text == BODY
        assert server.completions[-1].path == f"{AZURE_PATH}/chat/completions?api-version=2024-10-21"
        await policy.close()


@pytest.mark.parametrize(
    ("url", "key", "header"),
    [
        ("https://mine.openai.azure.com/openai/v1", "abc", "api-key"),
        ("https://MINE.OpenAI.Azure.com/openai/v1/", "abc", "api-key"),
        ("https://gateway.example/openai/deployments/mine?api-version=1", "abc", "api-key"),
        ("https://mine.openai.azure.com/openai/v1", "eyJ0.eyJh.c2ln", "authorization"),
        ("https://openai.azure.com.example/v1", "abc", "authorization"),
        ("https://example.com/v1?x=.openai.azure.com", "abc", "authorization"),
        ("https://example.com/v1#.openai.azure.com", "abc", "authorization"),
        ("http://[::1/v1", "abc", "authorization"),
    ],
)
def test_header_of_the_key(url: str, key: str, header: str) -> None:
    """Only an address of Azure's form gets the key in Azure's header, and no address gets it twice."""
    assert [name.lower() for name in key_headers(url, key)] == [header]


async def test_key_in_the_other_header_is_not_repeated() -> None:
    """It is as secret there."""
    with RawServer(lambda seen: refuse(401, {"error": "bad key secret-key-123"})) as server:
        policy = CompletionsPolicy(f"{server.url.removesuffix('/v1')}{AZURE_PATH}", api_key="secret-key-123")
        with pytest.raises(PolicyRefused) as caught:
            await asked(policy)
        assert "secret-key" not in str(caught.value)
        await policy.close()


async def test_deployment_that_is_not_listed() -> None:
    """Azure lists the models that can be deployed, and not the deployments."""
    listed = Answer(body=[json.dumps({"data": [{"id": "gpt-4o"}]}).encode()])
    with RawServer(lambda seen: TEXT if seen.method == "POST" else listed) as server:
        policy = CompletionsPolicy(server.url.removesuffix("/v1") + AZURE_PATH)
        assert (await asked(policy)).text == BODY
        assert policy.server_kind == "Azure OpenAI"
        assert server.completions[-1].body["model"] == "mine"
        await policy.close()


async def test_address_with_its_version_twice() -> None:
    """The cure is named."""
    with RawServer(lambda seen: NOT_FOUND) as server:
        policy = CompletionsPolicy(f"{server.url}/v1", model="mine")
        with pytest.raises(PolicyRefused) as caught:
            await asked(policy)
        assert "/v1 twice" in caught.value.remedy
        await policy.close()


LISTED = [
    ({"data": [{"id": "text-embedding-nomic-embed-text-v1.5"}, {"id": "qwen2.5-coder"}]}, "", "qwen2.5-coder"),
    ({"data": [{"id": "whisper-large-v3"}, {"id": "BAAI/bge-m3"}, {"id": "coder"}]}, "", "coder"),
    ({"data": [{"id": "bge-m3"}]}, "", "bge-m3"),
    ({"data": [{"id": "openai/*"}, {"id": "x"}]}, "openai/gpt-3.5-turbo-instruct", "openai/gpt-3.5-turbo-instruct"),
    ({"data": ["mine", "other"]}, "", "mine"),
    (["mine"], "", "mine"),
]


@pytest.mark.parametrize(("value", "wanted", "used"), LISTED)
async def test_name_from_a_list(value: Any, wanted: str, used: str) -> None:
    """A model that writes is chosen, and a pattern in the list holds the names that match it."""
    with RawServer(lambda seen: TEXT, models=Answer(body=[json.dumps(value).encode()])) as server:
        policy = CompletionsPolicy(server.url, model=wanted)
        assert (await policy.version()).served_name == used
        await policy.close()
