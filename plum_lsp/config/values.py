"""Reads one value of a setting and checks its type and range. It does not know the layers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from plum_lsp.config.settings import CHOICES, RANGES
from plum_lsp.domain.suggestion import Tier

_WORDS_TRUE = frozenset({"true", "yes", "on", "1"})
_WORDS_FALSE = frozenset({"false", "no", "off", "0"})


def read_value(key: str, raw: object, wanted: object) -> object:
    """The valid value of a setting. Messages never repeat the text given: it may be a secret.

    Args:
        key: dotted, for its range.
        raw: from TOML, JSON or the environment, where everything is text.
        wanted: the annotated type of the setting.

    Raises:
        ValueError: it has the wrong type or is out of range. The message says which values are allowed.
    """
    return _checked(key, _convert(raw, wanted))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint with the closest known name, or an empty text."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _convert(raw: object, wanted: object) -> object:
    """`raw` as the wanted type."""
    if wanted is bool:
        return _convert_bool(raw)
    if wanted is int:
        return _convert_number(raw, int, "a whole number")
    if wanted is float:
        return _convert_number(raw, float, "a number")
    if wanted is str:
        if not isinstance(raw, str):
            raise ValueError(f"must be text, not {type(raw).__name__}")
        return raw
    parts = [part.strip() for part in raw.split(",") if part.strip()] if isinstance(raw, str) else raw
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise ValueError("must be a list of texts")
    if wanted == tuple[Tier, ...]:
        return _convert_tiers([str(part) for part in parts])
    return tuple(parts)


def _convert_bool(raw: object) -> bool:
    """A truth value, or one of the words for it."""
    if isinstance(raw, bool):
        return raw
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word in _WORDS_TRUE | _WORDS_FALSE:
        return word in _WORDS_TRUE
    raise ValueError("must be true or false")


def _convert_number(raw: object, kind: type[int] | type[float], noun: str) -> int | float:
    """A number, or text that spells one. 5.0 counts as a whole number, because JSON has only one kind of number."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise ValueError(f"must be {noun}, not {type(raw).__name__}")
    try:
        number = kind(raw)
    except (ValueError, OverflowError):
        raise ValueError(f"must be {noun}") from None
    if not isinstance(raw, str) and number != raw:
        raise ValueError(f"must be {noun}")
    return number


def _convert_tiers(names: list[str]) -> tuple[Tier, ...]:
    """Tiers, sorted with the strongest first."""
    known = [tier.value for tier in Tier]
    for name in names:
        if name not in known:
            raise ValueError(f"must be among {', '.join(known)}{did_you_mean(name, known)}")
    if not names:
        raise ValueError("must name at least one tier (privacy.paused stops all offers)")
    return tuple(tier for tier in Tier if tier.value in names)


def _checked(key: str, value: object) -> object:
    """`value`, if it is in range."""
    if key in RANGES and isinstance(value, (int, float)):
        least, greatest = RANGES[key]
        if not least <= value <= greatest:
            raise ValueError(f"must be from {least} to {greatest}")
    if key in CHOICES and value not in CHOICES[key]:
        raise ValueError(f"must be among {', '.join(CHOICES[key])}")
    if key == "trainer.hours" and value and not re.fullmatch(r"([01]?\d|2[0-3])-([01]?\d|2[0-3])", str(value)):
        raise ValueError("must be two hours of the day, such as 22-6")
    if key == "policy.url" and value and not str(value).startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    if key == "policy.api_key" and not all("!" <= character <= "~" for character in str(value)):
        raise ValueError("must hold printable ASCII characters only, without spaces: it goes into an HTTP header")
    if key == "privacy.exclude" and isinstance(value, tuple) and any(not p or p.startswith("!") for p in value):
        raise ValueError("must hold patterns of what to leave out, none of them empty or with '!'")
    return value
