"""Makes new inputs from inputs that a person wrote. They have the same kind, but other values.

An example's arguments show the intended inputs of the function. Their types, signs, alphabets and shapes are kept, so a
new input is seldom outside the function's contract. The module works on values of literals and runs no code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from plum_lsp.python.inputs.pools import interleaved
from plum_lsp.python.reading.sources import expression_or_none

DEPTH_MAX = 3
"""The depth to which a container is changed. Deeper parts are copied."""
ITEMS_MAX = 64
"""Longer strings and containers are not changed. The variants of shorter ones show the same."""


def neighbours(source: str) -> list[str]:
    """Literals near the literal `source`, as source, most telling first. Empty if `source` is not a literal."""
    tree = expression_or_none(source)
    try:
        value = ast.literal_eval(tree) if tree is not None else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return []
    try:
        found = dict.fromkeys(_written(near) for near in _near(value, 0))
        found.pop(_written(value), None)
    except ValueError:  # a number that is too long to write (CPython issue 95778)
        return []
    return list(found)


def _written(value: object) -> str:
    """`repr`, with the items of sets in an order that does not depend on hashes."""
    if isinstance(value, list | tuple):
        inner = ", ".join(map(_written, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(key)}: {_written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, set) and value:
        return "{" + ", ".join(sorted(map(_written, value))) + "}"
    return repr(value)


def _near(value: object, depth: int) -> Iterator[object]:
    if depth > DEPTH_MAX:
        return
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from _near_number(value)
    elif isinstance(value, str):
        yield from _near_text(value)
    elif isinstance(value, bytes):
        yield from (near.encode("latin-1", "ignore") for near in _near_text(value.decode("latin-1")))
    elif isinstance(value, list | tuple):
        yield from _near_sequence(value, depth)
    elif isinstance(value, set | frozenset):
        yield from (type(value)(near) for near in _near_sequence(_sorted(value), depth))
    elif isinstance(value, dict):
        yield from _near_dict(value, depth)


def _near_number(value: float) -> Iterator[float]:
    """Near numbers with the same sign.

    Many functions do not take negative numbers, and zero is an edge value anyway.
    """
    yield value + 1
    if abs(value) > 1:
        yield value - 1 if value > 0 else value + 1
    yield value * 2 + 1 if isinstance(value, int) else value * 2 + 0.5
    yield value // 2 if isinstance(value, int) else value / 2
    yield value * 3


def _near_text(value: str) -> Iterator[str]:
    """Near texts with the same alphabet: only characters of the text itself, in other places and cases."""
    if not 0 < len(value) <= ITEMS_MAX:
        return
    middle = len(value) // 2
    yield value[:-1]
    yield value[::-1]
    yield value[1:] + value[:1]
    yield value + value
    yield value[:middle] + value[middle + 1 :]
    yield value[:middle] + value[:1] + value[middle:]
    yield value.swapcase()


def _near_sequence(value: list[object] | tuple[object, ...], depth: int) -> Iterator[list[object] | tuple[object, ...]]:
    items = list(value)
    if not 0 < len(items) <= ITEMS_MAX:
        return
    is_row = isinstance(value, tuple) and len({type(item) for item in items}) > 1
    for changed in (
        _changed_items(items, depth)
        if is_row
        else interleaved([list(_reshaped(items)), list(_changed_items(items, depth))])
    ):
        yield type(value)(changed)


def _reshaped(items: list[object]) -> Iterator[list[object]]:
    """The items with some removed, some added, or in another order."""
    yield items[:-1]
    yield items[::-1]
    yield [*items, items[0]]
    yield items[1:] + items[:1]
    yield [*items, *items]
    yield items[1:]


def _changed_items(items: list[object], depth: int) -> Iterator[list[object]]:
    """The items with one of them changed."""
    for place in dict.fromkeys((0, len(items) - 1, len(items) // 2)):
        for near in list(_near(items[place], depth + 1))[:3]:
            yield [*items[:place], near, *items[place + 1 :]]


def _near_dict(value: dict[object, object], depth: int) -> Iterator[dict[object, object]]:
    keys = list(value)
    if not 0 < len(keys) <= ITEMS_MAX:
        return
    yield {key: value[key] for key in keys[:-1]}
    yield {key: value[key] for key in reversed(keys)}
    for key in dict.fromkeys((keys[0], keys[-1])):
        for near in list(_near(value[key], depth + 1))[:3]:
            yield value | {key: near}
    other = next(_near(value[keys[0]], depth + 1), value[keys[0]])
    for near in list(_near(keys[0], depth + 1))[:2]:
        yield value | {near: other}


def _sorted(value: set[object] | frozenset[object]) -> list[object]:
    """A set in an order that does not depend on hashes."""
    return sorted(value, key=repr)
