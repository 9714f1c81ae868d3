"""Tables of cases over LSP: a buffer with a cursor, what a policy answers, and what the editor must get.

The modules of `tests/cases` hold such tables. Each shares one server for all its cases:

    from support.cases import Case, Desk

    pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

    CASES = [Case("a closing fence", ADD, "return a + b\n```\n", offered="return a + b")]

    @pytest.mark.parametrize("case", CASES, ids=str)
    async def test_case(desk: Desk, case: Case) -> None:
        await desk.check(case)

The server is real and speaks over stdio, the sandbox is real, and the policy is `ScriptedPolicy`. A module that needs
other settings or another kind of policy sets `SETTINGS` (pushed at the start) or `POLICY` (arguments of
`ScriptedPolicy`) as globals. `desk.policy` may be changed before a case, and is reset after it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.editor import CURSOR, Editor, Suggested
from support.scripted_policy import ScriptedPolicy, Step

ANY_TIERS = ("verified", "consistent", "checked", "unverified")


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a table. `says` is one answer for every candidate, or the answers that they take in turn.

    An answer is a text, or a `Step` for an irregular one. What must come of it, as far as it is given:

    offered: the text that is offered, without blank ends. None leaves it open.
    gives:   the whole buffer after the offer was inserted, without blank ends.
    tiers:   one of these is the offer's label.
    nothing: no offer. `reason` is then the abstention's name.
    words:   part of what `plum.explain` says. `unsaid` is no part of it.
    never:   no part of an offer, however it is labelled.
    """

    name: str
    text: str
    says: str | Step | tuple[str | Step, ...]
    offered: str | None = None
    gives: str | None = None
    tiers: tuple[str, ...] = ANY_TIERS
    nothing: bool = False
    reason: str = ""
    words: str = ""
    unsaid: str = ""
    never: tuple[str, ...] = ()
    finish: str = "stop"
    automatic: bool = False

    def __str__(self) -> str:
        """The name, as the test's id."""
        return self.name

    @property
    def steps(self) -> tuple[Step, ...]:
        """The answers of the policy."""
        answers = self.says if isinstance(self.says, tuple) else (self.says,)
        return tuple(one if isinstance(one, Step) else Step(text=one, ending=self.finish) for one in answers)


@dataclass(frozen=True, slots=True)
class Desk:
    """An editor at work, with the policy that its server asks."""

    editor: Editor
    policy: ScriptedPolicy

    async def ask(self, case: Case) -> Suggested | None:
        """What is offered for a case."""
        self.policy.forget()
        for step in case.steps:
            self.policy.will(step)
        return await self.editor.suggest(case.text, automatic=case.automatic)

    async def check(self, case: Case) -> None:
        """Ask, and compare what came with what the case says."""
        offer = await self.ask(case)
        told = dict(await self.editor.explain())
        text = offer.text if offer is not None else ""
        shown = f"{case.name}: {text!r} {told.get('tier', told.get('reason'))}: {told.get('text')}"
        assert not [word for word in case.never if word in text], shown
        assert case.words in str(told["text"]), shown
        assert not case.unsaid or case.unsaid not in str(told["text"]), shown
        if case.nothing:
            assert offer is None, shown
            assert case.reason in ("", told["reason"]), shown
            return
        assert offer is not None, shown
        assert offer.tier in case.tiers, shown
        if case.offered is not None:
            assert text.strip() == case.offered.strip(), shown
        if case.gives is not None:
            await self.editor.insert(offer)
            assert self.editor.text.rstrip() == case.gives.rstrip(), shown


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One server for all cases of a module."""
    folder: Path = tmp_path_factory.mktemp("cases")
    settings: Mapping[str, Any] = getattr(request.module, "SETTINGS", {})
    with ScriptedPolicy(**getattr(request.module, "POLICY", {})) as policy:
        async with Editor.running(
            folder=folder, policy_url=policy.url, api_key=policy.api_key, settings=settings
        ) as editor:
            yield Desk(editor, policy)


def filled(text: str, body: str) -> str:
    """The buffer of a case with `body` at its cursor."""
    return text.replace(CURSOR, body)
