"""What a refusal means: the error for an HTTP status, for an error in mid-stream and for an engine that ended.

Does no I/O. `complaints` decides which refusals can be avoided by another request.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

from plum_lsp.domain.errors import (
    PolicyBusy,
    PolicyError,
    PolicyOutOfMemory,
    PolicyProtocolError,
    PolicyRefused,
    PolicyUnavailable,
)

BUSY = "It is tried again. If it stays like this, look into the server's log, or ask for fewer candidates."
SMALLER = "Serve a smaller model or a shorter context (--context-tokens), or ask for fewer candidates."
SHORTER = "Lower sampling.prefix_tokens, or serve the model with a longer context."
CHECK = (
    "Check policy.model (PLUM_POLICY_MODEL) and policy.api_key (PLUM_POLICY_API_KEY), and look into the server's log."
)
NO_CREDIT = "Add credit to the account of policy.api_key, or set policy.url (PLUM_POLICY_URL) to another server."
NO_ENDPOINT = (
    "Check policy.url (PLUM_POLICY_URL): it is the address of an OpenAI completions endpoint, and usually ends in /v1."
)
ANOTHER_MODEL = "Set policy.model to a model that completes code."
OWN_FILTER = "Change the filter in the server's settings, or set policy.model to a model without one."
PAUSE_SECONDS_MAX = 3600.0
"""A server that asks for a longer pause is asked again after this."""
WITHHELD = "the model server's content filter withheld the answer"
BODY_BYTES_MAX = 4096
"""As much of a refusal is read."""

_ADDRESS_CHARACTERS_MAX = 200
_OUT_OF_MEMORY = re.compile(
    r"out of memory|OutOfMemory|failed to allocate|cannot allocate memory|bad_alloc", re.IGNORECASE
)
"""What CUDA, PyTorch, ggml and libc say."""
_TOO_LONG = re.compile(
    r"context.?(length|size|window)|n_ctx|max_model_len|max_seq_len|(prompt|input)\S* .{0,20}too (long|large)"
    r"|too many tokens|tokens?\b.{0,60}(must be <=|exceed)|exceed\w*.{0,60}\btokens?\b|reduce (the length|your prompt)"
    r"|(prompt|input)\S* .{0,30}(less|fewer) than \d+ tokens",
    re.IGNORECASE | re.DOTALL,
)
"""What OpenAI, vLLM, llama.cpp, llama-cpp-python, TGI and Mistral say of a prompt that does not fit."""
_UNPAID = re.compile(r"insufficient[_ ](quota|credit|balance|fund)|exceeded your current quota", re.IGNORECASE)
"""What OpenAI, OpenRouter and DeepSeek say of an account without credit. A later try changes nothing."""
FILTER = "filter|safety|recitation|sensitive|blocklist|prohibited|moderation|content_?policy|data_?inspection"
"""How servers name a content filter in the reason for an end (OpenAI, Gemini, Zhipu) and in the code of an error."""
_FILTER_CODE = re.compile(FILTER, re.IGNORECASE)
_FILTER_SAID = re.compile(
    r"content.?(filter|(management )?polic(y|ies)|polic(y|ies)?.?violation)|ResponsibleAI|inappropriate content"
    r"|(input|prompt|output|content|text|request) (was|were|is|has been) (flagged|blocked)",
    re.IGNORECASE,
)
"""What Azure, LiteLLM, DashScope and OpenRouter say of a prompt or a text that their filter holds back."""
_NO_SUCH_ENDPOINT = re.compile(r"(unexpected|unknown|invalid|no such) (endpoint|url|route|path)\b", re.IGNORECASE)
"""What LM Studio says with status 200, and others with 404."""
_TITLE = re.compile(r"<title>\s*([^<]{1,80}?)\s*</title>", re.IGNORECASE)
_SAID_KEYS = ("message", "detail", "msg", "error_message", "reason", "title", "errors")
"""Where an error object may hold its words, most telling first."""
_NESTED_MAX = 6
"""The most objects around the words of an error. OpenRouter has three, with the provider's own answer in them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no completion. `status` is 200 for an error in mid-stream."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def message(self) -> str:
        """The server's own words."""
        return error_message(json_in(self.body, otherwise=shown(self.body)))

    @property
    def is_too_long(self) -> bool:
        """Whether the prompt is longer than the model's context."""
        return self.status == 413 or bool(_TOO_LONG.search(self.message))

    @property
    def is_no_endpoint(self) -> bool:
        """Whether there is nothing at the path that was asked."""
        return self.status in {404, 405, 410, 501} or bool(_NO_SUCH_ENDPOINT.search(self.message))

    @property
    def is_filtered(self) -> bool:
        """Whether a content filter held back the prompt or the answer. Another form of the request changes nothing."""
        value = json_in(self.body)
        error = value.get("error", value) if isinstance(value, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        is_named = isinstance(code, str) and _FILTER_CODE.search(code)
        return self.status not in {401, 402} and bool(is_named or _FILTER_SAID.search(self.message))

    @property
    def is_unpaid(self) -> bool:
        """Whether the account that pays for the answer has no credit."""
        return self.status == 402 or bool(_UNPAID.search(self.body.decode("utf-8", "replace")))


class ErrorEvent(PolicyError):
    """The server reports an error in mid-stream. `event` is what it sent: an object, or words."""

    def __init__(self, event: Any) -> None:
        super().__init__(f"the policy server failed: {error_message(event)}")
        self.event = event

    def as_refusal(self) -> Refusal:
        """The same as an answer. Some servers send the status in the event."""
        error = self.event.get("error") if isinstance(self.event, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        status = code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600 else 200
        return Refusal(status, json.dumps(self.event).encode(), {})


def refusal(answer: Refusal, *, url: str, now: float) -> PolicyError:
    """The error that an HTTP status other than 200 means. `now` is in seconds since 1970, as `time.time` gives it."""
    status = answer.status
    in_stream = f"the policy server failed: {answer.message}"
    told = in_stream if status == 200 else f"the policy server at {url} answered {status}: {answer.message}"
    if 300 <= status < 400:
        return _moved(answer, url)
    if answer.is_filtered:
        return PolicyRefused(f"{WITHHELD}: {answer.message}", remedy=OWN_FILTER)
    if answer.is_too_long:
        return PolicyProtocolError(f"the prompt is longer than the model's context: {told}", remedy=SHORTER)
    if answer.is_unpaid:
        return PolicyRefused(told, remedy=NO_CREDIT)
    if status in {401, 403}:
        return PolicyRefused(told, remedy="Check policy.api_key (PLUM_POLICY_API_KEY).")
    if status in {404, 405} or (status == 200 and answer.is_no_endpoint):
        remedy = "Check policy.url (PLUM_POLICY_URL), which usually ends in /v1, and policy.model (PLUM_POLICY_MODEL)."
        if "/v1/v1" in url:
            remedy = "policy.url (PLUM_POLICY_URL) has /v1 twice. One is enough."
        return PolicyRefused(told, remedy=remedy)
    if status == 407:
        return PolicyRefused(f"the proxy on the way to {url} requires a login", remedy="Check policy.proxy.")
    if status in {408, 425, 429} or status >= 500:
        seconds = retry_after(answer.headers, now)
        if seconds > 0:
            return PolicyBusy(told, remedy=BUSY, seconds=seconds)
        error = failure(told)
        return error if isinstance(error, PolicyUnavailable) else PolicyUnavailable(told, remedy=BUSY)
    return failure(told) if status == 200 else PolicyProtocolError(told, remedy=CHECK)


def without_text(said: str) -> PolicyError:
    """The error of an answer that brings something else in place of a text, in the words of `writing`."""
    if said == WITHHELD:
        return PolicyRefused(WITHHELD, remedy=OWN_FILTER)
    return PolicyProtocolError(f"the policy server sent no text: {said}", remedy=ANOTHER_MODEL)


def _moved(answer: Refusal, url: str) -> PolicyRefused:
    """The error of a redirect. It is not followed: the prompt and the key belong to the address that was set."""
    place = "".join(one for one in answer.headers.get("location", "") if one.isprintable())[:_ADDRESS_CHARACTERS_MAX]
    told = f"the policy server at {url} answered {answer.status}"
    if not place:
        return PolicyRefused(f"{told} without a new address", remedy="Check policy.url (PLUM_POLICY_URL).")
    try:
        place = urljoin(f"{url}/completions", place).partition("?")[0]
    except ValueError:
        return PolicyRefused(
            f"{told} with a new address that cannot be read", remedy="Check policy.url (PLUM_POLICY_URL)."
        )
    base = re.sub(r"/(chat/)?(completions|models)/?$", "", place)
    remedy = f"If you trust it, set policy.url (PLUM_POLICY_URL) to {base}"
    return PolicyRefused(f"{told}: it has moved to {place}", remedy=remedy)


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """The seconds in a Retry-After header (RFC 9110, 10.2.3: a number or a date). 0 without one that can be read.

    A date is compared with the server's own clock, if it sends that.
    """
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        date = _seconds_of(value)
        seconds = date - (_seconds_of(headers.get("date", "")) or now) if date else 0.0
    return min(PAUSE_SECONDS_MAX, max(0.0, seconds)) if math.isfinite(seconds) else 0.0


def _seconds_of(date: str) -> float | None:
    """The instant of an HTTP date, in seconds since 1970."""
    try:
        found = parsedate_to_datetime(date)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def ended(told: str, status: int | None, *, remedy: str) -> PolicyUnavailable:
    """The error of an engine that ended by itself: out of memory by its words or by the kernel's hand, or another."""
    if status == -9:
        told += " (it was killed, as the kernel does when memory runs out)"
    is_memory = status == -9 or _OUT_OF_MEMORY.search(told)
    return PolicyOutOfMemory(told, remedy=SMALLER) if is_memory else PolicyUnavailable(told, remedy=remedy)


def failure(told: str) -> PolicyError:
    """The error that a server's own words mean: out of memory, or some other failure."""
    if _OUT_OF_MEMORY.search(told):
        return PolicyOutOfMemory(told, remedy=SMALLER)
    return PolicyError(told)


def error_message(value: Any) -> str:
    """What an error object says, in any of the usual shapes."""
    return _said(value, _NESTED_MAX)[:500]


def _said(value: Any, depth: int) -> str:
    """The words in an error of so many objects within one another."""
    if isinstance(value, list) and value and depth:
        if all(isinstance(one, dict) and "msg" in one for one in value):
            return "; ".join(f"{_place(one.get('loc'))}: {one['msg']}" for one in value)  # FastAPI's
        return "; ".join(_said(one, depth - 1) for one in value)
    if not isinstance(value, dict) or not depth:
        return str(value)
    if isinstance(error := value.get("error"), str | dict | list) and error:
        return _said(error, depth - 1)
    inner = next((value[key] for key in _SAID_KEYS if value.get(key)), None)
    if inner is None:
        return str(value)
    metadata = value.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None  # a provider's answer behind OpenRouter
    return f"{_said(inner, depth - 1)}: {raw}" if raw else _said(inner, depth - 1)


def _place(loc: Any) -> str:
    """The name of a field in FastAPI's list of keys."""
    return ".".join(map(str, loc)) if isinstance(loc, list) else str(loc)


def json_in(data: str | bytes, *, otherwise: Any = None) -> Any:
    """The JSON value that a server sent, or `otherwise` if it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return otherwise


def shown(data: bytes) -> str:
    """The beginning of some bytes, or the title of a page, for a message."""
    if data.lstrip()[:1] == b"<" and (title := _TITLE.search(data[:BODY_BYTES_MAX].decode("utf-8", "replace"))):
        return f"a page with the title {title[1]!r}"
    text = data[:80].decode("utf-8", "replace")
    return repr(text + ("…" if len(data) > 80 else "")) if text else "nothing"
