"""The figures of a pilot: tested suggestions against untested ones, what was decided before, and when it can be told.

Pure. The unit of the assignment is a document of one person on a day, so that is the cluster of all intervals.
"""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.pilot import Answer, Arm, Measure, Pilot, Plan
from plum_lsp.report.shares import Share, Z, percentile, share
from plum_lsp.store.pilots import PilotRow

KEPT_SHARE_MIN = 0.5
"""An accepted suggestion is kept if at least half of its characters are."""
POWER = 0.8416
"""The normal quantile of 80 %: the chance with which a difference is to be seen (Cohen, 1988)."""
SECONDS_OF_DAY = 86_400


class Finding(enum.Enum):
    """What a pilot says about the success that was decided before its start."""

    RUNNING = "running"
    """It is not over. A look before the end decides no question."""
    SUCCESS = "success"
    NO_SUCCESS = "no_success"
    """The difference is surely smaller than what was called a success."""
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A share of the tested requests minus that of the control, with the ends of its 95 % interval, in [-1, 1]."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """What became of the requests of one arm. `measured` is the plan's own measure. `units` are its clusters.

    `refuted` is the share of its shown suggestions that failed a test, of those that were tested before or after.
    """

    arm: Arm
    requests: int
    units: int
    shown: Share | None
    accepted: Share | None
    rejected: Share | None
    kept: Share | None
    refuted: Share | None
    answer_p50_ms: float | None
    measured: Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotFigures:
    """A pilot and how it stands.

    `outside` counts its requests that are not compared. `days_more` is the time until the planned gain can be seen, at
    the pace so far: 0 if it can be now, None if it is unknown. `largest_part` is the share of shown suggestions
    of the person who has most of them. `answers` are what the person said in each week.
    """

    plan: Plan
    over_at: str
    is_stopped: bool
    tested: ArmFigures
    control: ArmFigures
    outside: int
    difference: Difference | None
    finding: Finding
    days_more: float | None
    people: int
    largest_part: float | None
    answers: tuple[Answer, ...]


def pilot_figures(pilot: Pilot, rows: Sequence[PilotRow], *, now: str, answers: Sequence[Answer] = ()) -> PilotFigures:
    """The figures of a pilot at `now` (UTC text), from its requests."""
    tested, control = (_arm(arm, rows, pilot.plan.measure) for arm in (Arm.TESTED, Arm.CONTROL))
    found = difference(tested.measured, control.measured)
    events = Counter(row.person for row in rows if row.is_shown and row.arm is not Arm.OUTSIDE)
    until = min(now, pilot.over_at)
    return PilotFigures(
        plan=pilot.plan,
        over_at=pilot.over_at,
        is_stopped=bool(pilot.stopped_at),
        tested=tested,
        control=control,
        outside=sum(row.arm is Arm.OUTSIDE for row in rows),
        difference=found,
        finding=_finding(found, pilot.plan.gain_min) if now >= pilot.over_at else Finding.RUNNING,
        days_more=_days_more(found, pilot.plan.gain_min, days=days_between(pilot.plan.starts_at, until)),
        people=len(events),
        largest_part=max(events.values()) / events.total() if events else None,
        answers=tuple(answers),
    )


def difference(tested: Share | None, control: Share | None) -> Difference | None:
    """The difference of two shares with its 95 % interval: Newcombe's (1998), method 10, from the two own intervals."""
    if tested is None or control is None:
        return None
    value = tested.value - control.value
    below = math.hypot(tested.value - tested.low, control.high - control.value)
    above = math.hypot(tested.high - tested.value, control.value - control.low)
    return Difference(value=value, low=value - below, high=value + above)


def smallest_effect(rate: float, *, trials: float, control_share: float) -> float:
    """The difference that is seen with a chance of 80 %, by a two-sided test at 5 %, at a share of about `rate`.

    `trials` are the expected independent suggestions of both arms together (Fleiss, Levin and Paik, 2003, chapter 4).
    """
    parts = 1 / (trials * control_share) + 1 / (trials * (1 - control_share))
    return min(1.0, (Z + POWER) * math.sqrt(rate * (1 - rate) * parts))


def days_between(first: str, last: str) -> float:
    """The days from one instant (UTC text) to another, at least 0."""
    seconds = (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
    return max(0.0, seconds / SECONDS_OF_DAY)


def is_measured(measure: Measure, *, is_accepted: bool, share_left: float | None) -> bool | None:
    """Whether a shown suggestion counts for a measure. None if it was accepted and could not be measured later."""
    if measure is Measure.ACCEPTED or not is_accepted:
        return is_accepted
    return None if share_left is None else share_left >= KEPT_SHARE_MIN


def measured_share(measure: Measure, offers: Iterable[tuple[str, bool, float | None]]) -> Share | None:
    """The share of a measure over shown suggestions `(cluster, is_accepted, share_left)`."""
    told = ((name, is_measured(measure, is_accepted=taken, share_left=left)) for name, taken, left in offers)
    return share((name, int(counts), 1) for name, counts in told if counts is not None)


def _arm(arm: Arm, rows: Sequence[PilotRow], measure: Measure) -> ArmFigures:
    all_of = [row for row in rows if row.arm is arm]
    shown = [row for row in all_of if row.is_shown]
    times = [row.answer_ms for row in all_of if row.tier is not None and row.answer_ms is not None]
    fates = [(row.unit, row.is_accepted, row.share_left) for row in shown]
    return ArmFigures(
        arm=arm,
        requests=len(all_of),
        units=len({row.unit for row in all_of}),
        shown=_part(all_of, lambda row: row.is_shown),
        accepted=measured_share(Measure.ACCEPTED, fates),
        rejected=_part(shown, lambda row: row.kind is OutcomeKind.REJECTED),
        kept=measured_share(Measure.KEPT, fates),
        refuted=_part([row for row in shown if row.is_tested], lambda row: row.has_failed),
        answer_p50_ms=percentile(times, 0.5) if times else None,
        measured=measured_share(measure, fates),
    )


def _part(rows: Iterable[PilotRow], is_part: Callable[[PilotRow], bool]) -> Share | None:
    return share((row.unit, int(is_part(row)), 1) for row in rows)


def _finding(found: Difference | None, gain_min: float) -> Finding:
    if found is not None and found.low > 0 and found.value >= gain_min:
        return Finding.SUCCESS
    if found is not None and found.high < gain_min:
        return Finding.NO_SUCCESS
    return Finding.UNCLEAR


def _days_more(found: Difference | None, gain_min: float, *, days: float) -> float | None:
    """The variance of a difference falls with the time, so the time that is needed follows from that of now."""
    if found is None or not days:
        return None
    error, wanted = (found.high - found.low) / 2 / Z, gain_min / (Z + POWER)
    return max(0.0, days * (error / wanted) ** 2 - days)
