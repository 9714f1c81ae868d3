"""Settles a group whose members were run on the same inputs: estimates each candidate's probability and sets its tier.

Pure: it works on observations that `judge` and `compare` obtained. It does not order candidates (`rank` does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from plum_lsp.domain.suggestion import HoleKind, Judged, Tier
from plum_lsp.domain.values import clean, show
from plum_lsp.domain.verification import Call, Ending, Observation, Origin, TestCase
from plum_lsp.python.contracts.checks import breaches
from plum_lsp.python.contracts.contract import Contract
from plum_lsp.python.slips import surprise_in
from plum_lsp.verification.agreement import Matrix, Trial, is_same
from plum_lsp.verification.calibration import calibration
from plum_lsp.verification.compare import Comparison
from plum_lsp.verification.judge import Judge, index_of, shown
from plum_lsp.verification.rank import counted, score
from plum_lsp.verification.recital import ignores, is_constant, recites
from plum_lsp.verification.signals import VARIED_INPUTS_MIN, Signals, signals_of

AGAINST_AN_EXAMPLE_MIN = 3
"""An example is doubted only if at least this many different candidates agree on all inputs and fail this example
alone."""
DOUBT_PROBABILITY_MIN = 0.5
"""An example is doubted only if these candidates have at least this probability without it."""
PRINTED_MAX = 80
"""The most characters of a candidate's printed output that a reason shows."""
PROBABILITY_OF_NOTHING = 0.01
"""For candidates that cannot run, or that end in a mistake. None of the labelled ones was right."""

SHOWN = frozenset(origin for origin in Origin if origin.is_specification and origin is not Origin.PROJECT)
"""The origins of tests that stand in the prompt."""
PROBABILITY_OF_RECITAL = 0.05
"""For candidates that recite the examples. Other candidates that fail on all inputs beyond the examples get about
this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The minimum for an offer: `probability`, and `share` of the highest probability of the group."""

    probability: float
    share: float


TESTED = Threshold(probability=0.08, share=0.45)
"""The threshold for candidates that pass every test of a specification."""
UNTESTED = Threshold(probability=0.12, share=0.45)
"""The threshold without a specification. Both were chosen on labelled groups (`docs/verifier.md`)."""


def settled(group: Sequence[Judged], judge: Judge, comparison: Comparison) -> list[Judged]:
    """`group` with probabilities, and with the tiers that follow from them.

    Without a specification, the likely candidates rise from `checked` to `consistent`. With one, candidates that pass
    it but look wrong on other inputs fall to `checked`, because they may cover the examples only. If many agreeing
    candidates contradict one example and no other, that example is doubted and they become `consistent`. Candidates
    that recite the examples do not count: they fall to `checked`. Statements of an unfinished function stay as they
    are, because no result can be expected of them.
    """
    whole = [judged for judged in group if not judged.goes_on]
    if len(whole) < len(group):
        found = {index_of(judged): judged for judged in settled(whole, judge, comparison)}
        return [found.get(index_of(judged), judged) for judged in group]
    weighed = Weighed.of(group, judge, comparison)
    reciting = _reciting(group, judge, weighed)
    if reciting:
        others = settled([judged for judged in group if index_of(judged) not in reciting], judge, comparison)
        found = {index_of(judged): judged for judged in others}
        return [found.get(index_of(one)) or _recited(one, weighed, reciting[index_of(one)]) for one in group]
    doubted = _doubted(group, judge, comparison, weighed)
    if doubted is not None:
        return _doubting(group, judge, doubted)
    return [_settled(judged, judge, weighed) for judged in group]


def stands_alone(judged: Judged, seen: Sequence[Observation], judge: Judge) -> bool:
    """Whether a candidate that passes its tests also survives what needs no other candidate.

    It does not recite the examples. A whole body reads all parameters. On the generated inputs it ends in no surprise,
    breaks no contract and does not always answer alike. `seen` are its observations on `judge.calls`.
    """
    if judged.tier is not Tier.VERIFIED or judged.candidate.weakness is not None:
        return False
    parameters = _parameters(judge)
    text = judged.candidate.text
    if recites(text, judge.tests, parameters) or ignores(text, parameters):
        return False
    if len(seen) != len(judge.calls) or surprise_in(seen) is not None:
        return False
    if breaches(judge.contracts, judge.calls, {0: seen})[0]:
        return False
    answers = [one for one in seen if one.ending is Ending.RETURNED and one.value is not None]
    return len(answers) < VARIED_INPUTS_MIN or any(not is_same(answers[0], one) for one in answers)


