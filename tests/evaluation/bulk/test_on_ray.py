"""Bulk verification on Ray: machines, the command and the head may die, and the rows are those of one process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from evaluation.bulk.conftest import asks, row, stored, written
from support import network_trap
from support.command_line import PLUM_LSP, CommandLine
from support.counted_batches import begun
from support.processes import descendants, until_gone
from support.ray_cluster import ON_LOOPBACK, RayCluster, ray_cluster

pytest.importorskip("ray", reason="make setup-model installs it")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

LINES = 60
ROWS = "rows.sqlite3"
BEGUN = "begun.txt"
TESTS = Path(network_trap.__file__).parents[1]
DEAD_HEAD_SECONDS = 120
"""A command whose cluster is gone ends by itself after a few seconds."""
END_SECONDS = 300
"""Within this a killed command's cluster must be gone. Two processes of Ray look for their parent every few seconds."""
LOOK_SECONDS = 0.05
"""Between two looks at the rows of a running command."""


@contextmanager
def cluster(user: CommandLine) -> Iterator[RayCluster]:
    """A cluster of three nodes. Its sockets need a short path."""
    with (
        tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder,
        ray_cluster(Path(folder), user.environ) as it,
    ):
        yield it


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for temporary files with a short path."""
    with tempfile.TemporaryDirectory(prefix="s-", dir="/tmp") as folder:
        yield Path(folder)


def begin(user: CommandLine, address: str, **more: str) -> subprocess.Popen[str]:
    """The command, on a cluster. `more` goes into its environment. Each line that a worker begins is noted."""
    counted = [sys.executable, "-m", "support.counted_batches", BEGUN, "verify", "in.jsonl", "--rows", ROWS]
    command = [*counted, "--ray", address, "--batch", "3"]
    environ = {**user.environ, **ON_LOOPBACK, "PYTHONPATH": str(TESTS), **more}
    return subprocess.Popen(
        command, cwd=user.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def until_rows(path: Path, count: int, command: subprocess.Popen[str]) -> None:
    """Wait until so many rows are stored. The command must be running."""
    while len(stored(path)) < count:
        with suppress(subprocess.TimeoutExpired):
            command.wait(LOOK_SECONDS)
            raise AssertionError(command.stderr and command.stderr.read())


def test_the_rows_are_those_of_one_process(user: CommandLine) -> None:
    """A node, the command and the head are killed in turn. Repeats happen and are absorbed."""
    written(user, *(row(number) for number in range(LINES)))
    here = [sys.executable, PLUM_LSP, "verify", "in.jsonl", "--rows", "alone.sqlite3"]
    subprocess.run(here, cwd=user.folder, env=user.environ, check=True)
    path = user.folder / ROWS
    with cluster(user) as first:
        command = begin(user, first.address)
        until_rows(path, 12, command)
        first.kill("node")
        until_rows(path, 36, command)
        command.kill()
        out, _ = command.communicate()
        assert out == "", "Ray tells of a lost node there"
        with begin(user, first.address) as command:
            until_rows(path, 60, command)
            first.kill("head")
            command.communicate(timeout=DEAD_HEAD_SECONDS)
        assert command.returncode != 0
    assert len(stored(path)) < 2 * LINES
    with cluster(user) as second, begin(user, second.address) as command:
        _, said = command.communicate()
    assert command.returncode == 0, said
    assert stored(path) == stored(user.folder / "alone.sqlite3")
    found = asks(path)
    lost = Counter(task for task, answered in found if not answered)
    assert lost, "the command was killed while lines were out"
    assert Counter(task for task, answered in found if answered) == {f"t{number}": 1 for number in range(LINES)}
    tries = begun(user.folder / BEGUN)
    assert set(tries) == {f"t{number}" for number in range(LINES)}
    assert LINES < tries.total() <= LINES + lost.total(), "repeats happened, and none was stored twice"
    assert f"{2 * LINES} rows stored. Lines handed out: {LINES + lost.total()}" in said
    assert f"never answered: {lost.total()}. " in said


def trapped(user: CommandLine, scratch: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command where each packet that leaves the machine is caught. Its own files lie in `scratch`."""
    done = subprocess.run(
        [sys.executable, "-m", "support.network_trap", sys.executable, *command],
        cwd=TESTS,
        env={**user.environ, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == network_trap.REFUSED:
        pytest.skip(done.stderr.strip())
    return done


def test_only_the_loopback_address_is_used(user: CommandLine, scratch: Path) -> None:
    """A cluster of our own sends no packet off the machine, and asks for the address of no name. It leaves no file."""
    written(user, row(1), row(2))
    files = (str(user.folder / "in.jsonl"), "--rows", str(user.folder / ROWS))
    done = trapped(user, scratch, PLUM_LSP, "verify", *files, "--ray")
    assert done.returncode == 0, done.stderr
    assert list(scratch.iterdir()) == []
    assert not (user.folder / ".ray").exists(), "the token is in no file"
    assert len(stored(user.folder / ROWS)) == 4


BESIDE_A_POLICY = """
import os, subprocess, sys
from support.scripted_policy import ScriptedPolicy

with ScriptedPolicy() as policy:
    policy.will_complete(f"    return a + b{chr(10)}")
    asked = {"PLUM_POLICY_URL": policy.url, "PLUM_POLICY_API_KEY": policy.api_key}
    sys.exit(subprocess.run([sys.executable, *sys.argv[1:]], env=os.environ | asked).returncode)
"""
"""Runs a command beside a policy server on the loopback address. In the trap no other can be reached."""


def test_sampling_uses_the_loopback_address_only(user: CommandLine, scratch: Path) -> None:
    """So it is for `eval` too, whose workers ask a policy server of this machine."""
    tasks = [{**row(number), "tests": f"assert add{number}(2, 2) == 4"} for number in (1, 2)]
    user.write("tasks.jsonl", "\n".join(map(json.dumps, tasks)))
    files = ("tasks.jsonl", "--rows", ROWS, "-o", "out.jsonl")
    named = (str(user.folder / name) if "." in name else name for name in files)
    done = trapped(user, scratch, "-c", BESIDE_A_POLICY, PLUM_LSP, "eval", *named, "--samples", "1", "--ray")
    assert done.returncode == 0, done.stderr
    assert list(scratch.iterdir()) == []
    results = [json.loads(line) for line in (user.folder / "out.jsonl").read_text().splitlines()]
    assert [result["offered"]["is_right"] for result in results] == [True, True]


def test_a_killed_command_leaves_nothing_for_long(user: CommandLine, scratch: Path) -> None:
    """Its cluster ends with it. Its folder, which no other user can open, goes when the next command starts."""
    written(user, *(row(number) for number in range(LINES)))
    short = {"TMPDIR": str(scratch)}
    with begin(user, "local", **short) as command:
        until_rows(user.folder / ROWS, 2, command)
        (left,) = scratch.iterdir()
        assert left.stat().st_mode & 0o077 == 0
        below = descendants(command.pid)
        command.kill()
    assert left.exists()
    written(user, row(LINES))
    with begin(user, "local", **short) as command:
        _, said = command.communicate()
    assert command.returncode == 0, said
    assert list(scratch.iterdir()) == []
    assert asyncio.run(until_gone(below, seconds=END_SECONDS)) == set()


def test_the_trap_catches() -> None:
    """A question for a name and a connection are both seen."""
    tries = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('192.0.2.1', 53))"
    command = [sys.executable, "-m", "support.network_trap", sys.executable, "-c", tries]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    if done.returncode == network_trap.REFUSED:
        pytest.skip(done.stderr.strip())
    assert done.returncode == network_trap.CAUGHT
    assert "192.0.2.1" in done.stderr
