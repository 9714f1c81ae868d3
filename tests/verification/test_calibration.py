"""How signals are weighed: the trees that this version was released with, and what is refused in their place."""

from __future__ import annotations

import math
from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.verification.calibration import Calibration, calibration, parsed
from plum_lsp.verification.signals import NAMES, Signals

WEIGHED: list[list[float]] = [
    sorted({node[1] for tree in calibration().trees for node in tree if isinstance(node, tuple) and node[0] == place})
    for place in range(len(NAMES))
]
"""The thresholds of each signal."""
STEPS = [[bounds[0] - 1, *(bound + 1e-6 for bound in bounds)] if bounds else [0.0] for bounds in WEIGHED]
"""A value below all thresholds of a signal, and one just above each: between them nothing changes."""
VECTORS = st.tuples(*(st.sampled_from(steps) for steps in STEPS))
RISING = [
    *("agreeing", "nearly", "standing_agreeing", "plural", "plural_lead", "lonely_lead"),
    *("likeness", "stranger_likeness", "likeness_lead", "stranger_lead", "standing_likeness"),
]
FALLING = ["failed", "rivals", "lonely", "outvoted", "standing_strangers", "is_constant", "violations"]


def signals_from(vector: tuple[float, ...]) -> Signals:
    return Signals(**dict(zip(NAMES, vector, strict=True)))


def raised_to(vector: tuple[float, ...], name: str, share: float) -> tuple[float, ...]:
    """The vector with one signal at a higher step, or as it is at the highest."""
    place = NAMES.index(name)
    steps = STEPS[place]
    own = bisect_left(steps, vector[place])
    return (*vector[:place], steps[own + round(share * (len(steps) - 1 - own))], *vector[place + 1 :])


@settings(max_examples=50, deadline=None)
@given(st.tuples(*(st.floats(allow_nan=False) for _ in NAMES)))
def test_a_probability_is_never_certain(vector: tuple[float, ...]) -> None:
    """Whatever the signals are, the estimate lies between 0 and 1."""
    assert 0.0 < calibration().probability(signals_from(vector)) < 1.0


@pytest.mark.parametrize("name", RISING)
@settings(max_examples=50, deadline=None)
@given(vector=VECTORS, share=st.floats(0, 1))
def test_agreement_never_lowers_the_estimate(name: str, vector: tuple[float, ...], share: float) -> None:
    """Whatever else is known of a candidate, being more like the others speaks for it."""
    more = calibration().probability(signals_from(raised_to(vector, name, share)))
    assert more >= calibration().probability(signals_from(vector)) - 1e-12


@pytest.mark.parametrize("name", FALLING)
@settings(max_examples=50, deadline=None)
@given(vector=VECTORS, share=st.floats(0, 1))
def test_failure_never_raises_the_estimate(name: str, vector: tuple[float, ...], share: float) -> None:
    """Whatever else is known of a candidate, failing tests, being alone and breaking promises speak against it."""
    more = calibration().probability(signals_from(raised_to(vector, name, share)))
    assert more <= calibration().probability(signals_from(vector)) + 1e-12


@pytest.mark.parametrize("name", ["failed", "likeness_lead", "standing_agreeing", "lonely"])
def test_what_should_count_counts(name: str) -> None:
    """A signal that no tree asks for would be monotone too."""
    assert WEIGHED[NAMES.index(name)]


@pytest.mark.parametrize("place", range(len(calibration().trees)))
def test_every_tree_is_well_formed(place: int) -> None:
    """Each node but the root is the child of exactly one earlier node; signals exist, and numbers are finite."""
    tree = calibration().trees[place]
    inner = [(number, node) for number, node in enumerate(tree) if isinstance(node, tuple)]
    children = [child for _, node in inner for child in node[2:]]
    assert sorted(children) == list(range(1, len(tree)))
    assert all(number < min(node[2:]) and 0 <= node[0] < len(NAMES) for number, node in inner)
    assert all(math.isfinite(node[1] if isinstance(node, tuple) else node) for node in tree)


def test_the_leaves_of_all_trees_are_added() -> None:
    """At most the threshold goes left; the sum is a logarithm of odds."""
    trees = (((0, 1.0, 1, 2), -1.0, (1, 0.5, 3, 4), 2.0, 3.0), (0.5,))
    found = Calibration(base=0.25, trees=trees)
    at = dict.fromkeys(NAMES, 0.0)
    for first, second, leaf in ((1.0, 9.0, -1.0), (1.5, 0.5, 2.0), (1.5, 0.6, 3.0)):
        vector = Signals(**at | {NAMES[0]: first, NAMES[1]: second})
        odds = math.exp(0.25 + leaf + 0.5)
        assert found.probability(vector) == pytest.approx(odds / (1 + odds))


@pytest.mark.parametrize(
    "names",
    [[], list(NAMES[:-1]), [*NAMES, "luck"], [NAMES[1], NAMES[0], *NAMES[2:]]],
    ids=["none", "less", "more", "swapped"],
)
def test_trees_for_other_signals_are_refused(names: list[str]) -> None:
    """A tree names signals by their place, so with others it would weigh the wrong ones."""
    with pytest.raises(ValueError, match="other signals"):
        parsed({"signals": names, "base": 0.0, "trees": []})


def test_a_calibration_is_read_as_it_was_written() -> None:
    """Lists are inner nodes and numbers leaves."""
    found = parsed({"signals": list(NAMES), "base": -1, "trees": [[[3, 0.5, 1, 2], 1, -2.5]]})
    assert found == Calibration(base=-1.0, trees=(((3, 0.5, 1, 2), 1.0, -2.5),))
