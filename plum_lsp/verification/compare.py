"""Makes more inputs for a group once its members are known, and runs every member on them.

The candidates show best which inputs a function takes: the calls that most of them answer, and the literals in their
text. The module runs code through the sandbox port only. `settle` interprets the results.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from plum_lsp.domain.suggestion import Judged, Tier
from plum_lsp.domain.verification import Call, Ending, Observation, TestCase, TestId
from plum_lsp.python.contracts.probes import probes_of
from plum_lsp.python.inputs.calls import far_fetched, further_calls
from plum_lsp.python.mutants import mutants_of
from plum_lsp.python.reading.quiet import quieted
from plum_lsp.python.slips import surprise_in
from plum_lsp.python.specification.whole_tests import is_complete
from plum_lsp.verification.agreement import answered, is_same
from plum_lsp.verification.judge import Evidence, Judge, index_of
from plum_lsp.verification.whole import unpassed_of, verdicts, without_unjudgeable

PROBED = 3
"""The number of calls from which the probes of contracts are made."""
LIKELY_MIN = 5
"""With at least this many answered calls of likely types, calls of unlikely types are left out."""
MUTANTS_MAX = 16
"""The number of mutants for the estimate of strength. Its error is about one eighth."""
FURTHER_CALLS = 48
"""The number of inputs in the second round. More inputs separate few more candidates. On labelled groups, after both
rounds 2 % of the wrong candidates still behave like a right one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The observations of a group's members, by candidate index, on the calls that all of them got, in order."""

    calls: tuple[Call, ...] = ()
    observed: Mapping[int, tuple[Observation, ...]]


async def reconsidered(group: Sequence[Judged], judge: Judge, evidence: Evidence) -> list[Judged]:
    """`group`, where candidates that ran out of time get more of it if none passed. The task may be slow.

    Tests of the project that cannot be judged here are left out.

    Raises:
        SandboxError: the jail broke.
    """
    tests = evidence.specification
    unfit, fit = await _as_saved(group, judge, tests)
    group = without_unjudgeable(group, tests, unfit, fit)
    if any(judged.tier is Tier.VERIFIED for judged in group) or not any(judged.ran_out for judged in group):
        return list(group)
    waiting = [judged for judged in group if judged.ran_out]
    later = await asyncio.gather(*(judge.again(judged, evidence) for judged in waiting))
    by_index = {index_of(judged): judged for judged in later}
    return without_unjudgeable([by_index.get(index_of(judged), judged) for judged in group], tests, unfit, fit)


async def _as_saved(
    group: Sequence[Judged], judge: Judge, tests: Sequence[TestCase]
) -> tuple[frozenset[TestId], frozenset[TestId]]:
    """Of the tests run whole that no candidate passes, those that fail with the document as saved, and that pass.

    The first do not count here. There are none if the function has no body on disk.

    Raises:
        SandboxError: the jail broke.
    """
    failed = {verdict.test_id for judged in group for verdict in judged.verdicts if not verdict.is_pass}
    doubted = [test for test in unpassed_of(group, tests) if test.id in failed]
    function = judge.context.function
    if not doubted or function is None or not is_complete(judge.saved, function.qualified_name):
        return frozenset(), frozenset()
    seen = await verdicts(judge.sandbox, quieted(replace(judge.reference, source=judge.saved)), doubted)
    passing = frozenset(verdict.test_id for verdict in seen if verdict.is_pass)
    return frozenset(verdict.test_id for verdict in seen) - passing, passing


async def compare(
    group: Sequence[Judged],
    judge: Judge,
    observed: Mapping[int, tuple[Observation, ...]],
    *,
    named: Sequence[Call] = (),
) -> Comparison:
    """The comparison of the group on its first inputs, on those that the policy named, and on further ones.

    `observed` holds the observations on the first inputs, by candidate index. `named` are the policy's inputs.

    An input is left out if the same candidate answers it differently a second time. Such answers depend on clocks,
    random numbers or addresses, and are no evidence.

    Raises:
        SandboxError: the jail broke.
    """
    if not judge.calls:
        observed = {index_of(judged): () for judged in group if _has_run(judged)}
    running = {
        index_of(judged): judged
        for judged in group
        if not judged.goes_on and index_of(judged) in observed and surprise_in(observed[index_of(judged)]) is None
    }
    first = _likely(Comparison(calls=judge.calls, observed={index: observed[index] for index in running}), judge)
    observed = first.observed
    if not running:
        return first
    standing = [index for index, judged in running.items() if all(verdict.is_pass for verdict in judged.verdicts)]
    more = _further(judge, first, standing or list(running), [judged.candidate.text for judged in running.values()])
    more += tuple(call for call in named if call not in (*first.calls, *more))
    more += probes_of(judge.contracts, more[:PROBED] or first.calls[:PROBED])
    asked = [index for index in running if not _hangs(observed[index])]
    runs = [_observe(judge, running[index], more) for index in asked]
    witness = min(standing or asked or [0])
    again = _observe(judge, running[witness], first.calls) if asked else None
    found = await asyncio.gather(*runs, *([again] if again is not None else []))
    seen = dict(zip(asked, found, strict=False))
    late = tuple(Observation(ending=Ending.TIMED_OUT, detail="not asked") for _ in more)
    whole = {index: (*observed[index], *seen.get(index, late)) for index in running}
    return _steady(Comparison(calls=(*first.calls, *more), observed=whole), witness, found[len(asked) :])


