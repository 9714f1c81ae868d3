"""`plum-lsp report --watch`: the real app, on a screen of Textual's own, over a real store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from support.command_line import CommandLine
from support.facts import VERSION, suggestion
from textual.pilot import Pilot
from textual.widgets import Static

from plum_lsp.cli.reporting import watch
from plum_lsp.cli.reporting.watch import Watch
from plum_lsp.config.folder import store_file
from plum_lsp.report.usage import Report, report_of
from plum_lsp.store import open_reader, open_store

pytestmark = pytest.mark.slow

NOW = "2026-11-20T00:00:00.000+00:00"
ROUNDS_MAX = 500
"""How often the app gets to work before a test gives up."""


def fill(path: Path, *requests: str, model: str = "scripted") -> None:
    """Record suggestions of a model."""
    with closing(open_store(path)) as store:
        for request in requests:
            for event in suggestion(request, version=replace(VERSION, model=model)):
                store.record(event)


def watching(path: Path) -> Watch:
    """The app over that store."""

    def read() -> Report:
        with open_reader(path) as reader:
            return report_of(reader.usage(), now=NOW)

    return Watch(path, read)


def shown(app: Watch) -> str:
    """The figures as text."""
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(app.query_one("#figures", Static).content)
    return capture.get()


async def until(pilot: Pilot[None], is_so: Callable[[], bool]) -> None:
    """Let the app work until this is true."""
    for _ in range(ROUNDS_MAX):
        if is_so():
            return
        await pilot.pause(0.05)
    raise AssertionError("it did not come true")


async def test_figures_follow_the_store(tmp_path: Path) -> None:
    """What is recorded while the view is open appears by itself. The key q ends it."""
    path = store_file(tmp_path)
    fill(path, "r1")
    app = watching(path)
    async with app.run_test(size=(120, 50)) as pilot:
        await until(pilot, lambda: "Requests: 1. Suggestions: 1." in shown(app))
        assert "Execution pass rate by model version" in shown(app)
        fill(path, "r2", "r3")
        await until(pilot, lambda: "Requests: 3. Suggestions: 3." in shown(app))
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_store_that_comes_later(tmp_path: Path) -> None:
    """Before the first suggestion, a sentence says what makes the store. Nothing is made by looking."""
    path = store_file(tmp_path)
    app = watching(path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "It is made by the first suggestion" in shown(app))
        assert not path.exists()
        fill(path, "r1")
        await pilot.press("r")
        await until(pilot, lambda: "Requests: 1." in shown(app))


async def test_an_unchanged_store_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the times of its files are looked at."""
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.01)
    path, readings = store_file(tmp_path), list[int]()
    fill(path, "r1")
    app = watching(path)
    read, looks = app._read, list[int]()
    stamps = watch._stamps
    app._read = lambda: (readings.append(1), read())[1]
    monkeypatch.setattr(watch, "_stamps", lambda path: (looks.append(1), stamps(path))[1])
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Requests: 1." in shown(app))
        settled, seen = len(readings), len(looks)
        await until(pilot, lambda: len(looks) > seen + 5)
        assert len(readings) - settled <= 1  # a reader leaves its own mark on the write-ahead log at most once


async def test_text_of_the_store_is_no_markup(tmp_path: Path) -> None:
    """The name of a model cannot colour the screen, run an action or move the cursor."""
    path = store_file(tmp_path)
    fill(path, "r1", model="[@click=app.quit]m[/] \x1b[31m")
    app = watching(path)
    async with app.run_test(size=(160, 50)) as pilot:
        await until(pilot, lambda: "Requests: 1." in shown(app))
        assert "[@click=app.quit]m[/] \\x1b[31m" in shown(app)
        assert "@click" in app.export_screenshot().replace("&#64;", "@")


def test_not_without_a_terminal(user: CommandLine) -> None:
    """A pipe cannot be drawn on, and other forms are made once."""
    ran = user.run("report", "--watch")
    assert (ran.code, "needs a terminal" in ran.err) == (2, True)
    assert user.run("report", "--watch", "--json").code == 2
