"""`plum-lsp pilot`: what a person in a shell is told, and what is stored."""

from __future__ import annotations

import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import click
import pytest
from support.command_line import CommandLine
from support.used import used

from plum_lsp.cli.reporting.pilot import start
from plum_lsp.config.folder import store_file
from plum_lsp.domain.errors import StoreError
from plum_lsp.report.installation import command_here

pytestmark = pytest.mark.slow


def started(user: CommandLine, *options: str, name: str = "first") -> str:
    """Start a pilot without a question. Returns what was said."""
    ran = user.here("pilot", "start", "--name", name, "--yes", *options)
    assert ran.code == 0
    return ran.said


def stored(user: CommandLine, sql: str) -> list[tuple[object, ...]]:
    """What stands in the store."""
    with closing(sqlite3.connect(store_file(user.folder / "data"))) as db:
        return db.execute(sql).fetchall()


def test_the_life_of_a_pilot(user: CommandLine) -> None:
    """What is decided is said before and stored. A second one cannot start meanwhile, nor one of the same name ever."""
    said = started(user, "--weeks", "3", "--control-share", "0.5", "--shadow", "--gain", "0.2")
    for told in ("50% of your documents", "higher by at least 20 points", "(with a chance of 80 %) is", "assumes"):
        assert told in said
    columns = "name, control_share, is_shadow, measure, gain_min, effect_min > 0.1"
    assert stored(user, f"SELECT {columns} FROM pilots") == [("first", 0.5, 1, "kept", 0.2, 1)]
    weeks = "SELECT julianday(ends_at) - julianday(starts_at) FROM pilots"
    assert stored(user, weeks) == [(pytest.approx(21),)]
    assert "it still runs" in user.here("pilot", "status").said
    second = user.run("pilot", "start", "--name", "second", "--yes")
    assert (second.code, "a pilot runs already" in second.err) == (1, True)
    assert f"`{command_here()} pilot stop` ends it" in second.err
    stopped = user.here("pilot", "stop").said
    assert f"has ended. `{command_here()} report` shows it." in stopped
    assert user.here("pilot", "stop").code == 1
    again = user.run("pilot", "start", "--name", "first", "--yes")
    assert (again.code, "Choose another name" in again.err) == (1, True)
    assert "stopped early" in user.here("report").said


def test_no_is_no(user: CommandLine) -> None:
    """Nothing starts without a yes."""
    ran = user.run("pilot", "start", "--name", "first")
    assert ran.code == 1
    assert "smallest difference" in ran.out
    assert not store_file(user.folder / "data").exists()


async def test_the_smallest_effect_comes_from_the_history(user: CommandLine, tmp_path: Path) -> None:
    """With enough suggestions in the store, nothing is assumed."""
    path = store_file(user.folder / "data")
    await used(path, seed=1, requests=200)
    with closing(sqlite3.connect(path)) as db, db:
        past = "strftime('%Y-%m-%dT%H:%M:%S.000+00:00', 'now', '-' || (rowid % 14) || ' days')"
        db.execute(f"UPDATE requests SET prompted_at = {past}")
    said = started(user)
    assert "suggestions of the last 28 days" in said
    assert "assumes" not in said


def test_questions_of_a_week(user: CommandLine) -> None:
    """Some or all are answered, by options or by typing, and the last word counts. The report shows the counts."""
    started(user)
    assert (
        "Noted for week 1 of the pilot first: 2 of 3 answers."
        in user.here("pilot", "answer", "--time", "2", "--calm", "5").said
    )
    typed = user.run("pilot", "answer", typed="4\nnine\n9\n3\n\n")
    assert typed.code == 0
    assert typed.said.count("Type a number from 1 to 5") == 2
    rows = stored(user, "SELECT week, question, value FROM pilot_answers ORDER BY id")
    assert rows == [(1, "time", 2), (1, "calm", 5), (1, "time", 4), (1, "trust", 3)]
    status = user.here("pilot", "status").said
    assert "what you said" in status
    for told in ("4.0 of 5", "3.0 of 5", "5.0 of 5", "week 1: 4"):
        assert told in status
    (pilot,) = user.here("report", "--json").report["pilots"]
    assert [one["value"] for one in pilot["answers"]] == [4, 3, 5]
    assert user.here("pilot", "answer", "--trust", "6").code == 2
    assert user.run("pilot", "answer", typed="\n\n\n").said.endswith("Nothing is noted.")


