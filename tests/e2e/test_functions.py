"""For every function with examples: the right candidate is offered, however unlikely, and a wrong one never is.

Each file in `functions/` holds a buffer with `‸` for the cursor, the right completion and the wrong ones.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.editor import CURSOR, Editor
from support.functions import Case, every_case
from support.scripted_policy import ScriptedPolicy

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

FUNCTIONS = every_case()


@pytest.fixture(scope="module")
def policy() -> ScriptedPolicy:
    """The scripted policy of all these tests."""
    return ScriptedPolicy()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def editor(policy: ScriptedPolicy, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    """One editor for all of them."""
    folder = tmp_path_factory.mktemp("functions")
    with policy:
        async with Editor.running(folder=folder, policy_url=policy.url, api_key=policy.api_key) as editor:
            yield editor


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.stem)
async def test_the_right_one_is_offered(editor: Editor, policy: ScriptedPolicy, path: Path) -> None:
    """Although the wrong ones are likelier and come first; accepting it gives the file the user wanted."""
    case = Case.read(path)
    policy.forget()
    for wrong in case.wrong:
        policy.will_complete(wrong + "\n", mean_logprob=-0.1)
    policy.will_complete(case.right.replace("\r\n", "\n") + "\n", mean_logprob=-2.0)

    offer = await editor.suggest(case.text)

    assert offer is not None, await editor.explain()
    assert (offer.text.rstrip(), offer.tier) == (case.right, "verified")
    assert (await editor.accept(offer))["recorded"]
    assert editor.text.rstrip() == case.text.replace(CURSOR, case.right).rstrip()


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.stem)
async def test_a_wrong_one_never_is(editor: Editor, policy: ScriptedPolicy, path: Path) -> None:
    """If the policy knows only wrong answers, nothing is offered, and the reason is told."""
    case = Case.read(path)
    policy.forget()
    for wrong in case.wrong:
        policy.will_complete(wrong + "\n", mean_logprob=-0.01)

    assert await editor.suggest(case.text) is None
    assert (await editor.explain())["reason"] == "all_failed"