async def strength_of(judged: Judged, judge: Judge, evidence: Evidence | None, comparison: Comparison) -> float | None:
    """The share of the candidate's mutants that the tests it passes, or the inputs of its group, detect, in [0, 1].

    None if it did not run, if it has no mutants, or if it passes no test and answers no input. Mutants run one after
    the other, because no answer waits for them.

    Raises:
        SandboxError: the jail broke.
    """
    if not judged.has_run:
        return None
    program = judge.program(judged.candidate)
    first = judge.context_of(judged.candidate).before.count("\n") + 1
    last = first + judged.candidate.text.rstrip("\n").count("\n")
    passed = {verdict.test_id for verdict in judged.verdicts if verdict.is_pass}
    tests = [test for test in evidence.specification if test.id in passed] if evidence is not None else []
    own = comparison.observed.get(index_of(judged), ())
    calls = [call for call, seen in zip(comparison.calls, own, strict=False) if seen.ending is Ending.RETURNED]
    wanted = [seen for seen in own if seen.ending is Ending.RETURNED]
    mutants = mutants_of(program.source, first_line=first, last_line=last, limit=MUTANTS_MAX)
    if not mutants or not (tests or calls):
        return None
    killed = 0
    for mutant in mutants:
        changed = replace(program, source=mutant.source)
        verdicts, _ = await judge.examine(changed, tests, judge.short_limits, imports=judged.candidate.imports)
        if all(verdict.is_pass for verdict in verdicts) and calls:
            seen = await judge.observe(changed, calls)
            killed += not all(is_same(one, other) for one, other in zip(seen, wanted, strict=True))
        else:
            killed += not all(verdict.is_pass for verdict in verdicts)
    return killed / len(mutants)


def _likely(first: Comparison, judge: Judge) -> Comparison:
    """The comparison without far-fetched calls, if enough others are answered."""
    strange = far_fetched(judge.context, first.calls)
    places = set(answered(list(first.observed.values())))
    if not strange or len(places - strange) < LIKELY_MIN:
        return first
    kept = [place for place in range(len(first.calls)) if place not in strange]
    observed = {index: tuple(seen[place] for place in kept) for index, seen in first.observed.items()}
    return Comparison(calls=tuple(first.calls[place] for place in kept), observed=observed)


def _has_run(judged: Judged) -> bool:
    return bool(judged.verdicts) or judged.tier in {Tier.VERIFIED, Tier.CHECKED}


def _further(judge: Judge, first: Comparison, standing: Sequence[int], texts: Sequence[str]) -> tuple[Call, ...]:
    """The calls of the second round."""
    shown = [test.call for test in judge.tests]
    places = answered([first.observed[index] for index in standing])
    return further_calls(
        judge.context,
        [*first.calls, *shown],
        [*shown, *(first.calls[place] for place in places)],
        texts,
        limit=FURTHER_CALLS,
        changes_arguments=bool(places) and _gives_nothing(first, standing, places),
    )


def _gives_nothing(first: Comparison, standing: Sequence[int], places: Sequence[int]) -> bool:
    """Whether the standing candidates return None only. Their changes to the arguments are then their answer."""
    return all(first.observed[index][place].value is None for index in standing for place in places)


async def _observe(judge: Judge, judged: Judged, calls: Sequence[Call]) -> tuple[Observation, ...]:
    if not calls:
        return ()
    return await judge.observe(judge.program(judged.candidate), calls)


def _hangs(seen: Sequence[Observation]) -> bool:
    return any(one.ending is Ending.TIMED_OUT for one in seen)


def _steady(whole: Comparison, asked: int, again: Sequence[tuple[Observation, ...]]) -> Comparison:
    """The comparison without the calls that candidate `asked` answered differently the second time."""
    first = whole.observed.get(asked, ())
    unsteady = {place for seen in again for place, one in enumerate(seen) if not is_same(one, first[place])}
    if not unsteady:
        return whole
    kept = [place for place in range(len(whole.calls)) if place not in unsteady]
    observed = {index: tuple(seen[place] for place in kept) for index, seen in whole.observed.items()}
    return Comparison(calls=tuple(whole.calls[place] for place in kept), observed=observed)
