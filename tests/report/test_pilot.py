"""The figures of a pilot, computed again from the tables of a store, and what can be said of a difference."""

from __future__ import annotations

import math
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.used import used

from plum_lsp.config.folder import store_file
from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.pilot import Answer, Arm, Measure, Pilot, PilotId, Plan, Question
from plum_lsp.domain.suggestion import Tier
from plum_lsp.report.page import page_of
from plum_lsp.report.pilot import (
    Finding,
    PilotFigures,
    difference,
    pilot_figures,
    smallest_effect,
    team_figures,
)
from plum_lsp.report.pilot_tables import how_much_longer, pilot_tables
from plum_lsp.report.shares import Z, share
from plum_lsp.report.usage import report_of
from plum_lsp.store import open_reader
from plum_lsp.store.people.pilot_files import PersonsPilot, part_of, read_parts, write_part
from plum_lsp.store.pilots import PilotRow, start_pilot, stop_pilot

PLAN = Plan(
    name="first",
    control_share=0.4,
    is_shadow=True,
    measure=Measure.KEPT,
    gain_min=0.1,
    effect_min=0.2,
    starts_at="2026-11-01T00:00:00.000+00:00",
    ends_at="2026-11-15T00:00:00.000+00:00",
)
PILOT = Pilot(id=PilotId(1), key="00" * 16, plan=PLAN)
DURING, AFTER = "2026-11-08T00:00:00.000+00:00", "2026-12-01T00:00:00.000+00:00"


async def piloted(path: Path) -> None:
    """A store of some days in which a pilot ran, with arms by chance."""
    await used(path, seed=5, requests=150)
    pilot = start_pilot(path, PLAN, now=DURING)
    chance = random.Random(7)
    with closing(sqlite3.connect(path)) as db, db:
        for (request,) in db.execute("SELECT id FROM requests ORDER BY rowid").fetchall():
            arm = chance.choice(["tested", "tested", "control", "control", "outside", None])
            given = (pilot.id if arm else None, arm, request)
            db.execute("UPDATE requests SET pilot_id = ?, arm = ? WHERE id = ?", given)


def figures(path: Path, *, now: str = DURING) -> PilotFigures:
    """The figures of the only pilot."""
    with open_reader(path) as reader:
        (found,) = report_of(reader.usage(), now=now).pilots
    return found


async def test_the_arms_are_those_of_the_tables(tmp_path: Path) -> None:
    """Requests, shown, accepted, kept and refuted suggestions, counted row by row."""
    path = store_file(tmp_path)
    await piloted(path)
    found = figures(path)
    with closing(sqlite3.connect(path)) as db:
        requests = db.execute("SELECT id, arm FROM requests WHERE pilot_id = 1").fetchall()
        offers = dict(db.execute("SELECT request_id, id FROM offers"))
        outcomes = db.execute("SELECT offer_id, kind FROM outcomes ORDER BY id").fetchall()
        left = dict(db.execute("SELECT offer_id, share FROM survivals WHERE after_ms = 600000"))
    assert found.outside == sum(arm == "outside" for _, arm in requests) > 0
    for one in (found.tested, found.control):
        mine = [request for request, arm in requests if arm == one.arm.value]
        kinds = {offers[of]: [kind for name, kind in outcomes if name == offers[of]] for of in mine if of in offers}
        shown = {name: of for name, of in kinds.items() if of}
        taken = {name for name, of in shown.items() if "accepted" in of}
        told = [name for name in shown if name not in taken or name in left]
        kept = [name for name in told if left.get(name, 0.0) >= 0.5]
        shares = (one.shown, one.accepted, one.rejected, one.kept, one.measured, one.refuted)
        assert [(of.part, of.whole) for of in shares if of] == [
            (len(shown), len(mine)),
            (len(taken), len(shown)),
            (sum(of[-1] == "rejected" for of in shown.values()), len(shown)),
            (len(kept), len(told)),
            (len(kept), len(told)),
            (0, len(shown)),
        ]
        assert one.answer_p50_ms is not None
        assert (one.answer_p50_ms.value, one.answer_p50_ms.count) == (30.0, len(kinds))
        assert (one.answer_p50_ms.low, one.answer_p50_ms.high) == (30.0, 30.0)


async def test_the_report_has_the_pilot_and_not_its_key(tmp_path: Path) -> None:
    """The page says that all events are one person's, and that a look before the end decides nothing."""
    path = store_file(tmp_path)
    await piloted(path)
    with closing(sqlite3.connect(path)) as db:
        ((key,),) = db.execute("SELECT key FROM pilots").fetchall()
    with open_reader(path) as reader:
        found = report_of(reader.usage(), now=DURING)
        page = page_of(found)
        assert report_of(reader.usage(since="2026-11-20"), now=DURING).pilots == ()
    assert key not in page + repr(found)
    for told in ("Pilot first", "a look before its end does not decide", "all suggestions are one person&#x27;s"):
        assert told in page


