"""The result of an example in a docstring, in the real server and store. No policy is asked, and nothing is learned."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from support.editor import Editor
from support.projects import tree
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config.folder import store_file
from plum_lsp.store.preferences import open_preferences

pytestmark = pytest.mark.slow

TAXED = '''from shop.rates import RATE


def taxed(price):
    """The price with tax.

    >>> taxed(200)
    ‸
    """
    return price + price * RATE // 100
'''


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A project whose module needs another one to load."""
    return tree(
        tmp_path / "work",
        {
            "pyproject.toml": "[project]\nname = 'shop'\n",
            "src/shop/__init__.py": "",
            "src/shop/rates.py": "RATE = 19\n",
            "src/shop/prices.py": TAXED.replace("‸", ""),
        },
    )


async def test_the_result_of_a_trusted_module(policy: ScriptedPolicy, tmp_path: Path, work: Path) -> None:
    """It is offered with its origin, taken, kept as evidence of its own kind, and no prompt of the trainer's."""
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, trusted=True) as editor:
        await editor.open(TAXED, path="src/shop/prices.py")
        offer = await editor.suggest(automatic=True)
        assert offer is not None, editor.statuses
        assert (offer.text, offer.tier) == ("238", "checked")
        assert [(test["origin"], test["status"]) for test in offer.evidence["tests"]] == [("computed", "passed")]
        await editor.accept(offer)
    assert policy.completions == []
    with sqlite3.connect(store_file(tmp_path / "data")) as db:
        assert db.execute("SELECT origin FROM test_cases").fetchall() == [("computed",)]
        assert db.execute("SELECT kind FROM outcomes").fetchall() == [("accepted",)]
    with open_preferences(store_file(tmp_path / "data")) as store:
        assert list(store.prompts()) == []


async def test_a_new_example_of_a_trusted_module(policy: ScriptedPolicy, tmp_path: Path, work: Path) -> None:
    """It is offered with its result behind the prompt of a session. No policy is asked."""
    document = TAXED.replace("taxed(200)\n    ‸", "‸").replace("(price)", "(price: int)", 1)
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, trusted=True) as editor:
        await editor.open(document, path="src/shop/prices.py")
        offer = await editor.suggest(automatic=True)
        assert offer is not None, editor.statuses
        call, result = offer.text.split("\n")
        price = int(call.removeprefix("taxed(").removesuffix(")"))
        assert (int(result), offer.tier) == (price + price * 19 // 100, "checked")
        assert {test["origin"] for test in offer.evidence["tests"]} == {"computed"}
    assert policy.completions == []


async def test_a_module_of_an_untrusted_project_is_not_loaded(
    policy: ScriptedPolicy, tmp_path: Path, work: Path
) -> None:
    """The file alone does not load, and the status says so."""
    async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, trusted=False) as editor:
        await editor.open(TAXED, path="src/shop/prices.py")
        assert await editor.suggest(automatic=True) is None
        assert "the file itself does not run" in (await editor.explain())["text"]
