"""`plum-lsp share`: by explicit wish, without a trace of the person, and taken back."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.command_line import ADD, RIGHT, WRONG, CommandLine
from support.scripted_policy import ScriptedPolicy

from plum_lsp.report.installation import TRAINER, command_here
from plum_lsp.store.people.sharing import tell_holders

pytestmark = pytest.mark.slow

SECRET = "ghp_" + "abcdEFGH1234" * 3


@pytest.fixture(autouse=True)
def knows_add(policy: ScriptedPolicy) -> None:
    """The policy says a wrong and a right thing."""
    policy.will_complete(WRONG, when="def add")
    policy.will_complete(RIGHT, when="def add")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the team."""
    made = tmp_path / "team"
    made.mkdir()
    return made


def everything(folder: Path) -> str:
    """All that stands in the shared stores."""
    lines = []
    for path in folder.glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as connection:
            lines += list(connection.iterdump())
    return "\n".join(lines)


def test_nothing_is_shared_unasked(user: CommandLine, folder: Path) -> None:
    """Neither by default, nor after a question that is not answered with yes."""
    user.complete()
    assert user.run("share", str(folder)).code != 0  # nobody is there to answer
    user.complete()
    assert list(folder.iterdir()) == []
    assert "You do not share facts" in user.run("share").said


def test_a_new_folder_is_made_for_the_user_alone(user: CommandLine, tmp_path: Path) -> None:
    """After a yes, and only the folder itself: a wrong path is told."""
    folder = tmp_path / "new"
    assert user.run("share", str(folder)).code != 0
    assert not folder.exists()
    ran = user.run("share", str(folder), "--yes")
    assert ran.code == 0
    assert "does not exist yet" in ran.said
    assert folder.stat().st_mode & 0o777 == 0o700
    user.complete()
    assert len(list(folder.glob("*.sqlite3"))) == 1
    ran = user.run("share", str(tmp_path / "no" / "such"), "--yes")
    assert (ran.code, f"{tmp_path}/no/such" in ran.err) == (1, True)
    assert not (tmp_path / "no").exists()
    assert user.run("share", str(folder / next(iter(folder.iterdir())).name), "--yes").code == 2


def test_facts_are_shared_as_they_come_without_the_person(user: CommandLine, folder: Path) -> None:
    """The project's path in it, no whole path, no secret, no name; the own store has what it had."""
    user.write("project/pyproject.toml", "[project]\nname = 'p'\n")
    user.write("project/src/add.py", f'TOKEN = "{SECRET}"\n{ADD}')
    assert user.run("share", str(folder), "--yes").code == 0
    assert "You share facts" in user.run("share").said
    assert user.complete("project/src/add.py", line=10).code == 0
    (path,) = folder.glob("*.sqlite3")
    identity = json.loads((user.folder / "data" / "identity.json").read_text())
    assert path.name == f"{identity['author']}-{identity['machine']}.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        (row,) = connection.execute("SELECT document_uri, author, machine FROM requests").fetchall()
        verdicts = connection.execute("SELECT status FROM verdicts").fetchall()
    assert row == ("share:/src/add.py", identity["author"], identity["machine"])
    assert ("passed",) in verdicts and ("failed",) in verdicts
    shared = everything(folder)
    assert "def add" in shared
    for word in (SECRET, str(user.folder), user.folder.name, os.uname().nodename):
        assert word not in shared
    assert path.stat().st_mode & 0o007 == 0


def test_a_withdrawal_takes_the_facts_out_and_names_the_versions(user: CommandLine, folder: Path) -> None:
    """Of this person alone; what comes later is not shared."""
    user.run("share", str(folder), "--yes")
    user.complete()
    (path,) = folder.glob("*.sqlite3")
    other = folder / f"{'f' * 16}-{'a' * 16}.sqlite3"
    other.write_bytes(path.read_bytes())
    author = path.name.partition("-")[0]
    tell_holders(folder, {"plum-v3": [author], "plum-v2": ["f" * 16], "plum-v4": ["f" * 16, author]})
    ran = user.run("share", "--withdraw")
    assert "1 file is deleted" in ran.said
    assert "plum-v3, plum-v4" in ran.said and "plum-v2" not in ran.said
    assert f"{command_here(TRAINER)} rollback VERSION" in ran.said
    user.complete()
    assert sorted(folder.glob("*.sqlite3")) == [other]
    assert "You do not share facts" in user.run("share").said
    told = user.here("report").said
    assert re.search("versions that keep what they learned +plum-v3, plum-v4", told)
    assert str(folder) not in told


def test_whoever_shares_again_shares_anew(user: CommandLine, folder: Path) -> None:
    """From then on; the earlier facts do not come back."""
    for _ in range(2):
        user.run("share", str(folder), "--yes")
        user.complete()
        (path,) = folder.glob("*.sqlite3")
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM requests").fetchone() == (1,)
        user.run("share", "--withdraw")


def test_a_folder_that_is_gone_stops_nothing(user: CommandLine, folder: Path) -> None:
    """Suggestions and the own record go on, and it is told."""
    user.run("share", str(folder), "--yes")
    folder.rmdir()
    ran = user.run("complete", "add.py", "--line", "9")
    assert ran.code == 0
    assert "shares no facts" in ran.said
    assert "add.py" in user.run("explain").said or user.run("explain").code == 0
