"""Finds the candidates that do what most do where nobody said what is right (after CodeT, arXiv 2207.10397).

Independent candidates rarely make the same mistake, and each mistake shows on other inputs: what is usual is likely
right. Near-copies are not independent, so a cluster counts its distinct fingerprints, not its members. Decides nothing
about tiers, and runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from plum_lsp.domain.verification import Ending, Node, Observation, Value

RETURNED_SHARE_MIN = 0.5
"""An input on which fewer of the eligible candidates return is likely outside the contract, or of a wrong type."""
KNOWN_SHARE_MIN = 0.3
"""Candidates are compared where both came to an end; below this share of the inputs they are not comparable."""
ALIKE_MIN = 0.95
"""Members of a cluster answer alike on this share of the inputs: one odd input in twenty is no other behaviour."""
SIZE_WEIGHT = 0.5
"""Of a cluster's score, how much its size counts against its likeness to all others (chosen on labelled candidates)."""
VARIED_INPUTS_MIN = 3
"""On so many inputs, one and the same answer to all of them is what a constant would give."""
SIGNIFICANT_DIGITS = 12
"""Floats that agree this far agree: summing in another order moves the last digits."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_Answer: TypeAlias = "tuple[object, ...] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one candidate did on the inputs of its group, in their order."""

    index: int
    fingerprint: str
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The cluster that stands for what is usual. `members` are candidate indices, ascending; none if every eligible
    candidate gave one answer to everything. With `is_tie` they are those of several clusters that are equally usual.

    `size` counts distinct fingerprints; `centrality` in [0, 1] is the mean likeness of a member to all other
    candidates; `inputs` are the places of the inputs that told anything.
    """

    members: tuple[int, ...]
    size: int
    centrality: float
    inputs: tuple[int, ...]
    is_tie: bool = False


def agreement(trials: Sequence[Trial], eligible: Collection[int]) -> Agreement | None:
    """The most usual behaviour among the `eligible` candidates; None if no input tells anything about them.

    The others do not stand for election, but their likeness counts: a candidate that fails one test is right about
    much else.
    """
    standing = [trial for trial in trials if trial.index in eligible]
    inputs = _telling_inputs(standing)
    if not inputs:
        return None
    answers = {trial.index: [_answer(trial.observations[place]) for place in inputs] for trial in trials}
    varied = [trial for trial in trials if _is_varied(answers[trial.index])]
    if not varied:
        return None
    elected = [trial for trial in standing if _is_varied(answers[trial.index])]
    found = [_cluster_of(trial, elected, varied, answers, inputs) for trial in elected]
    if not found:
        return Agreement(members=(), size=0, centrality=0.0, inputs=inputs)
    best = max(found, key=lambda cluster: _score(cluster, len(elected)))
    equals = [other for other in found if _score(other, len(elected)) == _score(best, len(elected))]
    members = {index for cluster in equals for index in cluster.members}
    is_tie = any(not set(other.members) & set(best.members) for other in equals)
    return replace(best, members=tuple(sorted(members)), is_tie=is_tie)


def first_difference(left: Trial, right: Trial, inputs: Sequence[int]) -> int | None:
    """The place of the first of `inputs` that the two answer differently; None if there is none."""
    for place in inputs:
        if _answer(left.observations[place]) != _answer(right.observations[place]):
            return place
    return None


def _telling_inputs(standing: Sequence[Trial]) -> tuple[int, ...]:
    """The places of the inputs on which enough of them return."""
    if not standing:
        return ()
    endings = zip(*([seen.ending is Ending.RETURNED for seen in trial.observations] for trial in standing), strict=True)
    enough = RETURNED_SHARE_MIN * len(standing)
    return tuple(place for place, returned in enumerate(endings) if sum(returned) >= enough)


def _cluster_of(
    trial: Trial,
    elected: Sequence[Trial],
    varied: Sequence[Trial],
    answers: dict[int, list[_Answer]],
    inputs: tuple[int, ...],
) -> Agreement:
    """Everything that behaves like `trial`."""
    own = answers[trial.index]
    mates = [other for other in elected if other is trial or _likeness(own, answers[other.index]) >= ALIKE_MIN]
    others = [_likeness(own, answers[other.index]) for other in varied if other is not trial]
    return Agreement(
        members=tuple(sorted(mate.index for mate in mates)),
        size=len({mate.fingerprint for mate in mates}),
        centrality=sum(others) / len(others) if others else 0.0,
        inputs=inputs,
    )


def _score(cluster: Agreement, elected: int) -> float:
    return SIZE_WEIGHT * (cluster.size - 1) / max(1, elected - 1) + cluster.centrality


def _likeness(left: Sequence[_Answer], right: Sequence[_Answer]) -> float:
    """The share of equal answers among the inputs on which both came to an end; 0 where these are too few."""
    both = [one == other for one, other in zip(left, right, strict=True) if one is not None and other is not None]
    is_comparable = len(both) >= max(1.0, KNOWN_SHARE_MIN * len(left))
    return sum(both) / len(both) if is_comparable else 0.0


def _is_varied(answers: Sequence[_Answer]) -> bool:
    return len(answers) < VARIED_INPUTS_MIN or len(set(answers)) > 1


def _answer(seen: Observation) -> _Answer:
    """The behaviour, or None where a limit ended it before there was any: a slow right answer is no other answer."""
    if seen.ending in {Ending.TIMED_OUT, Ending.OVER_LIMIT}:
        return None
    if seen.raised is not None and "RecursionError" in seen.raised.type_names:
        return None
    return _behaviour(seen)


def _behaviour(seen: Observation) -> tuple[object, ...]:
    """What makes two observations equal: how it ended, the value, the exception's type, what was printed."""
    raised = seen.raised.type_names[0] if seen.raised is not None and seen.raised.type_names else ""
    return (seen.ending.value, _key(seen.value), raised, seen.printed.rstrip())


def _key(value: Value) -> tuple[object, ...]:
    """A hashable stand-in that keeps `1`, `1.0` and `True` apart, and not two NaN."""
    if isinstance(value, float):
        return ("float", f"{value:.{SIGNIFICANT_DIGITS}g}")
    if not isinstance(value, Node):
        return (type(value).__name__, value)
    items = [_key(item) for item in value.items]
    if value.kind in {"set", "frozenset"}:
        items.sort(key=repr)
    elif value.kind == "dict":
        pairs = sorted(zip(items[::2], items[1::2], strict=False), key=repr)
        items = [part for pair in pairs for part in pair]
    return (value.kind, value.type_name, tuple(items), "" if items else _ADDRESS.sub("0x", value.text))
