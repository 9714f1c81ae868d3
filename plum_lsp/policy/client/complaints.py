"""Which refusals can be lived with: what the next request leaves out. Pure.

A refusal that names an optional field (in its words, or as FastAPI and OpenAI name it) is answered by a request
without that field. A refusal without a name first loses `n`, then every optional field. What a server refuses does
not weaken the result: the client cuts at its own stop strings, and a candidate without log-probabilities is ranked by
the other signals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from plum_lsp.policy.client.habits import Habits
from plum_lsp.policy.client.refusals import Refusal, json_in

STOP_MAX = 4
"""OpenAI's and TGI's greatest number of stop strings, used if the refusal names none."""
PROMPT_CHARACTERS_MIN = 200
"""A shorter prompt shows too little to be worth a request."""
MARGIN = 0.9
"""A shortened prompt uses this share of the space, because characters measure tokens only roughly."""

_NAMED = {400, 403, 422, 500, 501}
"""Statuses of refusals that name a field. llama-cpp-python answers 500 to log-probabilities that it cannot give."""
_UNNAMED = {400, 422, 501}
_OPTIONAL = ("logprobs", "seed", "top_p", "n", "temperature", "stream")
_CHAT_ONLY = re.compile(
    r"chat[ _/.-]?(completions?|model|endpoint|only)|not a completions? model"
    r"|not support\w* (for )?(the )?(text )?(completions?\b|generate\b)"
    r"|completions? operation does not work|completions api is only available",
    re.IGNORECASE,
)
"""What OpenAI, vLLM, Ollama, Azure and DeepSeek say of a model or an address for chat alone."""
_ONE_ROLE = re.compile(
    r"system (role|message|prompt|instruction)\w*.{0,30}(not|n't)\b|(not|n't) support.{0,40}\bsystem\b"
    r"|roles must alternate|developer instruction|only user and assistant roles|messages\[0\]\.role",
    re.IGNORECASE,
)
"""What the templates of Gemma and Mistral 7B, Gemini and OpenAI's first reasoning models say of a system message."""
_TOKENS_LIMIT = re.compile(
    r"(?<![+] [`'\"])(?<![+] )max_(?:completion_|new_|output_)?tokens\b.{0,60}?"
    r"(?:<=|at most|less than or equal to|up to|(?:not|n't) exceed|no more than|maximum(?: of| is)?:?|between \d+ and)"
    r"\D{0,12}(\d{2,6})\b",
    re.IGNORECASE | re.DOTALL,
)
"""A limit of `max_tokens` itself, which a shorter prompt would not help."""
_WORDS = {
    "logprobs": re.compile(r"\b(top_)?log[ _-]?prob", re.IGNORECASE),
    "seed": re.compile(r"\bseed\b", re.IGNORECASE),
    "top_p": re.compile(r"\btop[_-]p\b", re.IGNORECASE),
    "temperature": re.compile(r"\btemperature\b", re.IGNORECASE),
    "stream": re.compile(r"\bstream(ing)?\b", re.IGNORECASE),
    "stop": re.compile(r"\bstop\b|\bstop[ _](sequence|string|word)s?\b", re.IGNORECASE),
    "n": re.compile(
        r"[`'\"]n[`'\"]|\bn ?(>|=|!=|must|is not|is too|should|greater|value)"
        r"|(parameter|argument|field|supplied)s?:? n\b"
        r"|\bbest_of\b|(multiple|several|number of) (choices|completions|candidates|generations|sequences)",
        re.IGNORECASE,
    ),
}
_STOP_LIMIT = re.compile(
    r"(?:up to|at most|maximum(?: length| of)?|max(?:imum)?\.?|no more than|<=|limit(?: of| is)?:?)\D{0,12}(\d{1,2})\b",
    re.IGNORECASE,
)