def _parameters(judge: Judge) -> tuple[str, ...]:
    """The parameters that a candidate has to read: those of the function, for a whole body."""
    function = judge.context.function
    return function.parameters if function is not None and judge.context.block.kind is HoleKind.BODY else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A group's matrix with the signals and probability of each candidate by index."""

    matrix: Matrix
    calls: tuple[Call, ...]
    signals: Mapping[int, Signals]
    probability: Mapping[int, float]
    weak: frozenset[int]
    """The weak candidates. They contradict none."""

    @classmethod
    def of(cls, group: Sequence[Judged], judge: Judge, comparison: Comparison, without: int | None = None) -> Weighed:
        """The group weighed. With `without`, as if that test (a place in the verdicts) did not exist."""
        failed = {index_of(one): _failures(one, without) for one in group if not one.candidate.problem}
        trials = [
            Trial.of(index_of(one), one.candidate.text, seen, stands=failed[index_of(one)] == 0)
            for one in group
            if (seen := comparison.observed.get(index_of(one))) is not None
        ]
        matrix = Matrix.of(trials)
        tests = max((len(one.verdicts) for one in group), default=0) - (without is not None)
        broken = _broken(trials, matrix, comparison.calls, judge.contracts)
        signals = signals_of(matrix, tests=max(0, tests), failed=failed, violations=broken)
        estimate = calibration()
        found = {index: estimate.probability(one) for index, one in signals.items()}
        weak = frozenset(index_of(one) for one in group if one.candidate.weakness is not None)
        return cls(matrix=matrix, calls=comparison.calls, signals=signals, probability=found, weak=weak)

    def is_likely(self, index: int, threshold: Threshold) -> bool:
        """Whether the candidate may be offered."""
        own, best = self.probability.get(index, 0.0), max(self.probability.values(), default=0.0)
        return own >= threshold.probability and own >= threshold.share * best

    def is_tied(self, index: int) -> bool:
        """Whether the group has only two different candidates, and they contradict each other: one word against one."""
        own = self.signals[index]
        return own.voices == 2 and own.contested > 0

    def rival(self, index: int) -> int | None:
        """The candidate whose word stands against this one's. None if they are not tied, or if it is weak."""
        others = [other for other in self.matrix.trials if other not in self.weak] if self.is_tied(index) else []
        differs = self.matrix.first_difference
        return next((other for other in others if differs(index, other) is not None), None)


def _failures(judged: Judged, without: int | None) -> int:
    return sum(not verdict.is_pass for place, verdict in enumerate(judged.verdicts) if place != without)


def _broken(
    trials: Sequence[Trial], matrix: Matrix, calls: Sequence[Call], contracts: Sequence[Contract]
) -> dict[int, float]:
    """The share of the telling inputs on which each candidate breaks a contract."""
    telling = [calls[place] for place in matrix.inputs]
    seen = {trial.index: [trial.observations[place] for place in matrix.inputs] for trial in trials}
    found = breaches(contracts, telling, seen)
    return {index: len({place for _, place in broken}) / max(1, len(telling)) for index, broken in found.items()}


