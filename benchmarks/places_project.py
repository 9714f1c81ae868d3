"""The small project that `benchmarks.places` completes: a source layout with tests, and the places in it.

A place is a file, the text that the user has not typed yet (`cut`, which occurs once in the file), and the part of it
that is typed (`typed`). The rest of the file stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

PYPROJECT = """\
[project]
name = "ledger"
version = "0.1.0"
requires-python = ">=3.11"

[tool.pytest.ini_options]
pythonpath = ["src"]
testpaths = ["tests"]
"""

MONEY = '''\
"""Amounts of money in cents, and how they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, total_ordering

CURRENCIES = {
    "EUR": "€",
    "USD": "$",
    "GBP": "£",
}
ROUNDING_STEP = 5
SMALL_COINS = [1, 2, 5, 10, 20, 50]
_AMOUNT = re.compile(r"(-?\\d+)(?:\\.(\\d{2}))?")


@total_ordering
@dataclass(frozen=True)
class Money:
    """An amount in one currency."""

    cents: int
    currency: str = "EUR"

    def __add__(self, other: Money) -> Money:
        """The sum of two amounts of the same currency."""
        self._check(other)
        return Money(self.cents + other.cents, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._check(other)
        return self.cents < other.cents

    def negated(self) -> Money:
        """The same amount with the other sign."""
        return Money(-self.cents, self.currency)

    def _check(self, other: Money) -> None:
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} is not {self.currency}")


def clamp(value: int, low: int, high: int) -> int:
    """The value within the bounds.

    >>> clamp(7, 0, 5)
    5
    >>> clamp(-1, 0, 5)
    0
    >>> clamp(3, 0, 5)
    3
    """
    return max(low, min(value, high))


def whole_units(cents: int) -> int:
    """The whole units in an amount in cents, without the rest. The sign is kept."""
    return int(cents / 100)


@lru_cache
def parse_money(text: str, currency: str = "EUR") -> Money:
    """Read an amount such as "12.50" or "-3"."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"no amount: {text!r}")
    whole, rest = found.groups()
    # The sign belongs to the whole amount, so the cents have it too.
    cents = abs(int(whole)) * 100 + int(rest or 0)
    return Money(-cents if whole.startswith("-") else cents, currency)


def total(amounts: list[Money]) -> Money:
    """The sum of amounts of one currency."""
    result = Money(0)
    for amount in amounts:
        result = result + amount
    return result


def largest(amounts: list[Money]) -> Money:
    """The largest of the amounts."""
    if not amounts:
        raise ValueError("no amounts")
    return max(amounts)


DEFAULT = parse_money("0.00")
'''

REPORT = '''\
"""A report of bookings by account."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from ledger.money import Money, parse_money, total


