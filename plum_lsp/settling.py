"""Compares the candidates of one group, once each was judged alone.

Decides which tiers follow from what candidates did on inputs that no test names. Pure: works on observations that
`judging` obtained. Does not order candidates (`ranking` does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from plum_lsp.domain.suggestion import Judged, Tier
from plum_lsp.domain.verification import Ending, Observation
from plum_lsp.judging import Judge, shown, surprise_in
from plum_lsp.ranking import counted
from plum_lsp.sandbox.values import show
from plum_lsp.synthesis.agreement import Agreement, Trial, agreement, first_difference

LONE_CENTRALITY_MIN = 0.3
"""Without a specification, one candidate alone must be this much like the others (chosen on labelled candidates)."""
AGAINST_AN_EXAMPLE_MIN = 3
"""So many distinct candidates must agree, on all but one example, before that example is doubted."""


def settled(group: Sequence[Judged], judge: Judge, observed: Mapping[int, Sequence[Observation]]) -> list[Judged]:
    """`group` with the tiers that follow from what its members did on the generated inputs.

    Without a specification, those that agree rise from `checked` to `consistent`. With one, those that pass it and do
    something unusual elsewhere fall to `checked`: they may know the examples only. An example that many agreeing
    candidates contradict, and it alone, is doubted: they become `consistent`. `observed` maps candidate indices to
    what they did on the judge's calls.
    """
    trials = {
        _index(judged): Trial(
            index=_index(judged),
            fingerprint=judged.candidate.fingerprint,
            observations=tuple(observed[_index(judged)]),
        )
        for judged in group
        if observed.get(_index(judged)) and surprise_in(observed[_index(judged)]) is None
    }
    passing = {_index(judged) for judged in group if judged.tier is Tier.VERIFIED}
    runnable = {_index(judged) for judged in group if judged.tier is Tier.CHECKED}
    if runnable and not passing:
        return _consistent(group, agreement(list(trials.values()), runnable))
    found = agreement(list(trials.values()), passing)
    doubted = _against_one_example(group, list(trials.values()), found.size if found is not None else 0)
    if doubted is not None:
        return _doubting(group, judge, doubted)
    if not observed:
        return list(group)
    return [_held_out(judged, judge, found, trials) if judged.tier is Tier.VERIFIED else judged for judged in group]


def _consistent(group: Sequence[Judged], found: Agreement | None) -> list[Judged]:
    if found is None or found.is_tie or (found.size < 2 and found.centrality < LONE_CENTRALITY_MIN):
        return list(group)
    inputs = counted(len(found.inputs), "generated input")
    reason = f"{counted(found.size, 'different candidate')} agree on {inputs}"
    if found.size < 2:
        reason = f"does what most other candidates do on most of {inputs}"
    return [
        replace(judged, tier=Tier.CONSISTENT, reason=reason) if _index(judged) in found.members else judged
        for judged in group
    ]


def _against_one_example(group: Sequence[Judged], trials: Sequence[Trial], rival: int) -> Agreement | None:
    """The candidates that agree with one another against a single example; None if they do not outnumber `rival`."""
    failing: dict[tuple[bool, ...], set[int]] = {}
    for judged in group:
        passes = tuple(verdict.is_pass for verdict in judged.verdicts)
        if len(passes) > 1 and sum(passes) == len(passes) - 1:
            failing.setdefault(passes, set()).add(_index(judged))
    found = [
        cluster
        for indices in failing.values()
        if (cluster := agreement(trials, indices)) is not None and not cluster.is_tie
    ]
    best = max(found, key=lambda cluster: cluster.size, default=None)
    if best is None or best.size < AGAINST_AN_EXAMPLE_MIN or best.size <= 2 * rival:
        return None
    return best


def _doubting(group: Sequence[Judged], judge: Judge, found: Agreement) -> list[Judged]:
    """The group judged by all examples but the one that `found` contradicts."""
    member = next(judged for judged in group if _index(judged) in found.members)
    failed = next(verdict for verdict in member.verdicts if not verdict.is_pass)
    test = next(test for test in judge.tests if test.id == failed.test_id)
    claim = f"the example {test.quote.strip() or test.call.expression!r} may be wrong"
    agreed = f"{counted(found.size, 'different candidate')} agree on everything else and give {failed.shown}"
    settled_ones = []
    for judged in group:
        if _index(judged) in found.members:
            settled_ones.append(replace(judged, tier=Tier.CONSISTENT, reason=f"{claim}: {agreed}"))
        elif judged.tier is Tier.VERIFIED:
            settled_ones.append(replace(judged, tier=Tier.CHECKED, reason=f"{judged.reason}, but {claim}: {agreed}"))
        else:
            settled_ones.append(judged)
    return settled_ones


def _held_out(judged: Judged, judge: Judge, found: Agreement | None, trials: Mapping[int, Trial]) -> Judged:
    """A candidate that passes its tests, as it stands after inputs that no test names."""
    own = trials.get(_index(judged))
    if own is None and judge.calls:
        return replace(
            judged, tier=Tier.CHECKED, reason=f"{judged.reason}, but not every generated input ran as it should"
        )
    if own is None or found is None or own.index in found.members:
        return judged
    if not found.members:
        return replace(
            judged, tier=Tier.CHECKED, reason=f"{judged.reason}, but other inputs do not tell candidates apart"
        )
    usual = trials[found.members[0]]
    place = first_difference(own, usual, found.inputs)
    if place is None:
        return judged
    call, here, there = judge.calls[place].expression, own.observations[place], usual.observations[place]
    difference = f"{call} gives {_shown(here)} where others give {_shown(there)}"
    return replace(judged, tier=Tier.CHECKED, reason=f"{judged.reason}, but {difference}")


def _index(judged: Judged) -> int:
    return judged.candidate.completion.index


def _shown(observation: Observation) -> str:
    return show(observation.value) if observation.ending is Ending.RETURNED else shown(observation)
