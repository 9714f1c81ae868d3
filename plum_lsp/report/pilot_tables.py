"""The figures of a pilot as tables of text, for the terminal and for the page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plum_lsp.domain.pilot import ANSWER_MAX, Arm, Measure, Question
from plum_lsp.report.figures import INTERVAL, FigureTable, cells, seconds
from plum_lsp.report.pilot import Finding, PilotFigures, days_between
from plum_lsp.report.shares import Share

ARMS = {Arm.TESTED: "tested", Arm.CONTROL: "control", Arm.OUTSIDE: "not compared"}
MEASURES = {Measure.KEPT: "accepted and kept for 10 minutes", Measure.ACCEPTED: "accepted"}
"""What is compared, as a share of the suggestions that were shown."""
QUESTIONS = {
    Question.TIME: "Did the suggestions save you time? (1: they cost much, 5: they saved much)",
    Question.TRUST: "Could you rely on what was suggested? (1: never, 5: always)",
    Question.CALM: "Could you work without being disturbed by them? (1: never, 5: always)",
}
"""What a person is asked in each week of a pilot."""
PART_MAX = 0.5
"""If one person has more than this part of the suggestions, the pilot tells about that person."""
WEEKS_TOLD_MAX = 26
"""A longer time is told as "longer than"."""

_FINDINGS = {
    Finding.RUNNING: "not yet: it still runs, and a look before its end does not decide",
    Finding.SUCCESS: "success, as it was decided before",
    Finding.NO_SUCCESS: "no success: the difference is surely smaller than decided",
    Finding.UNCLEAR: "it cannot be told: the difference may be as large as decided, or none",
}


def pilot_tables(found: PilotFigures) -> tuple[FigureTable, ...]:
    """What was decided and what was found, then the figures of both arms, then what the person said."""
    name = f"Pilot {found.plan.name}"
    made = (
        FigureTable(title=name, columns=("", "what was decided, and what was found"), rows=tuple(_facts(found))),
        FigureTable(
            title=f"{name}: tested suggestions against the control",
            columns=("of each arm", "arm", "count", "share", INTERVAL),
            rows=(*_shares(found), *_times(found)),
        ),
        FigureTable(
            title=f"{name}: what you said", columns=("question", "answers", "mean", "by week"), rows=tuple(_said(found))
        ),
    )
    return tuple(table for table in made if table.rows)


def points(value: float) -> str:
    """A difference of two shares in percentage points."""
    return f"{value * 100:+.0f} points"


def success_words(measure: Measure, gain_min: float) -> str:
    """What a success is."""
    return (
        f"of the shown suggestions, the share that was {MEASURES[measure]} is higher by at least "
        f"{gain_min * 100:.0f} points with tests, and the interval of the difference lies above 0"
    )


def _facts(found: PilotFigures) -> Iterable[tuple[str, str]]:
    plan = found.plan
    yield "time", f"{plan.starts_at[:10]} to {found.over_at[:10]}{' (stopped early)' if found.is_stopped else ''}"
    yield "control", f"{plan.control_share:.0%} of documents and days{', tested afterwards' if plan.is_shadow else ''}"
    yield "success, decided before", success_words(plan.measure, plan.gain_min)
    if plan.effect_min is not None:
        yield "smallest difference that was expected to be seen", f"{plan.effect_min * 100:.0f} points"
    yield "difference so far" if found.finding is Finding.RUNNING else "difference", _difference(found)
    yield "finding", _FINDINGS[found.finding]
    if found.finding in (Finding.RUNNING, Finding.UNCLEAR):
        yield "how much longer", how_much_longer(found)
    if found.outside:
        yield "not compared", f"{found.outside} requests: asked for, or text in a comment or a docstring"
    if len(found.shown_by_person) > 1:
        counts = ", ".join(map(str, found.shown_by_person))
        yield "people", f"{len(found.shown_by_person)}. Suggestions that were shown to each: {counts}"
    if found.largest_part is not None and found.largest_part > PART_MAX:
        yield "note", _one_person(found)


def how_much_longer(found: PilotFigures) -> str:
    """The time until the planned gain can be seen. A pilot that is over cannot go on, so it is that of a new one."""
    gain = f"{found.plan.gain_min * 100:.0f} points"
    if found.days_more is None:
        return f"cannot be said before both arms have suggestions that were measured (for {gain})"
    if found.days_more == 0:
        return f"enough was seen to tell {gain}"
    is_over = found.finding is not Finding.RUNNING
    days = found.days_more + (days_between(found.plan.starts_at, found.over_at) if is_over else 0)
    many = f"{max(1, round(days))} days" if days <= WEEKS_TOLD_MAX * 7 else f"more than {WEEKS_TOLD_MAX} weeks"
    if is_over:
        return f"this one is over. A new pilot of {many} at this pace would tell {gain}"
    return f"{many} more at this pace, to tell {gain}"


def _difference(found: PilotFigures) -> str:
    if found.difference is None:
        return "none yet: an arm has no suggestion that was measured"
    one = found.difference
    return f"{points(one.value)} ({INTERVAL}: {points(one.low)} to {points(one.high)})"


def _one_person(found: PilotFigures) -> str:
    people = len(found.shown_by_person)
    if people == 1:
        return "all suggestions are one person's, so this tells about that person"
    return (
        f"one of {people} people has {found.largest_part:.0%} of the suggestions: this tells mostly about that person"
    )


def _shares(found: PilotFigures) -> Iterable[tuple[str, ...]]:
    both = (found.tested, found.control)
    shares: dict[str, list[Share | None]] = {
        "shown, of requests": [arm.shown for arm in both],
        "accepted, of shown": [arm.accepted for arm in both],
        "accepted and kept for 10 minutes, of shown": [arm.kept for arm in both],
        "rejected on purpose, of shown": [arm.rejected for arm in both],
        "failed one of your tests, of shown that were tested": [arm.refuted for arm in both],
    }
    for words, values in shares.items():
        if any(value is not None for value in values):
            yield from ((words, ARMS[arm.arm], *cells(value)) for arm, value in zip(both, values, strict=True))


def _said(found: PilotFigures) -> Iterable[tuple[str, ...]]:
    """The answers to each question: their number, their mean, and each week's. They are too few for an interval."""
    for question, words in QUESTIONS.items():
        weeks: dict[int, list[int]] = {}
        for one in found.answers:
            if one.question is question:
                weeks.setdefault(one.week, []).append(one.value)
        values = [value for week in weeks.values() for value in week]
        if values:
            by_week = ", ".join(f"week {week}: {_mean(told)}" for week, told in sorted(weeks.items()))
            yield words, str(len(values)), f"{sum(values) / len(values):.1f} of {ANSWER_MAX}", by_week


def _mean(values: Sequence[int]) -> str:
    """One value, or the mean of several people's with their number."""
    return str(values[0]) if len(values) == 1 else f"{sum(values) / len(values):.1f} ({len(values)} people)"


def _times(found: PilotFigures) -> Iterable[tuple[str, ...]]:
    for arm in (found.tested, found.control):
        if arm.answer_p50_ms is not None:
            count, times = str(arm.answer_p50_ms.count), seconds(arm.answer_p50_ms)
            yield "median time to a suggestion", ARMS[arm.arm], count, *times
