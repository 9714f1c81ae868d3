"""`plum-lsp setup`: from an empty home to a completion that was seen to work."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
from support.command_line import CommandLine
from support.scripted_policy import ScriptedPolicy

from plum_lsp.policy.models.catalogue import find_entry
from plum_lsp.policy.models.recommend import free_memory, model_for

RIGHT, WRONG = "    return number % 2 == 0\n", "    return True\n"


@pytest.mark.parametrize(
    ("memory_bytes", "name"),
    [(8 * 10**9, "qwen2.5-coder-0.5b-instruct"), (10**9, "smollm2-135m-instruct"), (0, "smollm2-135m-instruct")],
)
def test_the_model_suits_the_machine(memory_bytes: int, name: str) -> None:
    """The default needs twice its memory. With less, the smallest is chosen."""
    assert model_for(memory_bytes).name == name
    assert free_memory() > 10**8


def test_nothing_is_done_if_it_is_only_printed(user: CommandLine) -> None:
    """Each step is named, and no file is made."""
    ran = user.here("setup", "--print", environ={"PLUM_POLICY_URL": ""})
    assert ran.code == 0
    assert "Fetches " in ran.out
    assert [path.name for path in user.folder.rglob("*") if path.is_file()] == ["add.py"]


def test_no_answer_fetches_nothing(user: CommandLine) -> None:
    """Without a terminal and without `--yes`, the question ends the command."""
    ran = user.here("setup", environ={"PLUM_POLICY_URL": ""})
    assert ran.code == 1
    assert not [path for path in (user.folder / "cache").rglob("*") if path.is_file()]


@pytest.mark.slow
def test_a_sample_is_completed_and_verified(policy: ScriptedPolicy, user: CommandLine) -> None:
    """With the sandbox, twice in a row, and the next step is told."""
    for _ in range(2):
        policy.will_complete(RIGHT)
        ran = user.run("setup", "--yes")
        assert ran.code == 0, ran.said
        assert "verified (passes 2 of 2 tests)" in ran.said
        assert "plum-lsp works." in ran.said


@pytest.mark.slow
def test_a_sample_that_fails_is_said(policy: ScriptedPolicy, user: CommandLine) -> None:
    """The exit status says so, too."""
    policy.will_complete(WRONG)
    ran = user.run("setup", "--yes")
    assert ran.code == 1
    assert "the sample was not completed" in ran.err


@pytest.mark.slow
def test_a_part_that_fails_ends_in_its_cure(policy: ScriptedPolicy, user: CommandLine) -> None:
    """No sample is tried before."""
    policy.stop()
    ran = user.run("setup", "--yes")
    assert ran.code == 1
    assert "→ Check that it runs" in ran.said
    assert "not every part works yet" in ran.err


@pytest.mark.model
def test_with_the_real_model(user: CommandLine) -> None:
    """The model of the cache writes the sample, and the real sandbox verifies it."""
    cache = platformdirs.user_cache_path("plum-lsp")
    assert (cache / "models" / find_entry("qwen2.5-coder-0.5b-instruct").file).is_file()
    environ = {"PLUM_POLICY_URL": "", "PLUM_POLICY_API_KEY": "", "PLUM_CACHE_DIR": str(cache)}
    ran = user.run("setup", "--yes", environ=environ)
    assert ran.code == 0, ran.said
    assert "verified (passes 2 of 2 tests)" in ran.said
    assert Path(user.folder / "data" / "plum.sqlite3").is_file()
