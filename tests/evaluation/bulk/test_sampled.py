"""`plum-lsp eval --rows`: each task is sampled and scored once, here or on Ray, also if the command is killed."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from support.command_line import PLUM_LSP, CommandLine
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config import PolicySettings, Settings
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.bulk.on_ray import _own
from plum_lsp.evaluation.bulk.sampling import SampledBatch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TASKS = 12
PROMPT = 'def add{n}(a, b):\n    """Add.\n\n    >>> add{n}(1, 2)\n    3\n    """\n'
LOOK_SECONDS = 0.05
"""Between two looks at the results of a running command."""


@pytest.fixture
def policy() -> Iterator[ScriptedPolicy]:
    """A policy that answers half of the tasks rightly. Its wrong answer passes the example."""
    with ScriptedPolicy() as policy:
        policy.will_complete("    return a + b\n")
        policy.will_complete("    return 3\n", when="def add1")
        yield policy


@pytest.fixture
def user(policy: ScriptedPolicy, tmp_path: Path) -> CommandLine:
    """A user with a file of tasks."""
    user = CommandLine.asking(policy, tmp_path)
    user.environ |= {"PYTHONWARNINGS": "ignore"}
    rows = [
        {"task_id": f"t{n}", "prompt": PROMPT.format(n=n), "tests": f"assert add{n}(2, 2) == 4\n"} for n in range(TASKS)
    ]
    user.write("tasks.jsonl", "\n".join(map(json.dumps, rows)))
    return user


def command(name: str, *options: str) -> list[str]:
    """One sample of each task, into NAME.sqlite3 and NAME.jsonl."""
    files = ["--rows", f"{name}.sqlite3", "-o", f"{name}.jsonl"]
    return ["eval", "tasks.jsonl", "--samples", "1", *files, "--batch", "2", *options]


def results(path: Path) -> list[dict[str, Any]]:
    """What a command wrote, without times."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: value for name, value in one.items() if not name.endswith("_ms")} for one in found]


def stored(path: Path) -> int:
    """How many results are stored."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path, timeout=30)) as db:
        return int(db.execute("SELECT count(*) FROM results").fetchone()[0])
    return 0


def test_results_are_those_of_the_plain_command(user: CommandLine) -> None:
    """But for times. A second run samples nothing."""
    plain = user.run("eval", "tasks.jsonl", "--samples", "1", "-o", "plain.jsonl")
    assert plain.code == 0, plain.err
    first = user.run(*command("one"))
    assert first.code == 0, first.err
    assert results(user.folder / "one.jsonl") == results(user.folder / "plain.jsonl")
    again = user.run(*command("one"))
    assert f"{TASKS} of {TASKS} lines are judged already" in again.err
    assert f"{TASKS} rows stored. Lines handed out: {TASKS}" in again.said
    assert "tasks with a right offer" in again.out


def test_a_policy_that_is_away_is_no_result(user: CommandLine, policy: ScriptedPolicy) -> None:
    """The task is named, and has no row."""
    policy.will_fail(500, when="def add3")
    ran = user.run(*command("away"))
    assert ran.code == 1
    assert "t3: given up after 5 tries" in ran.said
    assert stored(user.folder / "away.sqlite3") == TASKS - 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ray"], "--ray needs --rows"),
        (["--rows", "r", "--resume"], "without --resume"),
        (["--rows", "r", "--ray", "example"], "is not HOST:PORT"),
    ],
)
def test_options_that_do_not_go_together(user: CommandLine, options: list[str], said: str) -> None:
    """They are refused before anything runs."""
    ran = user.run("eval", "tasks.jsonl", "-o", "out.jsonl", *options)
    assert ran.code == 2
    assert said in ran.said


def test_a_cluster_of_our_own_may_ask_the_policy_server() -> None:
    """It has a proxy that is not there, so that Ray asks no one else. The server's host is reached without it."""
    settings = Settings(policy=PolicySettings(url="http://gpu.example:8000/v1"))
    batch = SampledBatch(lines=(), limits=Limits(), settings=settings, seconds=1.0)
    assert batch.reaches == "gpu.example"
    assert _own(batch.reaches)["no_proxy"] == "127.0.0.1,localhost,gpu.example"


def test_ray_workers_sample_and_a_killed_command_goes_on(user: CommandLine, policy: ScriptedPolicy) -> None:
    """Each task has one row, and the rows are those of one process."""
    pytest.importorskip("ray", reason="make setup-model installs it")
    assert user.run(*command("alone")).code == 0
    asked, path = len(policy.completions), user.folder / "spread.sqlite3"
    first = subprocess.Popen([sys.executable, PLUM_LSP, *command("spread", "--ray")], cwd=user.folder, env=user.environ)
    with first:
        while stored(path) < 2:
            with suppress(subprocess.TimeoutExpired):
                first.wait(LOOK_SECONDS)
                raise AssertionError("the command ended before it was killed")
        first.kill()
    assert stored(path) < TASKS
    ran = user.run(*command("spread", "--ray"))
    assert ran.code == 0, ran.err
    assert results(user.folder / "spread.jsonl") == results(user.folder / "alone.jsonl")
    assert len(policy.completions) > asked
    assert stored(path) == TASKS
