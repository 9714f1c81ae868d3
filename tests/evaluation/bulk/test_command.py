"""`plum-lsp verify --rows`: a file of rows that grows until every line has been judged."""

from __future__ import annotations

import json

import pytest
from evaluation.bulk.conftest import asks, row, stored, written
from support.command_line import CommandLine

pytestmark = pytest.mark.slow


def test_rows_are_the_predictions(user: CommandLine) -> None:
    """The same as without a file, but for the times. A second run asks nothing and writes the same."""
    written(user, row(1), row(2), row(1, seed=1, version="plum-v2"))
    assert user.run("verify", "in.jsonl", "-o", "plain.jsonl").code == 0
    for output in ("first.jsonl", "second.jsonl"):
        ran = user.run("verify", "in.jsonl", "--rows", "r.sqlite3", "-o", output, "--batch", "2")
        assert ran.code == 0, ran.err
    assert "3 of 3 lines are judged already" in ran.err
    plain, first = (
        [{**json.loads(text), "wall_ms": 0} for text in (user.folder / name).read_text().splitlines()]
        for name in ("plain.jsonl", "first.jsonl")
    )
    assert plain == first
    assert (user.folder / "first.jsonl").read_text() == (user.folder / "second.jsonl").read_text()
    assert len(asks(user.folder / "r.sqlite3")) == 3


def test_bad_lines_are_told(user: CommandLine) -> None:
    """A repeated line, a seed that is no number, and a version that is no text. The others are judged."""
    written(user, row(1), row(1), row(2, seed=True), row(3, version=4), row(4, seed=10**30))
    ran = user.run("verify", "in.jsonl", "--rows", "r.sqlite3")
    assert ran.code == 1
    assert [f"line {number}:" in ran.err for number in range(1, 6)] == [False, True, True, True, True]
    assert len(stored(user.folder / "r.sqlite3")) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--ray",), "--ray needs --rows"),
        (("--rows", "r", "--explain", "t1"), "does not go with --rows"),
        (("--rows", "r", "--ray", "example"), "is not HOST:PORT"),
    ],
)
def test_options_that_do_not_go_together(user: CommandLine, options: tuple[str, ...], said: str) -> None:
    """They are refused before anything runs."""
    written(user, row(1))
    ran = user.run("verify", "in.jsonl", *options)
    assert ran.code == 2
    assert said in ran.said


def test_no_ray_is_needed_without_the_option(user: CommandLine) -> None:
    """A machine without Ray judges into a file, and names the extra when Ray is asked for."""
    user.write("hidden/ray/__init__.py", "raise ImportError('hidden')\n")
    hidden = {"PYTHONPATH": str(user.folder / "hidden")}
    written(user, row(1))
    assert user.run("verify", "in.jsonl", "--rows", "r.sqlite3", environ=hidden).code == 0
    written(user, row(2))
    ran = user.run("verify", "in.jsonl", "--rows", "r.sqlite3", "--ray", environ=hidden)
    assert ran.code == 1
    assert "plum-lsp: Ray is not installed Install it: " in ran.said


def test_a_cluster_that_is_not_there_is_told(user: CommandLine) -> None:
    """At once. Ray would try for minutes."""
    pytest.importorskip("ray", reason="make setup-model installs it")
    written(user, row(1))
    ran = user.run("verify", "in.jsonl", "--rows", "r.sqlite3", "--ray", "127.0.0.1:1")
    assert ran.code == 1
    assert "no Ray cluster at 127.0.0.1:1: " in ran.said
