"""Without a usable store or sandbox: the user is told, and whatever still can be done is done."""

from __future__ import annotations

import re
import sqlite3
import sys

import pytest
from support import without_isolation
from support.command_line import RIGHT, CommandLine
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config.folder import store_file
from plum_lsp.store import open_store

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def knows_add(policy: ScriptedPolicy) -> None:
    """The policy knows the answer in all these tests."""
    policy.will_complete(RIGHT)


@pytest.mark.parametrize("folder", ["/proc", "/proc/nowhere", "add.py"])
def test_a_folder_that_cannot_be_written(user: CommandLine, folder: str) -> None:
    """The offer is made; that nothing is recorded is said, and so is what to do."""
    ran = user.complete(PLUM_DATA_DIR=folder)
    assert ran.code == 0
    assert re.search(r"Offer: candidate \d, verified", ran.out)
    assert "plum-lsp keeps no record of what happens" in ran.err
    assert "PLUM_DATA_DIR" in ran.err
    assert "plum-lsp explain" not in ran.out


def test_a_store_that_is_damaged(user: CommandLine) -> None:
    """It is left as it is."""
    store = user.write("data/plum.sqlite3", "this is no database" * 100)
    ran = user.complete()
    assert ran.code == 0
    assert "keeps no record" in ran.err
    assert "move it away" in ran.err
    assert store.read_text() == "this is no database" * 100


def test_a_store_that_another_program_locks(user: CommandLine) -> None:
    """The offer is made all the same, and the loss is told at the end."""
    open_store(store_file(user.folder / "data")).close()
    other = sqlite3.connect(store_file(user.folder / "data"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    ran = user.complete()
    other.close()
    assert ran.code == 0
    assert re.search(r"Offer: candidate \d, verified", ran.out)
    assert "could not keep a record" in ran.err
    assert "plum-lsp explain" not in ran.out


def test_a_kernel_without_isolation(user: CommandLine) -> None:
    """Nothing is run, so nothing is offered, and what is missing is told."""
    under = (sys.executable, without_isolation.__file__)
    ran = user.run("complete", "add.py", "--line", "9", "--json", under=under)
    assert (ran.code, ran.report["abstention"]["reason"]) == (3, "sandbox_unavailable")
    assert ran.report["candidates"] == []
    assert "Landlock" in ran.err


def test_an_interpreter_that_is_none(user: CommandLine) -> None:
    """The same, and the setting is named."""
    ran = user.complete(PLUM_SANDBOX_INTERPRETER="/bin/false")
    assert ran.code == 3
    assert "/bin/false" in ran.err