def _settled(judged: Judged, judge: Judge, weighed: Weighed) -> Judged:
    """One candidate, weighed."""
    index = index_of(judged)
    if index not in weighed.probability:
        return _unasked(judged, judge)
    probability = weighed.probability[index]
    found = replace(judged, probability=probability, score=score(judged.candidate, judged.verdicts, probability))
    if not weighed.matrix.inputs:
        return found
    is_likely = judged.candidate.weakness is None and weighed.is_likely(index, UNTESTED)
    is_likely = is_likely and not weighed.is_tied(index) and len(weighed.matrix.trials) > 1
    if found.tier is Tier.CHECKED and is_likely and not found.undecided:
        return replace(found, tier=Tier.CONSISTENT, reason=_agreeing(index, weighed))
    rival = weighed.rival(index)
    if found.tier is Tier.CHECKED and rival is not None and not found.verdicts and not found.undecided:
        reason = f"no example tells right from wrong, and {_difference(index, rival, weighed)}"
        return replace(found, is_contradicted=True, reason=reason)
    if found.tier is Tier.VERIFIED and not weighed.is_likely(index, TESTED):
        return replace(found, tier=Tier.CHECKED, reason=f"{found.reason}, but {_oddity(index, weighed)}")
    return found


def _reciting(group: Sequence[Judged], judge: Judge, weighed: Weighed) -> dict[int, int | None]:
    """The candidates that look up the examples' own results and differ from every other candidate that passes.

    Maps each to the likeliest of these others. It maps to None if no other candidate passes and every test is shown
    above the cursor, where the model has read it.
    """
    verified = [one for one in group if one.tier is Tier.VERIFIED]
    passing = [one for one in verified if index_of(one) in weighed.matrix.trials]
    parameters = _parameters(judge) if judge.tests else ()
    knowing = {index_of(one) for one in verified if recites(one.candidate.text, judge.tests, parameters)}
    if len(knowing) == len(verified):
        return dict.fromkeys(knowing if all(test.origin in SHOWN for test in judge.tests) else ())
    others = [index_of(one) for one in passing if index_of(one) not in knowing]
    differs = weighed.matrix.first_difference
    return {
        index: max(others, key=lambda other: (weighed.probability[other], -other))
        for index in knowing & weighed.matrix.trials.keys()
        if others and all(differs(index, other) is not None for other in others)
    }


def _recited(judged: Judged, weighed: Weighed, other: int | None) -> Judged:
    behind = "" if other is None else f", but {_difference(index_of(judged), other, weighed)}"
    return replace(
        judged,
        tier=Tier.CHECKED,
        probability=PROBABILITY_OF_RECITAL,
        score=score(judged.candidate, judged.verdicts, PROBABILITY_OF_RECITAL),
        reason=f"{judged.reason} by naming their results{behind}",
    )


def _unasked(judged: Judged, judge: Judge) -> Judged:
    """Weigh a candidate that was not compared by its tests alone.

    Its tier stays, unless the candidate was run on the inputs and one of them prevented the comparison.
    """
    if judged.candidate.problem or (judged.tier is Tier.UNVERIFIED and not judged.verdicts):
        return replace(judged, probability=PROBABILITY_OF_NOTHING)
    alone = Weighed.of([judged], judge, Comparison(observed={index_of(judged): ()}))
    probability = alone.probability[index_of(judged)]
    found = replace(judged, probability=probability, score=score(judged.candidate, judged.verdicts, probability))
    if judged.tier is Tier.VERIFIED and judge.compares and judge.calls:
        reason = f"{judged.reason}, but not every generated input ran as it should"
        return replace(found, tier=Tier.CHECKED, reason=reason)
    return found


def _agreeing(index: int, weighed: Weighed) -> str:
    """Why a candidate without a specification may be offered."""
    inputs = counted(len(weighed.matrix.inputs), "generated input")
    voices = weighed.matrix.voices_for(index)
    if voices > 1:
        return f"{counted(voices, 'different candidate')} agree on {inputs}"
    return f"does what most other candidates do on most of {inputs}"


def _oddity(index: int, weighed: Weighed) -> str:
    """How a candidate that passes its tests differs from the others on other inputs."""
    usual = max(weighed.probability, key=lambda other: weighed.probability[other])
    return _difference(index, usual, weighed)


