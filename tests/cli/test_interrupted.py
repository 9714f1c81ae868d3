"""However `plum-lsp complete` is ended, no process of it stays behind, and no traceback is shown."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from support.command_line import SECONDS_MAX, WRONG, CommandLine
from support.processes import descendants, until_gone
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config import cache_dir, load_settings

pytestmark = pytest.mark.slow

CACHE_DIR = str(cache_dir(load_settings(environ=os.environ).settings))


def said_until(process: subprocess.Popen[str], sign: str) -> str:
    """What the command says up to the line with that sign."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if sign in line:
            return said
    raise AssertionError(f"ended without {sign!r}: {said}")


async def ended_by(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, set[int]]:
    """Send its process group a signal, as a terminal does; exit status, what was said, and who is left."""
    family = descendants(process.pid)
    assert family
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=SECONDS_MAX)
    return process.returncode, errors, await until_gone(family)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 1), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)]
)
async def test_a_signal_while_candidates_come_in(
    user: CommandLine, policy: ScriptedPolicy, number: signal.Signals, code: int
) -> None:
    """One candidate was run in the sandbox already, another hangs."""
    policy.will_complete(WRONG)
    policy.will_hang("    return")
    with user.started("complete", "add.py", "--line", "9", "--candidates", "2") as process:
        said_until(process, "→ candidate")
        returned, errors, left = await ended_by(process, number)
    assert (returned, left) == (code, set())
    assert "Traceback" not in errors


@pytest.mark.model
async def test_ctrl_c_while_the_real_model_writes(user: CommandLine) -> None:
    """The embedded policy server goes, too."""
    environ = {"PLUM_POLICY_URL": "", "PLUM_POLICY_MODEL": "smollm2-135m-instruct", "PLUM_CACHE_DIR": CACHE_DIR}
    with user.started("complete", "add.py", "--line", "9", "--candidates", "64", "--all", environ=environ) as process:
        said_until(process, "Completing")
        returned, errors, left = await ended_by(process, signal.SIGINT)
    assert (returned, left) == (1, set())
    assert "Traceback" not in errors


def test_a_reader_that_leaves(user: CommandLine, policy: ScriptedPolicy) -> None:
    """`plum-lsp complete … | head` ends quietly."""
    policy.will_complete(WRONG)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert user.run("complete", "add.py", "--line", "9", stdout=writing).err == ""
    finally:
        os.close(writing)


@pytest.mark.parametrize("option", ["--json", "--all"])
def test_output_that_does_not_fit_the_disk(user: CommandLine, policy: ScriptedPolicy, option: str) -> None:
    """Is told in one line."""
    policy.will_complete(WRONG)
    with Path("/dev/full").open("w") as full:
        ran = user.run("complete", "add.py", "--line", "9", option, stdout=full)
    assert (ran.code, ran.err) == (1, "plum-lsp: [Errno 28] No space left on device\n")
