"""Makes bounded text for display from inert values. It never touches the objects that a candidate made."""

from __future__ import annotations

import math

from plum_lsp.domain.verification import Node, Value

_PAIRED = frozenset({"dict", "dataclass", "object"})
_BRACKETS = {"list": "[]", "tuple": "()", "set": "{}", "frozenset": ("frozenset({", "})"), "dict": "{}"}


def show(value: Value, characters_max: int = 200) -> str:
    """A bounded representation for display, computed from the inert value alone."""
    pieces: list[str] = []
    _show(value, pieces, [characters_max])
    text = "".join(pieces)
    return clean(text, characters_max)


def clean(text: str, characters_max: int = 200) -> str:
    """A candidate's text as one bounded line, with unprintable characters escaped for terminals and databases."""
    if len(text) <= characters_max and text.isprintable():
        return text
    line = "".join(
        character if character.isprintable() else character.encode("unicode_escape", "backslashreplace").decode("ascii")
        for character in text[: characters_max + 1]
    )
    return line if len(line) <= characters_max else line[: characters_max - 1] + "…"


def _show(value: Value, pieces: list[str], room: list[int]) -> None:
    """Append text for one value. `room` holds the number of characters that are still wanted."""
    if room[0] <= 0:
        return
    if not isinstance(value, Node):
        _append(_scalar_text(value, room[0]), pieces, room)
        return
    if value.kind == "literal":
        _append(str(value.items[0]), pieces, room)
        return
    if value.kind == "enum":
        _append(f"{value.type_name}.{value.items[0]!s}", pieces, room)
        return
    if not value.items and value.kind in {"object", "type"}:
        _append(value.text or value.type_name, pieces, room)
        return
    opening, closing = _BRACKETS.get(value.kind, (f"{value.type_name}(", ")"))
    if not value.items and value.kind in {"set", "frozenset"}:
        opening, closing = f"{value.kind}(", ")"
    _append(opening, pieces, room)
    separators = (": ", ", ") if value.kind == "dict" else ("=", ", ") if value.kind in _PAIRED else (", ", ", ")
    for index, item in enumerate(value.items):
        if room[0] <= 0:
            return
        if index:
            _append(separators[(index + 1) % 2], pieces, room)
        is_name = value.kind in {"dataclass", "object"} and index % 2 == 0
        _append(str(item), pieces, room) if is_name else _show(item, pieces, room)
    _append(",)" if value.kind == "tuple" and len(value.items) == 1 else closing, pieces, room)


def _append(text: str, pieces: list[str], room: list[int]) -> None:
    pieces.append(text)
    room[0] -= len(text)


def _scalar_text(value: Value, room: int) -> str:
    """`repr`, without the cost of the part that will be cut."""
    if isinstance(value, str | bytes):
        return repr(value[: room + 1])
    if type(value) is int and value.bit_length() > 4 * room + 64:
        return f"<an integer of about {math.ceil(value.bit_length() * 0.30103)} digits>"
    return repr(value)
