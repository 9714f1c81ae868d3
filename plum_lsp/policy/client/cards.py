"""The list of models of a policy server: which there are, which one to ask for, and what kind of server lists them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from plum_lsp.domain.errors import PolicyProtocolError
from plum_lsp.domain.suggestion import PolicyVersion
from plum_lsp.policy.client.address import AZURE, is_azure
from plum_lsp.policy.client.refusals import NO_ENDPOINT, json_in, shown

NAMED_MAX = 10
"""A message names at most this many models. Some servers list hundreds."""

_PUBLISHED = re.compile(r"plum-v([1-9]\d*)")
_NO_WRITER = re.compile(
    r"(?<![a-z])(embed|rerank|whisper|tts|dall-e|moderation|ocr|bge-|e5-|gte-|clip|stable-diffusion|flux)",
    re.IGNORECASE,
)
"""Names of models that write no text. LM Studio and OpenAI list them beside the others."""
_DEFAULT_TAG = ":latest"
"""Ollama lists `name:latest` and answers to `name`."""


@cache
def _known() -> dict[str, dict[str, str]]:
    """The programs that are known, by host and by owner."""
    text = resources.files(__package__).joinpath("servers.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


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
    cards = {}
    for item in _items(body):
        name = item.get("id") or item.get("name")
        if isinstance(name, str) and name:
            cards[name] = str(item.get("parent") or "")
    if not cards:
        remedy = "Set policy.model (PLUM_POLICY_MODEL) to the name of a model that it serves."
        if json_in(body) is None:
            remedy = f"{NO_ENDPOINT} {remedy}"
        raise PolicyProtocolError(f"the policy server lists no models: {shown(body)}", remedy=remedy)
    return cards


def _items(body: bytes) -> list[dict[str, Any]]:
    """The entries of a list of models: below `data` (OpenAI) or `models` (Ollama), or the list itself (Together).

    An entry may be a name alone.
    """
    value = json_in(body)
    if isinstance(value, dict):
        value = value.get("data") or value.get("models")
    items = value if isinstance(value, list) else []
    return [{"id": item} if isinstance(item, str) else item for item in items if isinstance(item, dict | str)]


def version_in(cards: Mapping[str, str], wanted: str) -> PolicyVersion | None:
    """The version to request, of those that a server lists. None if it has no model `wanted`.

    Empty means its first model that writes text. An entry with `*` (LiteLLM lists such) holds every name that matches.
    The name of a base model means its newest published version, if the server has one. To stay with a version, or with
    an adapter of another name, use its own name.
    """
    name = wanted or next((card for card in cards if not _NO_WRITER.search(card)), next(iter(cards)))
    if name not in cards:
        is_known = wanted + _DEFAULT_TAG in cards or any("*" in card and fnmatchcase(wanted, card) for card in cards)
        return version_named(wanted) if is_known else None
    if found := _PUBLISHED.fullmatch(name):
        return PolicyVersion(number=int(found.group(1)), model=cards[name] or name, model_sha256="")
    numbers = [
        int(found.group(1))
        for card, parent in cards.items()
        if (found := _PUBLISHED.fullmatch(card)) and parent in ("", name)
    ]
    return PolicyVersion(number=max(numbers, default=0), model=name, model_sha256="")


def version_named(model: str) -> PolicyVersion:
    """The version of a server that does not say what it has."""
    return PolicyVersion(number=0, model=model, model_sha256="")


def server_kind(url: str, headers: Mapping[str, str], body: bytes) -> str:
    """What a server calls itself: by its address, its headers, or the owner of its models. Empty if unknown."""
    if is_azure(url):
        return AZURE
    host = (urlsplit(url).hostname or "").lower()
    lines = [f"{name}: {value}".lower() for name, value in headers.items()]
    owners = [_known()["owners"].get(str(item.get("owned_by")).lower(), "") for item in _items(body)]
    known = _known()["headers"].items()
    said = next((name for start, name in known if any(line.startswith(start) for line in lines)), "")
    return _known()["hosts"].get(host) or said or next(filter(None, owners), "")
