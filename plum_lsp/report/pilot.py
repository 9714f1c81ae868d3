"""The figures of a pilot: tested suggestions against untested ones, what was decided before, and when it can be told.

Pure. The unit of the assignment is a document of one person on a day. That is the cluster of all intervals of one
person's pilot. In a team's pilot it is a person's day.
"""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.pilot import Answer, Arm, Measure, Pilot, Plan
from plum_lsp.files.pages import page
from plum_lsp.report.shares import Quantile, Share, Z, quantile, share
from plum_lsp.store.people.pilot_files import PersonsPilot
from plum_lsp.store.pilots import PilotRow

KEPT_SHARE_MIN = 0.5
"""An accepted suggestion is kept if at least half of its characters are."""
POWER = 0.8416
"""The normal quantile of 80 %: the chance with which a difference is to be seen (Cohen, 1988)."""
SECONDS_OF_DAY = 86_400
_DECIDED = ("name", "control_share", "is_shadow", "measure", "gain_min")
"""What the parts of a common pilot share."""


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
    `answer_p50_ms` is the median time to a suggestion, of those whose time is known.
    """

    arm: Arm
    requests: int
    units: int
    shown: Share | None
    accepted: Share | None
    rejected: Share | None
    kept: Share | None
    refuted: Share | None
    answer_p50_ms: Quantile | None
    measured: Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotFigures:
    """A pilot and how it stands. That of a team has the parts of several people.

    `outside` counts its requests that are not compared. `days_more` is the time until the planned gain can be seen, at
    the pace so far: 0 if it can be now, None if it is unknown. `shown_by_person` counts the compared suggestions that
    were shown to each, most first, and `largest_part` is the share of the first. `answers` are what was said in each
    week.
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
    shown_by_person: tuple[int, ...]
    largest_part: float | None
    answers: tuple[Answer, ...]


def pilot_figures(pilot: Pilot, rows: Sequence[PilotRow], *, now: str, answers: Sequence[Answer] = ()) -> PilotFigures:
    """The figures of one person's pilot at `now` (UTC text), from its requests."""
    over_at, is_stopped = pilot.over_at, bool(pilot.stopped_at)
    return _figures(pilot.plan, rows, answers, now=now, over_at=over_at, is_stopped=is_stopped)


def team_figures(parts: Sequence[PersonsPilot], *, now: str) -> PilotFigures:
    """The figures of one pilot of several people. Its clusters are the days of each person.

    A person's documents of one day resemble each other in both arms. The intervals of the arms allow for it. That of
    the difference is then rather too wide than too narrow.

    Raises:
        StoreError: there is no part, a part is given twice, or the parts decided different things before.
    """
    plan = _common_plan(parts)
    rows = [replace(row, unit=f"{row.person} {row.day}") for part in parts for row in part.rows]
    answers = [answer for part in parts for answer in part.answers]
    is_stopped = any(part.is_stopped for part in parts)
    return _figures(plan, rows, answers, now=now, over_at=max(part.over_at for part in parts), is_stopped=is_stopped)


def _common_plan(parts: Sequence[PersonsPilot]) -> Plan:
    """The plan that all share, from the first start to the last end, with the smallest effect of all together."""
    if not parts:
        raise StoreError("there is no pilot to report", remedy="Name the files of `plum-lsp pilot export`.")
    if len({part.source for part in parts}) < len(parts):
        raise StoreError("a pilot is given twice", remedy="Name each person's file once.")
    first, *others = (part.plan for part in parts)
    for other in others:
        differing = [name for name in _DECIDED if getattr(other, name) != getattr(first, name)]
        if differing:
            raise StoreError(
                f"the plans differ in {', '.join(differing)}, so they are no common pilot",
                remedy=f"Everyone starts it with the same options ({page('pilot.md')}).",
            )
    effects = [part.plan.effect_min for part in parts]
    known = [one for one in effects if one]
    return replace(
        first,
        starts_at=min(part.plan.starts_at for part in parts),
        ends_at=max(part.plan.ends_at for part in parts),
        effect_min=sum(one**-2 for one in known) ** -0.5 if len(known) == len(effects) else None,
    )


def _figures(
    plan: Plan, rows: Sequence[PilotRow], answers: Sequence[Answer], *, now: str, over_at: str, is_stopped: bool
) -> PilotFigures:
    tested, control = (_arm(arm, rows, plan.measure) for arm in (Arm.TESTED, Arm.CONTROL))
    found = difference(tested.measured, control.measured)
    shown = Counter(row.person for row in rows if row.is_shown and row.arm is not Arm.OUTSIDE)
    by_person = tuple(count for _, count in shown.most_common())
    return PilotFigures(
        plan=plan,
        over_at=over_at,
        is_stopped=is_stopped,
        tested=tested,
        control=control,
        outside=sum(row.arm is Arm.OUTSIDE for row in rows),
        difference=found,
        finding=_finding(found, plan.gain_min) if now >= over_at else Finding.RUNNING,
        days_more=_days_more(found, plan.gain_min, days=days_between(plan.starts_at, min(now, over_at))),
        shown_by_person=by_person,
        largest_part=by_person[0] / shown.total() if by_person else None,
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
    times = [(row.unit, row.answer_ms) for row in all_of if row.tier is not None and row.answer_ms is not None]
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
        answer_p50_ms=quantile(times, 0.5),
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
