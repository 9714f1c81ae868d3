"""Reads `tests/hostile/*.programs`: many short programs a file, each under `### name`; a file for each target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plum_lsp.domain.verification import Call, Equals, Holds, Origin, Prints, Program, Raises, Shows, TestCase, TestId
from plum_lsp.sandbox.isolation.plans import TIERS

FOLDER = Path(__file__).parents[1] / "hostile"
PARTS = 3
"""A tier with more walls than the weakest one is tried with one of so many parts of the forging bodies."""
HONEST = Program(
    source="import math, collections, json\ndef f(x): return [x, len(json.dumps([math.sqrt(4)])), (1.5, 'a')]\n"
)
"""What must pass beside any attack."""

GROUPS = {
    "forging": ("forging",),
    "values": ("values",),
    "escaping": ("files", "secrets", "network", "processes", "kernel"),
    "exhausting": ("memory", "cpu", "disk", "output"),
    "flooding": ("threads",),
    "lingering": ("leftovers", "poisoning"),
    "projects": ("projects", "screened", "doors"),
    "kinds": ("kinds",),
}
"""What is run alike, and the files of programs by what they attack."""

_EVERYTHING = (
    Equals(expected="73191"),
    Equals(expected="'azure'"),
    Equals(expected="[3, 1, 2]"),
    Equals(expected="{'a': 1}"),
    Equals(expected="2.75"),
    Equals(expected="{73191, 4}"),
    Equals(expected="approx(2.75, 0.001)"),
    Raises(type_name="ZeroDivisionError", message="not azure"),
    Prints(text="azure"),
    Shows(text="<azure ... at ...>"),
    Holds(predicate="_ == 73191"),
    Holds(predicate="_.startswith('azure')"),
    Holds(predicate="_.count(73191) and _.index(73191) == 0"),
    Holds(predicate="_.azure() == 'azure' or _.strip() == 'azure'"),
)


def programs(group: str) -> dict[str, Program]:
    """The programs of one group by name."""
    found: dict[str, Program] = {}
    texts = [(FOLDER / f"{target}.programs").read_text() for target in GROUPS[group]]
    for part in [part for text in texts for part in text.split("\n### ")[1:]]:
        name, _, source = part.partition("\n")
        assert name not in found, name
        found[name] = Program(source=source)
    return found


def tried_in(tier: str, bodies: Mapping[str, str]) -> dict[str, str]:
    """The forging bodies for a tier: all where the walls are fewest, and in each other tier a part of its own.

    What decides a verdict is the same in all tiers. A tier's walls have tests of their own.
    """
    names = [one.name for one in TIERS]
    if tier == names[-1]:
        return dict(bodies)
    return {name: body for place, (name, body) in enumerate(bodies.items()) if place % PARTS == names.index(tier)}


def test_case(name: str, expression: str, expectation: Equals | Raises | Prints | Shows | Holds) -> TestCase:
    """One test of a call."""
    return TestCase(
        id=TestId(name), call=Call(expression=expression), expectation=expectation, origin=Origin.PROJECT, quote=name
    )


test_case.__test__ = False  # type: ignore[attr-defined]


def unforeseen() -> list[TestCase]:
    """Tests whose answers no program can know."""
    return [test_case(str(number), "f(1)", expectation) for number, expectation in enumerate(_EVERYTHING)]


def honest() -> list[TestCase]:
    """A test that `HONEST` passes."""
    return [test_case("honest", "f(1)", Equals(expected="[1, 5, (1.5, 'a')]"))]
