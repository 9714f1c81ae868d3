"""What the real server offers at each kind of place while the user types, with a scripted policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from support.editor import Editor
from support.scripted_policy import ScriptedPolicy

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A place, what the policy writes there one after the other, what is offered, and how many are asked for."""

    marked: str
    written: tuple[str, ...]
    offered: str
    tier: str = "checked"
    asked: int = 1


TESTED = 'def double(a):\n    """\n    >>> double(2)\n    4\n    >>> double(5)\n    10\n    """\n    return a ‸\n'
CASES = {
    "constant": Case(marked="LIMIT = ‸\n", written=("3\nOTHER = 4\n",), offered="3"),
    "dict line": Case(
        marked='SIGNS = {\n    "EUR": "€",\n    ‸\n}\n',
        written=('"USD": "$",\n    "GBP": "£",\n',),
        offered='"USD": "$",',
    ),
    "import": Case(marked="import ‸\n\nprint(1)\n", written=("json\n",), offered="json"),
    "decorator": Case(
        marked="from functools import cache\n\n\n@‸\ndef one():\n    return 1\n", written=("cache\n",), offered="cache"
    ),
    "class body": Case(
        marked="class Point:\n    ‸\n",
        written=("def __init__(self, x):\n        self.x = x\n\n    def far(self):\n        return self.x > 9\n",),
        offered="def __init__(self, x):\n        self.x = x",
    ),
    "block": Case(
        marked="def total(values):\n    result = 0\n    ‸\n",
        written=("for value in values:\n        result += value\n    return result\n",),
        offered="for value in values:\n        result += value",
    ),
    "module level": Case(marked="LOW = 1\n\n\n‸", written=("HIGH = 3\nTOP = 4\n",), offered="HIGH = 3"),
    "tested line": Case(marked=TESTED, written=("* 1\n", "* 2\n"), offered="* 2", tier="verified", asked=3),
    "second try": Case(
        marked="def kept(found):\n    return ‸\n", written=("balances\n", "found[0]\n"), offered="found[0]", asked=2
    ),
    "third try": Case(
        marked="LIMITS = {}\nLIMIT = ‸\n", written=('LIMITS["a"]\n', "(1\n", "3\n"), offered="3", asked=3
    ),
    "comment": Case(
        marked="x = 1  # the first ‸\ny = 2\n", written=(" of two\nx = 3\n",), offered="of two", tier="unverified"
    ),
    "docstring": Case(
        marked='def f():\n    """The sum‸"""\n    return 1\n',
        written=(' of all.\n\n    It is one.\n    """\n',),
        offered=" of all.",
        tier="unverified",
    ),
}


@pytest.fixture(scope="module")
def policy() -> Iterator[ScriptedPolicy]:
    """The scripted policy of all these tests."""
    with ScriptedPolicy() as policy:
        yield policy


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def editor(policy: ScriptedPolicy, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    """One editor for all of them."""
    folder = tmp_path_factory.mktemp("places")
    async with Editor.running(folder=folder, policy_url=policy.url, api_key=policy.api_key) as editor:
        yield editor


@pytest.mark.parametrize("name", CASES)
async def test_a_place_gets_what_its_plan_says(policy: ScriptedPolicy, editor: Editor, name: str) -> None:
    """One whole statement is asked for once and shown at once. Where tests exist, a few are tried."""
    case = CASES[name]
    mark = f"# {name}\n"
    for text in case.written:
        policy.will_complete(text, when=mark)
    before = len(policy.requests)

    offer = await editor.suggest(mark + case.marked, automatic=True)

    assert offer is not None, editor.status
    assert (offer.text, offer.tier) == (case.offered, case.tier)
    asked = [request for request in policy.requests[before:] if mark in request.prompt]
    assert 1 <= len(asked) <= case.asked
    assert all("n" not in request.payload or request.payload["n"] == 1 for request in asked)


async def test_a_place_is_not_asked_for_ever(policy: ScriptedPolicy, editor: Editor) -> None:
    """After a few tries the status says what is wrong."""
    policy.will_complete("lost\n", when="# never\n")
    policy.will_complete("lost + 1\n", when="# never\n")
    before = len(policy.requests)

    assert await editor.suggest("# never\nLIMIT = ‸\n", automatic=True) is None

    assert len(policy.requests[before:]) == 3
    await editor.until(lambda: "none fit to run" in editor.status["message"])


async def test_a_list_that_the_model_does_not_end_is_closed(policy: ScriptedPolicy, editor: Editor) -> None:
    """What was run is what is inserted."""
    policy.will_complete("5, 10, 20, 5", when="# coins\n", finish="length")

    offer = await editor.suggest("# coins\nCOINS = [1, 2, ‸\n", automatic=True)

    assert offer is not None, editor.status
    assert (offer.text, offer.tier) == ("5, 10, 20]", "checked")


async def test_nothing_to_add_is_a_quiet_reason(policy: ScriptedPolicy, editor: Editor) -> None:
    """Where the policy ends the text, the status says so."""
    policy.will_complete("\nx = 2\n", when="a whole sentence.")

    assert await editor.suggest("# This is a whole sentence.‸\nx = 1\n", automatic=True) is None

    await editor.until(lambda: editor.status["message"] == "The model adds nothing to this comment.")
    assert editor.status["kind"] == "Normal"


async def test_an_explicit_request_is_not_cut_to_a_statement(policy: ScriptedPolicy, editor: Editor) -> None:
    """A user who asks for more gets the rest of the class."""
    policy.will_complete("name: str\n    age: int\n", when="class Person")

    offer = await editor.suggest("class Person:\n    ‸\n")

    assert offer is not None
    assert offer.text == "name: str\n    age: int"
