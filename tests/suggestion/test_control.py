"""What a control request of a pilot gets, over a real policy server and with a sandbox that must not run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config import Settings
from plum_lsp.domain.events import Event, Prompted, Verified
from plum_lsp.domain.pilot import Arm, Assignment, PilotId
from plum_lsp.domain.suggestion import Abstention, Offer, RequestId, SuggestionRequest, Tier, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.suggestion.pipeline import Pipeline

pytestmark = pytest.mark.slow

ADD = 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n    ‸'


class Untouched:
    """A sandbox whose use fails the test. It may be held, which runs nothing."""

    problem = ""
    project = None

    def held(self) -> Any:
        """Nothing to keep."""
        return nullcontext()

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the sandbox was used: {name}")


class Told:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        """Keep one event."""
        self.events.append(event)


@pytest.fixture
def policy() -> Iterator[ScriptedPolicy]:
    """A scripted policy server."""
    with ScriptedPolicy() as server:
        yield server


async def suggest(policy: ScriptedPolicy, folder: Path, marked: str, **options: Any) -> tuple[Offer | Abstention, Told]:
    """What a control request gets while the user types, and what is recorded."""
    told = Told()
    asked = open_policy(PolicyOptions(url=policy.url, api_key=policy.api_key, cache_dir=folder))
    sandbox: Any = Untouched()
    request = SuggestionRequest(
        id=RequestId("request"),
        document=Document(uri="file:///project/module.py", version=1, text=marked.replace("‸", "")),
        offset=marked.index("‸"),
        trigger=Trigger.AUTOMATIC,
        deadline=MonotonicClock().now() + 30.0,
        assignment=Assignment(pilot=PilotId(1), name="first", arm=Arm.CONTROL, is_shadow=False),
    )
    pipeline = Pipeline(
        policy=asked,
        sandbox=sandbox,
        clock=MonotonicClock(),
        recorder=told,
        options=replace(pipeline_options(Settings()), **options),
    )
    try:
        result = await pipeline.suggest(request)
        await pipeline.finish()
        return result, told
    finally:
        await asked.close()


async def test_the_first_sample_is_shown_and_nothing_runs(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """It fails its test, but that is not known. Settings that ask for tested suggestions do not hide it."""
    policy.will_complete("return a - b\n")
    policy.will_complete("return a + b\n")
    result, told = await suggest(policy, tmp_path, ADD, tiers=(Tier.VERIFIED,))
    assert isinstance(result, Offer)
    assert (result.text, result.chosen.tier, result.chosen.verdicts) == ("return a - b", Tier.UNVERIFIED, ())
    assert "the pilot first shows it without tests" in result.chosen.reason
    assert [event.isolation for event in told.events if isinstance(event, Verified)] == [None]
    assert len([one for one in policy.requests if one.payload]) == 1


async def test_what_does_not_parse_is_not_shown(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """Reading a sample is no test."""
    policy.will_complete("return a +\n")
    result, _ = await suggest(policy, tmp_path, ADD)
    assert isinstance(result, Abstention)


async def test_text_is_outside_the_comparison(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """It is never tested, so that it would only blur the difference."""
    policy.will_complete(" of two numbers")
    _, told = await suggest(policy, tmp_path, "# The sum‸\n")
    (prompted,) = (event for event in told.events if isinstance(event, Prompted))
    assert prompted.request.assignment is not None
    assert prompted.request.assignment.arm is Arm.OUTSIDE
