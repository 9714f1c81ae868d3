"""Completions in test functions: the real server, sandbox and store, and a project with a source layout."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.editor import Editor, Suggested, capabilities
from support.projects import tree
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config.folder import store_file
from plum_lsp.store.preferences import open_preferences

pytestmark = pytest.mark.slow

MONEY = '''
from functools import lru_cache


class Till:
    """A till."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, cents: int) -> None:
        """Add an amount."""
        if cents > 0:
            self.total += cents


@lru_cache
def rounded(cents: int) -> int:
    """The amount in steps of five."""
    return cents // 5 * 5


def clamp(value: int, low: int, high: int) -> int:
    """The nearest value between two others."""
    if low > high:
        raise ValueError("low is above high")
    return max(low, min(value, high))
'''
HEAD = "import unittest\n\nimport pytest\n\nfrom shop.money import Till, clamp, rounded\n\n\n"
YET = "It has not run on wrong versions"
CLAMP = "def test_clamp():\n    ‸\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The project."""
    return tree(
        tmp_path / "work",
        {
            "pyproject.toml": "[project]\nname = 'shop'\n",
            "src/shop/__init__.py": "",
            "src/shop/money.py": MONEY,
            "tests/test_money.py": HEAD,
        },
    )


def hearing(policy: ScriptedPolicy, folder: Path) -> AbstractAsyncContextManager[Editor]:
    """An editor with the trusted project that is told of changes."""
    able = capabilities(hears_changes=True, reports_shown=True)
    return Editor.running(folder=folder, policy_url=policy.url, api_key=policy.api_key, trusted=True, able=able)


async def suggested(
    editor: Editor, policy: ScriptedPolicy, marked: str, *candidates: str
) -> tuple[Suggested | None, str]:
    """What is offered at the mark, with the evidence or the reason, if the policy writes these candidates.

    A test that passes is shown first, and what it notices is told later.
    """
    for candidate in candidates:
        policy.will_complete(f"{candidate}\n", when=marked.partition("\n")[0])
    await editor.open(HEAD + marked, path="tests/test_money.py")
    offer = await editor.suggest()
    if offer is None or (YET not in offer.evidence["reason"] and not changes_of(editor, offer)):
        return offer, str((await editor.explain())["text"])
    editor.show(offer)
    await editor.until(lambda: changes_of(editor, offer))
    change = changes_of(editor, offer)[-1]
    later = None if change["kind"] == "withdrawn" else replace(offer, evidence=change["explanation"])
    return later, str(change["explanation"]["text"])


def changes_of(editor: Editor, offer: Suggested) -> list[Mapping[str, Any]]:
    """What was told of an offer after it was shown."""
    return [change for change in editor.changes if change["offer"] == offer.id]


async def test_a_passing_test_is_shown_before_its_wrong_versions_run(
    policy: ScriptedPolicy, tmp_path: Path, work: Path
) -> None:
    """It is checked at first. The label follows, also while the policy still writes another candidate."""
    async with hearing(policy, tmp_path) as editor:
        policy.will_complete("assert clamp(9, 0, 5) == 5\n")
        policy.will_complete("assert clamp(8, 0, 5) == 5\n", is_held=True)
        await editor.open(HEAD + CLAMP, path="tests/test_money.py")
        offer = await editor.suggest()
        assert offer is not None, editor.statuses
        assert (offer.tier, YET in offer.evidence["reason"]) == ("checked", True)
        assert "wrong versions of clamp yet" in offer.evidence["reason"]
        editor.show(offer)
        policy.release()
        await editor.until(lambda: changes_of(editor, offer))
        (change,) = changes_of(editor, offer)
        assert (change["kind"], change["explanation"]["tier"]) == ("label", "verified")


async def test_tests_are_run_on_the_project(policy: ScriptedPolicy, tmp_path: Path, work: Path) -> None:
    """A test that fails is not offered, one that notices wrong versions is verified, and the evidence names them."""
    async with hearing(policy, tmp_path) as editor:
        wrong, right = "assert clamp(9, 0, 5) == 9", "assert clamp(9, 0, 5) == 5"
        offer, _ = await suggested(editor, policy, CLAMP, wrong, right)
        assert offer is not None, editor.statuses
        assert (offer.text, offer.tier) == (right, "verified")
        assert "as a test: it passes, and fails on" in offer.evidence["reason"]
        assert "return min(low, min(value, high))" in offer.evidence["text"]
        kinds = [test["origin"] for test in offer.evidence["tests"]]
        assert kinds[0] == "tried"
        assert set(kinds[1:]) == {"mutant"}
        await editor.accept(offer)
    with sqlite3.connect(store_file(tmp_path / "data")) as db:
        found = db.execute("SELECT origin, status FROM verdicts JOIN test_cases ON id = test_id").fetchall()
        assert {("tried", "failed"), ("tried", "passed"), ("mutant", "passed")} == set(found)
    with open_preferences(store_file(tmp_path / "data")) as store:
        facts = [one for prompt in store.prompts() for one in prompt.candidates]
        assert facts != []
        assert {(one.tier, one.tests) for one in facts} == {(None, 0)}


CASES = (
    (CLAMP, "assert clamp(9, 0, 5) == 9", "it fails on the code as it is, with AssertionError"),
    (CLAMP.replace("clamp", "sure"), "assert True", "it names no function of the project"),
    (CLAMP.replace("clamp", "lost"), "assert clamped(1) == 1", "undefined name"),
    (CLAMP.replace("clamp", "kind"), "assert clamp('a', 0, 5) == 'a'", "with TypeError"),
    (CLAMP.replace("clamp", "none"), "assert rounded(5) or True", "it passes also on"),
)


async def test_tests_that_show_nothing_are_not_offered(policy: ScriptedPolicy, tmp_path: Path, work: Path) -> None:
    """They fail, or they pass whatever the code does. The reason says which."""
    async with hearing(policy, tmp_path) as editor:
        for marked, candidate, reason in CASES:
            offer, text = await suggested(editor, policy, marked, candidate)
            assert offer is None, candidate
            assert reason in text


OFFERED = (
    ("def test_raises():\n    ‸\n", "with pytest.raises(ValueError):\n        clamp(1, 5, 0)", "verified"),
    ("def test_rounded():\n    assert rounded(‸\n", "12) == 10", "verified"),
    (
        "class TestTill:\n    def test_add(self):\n        ‸\n",
        "till = Till()\n        till.add(5)\n        assert till.total == 5",
        "verified",
    ),
    (
        "class TillCase(unittest.TestCase):\n    def setUp(self):\n        self.till = Till()\n\n"
        "    def test_add(self):\n        ‸\n",
        "self.till.add(5)\n        self.assertEqual(self.till.total, 5)",
        "verified",
    ),
    ("def test_clamp_again():\n    assert clamp(9, 0, 5) == 5\n    ‸\n", "assert clamp(8, 0, 5) == 5", "checked"),
    (
        "def test_till():\n    till = Till()\n    till.add(5)\n    assert till.total == 5\n    ‸\n",
        "till.add(-5)\n    assert till.total == 5",
        "verified",
    ),
)


async def test_every_form_of_test(policy: ScriptedPolicy, tmp_path: Path, work: Path) -> None:
    """Functions, methods, cases of unittest, the rest of a line, and a line below others are run alike."""
    async with hearing(policy, tmp_path) as editor:
        for marked, candidate, tier in OFFERED:
            offer, text = await suggested(editor, policy, marked, candidate)
            assert offer is not None, (candidate, text)
            assert offer.tier == tier, (candidate, text)
            assert "as a test" in offer.evidence["reason"]


SHOP = """\
import pytest


@pytest.fixture
def till(top):
    from shop.money import Till
    made = Till()
    made.add(top)
    return made


@pytest.fixture
def broken():
    raise OSError("no such table")
"""
WITH_PYTEST = (
    ("def test_add(till):\n    ‸\n", "till.add(5)\n    assert till.total == 15", "verified", "fails on"),
    ("def test_add_more(till):\n    ‸\n", "till.add(5)\n    assert till.total == 5", None, "with AssertionError"),
    (
        '@pytest.mark.parametrize("low, found", [(0, 3), (4, 4)])\ndef test_clamp(low, found):\n    ‸\n',
        "assert clamp(3, low, 5) == found",
        "verified",
        "fails on",
    ),
    (
        '@pytest.mark.parametrize("low", [0, 4])\ndef test_clamp_wrong(low):\n    ‸\n',
        "assert clamp(3, low, 5) == 3",
        None,
        "with AssertionError",
    ),
    (
        "class TestTill:\n    def test_add(self, till):\n        ‸\n",
        "till.add(2)\n        assert till.total == 12",
        "verified",
        "fails on",
    ),
    (
        "def test_lost(broken):\n    ‸\n",
        "assert clamp(9, 0, 5) == 5",
        "checked",
        "test: OSError: no such table",
    ),
)


async def test_pytest_runs_tests_with_fixtures_and_parameters(
    policy: ScriptedPolicy, tmp_path: Path, work: Path
) -> None:
    """The text in the editor counts, not the file. A fixture that fails says nothing of the test."""
    fixtures = SHOP.replace("def till(top)", "def top():\n    return 10\n\n\n@pytest.fixture\ndef till(top)")
    tree(work, {"tests/conftest.py": fixtures, "tests/__init__.py": ""})
    async with hearing(policy, tmp_path) as editor:
        for marked, candidate, tier, reason in WITH_PYTEST:
            offer, text = await suggested(editor, policy, marked, candidate)
            assert (offer.tier if offer is not None else None) == tier, (candidate, text)
            assert reason in text


async def test_nothing_of_an_untrusted_project_is_run(policy: ScriptedPolicy, tmp_path: Path, work: Path) -> None:
    """Its modules are not loaded, so the test cannot run, and the reason says so."""
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, trusted=False) as editor:
        offer, text = await suggested(editor, policy, CLAMP, "assert clamp(9, 0, 5) == 5")
        assert offer is None
        assert "the file itself does not run" in text
