"""What real suggestions leave behind: the pipeline, the sandbox and the store together, with a scripted policy."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.facts import outcome
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config import OfferSettings, PolicySettings, SamplingSettings, Settings
from plum_lsp.domain.events import Event
from plum_lsp.domain.suggestion import (
    Abstention,
    AbstentionReason,
    Offer,
    RequestId,
    SuggestionRequest,
    Tier,
    Trigger,
)
from plum_lsp.domain.text import Document
from plum_lsp.store import Reader, Store, open_reader
from plum_lsp.suggestion.services import Services
from plum_lsp.wiring import open_services

pytestmark = pytest.mark.slow

SPECIFIED = 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n    '
UNSPECIFIED = "def double(number: int) -> int:\n    "


class Unheard:
    """A recorder nobody listens to."""

    def record(self, event: Event) -> None:
        """Drop one event."""


@pytest.fixture
def policy() -> Iterator[ScriptedPolicy]:
    """A scripted policy server."""
    with ScriptedPolicy() as server:
        yield server


@pytest.fixture
async def services(policy: ScriptedPolicy, tmp_path: Path) -> AsyncIterator[Services]:
    """Everything a server has, with its data in a temporary folder."""
    settings = Settings(
        policy=PolicySettings(url=policy.url, api_key=policy.api_key, model=""),
        sampling=SamplingSettings(candidates=3),
        offers=OfferSettings(stop_early=False),
        data_dir=str(tmp_path),
        cache_dir=str(tmp_path / "cache"),
    )
    services = await open_services(settings, Unheard())
    yield services
    await services.close()


async def suggest(services: Services, text: str, *, number: int = 1) -> Offer | Abstention:
    """Ask for a completion at the end of a document."""
    pipeline = services.pipeline
    request = SuggestionRequest(
        id=RequestId(f"request-{number}"),
        document=Document(uri="file:///p/a.py", version=1, text=text),
        offset=len(text),
        trigger=Trigger.INVOKED,
        deadline=pipeline.clock.now() + 60.0,
    )
    return await pipeline.suggest(request)


def reading(services: Services) -> tuple[Store, Reader]:
    """The store of the services, and a reader beside it."""
    assert services.store is not None
    return services.store, open_reader(services.store.path)


async def test_a_real_suggestion_is_kept_whole(services: Services, policy: ScriptedPolicy) -> None:
    """No event is refused, the matrix is complete, the outcome is there, and every field is filled."""
    policy.will_complete("return a - b\n", mean_logprob=-0.1)
    policy.will_complete("return a + b\n", mean_logprob=-2.0)
    policy.will_complete("return (a + b)\n", mean_logprob=-3.0)
    offer = await suggest(services, SPECIFIED)
    assert isinstance(offer, Offer)
    store, reader = reading(services)
    await store.record_outcome(dataclasses.replace(outcome(), offer_id=offer.id))
    with reader:
        known = reader.explain(offer.id)
        (evidence,) = reader.evidence()
    assert (store.status().lost, store.status().problem) == (0, "")
    assert known is not None
    assert (known.text, known.tier, len(known.outcomes)) == (offer.text, Tier.VERIFIED, 1)
    assert known.sandbox_tier
    assert known.python_version
    assert sorted(len(one.verdicts) for one in known.candidates) == [0, 1, 1]
    assert (evidence.candidates, evidence.candidates_run, evidence.groups_mixed) == (3, 2, 1)


async def test_a_promoted_group_is_kept_whole(services: Services, policy: ScriptedPolicy) -> None:
    """Without a specification candidates are judged twice; the later judgement is told."""
    policy.will_complete("return number * 2\n")
    policy.will_complete("return number + number\n")
    policy.will_complete("return number ** 2\n")
    offer = await suggest(services, UNSPECIFIED)
    assert isinstance(offer, Offer)
    store, reader = reading(services)
    await store.acknowledged()
    with reader:
        known = reader.explain(offer.id)
    assert store.status().lost == 0
    assert known is not None
    assert (known.tier, known.reason) == (offer.chosen.tier, offer.chosen.reason)


async def test_silence_is_kept_with_its_reason(services: Services, policy: ScriptedPolicy) -> None:
    """Why nothing was offered is in the counts, and so are the verdicts behind it."""
    policy.will_complete("return a - b\n")
    await suggest(services, SPECIFIED, number=1)
    store, reader = reading(services)
    await store.acknowledged()
    with reader:
        overview = reader.overview()
    assert store.status().lost == 0
    assert overview.abstentions == {AbstentionReason.ALL_FAILED: 1}
    assert (overview.requests, overview.pass_rate) == (1, 0.0)
