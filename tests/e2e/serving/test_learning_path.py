"""One accepted and one rejected completion, all the way: editor, store, TRL's rows token by token, adapter, vLLM."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from e2e.serving.conftest import Served
from e2e.serving.test_contract import complete
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config import OfferSettings, PolicySettings, SamplingSettings, Settings, TrainerSettings
from plum_lsp.config.folder import store_file
from plum_lsp.domain.events import Event
from plum_lsp.domain.suggestion import Offer, RequestId, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.feedback.rebuild import rebuild
from plum_lsp.server.outcomes import OutcomeDesk
from plum_lsp.store.learning import open_learning
from plum_lsp.store.preferences import open_preferences
from plum_lsp.suggestion.services import Services
from plum_lsp.wiring import open_services
from plum_trainer.data.rows import PairRow, tokens_of, values_of
from plum_trainer.fit import children
from plum_trainer.fit.bases import folder_base
from plum_trainer.fit.job import FitJob
from plum_trainer.fit.train import HubEncoder, limits_of
from plum_trainer.loop.publish import Versions

pytestmark = [pytest.mark.vllm, pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(900)]

TEXT = "def greet(name):\n    "
ACCEPTED, REJECTED = "return f'Hello, {name}!'", "return 'Hello ' + name"


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
    """Everything a server has; one candidate a request, whatever its tier."""
    settings = Settings(
        policy=PolicySettings(url=policy.url, api_key=policy.api_key),
        sampling=SamplingSettings(candidates=1),
        offers=OfferSettings(stop_early=False),
        data_dir=str(tmp_path),
        cache_dir=str(tmp_path / "cache"),
    )
    services = await open_services(settings, Unheard())
    yield services
    await services.close()


async def offered(services: Services, number: int) -> tuple[Offer, Document]:
    """What an editor is offered at the end of the document."""
    document = Document(uri="file:///p/a.py", version=number, text=TEXT)
    request = SuggestionRequest(
        id=RequestId(f"r{number}"),
        document=document,
        offset=len(TEXT),
        trigger=Trigger.INVOKED,
        deadline=services.pipeline.clock.now() + 60.0,
    )
    offer = await services.pipeline.suggest(request)
    assert isinstance(offer, Offer), offer
    return offer, document


async def use(services: Services, policy: ScriptedPolicy) -> None:
    """The editor draws two offers for one prompt; the user takes the first and turns the second down."""
    clock = {"now": 1_700_000_000.0}
    desk = OutcomeDesk(lambda: services.store, now=lambda: clock["now"])
    for number, (text, is_taken) in enumerate([(ACCEPTED, True), (REJECTED, False)], 1):
        policy.will_complete(f" {text}\n")
        offer, document = await offered(services, number)
        desk.offered(offer, document)
        desk.shown(offer.id)
        clock["now"] += 2.0
        if is_taken:
            desk.edited(dataclasses.replace(document, version=9, text=TEXT + offer.text))
            assert await desk.accepted(offer.id) == ""
            clock["now"] += 31.0
            desk._measure(desk._offers[offer.id])
        else:
            assert await desk.rejected(offer.id) == ""
    await desk.finish()


def the_row(data_dir: Path) -> PairRow:
    """The one pair that came of it."""
    with open_preferences(store_file(data_dir)) as store:
        report = rebuild(store, now=datetime.now(UTC))
    assert report["pair_outcome"] == 1, report
    with open_learning(store_file(data_dir)) as store:
        (pair,) = store.pairs()
    return PairRow(
        prompt=pair.prompt,
        chosen=pair.chosen.middle,
        rejected=pair.rejected.middle,
        chosen_ends=pair.chosen.ends,
        rejected_ends=pair.rejected.ends,
        weight=pair.weight,
        source=pair.source.value,
    )


def check_tokens(row: PairRow, base_folder: Path) -> None:
    """The ids and the loss mask of the batch that TRL's model sees."""
    from transformers import AutoTokenizer
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    tokenizer = AutoTokenizer.from_pretrained(base_folder)
    end = tokenizer.get_vocab()["<|endoftext|>"]
    limits = limits_of(tokenizer, max_length=256, end_token="<|endoftext|>")
    columns = tokens_of(row, HubEncoder(tokenizer), limits)
    assert columns is not None
    assert tokenizer.decode(columns["prompt_ids"]) == row.prompt
    assert tokenizer.decode(columns["chosen_ids"]) == f" {ACCEPTED}<|endoftext|>"
    assert tokenizer.decode(columns["rejected_ids"]) == f" {REJECTED}<|endoftext|>"
    assert columns["chosen_ids"][-1] == columns["rejected_ids"][-1] == end
    batch: dict[str, Any] = DataCollatorForPreference(pad_token_id=end)([columns])
    for place, side in enumerate(("chosen_ids", "rejected_ids")):
        ids = batch["input_ids"][place].tolist()
        mask = batch["completion_mask"][place].tolist()
        assert [one for one, is_learned in zip(ids, mask, strict=True) if is_learned] == columns[side]
        assert not any(mask[: len(columns["prompt_ids"])])


def fit(row: PairRow, folder: Path, base_folder: Path, base_sha256: str) -> Path:
    """A few real steps on this pair alone."""
    rows = folder / "rows.jsonl"
    rows.write_text(json.dumps(values_of(row)) + "\n")
    options = {
        name: getattr(TrainerSettings(), name) for name in FitJob.__dataclass_fields__ if hasattr(TrainerSettings, name)
    }
    job = FitJob(
        **{
            **options,
            "base": str(base_folder),
            "champion": "",
            "rows": str(rows),
            "output": str(folder / "fit"),
            "method": "dpo",
            "epochs": 6,
            "learning_rate": 1e-3,
            "batch_size": 2,
            "max_length": 128,
            "base_sha256": base_sha256,
            "end_token": "<|endoftext|>",
        }
    )
    result = children.fit(job, folder)
    assert result.steps == 6
    assert result.loss_last < result.loss_first
    return Path(result.adapter)


@pytest.mark.parametrize("served", ["vllm"], indirect=True)
async def test_from_the_editor_to_vllm(
    services: Services, policy: ScriptedPolicy, served: Served, base_folder: Path, tmp_path: Path
) -> None:
    """What the user preferred is what TRL is told, and what it makes of that is what vLLM serves."""
    await use(services, policy)
    assert services.store is not None
    await services.store.acknowledged()
    row = the_row(tmp_path)
    check_tokens(row, base_folder)
    base = folder_base(base_folder, cache_dir=tmp_path / "cache")
    adapter = await asyncio.to_thread(fit, row, tmp_path, base_folder, base.sha256)
    versions = Versions(data_dir=served.data_dir, settings=Settings(), base=base)
    before = await complete(served)
    version = await asyncio.to_thread(versions.publish, adapter, report=lambda text: None)
    after = await complete(served, version.policy_version())
    assert versions.active() == version.number
    assert (after.text, after.token_logprobs) != (before.text, before.token_logprobs)
