"""Asks the judge about every pair of types: which value meets which expectation.

    python -m benchmarks.equality

The script prints the table of docs/verifier.md. A test compares the two. Each type has the value that is most like one,
or a container of one. Numbers also have a value that differs by one part in 10¹². *Exactly* lists the types whose value
is accepted. *Nearly* lists the types that are accepted in spite of the difference.
"""

from __future__ import annotations

import collections
import dataclasses
import decimal
import enum
import fractions
from collections.abc import Iterator
from typing import Any

from plum_lsp.domain.verification import Node, Value
from plum_lsp.sandbox import judge, values
from plum_lsp.sandbox.jail.encode import encode

_Pair = collections.namedtuple("_Pair", "one")
_BIG = 10**12
_VALUE_BYTES_MAX = 10_000


class _Level(enum.IntEnum):
    ONE = 1


class _Word(enum.StrEnum):
    ONE = "1"


class _Colour(enum.Enum):
    ONE = 1


@dataclasses.dataclass
class _Point:
    one: int


class _Object:
    def __init__(self) -> None:
        self.one = 1


def samples() -> dict[str, Any]:
    """One value of each type, as similar as possible."""
    single = {1: 1}
    return {
        "`None`": None,
        "`bool`": True,
        "`int`": 1,
        "`float`": 1.0,
        "`complex`": 1 + 0j,
        "`Decimal`": decimal.Decimal(1),
        "`Fraction`": fractions.Fraction(1),
        "`IntEnum`": _Level.ONE,
        "`Enum`": _Colour.ONE,
        "`str`": "1",
        "enum of `str`": _Word.ONE,
        "`bytes`": b"1",
        "`bytearray`": bytearray(b"1"),
        "`list`": [1],
        "`tuple`": (1,),
        "named tuple": _Pair(1),
        "`set`": {1},
        "`frozenset`": frozenset({1}),
        "`dict`": {1: 1},
        "`OrderedDict`": collections.OrderedDict(single),
        "`deque`": collections.deque([1]),
        "`range`": range(1, 2),
        "generator": (number for number in [1]),
        "`map`": map(int, [1]),
        "`zip`": zip([1], strict=True),
        "`dict.keys()`": single.keys(),
        "`dict.values()`": single.values(),
        "`dict.items()`": single.items(),
        "numpy array": Node(kind="ndarray", type_name="ndarray", items=(1,), text="int64"),
        "dataclass": _Point(1),
        "object": _Object(),
        "exception": ValueError(1),
        "class": int,
    }


_NEAR: dict[str, tuple[Any, Any]] = {
    "`int`": (_BIG, _BIG + 1),
    "`float`": (float(_BIG), float(_BIG + 1)),
    "`complex`": (complex(_BIG), complex(_BIG + 1)),
    "`Decimal`": (decimal.Decimal(_BIG), decimal.Decimal(_BIG + 1)),
    "`Fraction`": (fractions.Fraction(_BIG), fractions.Fraction(_BIG + 1)),
}


def carried(value: Any) -> Value:
    """A value in the form that a child returns."""
    if isinstance(value, Node):
        return value
    return values.decode(values.parse(encode(value, _VALUE_BYTES_MAX).encode()))


def rows() -> Iterator[tuple[str, list[str], list[str]]]:
    """For each expected type: the types that meet it exactly, and those that meet it nearly."""
    observed = {name: carried(value) for name, value in samples().items()}
    for name, expected in observed.items():
        exactly = [other for other, value in observed.items() if judge.equal(expected, value)]
        nearly = []
        if name in _NEAR:
            wanted = carried(_NEAR[name][0])
            nearly = [other for other, (_, near) in _NEAR.items() if judge.equal(wanted, carried(near))]
        yield name, exactly, nearly


def table() -> str:
    """The table in Markdown."""
    lines = ["| expected | met exactly by | met nearly by |", "|---|---|---|"]
    for name, *cells in rows():
        lines.append(f"| {name} | " + " | ".join(", ".join(cell) or "—" for cell in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
