"""Examples of special methods, which operators, statements and built-in functions call."""

from __future__ import annotations

import pytest
from support.cases import Case, Desk

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

VERIFIED = ("verified",)
VECTOR = '''class Vector:
    """A pair of numbers.

    >>> v = Vector(1, 2)
    >>> w = Vector(3, 4)
    {examples}
    """

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def {header}:
        ‸
'''
BAG = '''class Bag:
    """A bag of things.

    >>> bag = Bag([1, 2])
    {examples}
    """

    def __init__(self, items):
        self.items = list(items)

    def {header}:
        ‸
'''


def _case(text: str, header: str, examples: str, right: str, wrong: str) -> Case:
    """A case in which the examples stand in the docstring of the class, and the first answer is wrong."""
    buffer = text.format(header=header, examples=examples.replace("\n", "\n    "))
    name = header.partition("(")[0]
    return Case(f"{name}: {examples}", buffer, (f"{wrong}\n", f"{right}\n"), offered=right, tiers=VERIFIED)


CASES = [
    _case(
        VECTOR,
        "__add__(self, other)",
        ">>> (v + w).x\n4",
        "return Vector(self.x + other.x, self.y + other.y)",
        "return Vector(self.x, other.y)",
    ),
    _case(
        VECTOR,
        "__sub__(self, other)",
        ">>> (w - v).y\n2",
        "return Vector(self.x - other.x, self.y - other.y)",
        "return Vector(0, 0)",
    ),
    _case(
        VECTOR, "__mul__(self, k)", ">>> (v * 3).y\n6", "return Vector(self.x * k, self.y * k)", "return Vector(k, k)"
    ),
    _case(
        VECTOR, "__rmul__(self, k)", ">>> (3 * v).y\n6", "return Vector(self.x * k, self.y * k)", "return Vector(k, k)"
    ),
    _case(VECTOR, "__neg__(self)", ">>> (-v).x\n-1", "return Vector(-self.x, -self.y)", "return self"),
    _case(
        VECTOR,
        "__eq__(self, other)",
        ">>> v == Vector(1, 2)\nTrue\n>>> v == w\nFalse",
        "return (self.x, self.y) == (other.x, other.y)",
        "return self.x == other.y",
    ),
    _case(
        VECTOR,
        "__lt__(self, other)",
        ">>> v < w\nTrue\n>>> w < v\nFalse",
        "return (self.x, self.y) < (other.x, other.y)",
        "return self.x > other.x",
    ),
    _case(
        VECTOR,
        "__abs__(self)",
        ">>> abs(w)\n5.0",
        "return (self.x ** 2 + self.y ** 2) ** 0.5",
        "return self.x + self.y",
    ),
    _case(
        VECTOR,
        "__repr__(self)",
        ">>> v\nVector(1, 2)",
        'return f"Vector({self.x}, {self.y})"',
        'return f"Vector({self.x})"',
    ),
    _case(VECTOR, "__repr__(self)", ">>> w\n<3, 4>", 'return f"<{self.x}, {self.y}>"', 'return f"<{self.x}>"'),
    _case(VECTOR, "__str__(self)", ">>> print(v)\n(1, 2)", 'return f"({self.x}, {self.y})"', 'return f"({self.x})"'),
    _case(VECTOR, "__str__(self)", ">>> str(v)\n'(1, 2)'", 'return f"({self.x}, {self.y})"', 'return f"({self.x})"'),
    _case(BAG, "__len__(self)", ">>> len(bag)\n2", "return len(self.items)", "return 0 * len(self.items)"),
    _case(
        BAG,
        "__contains__(self, item)",
        ">>> 1 in bag\nTrue\n>>> 7 in bag\nFalse",
        "return item in self.items",
        "return item not in self.items",
    ),
    _case(
        BAG,
        "__getitem__(self, place)",
        ">>> bag[0]\n1\n>>> bag[1]\n2",
        "return self.items[place]",
        "return self.items[-1 - place]",
    ),
    _case(
        BAG,
        "__bool__(self)",
        ">>> bool(bag)\nTrue\n>>> bool(Bag([]))\nFalse",
        "return bool(self.items)",
        "return not self.items",
    ),
    _case(BAG, "__iter__(self)", ">>> list(bag)\n[1, 2]", "return iter(self.items)", "return reversed(self.items)"),
    _case(
        BAG,
        "__call__(self, n)",
        ">>> bag(3)\n[3, 6]",
        "return [n * item for item in self.items]",
        "return [n + item for item in self.items]",
    ),
    _case(
        BAG,
        "__setitem__(self, place, item)",
        ">>> bag[0] = 5\n>>> bag.items\n[5, 2]",
        "self.items[place] = item",
        "self.items.append(item)",
    ),
    _case(
        BAG,
        "__iadd__(self, other)",
        ">>> bag += [3]\n>>> bag.items\n[1, 2, 3]",
        "self.items.extend(other)\n        return self",
        "self.items = other\n        return self",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_special(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)