async def test_a_stopped_pilot_is_over(tmp_path: Path) -> None:
    """It has a finding, and its name cannot be used again."""
    path = store_file(tmp_path)
    await piloted(path)
    assert stop_pilot(path, now=DURING) is not None
    assert stop_pilot(path, now=DURING) is None
    found = figures(path, now="2026-11-08T00:00:01.000+00:00")
    assert found.is_stopped
    assert found.finding is not Finding.RUNNING


def rows(arm: Arm, *, accepted: int, of: int, person: str = "a") -> list[PilotRow]:
    """Shown suggestions, each in a document of its own."""
    return [
        PilotRow(
            person=person,
            unit=f"{person} {arm.value} {number}",
            day=f"2026-11-{1 + number % 14:02}",
            arm=arm,
            tier=Tier.CHECKED,
            is_tested=False,
            has_failed=False,
            is_shown=True,
            is_accepted=number < accepted,
            kind=None,
            share_left=1.0,
            answer_ms=100.0,
        )
        for number in range(of)
    ]


def found(tested: int, control: int, *, of: int = 100, now: str = AFTER, plan: Plan = PLAN) -> PilotFigures:
    """The figures where so many of `of` suggestions of each arm were accepted."""
    both = [*rows(Arm.TESTED, accepted=tested, of=of), *rows(Arm.CONTROL, accepted=control, of=of)]
    return pilot_figures(replace(PILOT, plan=plan), both, now=now)


@pytest.mark.parametrize(
    ("tested", "control", "finding"),
    [
        (60, 30, Finding.SUCCESS),
        (38, 30, Finding.UNCLEAR),
        (30, 30, Finding.UNCLEAR),
        (20, 40, Finding.NO_SUCCESS),
        (0, 0, Finding.NO_SUCCESS),
    ],
)
def test_the_finding_follows_what_was_decided(tested: int, control: int, finding: Finding) -> None:
    """A pilot that still runs has none, however large the difference."""
    assert found(tested, control).finding is finding
    assert found(tested, control, now=DURING).finding is Finding.RUNNING


def test_the_interval_of_a_difference() -> None:
    """The example of Newcombe (1998, table II, contrast a): 56 of 70 against 48 of 80. Ours is a little wider.

    Newcombe knows that trials are independent. The variance between clusters is estimated from the data.
    """
    tested, control = (
        share((str(number), int(number < part), 1) for number in range(whole)) for part, whole in ((56, 70), (48, 80))
    )
    one = difference(tested, control)
    assert one is not None
    assert (one.value, one.low, one.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=0.0015)


def test_repeated_requests_of_one_document_say_less() -> None:
    """The same counts in five documents have a wider interval than in a hundred."""
    spread = found(60, 30).difference
    both = [*rows(Arm.TESTED, accepted=60, of=100), *rows(Arm.CONTROL, accepted=30, of=100)]
    few = [replace(row, unit=f"{row.arm.value} {int(row.unit.rpartition(' ')[2]) // 20}") for row in both]
    clustered = pilot_figures(PILOT, few, now=AFTER).difference
    assert spread is not None
    assert clustered is not None
    assert clustered.high - clustered.low > 1.5 * (spread.high - spread.low)


def test_how_much_longer() -> None:
    """Four times the time halves the interval. With no acceptance in an arm there is still an answer."""
    week = found(40, 30, now=DURING)
    assert week.difference is not None
    assert week.days_more is not None
    error = (week.difference.high - week.difference.low) / 2 / Z
    assert math.isclose(week.days_more + 7, 7 * (error * (Z + 0.8416) / PLAN.gain_min) ** 2)
    assert "days more at this pace" in how_much_longer(week)
    over = found(40, 30, plan=replace(PLAN, ends_at="2026-11-08T00:00:00.000+00:00"))
    assert (
        how_much_longer(over)
        == f"this one is over. A new pilot of {round(week.days_more + 7)} days at this pace would tell 10 points"
    )
    assert "enough was seen" in how_much_longer(found(400, 300, of=4000, now=DURING))
    assert "cannot be said" in how_much_longer(pilot_figures(PILOT, [], now=DURING))


@pytest.mark.parametrize(("tested", "control", "is_told"), [(60, 30, False), (20, 40, False), (38, 30, True)])
def test_no_more_time_is_asked_for_after_a_finding(tested: int, control: int, is_told: bool) -> None:
    """A pilot that ended with an answer needs none. While it runs, and if it cannot be told, the time is said."""
    over, running = (str(pilot_tables(found(tested, control, now=now))) for now in (AFTER, DURING))
    assert ("how much longer" in over, "how much longer" in running) == (is_told, True)


