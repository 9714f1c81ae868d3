"""The scripted policy does what the tests that lean on it believe."""

from __future__ import annotations

import json

import httpx
import pytest

from support.scripted_policy import ScriptedPolicy


def _events(policy: ScriptedPolicy, prompt: str = "def f", **extra: object) -> list[dict[str, object]]:
    payload = {"prompt": prompt, "stream": True, **extra}
    headers = {"Authorization": f"Bearer {policy.api_key}"}
    body = httpx.post(f"{policy.url}/completions", json=payload, headers=headers, timeout=5).text
    return [json.loads(line[6:])["choices"][0] for line in body.splitlines() if line.startswith("data: {")]


def test_script_is_taken_in_order_and_starts_again() -> None:
    """Completions come in the order they were scripted, cycling."""
    with ScriptedPolicy() as policy:
        policy.will_complete("one")
        policy.will_complete("two")
        texts = ["".join(str(event["text"]) for event in _events(policy)) for _ in range(3)]
    assert texts == ["one", "two", "one"]


def test_longest_match_decides() -> None:
    """The script with the longest `when` found in the prompt answers."""
    with ScriptedPolicy() as policy:
        policy.will_complete("any")
        policy.will_complete("add", when="def add")
        assert _events(policy, "def add(a, b):")[0]["text"] == "add"
        assert _events(policy, "def other():")[0]["text"] == "any"


def test_streams_tokens_with_logprobs_and_a_finish_reason() -> None:
    """Each token is an event of its own with its log-probability; the last event ends the choice."""
    with ScriptedPolicy() as policy:
        policy.will_complete("return a + b\n", mean_logprob=-2.0)
        events = _events(policy)
    assert [event["text"] for event in events] == ["return", " a", " +", " b", "\n", ""]
    assert events[0]["logprobs"] == {"tokens": ["return"], "token_logprobs": [-2.0]}
    assert events[-1]["finish_reason"] == "stop"


def test_wrong_key_is_refused_and_failures_are_http_errors() -> None:
    """The key is asked for, and a scripted failure has its status."""
    with ScriptedPolicy() as policy:
        policy.will_fail(503, "busy")
        assert httpx.post(f"{policy.url}/completions", json={"prompt": "x"}).status_code == 401
        headers = {"Authorization": f"Bearer {policy.api_key}"}
        assert httpx.post(f"{policy.url}/completions", json={"prompt": "x"}, headers=headers).status_code == 503
        assert httpx.get(f"{policy.url}/models", headers=headers).json()["data"][0]["id"] == "scripted"


def test_disconnect_drops_the_stream() -> None:
    """A scripted disconnect breaks the connection after what it was told to send."""
    with ScriptedPolicy() as policy:
        policy.will_disconnect("return")
        with pytest.raises(httpx.TransportError):
            _events(policy)
        assert policy.closed_early == 0


def test_hang_up_of_the_client_is_seen() -> None:
    """A client that goes away during a hang is recorded as having closed early."""
    with ScriptedPolicy() as policy:
        policy.will_hang("return")
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{policy.url}/completions",
                json={"prompt": "x", "stream": True},
                headers={"Authorization": f"Bearer {policy.api_key}"},
                timeout=0.1,
            )
        assert policy.wait_until_idle()
        assert policy.closed_early == 1
