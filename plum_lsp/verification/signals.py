"""Computes the signals of each candidate from a group's matrix, as numbers for a fitted estimate (see `calibration`).

Every number is a count or a share, and there is a reason why it should correlate with a right candidate. No number
depends on the order of candidates, on names of tasks or functions, or on the candidate's own claims. Pure. It makes no
decision.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields

from plum_lsp.domain.verification import Ending, Node, Observation
from plum_lsp.verification.agreement import ALIKE_MIN, Matrix

NEAREST = 3
"""The number of most similar texts that count as neighbours. Wrong variants of one program are each a few tokens away
from it."""
VARIED_INPUTS_MIN = 3
"""From this many inputs on, the same answer to all of them is treated like the answer of a constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """One candidate's numbers. "Others" have another form. "Strangers" are others that behave differently."""

    tests: float
    """How many tests of the specification there are."""
    failed: float
    """The share of these tests that the candidate fails."""
    voices: float
    """The number of different forms in the group."""
    standing: float
    """The number of different forms that fail no test."""
    inputs: float
    """The number of telling inputs."""
    contested: float
    """The number of inputs on which the answers differ."""
    agreeing: float
    """The number of others that behave exactly alike."""
    nearly: float
    """The number of others that behave alike on 19 of 20 inputs."""
    rivals: float
    """The most others that behave like one stranger. -1 without strangers."""
    likeness: float
    """Mean likeness to the others."""
    stranger_likeness: float
    """Mean likeness to the strangers. Wrong variants of a right program resemble it more than they resemble each
    other."""
    likeness_lead: float
    """Likeness minus that of the best stranger."""
    stranger_lead: float
    """Likeness to strangers minus that of the best stranger."""
    lonely: float
    """Share of contested inputs on which no other candidate gives the same answer."""
    lonely_lead: float
    """How much lower `lonely` is than that of the least lonely stranger."""
    outvoted: float
    """Share of contested inputs on which another answer has clearly more voices."""
    plural: float
    """Share of contested inputs on which no answer has more voices."""
    plural_lead: float
    """`plural` minus that of the best stranger."""
    standing_likeness: float
    """Mean likeness to the others that fail no test. 0.5 if there are none."""
    standing_agreeing: float
    standing_strangers: float
    raises: float
    """Share of telling inputs on which the candidate raises."""
    gives_none: float
    unanswered: float
    """Share of all inputs that ended in a limit."""
    is_constant: float
    variety: float
    """Different answers per telling input."""
    nearness: float
    """Mean similarity of the text to those of the strangers. 0.5 if there are none."""
    nearest: float
    """Mean similarity to the `NEAREST` most similar strangers."""
    nearness_lead: float
    nearest_lead: float
    violations: float
    """Share of the inputs on which the result breaks a promise of names, annotations or words."""

    def vector(self) -> tuple[float, ...]:
        """All numbers, in the order of `NAMES`."""
        return astuple(self)


NAMES = tuple(one.name for one in fields(Signals))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """The counts of each candidate before candidates are compared."""

    agreeing: int
    likeness: float
    stranger_likeness: float
    lonely: float
    outvoted: float
    plural: float
    nearness: float
    nearest: float


def signals_of(
    matrix: Matrix, *, tests: int, failed: Mapping[int, int], violations: Mapping[int, float]
) -> dict[int, Signals]:
    """The signals of every candidate in the matrix.

    `failed` is the number of failed tests by candidate index. `violations` is the share of inputs that break a
    contract."""
    contested = _contested(matrix)
    own = {index: _own(matrix, index, contested) for index in matrix.trials}
    standing = sorted({matrix.voice_of[trial.index] for trial in matrix.trials.values() if trial.stands})
    return {
        index: _signals(
            matrix, index, own, contested, standing, tests, failed.get(index, 0), violations.get(index, 0.0)
        )
        for index in matrix.trials
    }


def _contested(matrix: Matrix) -> list[int]:
    """The columns in which the voices differ."""
    return [
        column
        for column in range(len(matrix.inputs))
        if len({matrix.answers[voice][column] for voice in matrix.voices}) > 1
    ]


