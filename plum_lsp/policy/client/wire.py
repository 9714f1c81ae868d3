"""The OpenAI completions protocol as bytes: what a request says, what an answer means. Does no I/O.

Log-probabilities come in two shapes: OpenAI's own and vLLM's (`token_logprobs`), and llama.cpp's (`content`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plum_lsp.domain.errors import PolicyError, PolicyOutOfMemory, PolicyProtocolError, PolicyRefused, PolicyUnavailable
from plum_lsp.domain.suggestion import FimPrompt, PolicyVersion, SamplingOptions

LINE_BYTES_MAX = 1024 * 1024
"""A longer line is no event. The server does not speak this protocol."""

BUSY = "It is tried again. If it stays like this, look into the server's log, or ask for fewer candidates."
SMALLER = "Serve a smaller model or a shorter context (--context-tokens), or ask for fewer candidates."
_PUBLISHED = re.compile(r"plum-v([1-9]\d*)")
_OUT_OF_MEMORY = re.compile(
    r"out of memory|OutOfMemory|failed to allocate|cannot allocate memory|bad_alloc", re.IGNORECASE
)
"""What CUDA, PyTorch, ggml and libc say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token of a completion. `logprob` is a natural logarithm, or None if the server sends none."""

    text: str
    logprob: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What one event brought to one choice of a stream: tokens, and why the choice ends (empty if it goes on)."""

    tokens: tuple[Token, ...]
    finish: str
    index: int = 0

    @property
    def text(self) -> str:
        """The text of all tokens."""
        return "".join(token.text for token in self.tokens)


def completion_request(model: str, prompt: FimPrompt, options: SamplingOptions, ask: tuple[int, ...]) -> dict[str, Any]:
    """The body that asks for the candidates `ask` of a group: consecutive ones, of one temperature.

    A server that shares a prompt among n choices gives choice j the seed of the request plus j (vLLM and llama.cpp do).
    """
    request: dict[str, Any] = {
        "model": model,
        "prompt": prompt.text,
        "max_tokens": options.max_tokens,
        "temperature": options.temperatures[ask[0]],
        "top_p": options.top_p,
        "seed": options.seed + ask[0],
        "n": len(ask),
        "logprobs": 1,
        "stream": True,
    }
    if prompt.stop:
        request["stop"] = list(prompt.stop)
    return request


class EventReader:
    """Splits a stream of bytes into the JSON of its server-sent events (WHATWG HTML, 9.2), however it is chunked."""

    def __init__(self) -> None:
        self._buffer = b""
        self.is_done = False

    def feed(self, chunk: bytes) -> Iterator[Delta]:
        """The events that are complete with this chunk.

        Raises:
            PolicyProtocolError: this is no stream of completions.
            PolicyError: the server reports an error in mid-stream.
        """
        self._buffer += chunk
        while (end := self._buffer.find(b"\n")) >= 0:
            line, self._buffer = self._buffer[:end].strip(), self._buffer[end + 1 :]
            yield from self._read_line(line)
        if len(self._buffer) > LINE_BYTES_MAX:
            raise PolicyProtocolError(f"the policy server sent a line of more than {LINE_BYTES_MAX:,} bytes")

    def _read_line(self, line: bytes) -> tuple[Delta, ...]:
        if not line or line.startswith((b":", b"event:", b"id:", b"retry:")):
            return ()
        name, colon, value = line.partition(b":")
        if not colon or name not in {b"data", b"error"}:
            raise PolicyProtocolError(f"the policy server sent {_shown(line)} where an event belongs")
        if value.strip() == b"[DONE]":
            self.is_done = True
            return ()
        try:
            event = json.loads(value)
        except ValueError:
            raise PolicyProtocolError(f"the policy server sent an event that is not JSON: {_shown(value)}") from None
        return _read_event(event)


def _read_event(event: Any) -> tuple[Delta, ...]:
    """The pieces of one event. Empty for an event without choices (usage, keep-alive)."""
    if isinstance(event, dict) and event.get("error"):
        raise failure(f"the policy server failed: {error_message(event)}")
    try:
        return tuple(_read_choice(choice) for choice in event["choices"])
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise PolicyProtocolError(f"the policy server sent an event that is no completion ({error!r})") from None


def _read_choice(choice: Any) -> Delta:
    text, finish = choice["text"], choice.get("finish_reason")
    if not isinstance(text, str):
        raise TypeError("text")
    tokens = read_tokens(text, choice.get("logprobs"))
    return Delta(tokens=tokens, finish=str(finish or ""), index=int(choice.get("index") or 0))


