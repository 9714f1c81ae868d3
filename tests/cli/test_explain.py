"""`plum-lsp explain`: an offer as it was logged, or why there is nothing to show."""

from __future__ import annotations

import platform

import pytest
from support.command_line import ADD, RIGHT, WRONG, CommandLine
from support.scripted_policy import ScriptedPolicy

pytestmark = pytest.mark.slow


def test_the_latest_offer_and_an_earlier_one(user: CommandLine, policy: ScriptedPolicy) -> None:
    """With its group, its tests, its verdicts and its outcome."""
    policy.will_complete(RIGHT, when="def add")
    policy.will_complete(WRONG, when="def subtract")
    user.write("subtract.py", ADD.replace("add", "subtract").replace("3", "-1").replace("    0\n", "    -2\n"))
    first = user.complete("add.py", "--json").report["offer"]["id"]
    assert user.complete("subtract.py").code == 0
    latest, earlier = user.here("explain"), user.here("explain", first)
    assert (latest.code, earlier.code) == (0, 0)
    assert "in subtract," in latest.out
    assert first in earlier.out
    for told in ("in add,", "return a + b", ">>> add(1, 2) 3", "passes 2 of 2 tests", "policy scripted", "none yet"):
        assert told in earlier.said


def test_an_offer_that_contradicts_a_doubted_example(user: CommandLine, policy: ScriptedPolicy) -> None:
    """It failed that example and was offered all the same, so it is not called rejected; a wrong candidate is."""
    user.write("doubted.py", ADD.replace("    0\n", "    0\n    >>> add(2, 3)\n    7\n"))
    for text in ("a + b", "b + a", "sum((a, b))", "a - -b", "5"):
        policy.will_complete(f"    return {text}\n")
    assert user.complete("doubted.py", "--all", "--candidates", "5", line=11).code == 0
    shown = user.here("explain")
    assert "the example '>>> add(2, 3)" in shown.said
    rows = shown.out.partition("Candidates and tests")[2].splitlines()[2:7]
    assert [sum(word in row for row in rows) for word in ("consistent", "rejected")] == [4, 1]


def test_an_offer_judged_on_generated_inputs_tells_where_it_ran(user: CommandLine, policy: ScriptedPolicy) -> None:
    """No test gave it a verdict, and it ran all the same."""
    user.write("plain.py", "def double(number: int) -> int:\n\n")
    policy.will_complete("    return 2 * number\n")
    policy.will_complete("    return number + number\n")
    assert user.complete("plain.py", "--all", line=2).code == 0
    shown = user.here("explain")
    assert f"Python {platform.python_version()}" in shown.said
    assert "sandbox tier none" not in shown.said


def test_without_a_store(user: CommandLine) -> None:
    """Says where it would be and what makes it, and does not make one."""
    ran = user.run("explain")
    assert (ran.code, ran.out) == (1, "")
    assert "It is made by the first suggestion" in ran.err
    assert not (user.folder / "data" / "plum.sqlite3").exists()


def test_with_a_store_that_is_no_database(user: CommandLine) -> None:
    """Says what to do about it."""
    user.write("data/plum.sqlite3", "this is no database" * 100)
    ran = user.run("explain")
    assert ran.code == 1
    assert "move it away" in ran.err


def test_where_nothing_was_offered_yet(user: CommandLine, policy: ScriptedPolicy) -> None:
    """An abstention is no offer; and an id that nobody gave out is named."""
    policy.will_complete(WRONG)
    assert user.complete().code == 3
    ran = user.here("explain")
    assert ran.code == 1
    assert "there has been no suggestion yet" in ran.err
    unknown = user.here("explain", "[/nobody]")
    assert unknown.code == 1
    assert "there is no suggestion [/nobody]" in unknown.err