def _own(matrix: Matrix, index: int, contested: list[int]) -> _Own:
    voice = matrix.voice_of[index]
    others = [other for other in matrix.voices if other != voice]
    mates = matrix.mates(index)
    strangers = [other for other in others if other not in mates]
    similar = sorted((matrix.similarity(index, other) for other in strangers), reverse=True)
    lonely, outvoted, plural = _votes(matrix, index, others, contested)
    return _Own(
        agreeing=len({matrix.voice_of[mate] for mate in mates} - {voice}),
        likeness=_mean((matrix.likeness(index, other) for other in others), 0.0),
        stranger_likeness=_mean((matrix.likeness(index, other) for other in strangers), 0.0),
        lonely=lonely,
        outvoted=outvoted,
        plural=plural,
        nearness=_mean(similar, 0.5),
        nearest=_mean(similar[:NEAREST], 0.5),
    )


def _votes(matrix: Matrix, index: int, others: list[int], contested: list[int]) -> tuple[float, float, float]:
    """Shares of the contested inputs on which the candidate's answer is lonely, is outvoted, and has a plurality."""
    lonely = outvoted = plural = known = 0
    for column in contested:
        answer = matrix.answers[index][column]
        if answer is None:
            continue
        known += 1
        counts = Counter(matrix.answers[other][column] for other in others)
        counts.pop(None, None)
        mine, most = counts.get(answer, 0), max(counts.values(), default=0)
        lonely += mine == 0
        outvoted += mine + 1 < most
        plural += mine + 1 >= most
    return lonely / max(1, known), outvoted / max(1, known), plural / max(1, known)


def _signals(
    matrix: Matrix,
    index: int,
    own: Mapping[int, _Own],
    contested: list[int],
    standing: list[int],
    tests: int,
    failed: int,
    violations: float,
) -> Signals:
    trial, mine = matrix.trials[index], own[index]
    others = [other for other in matrix.trials if matrix.voice_of[other] != matrix.voice_of[index]]
    strangers = [own[other] for other in others if other not in matrix.mates(index)]
    peers = [voice for voice in standing if voice != matrix.voice_of[index]]
    agreeing_peers = sum(peer in matrix.mates(index) for peer in peers)
    seen = [trial.observations[place] for place in matrix.inputs]
    told = max(1, len(seen))
    varied = len(set(matrix.answers[index]))
    return Signals(
        tests=tests,
        failed=failed / max(1, tests),
        voices=len(matrix.voices),
        standing=len(standing),
        inputs=len(seen),
        contested=len(contested),
        agreeing=mine.agreeing,
        nearly=len({matrix.voice_of[other] for other in others if matrix.likeness(index, other) >= ALIKE_MIN}),
        rivals=max((one.agreeing for one in strangers), default=-1),
        likeness=mine.likeness,
        stranger_likeness=mine.stranger_likeness,
        likeness_lead=mine.likeness - max((one.likeness for one in strangers), default=0.0),
        stranger_lead=mine.stranger_likeness - max((one.stranger_likeness for one in strangers), default=0.0),
        lonely=mine.lonely,
        lonely_lead=min((one.lonely for one in strangers), default=1.0) - mine.lonely,
        outvoted=mine.outvoted,
        plural=mine.plural,
        plural_lead=mine.plural - max((one.plural for one in strangers), default=0.0),
        standing_likeness=_mean((matrix.likeness(index, peer) for peer in peers), 0.5),
        standing_agreeing=agreeing_peers,
        standing_strangers=len(peers) - agreeing_peers,
        raises=sum(one.ending is Ending.RAISED for one in seen) / told,
        gives_none=sum(_is_none(one) for one in seen) / told,
        unanswered=sum(one.is_cut_off for one in trial.observations) / max(1, len(trial.observations)),
        is_constant=len(seen) >= VARIED_INPUTS_MIN and varied == 1,
        variety=varied / told,
        nearness=mine.nearness,
        nearest=mine.nearest,
        nearness_lead=mine.nearness - max((one.nearness for one in strangers), default=mine.nearness),
        nearest_lead=mine.nearest - max((one.nearest for one in strangers), default=mine.nearest),
        violations=violations,
    )


def _is_none(seen: Observation) -> bool:
    """Whether a call returned None. The result of a method is followed by the attributes of its object."""
    value = seen.value
    if isinstance(value, Node) and value.kind == "list" and len(value.items) == 2:
        value = value.items[0]
    return seen.ending is Ending.RETURNED and value is None


def _mean(numbers: Iterable[float], default: float) -> float:
    found = list(numbers)
    return math.fsum(found) / len(found) if found else default