def test_no_questions_without_a_pilot(user: CommandLine) -> None:
    """Nothing is asked then. A pilot that was stopped can still be answered."""
    assert user.here("pilot", "answer", "--time", "3").code == 1
    started(user)
    user.here("pilot", "stop")
    assert "Noted for week 1" in user.here("pilot", "answer", "--time", "3").said
    user.here("forget", "--all", "--yes")
    assert stored(user, "SELECT count(*) FROM pilot_answers") == [(0,)]
    ran = user.run("pilot", "answer")
    assert (ran.code, "no pilot runs" in ran.err) == (1, True)


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 41, "../x", "a\nb"])
def test_a_name_that_is_none(user: CommandLine, name: str) -> None:
    """Wrong usage."""
    assert user.here("pilot", "start", f"--name={name}", "--yes").code == 2


def test_forgetting_everything_ends_it(user: CommandLine) -> None:
    """No pilot is left, and a new one may have the name. Without a store there is nothing to stop."""
    assert user.here("pilot", "stop").code == 1
    started(user)
    assert user.here("forget", "--since", "1d", "--yes").code == 0
    assert stored(user, "SELECT count(*) FROM pilots") == [(1,)]
    assert user.here("forget", "--all", "--yes").code == 0
    assert stored(user, "SELECT count(*) FROM pilots") == [(0,)]
    started(user)


PAGE = (Path(__file__).parents[2] / "docs" / "pilot.md").read_text()


def test_the_commands_of_the_page_work_as_written(user: CommandLine) -> None:
    """In the order of the page. Afterwards everything is deleted."""
    run, team, delete = (block.strip().splitlines() for block in re.findall(r"```console\n(.*?)```", PAGE, re.S))
    for line in run:
        assert user.here(*words_of(line), *(["--yes"] if " start " in line else [])).code == 0, line
    for line in team:
        words = [word.replace("/mnt/team", str(user.folder)) for word in words_of(line)]
        assert user.here(*words, *(["--yes"] if " start " in line else [])).code == 0, line
    assert (user.folder / "team.html").is_file()
    for line in delete[:2]:
        assert user.here(*words_of(line)).code == 0, line
    assert words_of(delete[2]) == ["-f", "report.html"]
    assert (user.folder / "report.html").is_file()
    for table in ("pilots", "pilot_stops", "pilot_answers", "requests", "prompts", "offers", "outcomes"):
        assert stored(user, f"SELECT count(*) FROM {table}") == [(0,)]


def words_of(line: str) -> list[str]:
    """The arguments of a command of the page."""
    return shlex.split(line.removeprefix("$ "), comments=True)[1:]


def test_the_options_of_the_page_are_those_of_the_command() -> None:
    """With their defaults."""
    told = dict(re.findall(r"^\| `--([a-z-]+)` \| `?([^|`]+?)`? \|", PAGE, re.M))
    real = {one.opts[0].removeprefix("--"): one for one in start.params if isinstance(one, click.Option)}
    assert list(told) == list(real)
    for name, default in told.items():
        option = real[name]
        assert default == ("required" if option.required else "off" if option.is_flag else str(option.default)), name


async def test_pilots_of_two_people_in_one_report(user: CommandLine, tmp_path: Path) -> None:
    """Each gives a file without names of documents, and the report counts both."""
    people = {name: {"PLUM_DATA_DIR": str(tmp_path / name)} for name in ("ann", "bob")}
    for seed, environ in enumerate(people.values()):
        path = store_file(Path(environ["PLUM_DATA_DIR"]))
        await used(path, seed=seed, requests=40)
        assert user.here("pilot", "start", "--name", "both", "--yes", environ=environ).code == 0
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE requests SET pilot_id = 1, arm = CASE rowid % 2 WHEN 0 THEN 'tested' ELSE 'control' END")
    (tmp_path / "team").mkdir()
    for name, environ in people.items():
        ran = user.here("pilot", "export", f"team/{name}.pilot.json", environ=environ)
        assert "The pilot both with 40 requests is in" in ran.said
        assert "file:" not in (tmp_path / "team" / f"{name}.pilot.json").read_text()
    said = user.here("pilot", "report", "team").said
    assert "Pilot both: tested suggestions against the control" in said
    assert "Suggestions that were shown to each" in said
    assert user.here("pilot", "report", "team", "-o", "team.html").code == 0
    assert "<h1>" in (tmp_path / "team.html").read_text()
    with pytest.raises(StoreError, match="given twice"):
        user.here("pilot", "report", "team", "team/ann.pilot.json")


def test_an_export_without_a_pilot(user: CommandLine) -> None:
    """Wrong names and unknown pilots are refused."""
    started(user)
    assert user.here("pilot", "export", "mine.json").code == 2
    with pytest.raises(StoreError, match="there was no pilot other"):
        user.here("pilot", "export", "--name", "other", "mine.pilot.json")
    assert not (user.folder / "mine.pilot.json").exists()