def test_one_person_of_several() -> None:
    """The note names the part of the one who makes over half of the events. Without such a person there is none."""
    parts = (("a", 60), ("b", 20), ("c", 20))
    several = [row for name, many in parts for row in rows(Arm.TESTED, accepted=1, of=many, person=name)]
    told = str(pilot_tables(pilot_figures(PILOT, several, now=AFTER)))
    assert "one of 3 people has 60% of the suggestions" in told
    even = [row for name in "abc" for row in rows(Arm.TESTED, accepted=1, of=20, person=name)]
    assert "one of 3 people" not in str(pilot_tables(pilot_figures(PILOT, even, now=AFTER)))


def test_the_smallest_effect() -> None:
    """For 30 % and two equal groups of 330 it is 10 points (Fleiss, Levin and Paik's formula without correction)."""
    assert smallest_effect(0.3, trials=2 * 330, control_share=0.5) == pytest.approx(0.1, abs=0.001)
    assert smallest_effect(0.3, trials=660, control_share=0.2) > 0.1
    assert smallest_effect(0.3, trials=1, control_share=0.5) == 1.0


def part(person: str, tested: int, control: int, *, of: int = 40, plan: Plan = PLAN) -> PersonsPilot:
    """One person's part, from a store with a key of its own."""
    own = replace(PILOT, key=person, plan=plan)
    both = [*rows(Arm.TESTED, accepted=tested, of=of, person=person), *rows(Arm.CONTROL, accepted=control, of=of)]
    said = (Answer(week=1, question=Question.TIME, value=2 + len(person)),)
    return part_of((own, tuple(replace(row, person=person) for row in both), said))


def test_a_pilot_of_several_people_counts_all_of_them() -> None:
    """The smallest effect is that of all together, and each person's answer counts."""
    team = team_figures([part("a", 20, 10), part("bb", 30, 10, of=80)], now=AFTER)
    assert team.tested.measured is not None
    assert (team.tested.measured.part, team.tested.measured.whole) == (50, 120)
    assert team.shown_by_person == (160, 80)
    assert team.plan.effect_min == pytest.approx(0.2 / math.sqrt(2))
    told = str(pilot_tables(team))
    assert "2. Suggestions that were shown to each: 160, 80" in told
    assert "one of 2 people has 67% of the suggestions" in told
    assert "week 1: 3.5 (2 people)" in told


def test_the_days_of_a_person_are_the_clusters_of_a_team() -> None:
    """Suggestions of one day say less than as many days. Days of two people are different days."""
    days = part("a", 20, 10)
    same = replace(
        days, rows=tuple(replace(row, day=f"2026-11-0{1 + index % 2}") for index, row in enumerate(days.rows))
    )
    wide, narrow = (team_figures([one], now=AFTER).tested for one in (same, days))
    assert (wide.units, narrow.units) == (2, 14)
    assert team_figures([days, part("b", 20, 10)], now=AFTER).tested.units == 28


@pytest.mark.parametrize("change", [{"name": "x"}, {"control_share": 0.5}, {"gain_min": 0.2}, {"is_shadow": False}])
def test_parts_with_other_plans_are_refused(change: dict[str, Any]) -> None:
    """What was decided before cannot be pooled with something else. Neither can one part be counted twice."""
    with pytest.raises(StoreError, match=f"plans differ in {next(iter(change))}"):
        team_figures([part("a", 1, 1), part("b", 1, 1, plan=replace(PLAN, **change))], now=AFTER)
    with pytest.raises(StoreError, match="given twice"):
        team_figures([part("a", 1, 1), part("a", 1, 1)], now=AFTER)
    with pytest.raises(StoreError, match="no pilot"):
        team_figures([], now=AFTER)


def test_a_part_as_a_file_is_the_same_and_has_no_names(tmp_path: Path) -> None:
    """Neither names of files nor the key are in it. Two documents stay two."""
    pilot = replace(PILOT, key="ab" * 16)
    row = rows(Arm.TESTED, accepted=1, of=1)[0]
    named = tuple(replace(row, unit=f"a 2026-11-01 file:///p/secret{number}.py", person="") for number in range(2))
    made = part_of((pilot, named, ()))
    file = tmp_path / "a.pilot.json"
    write_part(file, made)
    assert read_parts([tmp_path]) == read_parts([file]) == (made,)
    assert len({row.unit for row in made.rows}) == 2
    assert "secret" not in file.read_text()
    assert pilot.key not in file.read_text()
    assert {row.person for row in made.rows} == {made.source}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": "plum-pilot-1", "plan": 3}', '{"form": "another"}'])
def test_a_file_that_is_no_part_is_named(tmp_path: Path, text: str) -> None:
    """So is a folder without one."""
    with pytest.raises(StoreError, match=r"has no file \*\.pilot\.json"):
        read_parts([tmp_path])
    file = tmp_path / "a.pilot.json"
    file.write_text(text)
    with pytest.raises(StoreError, match=r"a\.pilot\.json is no pilot"):
        read_parts([file])
    with pytest.raises(StoreError, match="cannot be read"):
        read_parts([tmp_path / "none.pilot.json"])