def _difference(index: int, usual: int, weighed: Weighed) -> str:
    """The first input on which two candidates differ, with both answers."""
    place = weighed.matrix.first_difference(index, usual)
    if place is None:
        return "other inputs do not tell candidates apart"
    here, there = (weighed.matrix.trials[one].observations[place] for one in (index, usual))
    return f"{weighed.calls[place].expression} gives {_shown(here)} where others give {_shown(there)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """An example that the candidates `members` contradict."""

    test: TestCase
    members: frozenset[int]
    voices: int
    weighed: Weighed


def _doubted(group: Sequence[Judged], judge: Judge, comparison: Comparison, weighed: Weighed) -> _Doubt | None:
    """The example that the best candidates agree against. None if there is none, or if other candidates support it."""
    upheld = [index_of(one) for one in group if one.tier is Tier.VERIFIED and index_of(one) in weighed.probability]
    rivals = [weighed.matrix.voices_for(index) for index in upheld]
    is_upheld = any(one.tier is Tier.VERIFIED and not is_constant(one.candidate.text) for one in group)
    best: _Doubt | None = None
    for place in range(max((len(judged.verdicts) for judged in group), default=0)):
        doubt = _against(group, judge, comparison, place, is_upheld=is_upheld)
        if doubt is None or doubt.voices <= 2 * max(rivals, default=0):
            continue
        if best is None or doubt.voices > best.voices:
            best = doubt
    return best


def _against(
    group: Sequence[Judged], judge: Judge, comparison: Comparison, place: int, *, is_upheld: bool
) -> _Doubt | None:
    """The doubt about one example: candidates pass all others, agree everywhere, and give one different answer here.

    A test of the project that is run whole is no example, and is not doubted. If the example `is_upheld` by a candidate
    that computes its answer, near-copies count as one voice.
    """
    failing = [
        judged
        for judged in group
        if index_of(judged) in comparison.observed
        and not judged.undecided
        and len(judged.verdicts) > place
        and not judged.verdicts[place].is_pass
        and judged.candidate.weakness is None
        and _failures(judged, place) == 0
    ]
    if len(failing) < AGAINST_AN_EXAMPLE_MIN:
        return None
    weighed = Weighed.of(group, judge, comparison, without=place)
    lead = max(failing, key=lambda judged: weighed.probability.get(index_of(judged), 0.0))
    mates = {index_of(lead), *weighed.matrix.mates(index_of(lead))}
    failed = lead.verdicts[place]
    test = next((test for test in judge.tests if test.id == failed.test_id), None)
    alike = [one for one in failing if one.verdicts[place].test_id == failed.test_id]
    members = frozenset(
        index_of(one) for one in alike if index_of(one) in mates and one.verdicts[place].shown == failed.shown
    )
    voices = weighed.matrix.voices_for(index_of(lead), among=members)
    if is_upheld:
        voices = min(voices, weighed.matrix.lineages(members))
    is_strong = weighed.probability.get(index_of(lead), 0.0) >= DOUBT_PROBABILITY_MIN and bool(weighed.matrix.inputs)
    if voices < AGAINST_AN_EXAMPLE_MIN or not is_strong or test is None:
        return None
    return _Doubt(test=test, members=members, voices=voices, weighed=weighed)


def _doubting(group: Sequence[Judged], judge: Judge, doubt: _Doubt) -> list[Judged]:
    """The group judged by all examples except the doubted one."""
    claim = f"the example {doubt.test.quote.strip() or doubt.test.call.expression!r} may be wrong"
    settled_ones = []
    for judged in group:
        index = index_of(judged)
        found = _settled(judged, judge, doubt.weighed)
        if index in doubt.members:
            given = next(verdict.shown for verdict in judged.verdicts if verdict.test_id == doubt.test.id)
            agreed = f"{counted(doubt.voices, 'different candidate')} agree on everything else and give {given}"
            found = replace(found, tier=Tier.CONSISTENT, reason=f"{claim}: {agreed}")
        elif judged.tier is Tier.VERIFIED:
            agreed = f"{counted(doubt.voices, 'different candidate')} agree on everything else"
            found = replace(found, tier=Tier.CHECKED, reason=f"{judged.reason}, but {claim}: {agreed}")
        settled_ones.append(found)
    return settled_ones


def _shown(observation: Observation) -> str:
    if observation.ending is not Ending.RETURNED:
        return shown(observation)
    printed = f" and prints {clean(observation.printed.rstrip(), PRINTED_MAX)!r}" if observation.printed.strip() else ""
    return f"{show(observation.value)}{printed}"
