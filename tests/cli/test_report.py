"""`plum-lsp report`: the figures of real suggestions, and what it says where there are none."""

from __future__ import annotations

import pytest
from support.command_line import ADD, RIGHT, WRONG, CommandLine
from support.scripted_policy import ScriptedPolicy

pytestmark = pytest.mark.slow


def test_real_suggestions_in_a_terminal_as_json_and_as_a_page(user: CommandLine, policy: ScriptedPolicy) -> None:
    """One function is completed and one is not. The page names neither the file nor its text."""
    policy.will_complete(RIGHT, when="def add")
    policy.will_complete(WRONG, when="def hush")
    user.write("quiet.py", ADD.replace("add", "hush"))
    assert user.complete("add.py").code == 0
    user.complete("quiet.py")
    shown = user.here("report")
    assert shown.code == 0
    for told in ("Requests: 2. Suggestions: 1.", "Execution pass rate", "all candidates failed a test", "Kept from"):
        assert told in shown.said
    found = user.here("report", "--json").report
    (version,) = found["versions"]
    assert version["model"] == "scripted"
    assert version["passed"]["part"] / version["passed"]["whole"] == version["passed"]["value"]
    assert 0 <= version["passed"]["low"] <= version["passed"]["value"] <= version["passed"]["high"] <= 1
    assert (found["requests"], found["offers"], found["silence"]) == (2, 1, {"all_failed": 1})
    assert user.here("report", "--format", "copilot-ndjson").out == ""  # nothing was shown in an editor
    assert user.here("report", "--format", "copilot-ndjson", "--json").code == 2
    page = user.folder / "report.html"
    assert user.here("report", "-o", str(page)).code == 0
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    for said in (text, shown.out, user.here("report", "--json").out):
        assert "hush" not in said
        assert "quiet" not in said
        assert "return a" not in said


def test_examples_only_in_a_page_and_if_asked_for(user: CommandLine, policy: ScriptedPolicy) -> None:
    """The wrong body stands there, collapsed, with the test that it failed."""
    policy.will_complete(WRONG)
    policy.will_complete(RIGHT)
    assert user.complete("add.py").code == 0
    page = user.folder / "report.html"
    assert user.here("report", "-o", str(page), "--examples", "5").code == 0
    assert "<details>" in page.read_text()
    assert "return a - b" in page.read_text()
    assert "return a + b" not in page.read_text()
    assert user.here("report", "--examples", "5").code == 2
    assert user.here("report", "-o", str(page)).code == 0
    assert "return a" not in page.read_text()


def test_without_a_store(user: CommandLine) -> None:
    """Says what makes one, and makes none."""
    ran = user.run("report")
    assert (ran.code, ran.out) == (1, "")
    assert "It is made by the first suggestion" in ran.err
    assert not (user.folder / "data" / "plum.sqlite3").exists()


@pytest.mark.parametrize("since", ["yesterday", "3x", "99999999999w", "²d", "-1d"])
def test_a_time_that_is_none(user: CommandLine, since: str) -> None:
    """Wrong usage, in one sentence."""
    ran = user.here("report", "--since", since)
    assert ran.code == 2
    assert "must be a time such as" in ran.said


def test_a_page_that_cannot_be_written(user: CommandLine, policy: ScriptedPolicy) -> None:
    """The command fails and names the file."""
    policy.will_complete(RIGHT)
    assert user.complete("add.py").code == 0
    ran = user.run("report", "-o", "missing/report.html")
    assert ran.code == 1
    assert "missing/report.html" in ran.err
    assert "Traceback" not in ran.err