class Account:
    """An account with its bookings, in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bookings: list[Money] = []

    def book(self, amount: Money) -> None:
        """Add a booking."""
        self.bookings.append(amount)

    def balance(self) -> Money:
        """The sum of all bookings."""
        return total(self.bookings)


class Limits:
    """The least and the greatest balance that an account may have."""

    def __init__(self, least: Money, greatest: Money) -> None:
        self.least = least
        self.greatest = greatest


def by_account(rows: list[tuple[str, str]]) -> dict[str, Money]:
    """The balance of each account. A row is a name and an amount."""
    found: dict[str, list[Money]] = defaultdict(list)
    for name, text in rows:
        found[name].append(parse_money(text))
    return {name: total(amounts) for name, amounts in found.items()}


def save(balances: dict[str, Money], path: Path) -> None:
    """Write balances to a file as JSON."""
    data = {name: amount.cents for name, amount in balances.items()}
    path.write_text(json.dumps(data, indent=2), encoding="utf-8")
'''

TESTS = '''\
"""Tests of amounts."""

import pytest

from ledger.money import Money, clamp, largest, parse_money, total, whole_units


def test_whole_units():
    assert whole_units(250) == 2
    assert whole_units(-250) == -2
    assert whole_units(99) == 0


def test_parse_money():
    assert parse_money("12.50") == Money(1250)
    assert parse_money("-3") == Money(-300)
    with pytest.raises(ValueError):
        parse_money("twelve")


def test_negated():
    assert Money(5).negated() == Money(-5)
    assert Money(-7, "USD").negated() == Money(7, "USD")


def test_total():
    assert total([Money(1), Money(2)]) == Money(3)
    assert total([]) == Money(0)


def test_largest():
    assert largest([Money(1), Money(3), Money(2)]) == Money(3)


def test_clamp():
    assert clamp(9, 0, 5) == 5
'''

FILES = {
    "pyproject.toml": PYPROJECT,
    "src/ledger/__init__.py": '"""A small ledger."""\n',
    "src/ledger/money.py": MONEY,
    "src/ledger/report.py": REPORT,
    "tests/test_money.py": TESTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place where somebody types. See the module."""

    name: str
    path: str
    cut: str
    typed: str

    def text(self, mark: str) -> str:
        """The file as the editor has it, with `mark` at the cursor."""
        whole = FILES[self.path]
        assert whole.count(self.cut) == 1, f"{self.name}: {self.cut!r} must occur once"
        return whole.replace(self.cut, f"{self.typed}{mark}")


_MONEY, _REPORT, _TESTS = "src/ledger/money.py", "src/ledger/report.py", "tests/test_money.py"

PLACES = tuple(
    Place(name=name, path=path, cut=cut, typed=typed)
    for name, path, cut, typed in (
        ("rest of a line", _MONEY, "    found = _AMOUNT.fullmatch(text.strip())", "    found = _AMOUNT."),
        ("whole line", _MONEY, "    whole, rest = found.groups()", "    "),
        ("block", _MONEY, '        raise ValueError(f"no amount: {text!r}")', "        "),
        ("function body with examples", _MONEY, "    return max(low, min(value, high))", "    "),
        ("function body with project tests", _MONEY, "    return int(cents / 100)", "    "),
        (
            "function body without tests",
            _REPORT,
            "    data = {name: amount.cents for name, amount in balances.items()}\n"
            '    path.write_text(json.dumps(data, indent=2), encoding="utf-8")',
            "    ",
        ),
        ("method body with tests", _MONEY, "        return Money(-self.cents, self.currency)", "        "),
        ("method body without tests", _REPORT, "        return total(self.bookings)", "        "),
        (
            "class body",
            _REPORT,
            "    def __init__(self, least: Money, greatest: Money) -> None:\n"
            "        self.least = least\n"
            "        self.greatest = greatest",
            "    ",
        ),
        ("constant", _MONEY, "ROUNDING_STEP = 5", "ROUNDING_STEP = "),
        ("dict line", _MONEY, '    "GBP": "£",', "    "),
        ("list literal", _MONEY, "[1, 2, 5, 10, 20, 50]", "[1, 2, "),
        ("import word", _REPORT, "import json", "import "),
        (
            "from-import names",
            _REPORT,
            "from ledger.money import Money, parse_money, total",
            "from ledger.money import ",
        ),
        ("call argument", _MONEY, "    if other.currency != self.currency:", "    if isinstance("),
        ("return expression", _REPORT, "{name: total(amounts) for name, amounts in found.items()}", ""),
        ("comment", _MONEY, "the whole amount, so the cents have it too.", ""),
        ("docstring", _MONEY, "The sum of amounts of one currency.", "The sum"),
        ("docstring after >>>", _MONEY, ">>> clamp(3, 0, 5)\n    3", ">>> clamp(3, 0, 5)\n    "),
        ("decorator", _MONEY, "@lru_cache", "@"),
        ("test function", _TESTS, "    assert largest([Money(1), Money(3), Money(2)]) == Money(3)", "    "),
        ("module level", _MONEY, 'DEFAULT = parse_money("0.00")\n', ""),
        ("loop body", _MONEY, "        result = result + amount", "        "),
    )
)
