"""The plan for each kind of place: how much is asked of the policy, and how long an answer may take. Pure.

At most places, the best evidence is "it parses, and every name is known". One candidate of one statement is
then asked for and shown at once, and another only if it does not stand. Where tests exist, or candidates can be
compared, there is a group. An explicit request always samples the whole group, because the user wants to see what there
is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from plum_lsp.domain.place import Place
from plum_lsp.domain.suggestion import Judged, SamplingOptions, SuggestionRequest, Tier, Trigger

GROUP = 64
"""As many candidates as the settings say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The most tokens that a prompt may have: before the cursor, after it, and of the first those of other files."""

    prefix: int
    suffix: int
    neighbours: int = 0

    def within(self, other: Reach) -> Reach:
        """What fits both."""
        return Reach(
            prefix=min(self.prefix, other.prefix),
            suffix=min(self.suffix, other.suffix),
            neighbours=min(self.neighbours, other.neighbours),
        )


SHORT = Reach(prefix=224, suffix=48)
LONG = Reach(prefix=720, suffix=120, neighbours=320)
TESTING = Reach(prefix=480, suffix=60, neighbours=240)
"""What a policy on this machine is shown while the user types. Two idle cores read about 200 tokens a second, and the
last part again whenever the cursor moves. The whole prompt of the settings takes 7 s and more."""
TRIES = 3
"""At a place without a group, a candidate that does not stand is followed by another. The prompt is read by then."""
SECONDS_MAX = 8.0
"""The longest wait for an answer while the user types. Only a tested function, which can be verified, may take longer.
The status then says that it takes long."""
SETTLES_AFTER_SECONDS = 4.0
"""A group is not waited for longer than this if one of its candidates can be shown."""

AGREEING_MIN = 3
"""Fewer candidates say little about one another where no test does."""
COMPARING_SECONDS = 1.0
"""What is left for the comparison of those that have come."""
EXPLICIT_FACTOR = 3.0
"""An explicit request may take longer than one while typing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a kind of place gets while the user types.

    `tested` is the number of candidates where tests of the function exist, `alone` where there are none. `tokens` and
    `statements` are the most that a candidate may have. 0 statements is no limit. In a test, only assertions count.
    `reach` is what a policy on this machine is shown.
    """

    tested: int
    alone: int
    tokens: int
    statements: int
    reach: Reach = SHORT


ROWS = {
    Place.REST: Row(tested=3, alone=1, tokens=96, statements=1),
    Place.ARGUMENT: Row(tested=3, alone=1, tokens=48, statements=1),
    Place.LITERAL: Row(tested=3, alone=1, tokens=40, statements=1),
    Place.IMPORT: Row(tested=1, alone=1, tokens=32, statements=1),
    Place.DECORATOR: Row(tested=1, alone=1, tokens=24, statements=1),
    Place.LINE: Row(tested=3, alone=1, tokens=96, statements=1),
    Place.BLOCK: Row(tested=3, alone=1, tokens=128, statements=1),
    Place.BODY: Row(tested=GROUP, alone=GROUP, tokens=8192, statements=0, reach=LONG),
    Place.TEST: Row(tested=2, alone=2, tokens=128, statements=1, reach=TESTING),
    Place.CLASS: Row(tested=1, alone=1, tokens=128, statements=1),
    Place.MODULE: Row(tested=1, alone=1, tokens=128, statements=1),
    Place.COMMENT: Row(tested=1, alone=1, tokens=32, statements=1),
    Place.DOCSTRING: Row(tested=1, alone=1, tokens=48, statements=1),
}
"""One row for each kind of place. The limits of the settings apply beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one request asks for.

    `statements_max` bounds a candidate, and 0 is no limit. `patience` says when the group ends before it is complete:
    after so many seconds with the policy, if at least that many candidates stand. After `seconds_max` the request ends.
    None leaves it to the request's own deadline. With `is_alone` a single candidate is judged by itself, because there
    is no group and no test that could say more. The other temperatures are for further tries (`needs_another`), none of
    which begins after the first instant of `patience`. With `has_estimates` a candidate that no test judged needs a
    probability, which only a group gives.
    """

    sampling: SamplingOptions
    statements_max: int
    patience: tuple[tuple[float, int], ...]
    seconds_max: float | None
    is_alone: bool
    has_estimates: bool


def plan_of(place: Place, request: SuggestionRequest, sampling: SamplingOptions, *, has_tests: bool) -> Plan:
    """The plan of a request at a kind of place. `has_tests` says whether tests of the function at the cursor exist."""
    row = ROWS[place]
    standing_min = 1 if has_tests else AGREEING_MIN
    is_asked = request.trigger is Trigger.INVOKED
    if is_asked and not place.is_prose:
        patience = tuple((EXPLICIT_FACTOR * seconds, least) for seconds, least in _patience(standing_min))
        return Plan(
            sampling=sampling,
            statements_max=0,
            patience=patience,
            seconds_max=None,
            is_alone=False,
            has_estimates=row.alone > 1,
        )
    is_alone = not has_tests and row.alone == 1
    count = row.tested if has_tests else row.alone
    if is_alone and not place.is_prose:
        count = TRIES
    tokens = min(sampling.max_tokens, row.tokens)
    return Plan(
        sampling=replace(sampling, temperatures=sampling.temperatures[:count], max_tokens=tokens),
        statements_max=row.statements,
        patience=_patience(standing_min),
        seconds_max=None if is_asked or (has_tests and row.alone == GROUP) else SECONDS_MAX,
        is_alone=is_alone,
        has_estimates=row.alone > 1,
    )


def one_sample(plan: Plan) -> Plan:
    """The plan with its first sample alone, as a tool shows it that completes code without running it."""
    first = replace(plan.sampling, temperatures=plan.sampling.temperatures[:1])
    return replace(plan, sampling=first, is_alone=True)


def _patience(standing_min: int) -> tuple[tuple[float, int], ...]:
    return (SETTLES_AFTER_SECONDS, standing_min), (SECONDS_MAX - COMPARING_SECONDS, 1)


def reach_at(place: Place, trigger: Trigger, whole: Reach) -> Reach:
    """What a policy on this machine is shown: little where a candidate is short. `whole` is what the settings allow."""
    return whole if trigger is Trigger.INVOKED else ROWS[place].reach.within(whole)


def needs_another(judged: Judged) -> bool:
    """Whether another candidate could be offered where this one cannot. Text for people, and no text at all, stay."""
    candidate = judged.candidate
    if candidate.problem:
        return bool(candidate.text.strip())
    return judged.is_refuted or (judged.has_run and judged.tier is Tier.UNVERIFIED)