def learned(habits: Habits, refusal: Refusal, request: Mapping[str, Any]) -> Habits | None:
    """The habits to respect next after a refusal of `request`. None if another request would not help."""
    if refusal.is_unpaid or refusal.is_filtered:
        return None
    if habits.is_chat and not habits.joins_roles and _ONE_ROLE.search(refusal.message):
        return replace(habits, joins_roles=True)
    if (limit := _tokens_limit(refusal, request)) is not None:
        return replace(habits, tokens_max=limit)
    named = _named(refusal, request) if refusal.status in _NAMED or refusal.status == 200 else frozenset()
    if named:
        return _without(habits, named, refusal, request)
    if not habits.is_chat and (refusal.is_no_endpoint or _CHAT_ONLY.search(refusal.message)):
        return replace(habits, is_chat=True)
    if refusal.is_too_long:
        return _shorter(habits, refusal, request)
    if refusal.status not in _UNNAMED:
        return None
    if "n" in request:
        return replace(habits, refused=habits.refused | {"n"})
    if any(name in request for name in ("logprobs", "seed", "top_p")):
        return replace(habits, refused=habits.refused | {"logprobs", "seed", "top_p"}, stop_max=STOP_MAX)
    return replace(habits, refused=habits.refused | {"stop"}) if "stop" in request else None


def _named(refusal: Refusal, request: Mapping[str, Any]) -> frozenset[str]:
    """The optional fields of the request that a refusal names. A field that is given as such counts alone."""
    given = frozenset(_fields(refusal.body))
    optional = {*_OPTIONAL, "stop"} & request.keys()
    if found := optional & given:
        return frozenset(found)
    said = refusal.message
    if "max_completion_tokens" in said and "max_tokens" in request:
        return frozenset({"max_tokens"})
    return frozenset(name for name in optional if _WORDS[name].search(said))


def _tokens_limit(refusal: Refusal, request: Mapping[str, Any]) -> int | None:
    """The greatest number of tokens that may be asked for. None if a refusal is about something else."""
    sent = int(request.get("max_tokens") or request.get("max_completion_tokens") or 0)
    found = _TOKENS_LIMIT.search(refusal.message)
    limit = int(found[1]) if found and "context" not in refusal.message else 0
    return limit if 0 < limit < sent else None


def _fields(body: bytes) -> Iterator[str]:
    """The fields that a refusal names outside its words: `param` (OpenAI), the end of `loc` (FastAPI)."""
    value = json_in(body)
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, dict) and isinstance(error.get("param"), str):
        yield error["param"].rpartition(".")[2]
    details = value.get("detail") if isinstance(value, dict) else None
    for detail in details if isinstance(details, list) else ():
        loc = detail.get("loc") if isinstance(detail, dict) else None
        yield from (str(part) for part in (loc if isinstance(loc, list) else ()))


def _without(habits: Habits, named: frozenset[str], refusal: Refusal, request: Mapping[str, Any]) -> Habits:
    if "max_tokens" in named:
        return replace(habits, renames_limit=True)
    if "stop" not in named:
        return replace(habits, refused=habits.refused | named)
    sent = len(request["stop"])
    found = _STOP_LIMIT.search(refusal.message)
    limit = int(found.group(1)) if found else STOP_MAX
    if 0 < limit < sent:
        return replace(habits, refused=habits.refused | (named - {"stop"}), stop_max=limit)
    return replace(habits, refused=habits.refused | named)


def _shorter(habits: Habits, refusal: Refusal, request: Mapping[str, Any]) -> Habits | None:
    """A shorter prompt: as long as the numbers in the refusal allow, or half as long."""
    length = _length(request)
    numbers = [int(number) for number in re.findall(r"(?<![\d.])\d{2,7}(?![\d.])", refusal.message)]
    left = min(numbers, default=0) - int(request.get("max_tokens", 0))
    if len(numbers) > 1 and left > 0 and max(numbers) > min(numbers):
        target = int(length * min(MARGIN, MARGIN * left / max(numbers)))
    else:
        target = length // 2
    known = habits.prompt_characters_max
    target = target if known is None else min(target, known // 2)
    if target < PROMPT_CHARACTERS_MIN:
        return None
    return replace(habits, prompt_characters_max=target)


def _length(request: Mapping[str, Any]) -> int:
    """The characters of the prompt, or of the user's message."""
    return len(request["prompt"]) if "prompt" in request else len(request["messages"][-1]["content"])
