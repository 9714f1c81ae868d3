"""`plum-lsp pilot`: compare tested suggestions with untested ones on your own work."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from plum_lsp.cli.reporting.team import export, team_report
from plum_lsp.config import data_dir, load_settings
from plum_lsp.config.folder import store_file
from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.pilot import ANSWER_MAX, ANSWER_MIN, Measure, Plan, Question
from plum_lsp.report.drawing import draw
from plum_lsp.report.pilot_tables import MEASURES, QUESTIONS, pilot_tables, success_words
from plum_lsp.report.planning import ASSUMED_RATE, Expectation, expectation
from plum_lsp.report.printing import ask_number, ask_to_go_on, console, say
from plum_lsp.report.usage import report_of
from plum_lsp.store.answers import write_answers
from plum_lsp.store.pilots import running_pilot, start_pilot, stop_pilot
from plum_lsp.store.queries import open_reader
from plum_lsp.store.records import instant
from plum_lsp.store.writer import open_store

HISTORY_DAYS = 28
"""The pace of a pilot is estimated from so many last days."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


_VALUE = click.IntRange(ANSWER_MIN, ANSWER_MAX)


class _Name(click.ParamType[str]):
    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A name of letters, digits, dots, dashes and underscores."""
        if not _NAME.fullmatch(value):
            self.fail("must have 1 to 40 letters, digits, dots, dashes or underscores", param, ctx)
        return value


@click.group()
def pilot() -> None:
    """Compare tested suggestions with untested ones on your own work."""


@pilot.command()
@click.option("--name", required=True, type=_Name(), help="The pilot's name in the report.")
@click.option("--weeks", default=2, show_default=True, type=click.IntRange(1, 26))
@click.option(
    "--control-share",
    default=0.3,
    show_default=True,
    type=click.FloatRange(0.05, 0.95),
    help="Share of documents and days without tests.",
)
@click.option("--shadow", is_flag=True, help="Test control suggestions after they were shown, for the record.")
@click.option(
    "--measure",
    default=Measure.KEPT.value,
    show_default=True,
    type=click.Choice([one.value for one in Measure]),
    help="What decides: suggestions that were accepted, or accepted and kept for ten minutes.",
)
@click.option(
    "--gain",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0.01, 0.9),
    help="The least difference that is a success, as a share of the shown suggestions.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def start(*, weeks: int, shadow: bool, measure: str, gain: float, yes: bool, **given: Any) -> None:
    """Start a pilot. It says first what it will be able to show, and asks.

    While it runs, some documents get the first sample of the model on some days, without tests and labelled
    `unverified`. Explicit requests get a tested suggestion.
    """
    now, path = datetime.now(UTC), _store()
    compared, share = Measure(measure), given["control_share"]
    expected = _expected(path, compared, now=now, weeks=weeks, control_share=share)
    plan = Plan(
        name=given["name"],
        control_share=share,
        is_shadow=shadow,
        measure=compared,
        gain_min=gain,
        effect_min=expected.effect_min,
        starts_at=instant(now.timestamp()),
        ends_at=instant((now + timedelta(weeks=weeks)).timestamp()),
    )
    for line in _told(plan, expected):
        say(line)
    if not yes:
        ask_to_go_on("Start it?")
    start_pilot(path, plan, now=plan.starts_at)
    say(f"The pilot {plan.name} runs until {plan.ends_at[:10]}. `plum-lsp pilot stop` ends it earlier.")
    say("Once a week, you can answer three short questions: `plum-lsp pilot answer`.")


@pilot.command()
def status() -> None:
    """Show the pilots and how they stand."""
    now = _now()
    with open_reader(_store()) as reader:
        found = report_of(reader.usage(), now=now).pilots
    if not found:
        say("There was no pilot. `plum-lsp pilot start --name NAME` starts one.")
    draw((table for figures in found for table in pilot_tables(figures)), console())


@pilot.command()
def stop() -> None:
    """End the pilot that runs. Its records stay, and all suggestions are tested from now on."""
    path = _store()
    stopped = stop_pilot(path, now=_now()) if path.is_file() else None
    if stopped is None:
        raise click.ClickException("No pilot runs.")
    say(f"The pilot {stopped.plan.name} has ended. `plum-lsp report` shows it.")


@pilot.command()
@click.option(
    "--time", "saved_time", type=_VALUE, help="Did they save you time? 1: they cost much, 5: they saved much."
)
@click.option("--trust", type=_VALUE, help="Could you rely on what was suggested? 1: never, 5: always.")
@click.option("--calm", type=_VALUE, help="Could you work without being disturbed? 1: never, 5: always.")
def answer(*, saved_time: int | None, trust: int | None, calm: int | None) -> None:
    """Answer the three questions of this week. None has to be answered. Without options, it asks.

    The answers stand in the report. Of two answers in one week, the later counts.
    """
    path = _store()
    given = {Question.TIME: saved_time, Question.TRUST: trust, Question.CALM: calm}
    if not path.is_file():
        raise click.ClickException("No pilot runs, so there are no questions.")
    if all(value is None for value in given.values()):
        write_answers(path, {}, now=_now())  # refuses before it asks
        given = {one: ask_number(words, ANSWER_MIN, ANSWER_MAX) for one, words in QUESTIONS.items()}
    answers = {one: value for one, value in given.items() if value is not None}
    if not answers:
        say("Nothing is noted.")
        return
    found, week = write_answers(path, answers, now=_now())
    say(f"Noted for week {week} of the pilot {found.plan.name}: {len(answers)} of {len(given)} answers.")


pilot.add_command(export)
pilot.add_command(team_report)


def _store() -> Path:
    return store_file(data_dir(load_settings(environ=os.environ).settings))


def _now() -> str:
    return instant(datetime.now(UTC).timestamp())


def _expected(path: Path, measure: Measure, *, now: datetime, weeks: int, control_share: float) -> Expectation:
    """What can be expected of a pilot, from the last weeks in the store."""
    if path.is_file() and running_pilot(path, now=instant(now.timestamp())) is not None:
        raise StoreError(
            "a pilot runs already", remedy="`plum-lsp pilot status` shows it, `plum-lsp pilot stop` ends it."
        )
    since = now - timedelta(days=HISTORY_DAYS)
    usage = None
    if path.is_file():
        open_store(path).close()  # brings an older one up to date
        with open_reader(path) as reader:
            usage = reader.usage(since=instant(since.timestamp()))
    first = datetime.fromisoformat(usage.first_at) if usage is not None and usage.first_at else now
    days = (now - first).total_seconds() / 86_400
    offers = usage.offers if usage is not None else ()
    return expectation(offers, measure, days=days, weeks=weeks, control_share=control_share)


def _told(plan: Plan, expected: Expectation) -> list[str]:
    """What is decided, in sentences."""
    share, seen = f"{plan.control_share:.0%}", f"{expected.effect_min * 100:.0f} points"
    source = f"It is estimated from {expected.shown} suggestions of the last {HISTORY_DAYS} days."
    if expected.is_assumed:
        source = (
            f"There are too few suggestions yet ({expected.shown}), so this assumes 30 a day on 5 days a week, "
            f"half of them independent, and that {ASSUMED_RATE:.0%} are {MEASURES[plan.measure]}."
        )
    lines = [
        f"Pilot {plan.name}, until {plan.ends_at[:10]}.",
        f"On each day, {share} of your documents get the first sample of the model, untested and labelled unverified.",
        "The other documents get tested suggestions, as before. If you ask for a suggestion, it is tested.",
        f"A success is: {success_words(plan.measure, plan.gain_min)}.",
        f"The smallest difference that it will probably show (with a chance of 80 %) is {seen}. {source}",
    ]
    if plan.is_shadow:
        lines.insert(
            2, "Each of these samples is tested in the sandbox after it was shown. Only the store learns of it."
        )
    if expected.effect_min > plan.gain_min:
        lines.append(
            "A success may be smaller than this. With more weeks or a control share near 0.5, less can be seen."
        )
    return lines