def read_tokens(text: str, logprobs: Any) -> tuple[Token, ...]:
    """The tokens of an event, which together are its text. If they are not, one token without log-probability."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(logprobs, dict):
        if isinstance(logprobs.get("content"), list):
            pairs = [(item.get("token"), item.get("logprob")) for item in logprobs["content"]]
        elif isinstance(logprobs.get("token_logprobs"), list):
            pairs = list(zip(logprobs.get("tokens") or (), logprobs["token_logprobs"], strict=False))
    numbers = [value if isinstance(value, int | float) else None for _, value in pairs]
    if len(pairs) == 1:
        return (Token(text=text, logprob=numbers[0]),)
    if pairs and "".join(str(token) for token, _ in pairs) == text:
        return tuple(Token(text=token, logprob=number) for (token, _), number in zip(pairs, numbers, strict=True))
    if pairs:
        silent = tuple(Token(text="", logprob=number) for number in numbers[1:])
        return (Token(text=text, logprob=numbers[0]), *silent)
    return (Token(text=text, logprob=None),) if text else ()


def model_names(body: bytes) -> tuple[str, ...]:
    """The names in an answer to `/models`.

    Raises:
        PolicyProtocolError: it lists none.
    """
    return tuple(model_cards(body))


def model_cards(body: bytes) -> dict[str, str]:
    """The names in an answer to `/models`, in its order, each with the base model it is an adapter of, if any.

    Raises:
        PolicyProtocolError: it lists none.
    """
    try:
        cards = {str(item["id"]): str(item.get("parent") or "") for item in json.loads(body)["data"]}
    except (ValueError, LookupError, TypeError, AttributeError):
        cards = {}
    if not cards:
        raise PolicyProtocolError(f"the policy server lists no models: {_shown(body)}")
    return cards


def version_in(cards: Mapping[str, str], wanted: str) -> PolicyVersion | None:
    """The version to request, of those that a server lists. None if it has no model `wanted` (empty means its first
    model).

    The name of a base model means its newest published version, if the server has one. To stay with a version, or with
    an adapter of another name, use its own name.
    """
    name = wanted or next(iter(cards))
    if name not in cards:
        return None
    if found := _PUBLISHED.fullmatch(name):
        return PolicyVersion(number=int(found.group(1)), model=cards[name] or name, model_sha256="")
    numbers = [
        int(found.group(1))
        for card, parent in cards.items()
        if (found := _PUBLISHED.fullmatch(card)) and parent in ("", name)
    ]
    return PolicyVersion(number=max(numbers, default=0), model=name, model_sha256="")


def refusal(status: int, body: bytes, *, url: str) -> PolicyError:
    """The error that an HTTP status other than 200 means."""
    try:
        reason = error_message(json.loads(body))
    except ValueError:
        reason = _shown(body)
    told = f"the policy server at {url} answered {status}: {reason}"
    if status in {401, 403}:
        return PolicyRefused(told, remedy="Check PLUM_POLICY_API_KEY.")
    if status == 404:
        return PolicyRefused(told, remedy="Check PLUM_POLICY_URL (it usually ends in /v1) and PLUM_POLICY_MODEL.")
    if status == 407:
        return PolicyRefused(f"the proxy on the way to {url} asks who we are", remedy="Check policy.proxy.")
    if status == 429 or status >= 500:
        error = failure(told)
        return error if isinstance(error, PolicyUnavailable) else PolicyUnavailable(told, remedy=BUSY)
    return PolicyProtocolError(told)


def ended(told: str, status: int | None, *, remedy: str) -> PolicyUnavailable:
    """The error of an engine that ended by itself: out of memory by its words or by the kernel's hand, or another."""
    if status == -9:
        told += "; it was killed, as the kernel does when memory runs out"
    is_memory = status == -9 or _OUT_OF_MEMORY.search(told)
    return PolicyOutOfMemory(told, remedy=SMALLER) if is_memory else PolicyUnavailable(told, remedy=remedy)


def failure(told: str) -> PolicyError:
    """The error that a server's own words mean: out of memory, or some other failure."""
    if _OUT_OF_MEMORY.search(told):
        return PolicyOutOfMemory(told, remedy=SMALLER)
    return PolicyError(told)


def error_message(value: Any) -> str:
    """What an error object says, in any of the usual shapes."""
    error = value.get("error", value) if isinstance(value, dict) else value
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error
    return str(error)[:500]


def _shown(data: bytes) -> str:
    """The beginning of some bytes, for a message."""
    text = data[:80].decode("utf-8", "replace")
    return repr(text + ("…" if len(data) > 80 else "")) if text else "nothing"
