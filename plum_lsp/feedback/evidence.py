"""Decides which candidates of one prompt the evidence calls right or wrong.

Pure: it decides on facts that the store gives. `pairs` makes the pairs.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Sequence

from plum_lsp.domain.preferences import CandidateFacts
from plum_lsp.domain.suggestion import Finish, Tier

RIGHT_PROBABILITY = {Tier.VERIFIED: 0.95, Tier.CONSISTENT: 0.85}
"""Chance that a candidate of a tier is right, if the verifier estimated none (docs/benchmarks.md, rounded down)."""
REFUTED_PROBABILITY = 0.05
"""Chance that a refuted candidate is right, because its test may be wrong."""

UNLIKELY_MAX = 0.05
LIKELY_MIN = 0.5
"""Without a specification, a candidate less likely than the first counts as wrong beside one at least as likely as the
second. On labelled groups, 1.5 % of such candidates were right."""

TOGETHER_SHARE = 0.8
"""How much a pass counts whose tests all ran in the candidate's own process. They are screened, but could be forged."""


class Standing(enum.Enum):
    """What the evidence says about a candidate, or why it gives no answer."""

    RIGHT = "right"
    WRONG = "wrong"
    UNLIKELY = "unlikely"
    """No specification judged it, but it behaves otherwise than a likely candidate of its group."""
    NOT_RUN = "not_run"
    """A sandbox error, a duplicate, a text that cannot run, or no deadline left."""
    CHECKED = "checked"
    CUT_BY_LENGTH = "cut_by_length"
    """Its end is missing, so it is no complete answer."""
    FLAKY = "flaky"
    """The same program passed once and failed once."""
    ALL_TIMED_OUT = "all_timed_out"
    """All candidates timed out. The machine may have been blocked."""


def standings(candidates: Sequence[CandidateFacts]) -> list[Standing]:
    """The standing of each candidate of one prompt, in order."""
    results: defaultdict[tuple[int, str], set[bool]] = defaultdict(set)
    for one in candidates:
        if one.tests:
            results[one.version_id, one.fingerprint].add(one.passed == one.tests)
    by_program: defaultdict[str, set[bool]] = defaultdict(set)
    for (_, fingerprint), seen in results.items():
        by_program[fingerprint] |= seen
    somebody_ended = any(one.tests > one.timed_out for one in candidates)
    likely = {(one.request_id, one.version_id) for one in candidates if _is_likely(one)}
    return [
        Standing.UNLIKELY
        if _is_unlikely(one) and (one.request_id, one.version_id) in likely
        else _standing(one, by_program[one.fingerprint], somebody_ended)
        for one in candidates
    ]


def _is_likely(one: CandidateFacts) -> bool:
    """Whether its group's agreement calls it likely, without a specification."""
    return not one.tests and one.tier is Tier.CONSISTENT and (one.probability or 0.0) >= LIKELY_MIN


def _is_unlikely(one: CandidateFacts) -> bool:
    """Whether it ran, was judged by no specification, and is nearly certainly wrong."""
    is_whole = not one.problem and one.finish is not Finish.LENGTH
    is_judged = not one.tests and one.tier in (Tier.CHECKED, Tier.UNVERIFIED) and one.probability is not None
    return is_whole and is_judged and (one.probability or 0.0) < UNLIKELY_MAX


def _standing(one: CandidateFacts, results: set[bool], somebody_ended: bool) -> Standing:
    if one.finish is Finish.LENGTH:
        return Standing.CUT_BY_LENGTH
    if len(results) > 1:
        return Standing.FLAKY
    if one.tier in RIGHT_PROBABILITY and not one.problem:
        return Standing.RIGHT
    if not one.tests or one.tier is None:
        return Standing.CHECKED if one.tier is Tier.CHECKED else Standing.NOT_RUN
    if one.passed == one.tests:
        return Standing.CHECKED
    if one.timed_out == one.tests and not somebody_ended:
        return Standing.ALL_TIMED_OUT
    return Standing.WRONG


def weight_of(one: CandidateFacts, standing: Standing) -> float:
    """How certain the standing of a candidate is, in [0, 1].

    A pass counts as much as its tests are strong. Without an estimate, n tests are assumed to find n of n + 1 mistakes.
    A failure needs no strength, because one failed test refutes. Tests that ran in the candidate's own process count
    less for a pass only, because a candidate has no reason to forge a failure.
    """
    if standing in (Standing.WRONG, Standing.UNLIKELY):
        return 1.0 - (REFUTED_PROBABILITY if one.probability is None else one.probability)
    assert one.tier is not None
    probability = RIGHT_PROBABILITY[one.tier] if one.probability is None else one.probability
    strength = one.tests / (one.tests + 1) if one.strength is None else one.strength
    trust = 1.0 - (1.0 - TOGETHER_SHARE) * one.together / one.tests if one.tests else 1.0
    return probability * trust * (strength if one.tests else 0.5)
