"""A new version on trial answers its share of the requests, told by their ids, until it is kept or taken back."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from support.learning import tiny_settings

from plum_lsp.config.folder import store_file, versions_folder
from plum_lsp.policy.hosting.served_policy import ServedPolicy
from plum_lsp.policy.hosting.serving import ServeOptions, ServingState, write_state
from plum_lsp.policy.hosting.vllm.settings import vllm_settings
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.policy.versions.publish import retire
from plum_lsp.store import open_store
from plum_lsp.store.learning import ServedRequest
from plum_trainer.fit.bases import BaseModel
from plum_trainer.loop.online import watch
from plum_trainer.loop.publish import Versions
from plum_trainer.loop.rounds import Round
from plum_trainer.loop.trainer import Trainer, record

REQUESTS = [f"request-{number}" for number in range(2_000)]


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    """Two whole versions of one base; version 1 is active."""
    made = VersionStore(versions_folder(tmp_path))
    for number in (1, 2):
        folder = made.root / f"plum-v{number}"
        folder.mkdir(parents=True)
        values = {"number": number, "model": "m", "model_sha256": "h", "adapter_sha256": f"a{number}", "rank": 1}
        (folder / "version.json").write_text(json.dumps(values))
    made.activate(made.find("1"))
    return made


def serve(data_dir: Path) -> None:
    """Say that a server of ours runs; nothing here sends it anything."""
    write_state(
        data_dir,
        ServingState(
            url="http://127.0.0.1:9/v1",
            api_key="k",
            engine="vllm",
            model="m",
            model_path="",
            model_sha256="h",
            lora_rank=8,
            pid=os.getpid(),
        ),
    )


def trainer_of(data_dir: Path, **gate: float) -> Trainer:
    """A trainer that published version 2 after version 1, and needs no model to watch it."""
    open_store(store_file(data_dir)).close()
    base = BaseModel(
        name="m", folder=data_dir, source=None, entry=None, sha256="h", end_token="", cache_dir=data_dir / "cache"
    )
    trainer = Trainer(settings=tiny_settings(data_dir, data_dir, **gate), data_dir=data_dir, base=base)
    record(trainer, Round(number=1, folder=data_dir), "published", {"version": 2, "previous": 1})
    return trainer


async def test_the_share_is_told_by_the_request(store: VersionStore, tmp_path: Path) -> None:
    """About a fifth goes to the new version, and a request that is asked again goes where it went."""
    serve(tmp_path)
    store.activate(store.find("2"), share=0.2)
    policy = ServedPolicy(tmp_path)
    first = [(await policy.version(request)).number for request in REQUESTS]
    assert first == [(await ServedPolicy(tmp_path).version(request)).number for request in REQUESTS]
    assert 0.16 < first.count(2) / len(first) < 0.24
    assert set(first) == {1, 2}
    assert (await policy.version()).number == 2
    await policy.close()


async def test_the_rest_stays_with_the_base_where_there_was_no_version(store: VersionStore, tmp_path: Path) -> None:
    """Version 0 is a version, too."""
    serve(tmp_path)
    store.activate(None)
    store.activate(store.find("1"), share=0.5)
    policy = ServedPolicy(tmp_path)
    assert {(await policy.version(request)).number for request in REQUESTS} == {0, 1}
    await policy.close()


def test_publishing_again_keeps_the_trial(store: VersionStore) -> None:
    """A publication killed after the pointer moved is done again, and the version before is still the same."""
    for _ in range(2):
        store.activate(store.find("2"), share=0.3)
        canary = store.canary()
        assert canary is not None and canary.previous == store.find("1") and canary.share == 0.3
    store.activate(store.find("2"))
    assert store.canary() is None


def test_what_is_on_trial_is_no_baseline(store: VersionStore) -> None:
    """Another version is published before the trial has ended: the rest stays with the one that has proved itself."""
    store.activate(store.find("2"), share=0.2)
    third = store.root / "plum-v3"
    third.mkdir()
    values = {"number": 3, "model": "m", "model_sha256": "h", "adapter_sha256": "a3", "rank": 1}
    (third / "version.json").write_text(json.dumps(values))
    store.activate(store.find("3"), share=0.3)
    canary = store.canary()
    assert canary is not None and canary.previous == store.find("1") and canary.share == 0.3


@pytest.mark.parametrize("left", ['{"number": 2, "share": 0.5, "previous": 9}', '{"number": 2, "share": "x"}'])
def test_a_trial_against_nothing_is_none(store: VersionStore, left: str) -> None:
    """A damaged pointer, or a version that is gone: the active one answers everything."""
    (store.root / "active.json").write_text(left)
    assert store.canary() is None
    assert store.answering("r") == store.find("2")


async def test_both_stay_loaded_and_come_back_after_a_crash(store: VersionStore, tmp_path: Path) -> None:
    """The version before is unloaded only after the trial, and a server that starts again loads both."""

    class Loaded:
        """An engine that remembers what it was told to let go of."""

        def __init__(self) -> None:
            self.names = ["m", "plum-v1", "plum-v2"]

        async def models(self) -> tuple[str, ...]:
            return tuple(self.names)

        async def busy(self) -> frozenset[str]:
            return frozenset()

        async def unload(self, name: str) -> None:
            self.names.remove(name)

    store.activate(store.find("2"), share=0.5)
    engine = Loaded()
    assert await retire(store, engine, grace_seconds=0) == ()  # type: ignore[arg-type]
    canary = store.canary()
    assert canary is not None
    options = ServeOptions(model=tmp_path, name="m", port=1)
    settings = vllm_settings(options, has_gpu=False, active=store.active(), previous=canary.previous)
    modules = next(one.arguments for one in settings if "--lora-modules" in one.arguments)
    assert modules[1:] == (f"plum-v2={store.root / 'plum-v2'}", f"plum-v1={store.root / 'plum-v1'}")
    store.activate(store.find("2"))
    assert await retire(store, engine, grace_seconds=0) == ("plum-v1",)  # type: ignore[arg-type]


@pytest.mark.parametrize(("passing", "active", "step"), [(6, 2, "kept"), (1, 1, "rolled_back")])
def test_the_watch_ends_the_trial(
    store: VersionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passing: int, active: int, step: str
) -> None:
    """With enough evidence all requests go to the version that is kept."""
    trainer = trainer_of(tmp_path)
    store.activate(store.find("2"), share=0.2)
    old = ServedRequest(
        policy_number=1,
        base_sha256="h",
        temperatures="[0.2]",
        asked_at="2100-01-01",
        candidates_run=8,
        candidates_passing=6,
        first_token_ms=10.0,
        characters_offered=100,
        characters_kept=50.0,
    )
    new = dataclasses.replace(old, policy_number=2, candidates_passing=passing)
    monkeypatch.setattr("plum_lsp.store.learning.LearningStore.served", lambda self, *, since: (old, new) * 60)
    assert step.replace("_", " ") in watch(trainer)
    assert store.canary() is None
    assert [store.answering(request) for request in REQUESTS[:20]] == [store.find(str(active))] * 20


def test_without_a_server_of_ours_everything_goes_to_the_new_version(store: VersionStore, tmp_path: Path) -> None:
    """llama.cpp in an editor serves one version at a time, and it is said."""
    trainer = trainer_of(tmp_path, canary_share=0.25)
    said: list[str] = []
    versions: Versions = trainer.versions
    assert versions.share(said.append) == 1.0
    assert "answers everything" in said[0]
    serve(tmp_path)
    assert versions.share(said.append) == 0.25
    assert "25% of the requests" in said[1]
