"""The folder of versions: what a reader sees is whole, whatever was cut off, and bad adapters never get in."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from plum_lsp.domain.errors import AdapterError, PolicyUnavailable
from plum_lsp.policy.hosting.adapters import busy_adapters
from plum_lsp.policy.models.weights import BASE_MARK, BaseModel, check_fit, read_adapter
from plum_lsp.policy.versions.engines import Sampled
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.policy.versions.publish import fault, publish, retire, rollback

LAYER = "model.layers.0.self_attn.q_proj"
BASE = BaseModel(name="tiny", sha256="b" * 64, shapes={f"{LAYER}.weight": (4, 6)})
OLD = Sampled(text="return a", logprobs=(-0.1, -0.2))


def write_adapter(folder: Path, *, fill: int = 1, rank: int = 2, out: int = 4) -> Path:
    """A whole adapter for the tiny base model, with every byte of lora_B the same."""
    folder.mkdir(parents=True)
    a, b = bytes(4 * rank * 6), bytes([fill]) * (4 * out * rank)
    header = {
        f"base_model.model.{LAYER}.lora_A.weight": {"dtype": "F32", "shape": [rank, 6], "data_offsets": [0, len(a)]},
        f"base_model.model.{LAYER}.lora_B.weight": {
            "dtype": "F32",
            "shape": [out, rank],
            "data_offsets": [len(a), len(a) + len(b)],
        },
    }
    head = json.dumps(header).encode()
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + a + b)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": rank, "lora_alpha": 4}))
    return folder


class FakeEngine:
    """An engine in memory. `breaks_at` names the call that fails, as a server that is killed then would."""

    def __init__(self, breaks_at: str = "") -> None:
        self.loaded: list[str] = []
        self.running: set[str] = set()
        self._breaks_at = breaks_at

    def _call(self, name: str) -> None:
        if self._breaks_at == name:
            raise PolicyUnavailable("killed")

    async def models(self) -> tuple[str, ...]:
        """The base model and what is loaded."""
        return ("tiny", *self.loaded)

    async def load(self, name: str, folder: Path) -> None:
        """Load, unless it is to break here."""
        self._call("load probe" if name.startswith("probe-") else "load version")
        assert (folder / "adapter_config.json").is_file()
        self.loaded.append(name)

    async def unload(self, name: str) -> None:
        """Forget it."""
        self.loaded.remove(name)

    async def complete(self, name: str, prompt: str, *, tokens: int) -> Sampled:
        """Text that depends on the adapter."""
        self._call(f"complete {'probe' if name.startswith('probe-') else 'version' if name != 'tiny' else 'base'}")
        return OLD if name == "tiny" else Sampled(text=f"return {name}", logprobs=(-0.1,))

    async def busy(self) -> frozenset[str]:
        """What has requests running."""
        return frozenset(self.running)

    async def replicas(self) -> dict[str, FakeEngine]:
        """Itself."""
        return {"": self}


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    """A folder of versions that does not exist yet."""
    return VersionStore(tmp_path / "adapters")


async def test_versions_count_up_and_the_last_is_active(store: VersionStore, tmp_path: Path) -> None:
    """Each adapter gets the next number; the same one again is the same version."""
    engine = FakeEngine()
    for fill in (1, 2):
        await publish(write_adapter(tmp_path / f"a{fill}", fill=fill), store=store, engine=engine, base=BASE)
    again = await publish(tmp_path / "a1", store=store, engine=engine, base=BASE)
    assert [version.name for version in store.versions()] == ["plum-v1", "plum-v2"]
    assert again.version.name == "plum-v1" and again.previous == "plum-v2"
    assert store.active() == store.find("plum-v1") == store.find("1")


@pytest.mark.parametrize("step", ["load probe", "complete base", "complete probe", "load version", "complete version"])
async def test_server_killed_at_any_step_leaves_the_old_version(store: VersionStore, tmp_path: Path, step: str) -> None:
    """The pointer moves last; what was cut off is cleared away by the next publication."""
    first = await publish(write_adapter(tmp_path / "a"), store=store, engine=FakeEngine(), base=BASE)
    breaking = FakeEngine(step)
    with pytest.raises(PolicyUnavailable):
        await publish(write_adapter(tmp_path / "b", fill=2), store=store, engine=breaking, base=BASE)
    assert store.active() == first.version
    done = await publish(tmp_path / "b", store=store, engine=FakeEngine(), base=BASE)
    assert store.active() == done.version
    assert not list(store.root.glob(".staging-*"))


@pytest.mark.parametrize(
    ("left", "seen"),
    [("{", None), ("[]", None), ('{"number": 9}', None), ('{"number": 0}', None)],
    ids=["half a file", "another value", "a version that is gone", "the base model"],
)
def test_pointer_that_names_nothing_means_the_base_model(store: VersionStore, left: str, seen: None) -> None:
    """A damaged pointer never keeps a policy from answering."""
    store.root.mkdir()
    (store.root / "active.json").write_text(left)
    assert store.active() is seen


def test_folder_without_its_record_is_no_version(store: VersionStore) -> None:
    """A version is complete or it does not exist."""
    write_adapter(store.root / "plum-v3")
    assert store.versions() == ()
    with pytest.raises(AdapterError, match="no version 'plum-v3'"):
        store.find("plum-v3")


def test_two_publications_do_not_mix(store: VersionStore) -> None:
    """The second is told, not made to wait for ever."""
    with store.locked(), pytest.raises(AdapterError, match="going on"), VersionStore(store.root).locked(wait_seconds=0):
        pass


async def test_retired_versions_wait_for_grace_and_for_their_requests(store: VersionStore, tmp_path: Path) -> None:
    """Nothing is unloaded within the grace period or while it runs, and never the active version or the base."""
    engine = FakeEngine()
    for fill in (1, 2, 3):
        await publish(write_adapter(tmp_path / f"a{fill}", fill=fill), store=store, engine=engine, base=BASE)
    assert await retire(store, engine, grace_seconds=3600) == ()
    engine.running = {"plum-v2"}
    engine.loaded.append("probe-left-behind")
    assert await retire(store, engine, grace_seconds=0) == ("plum-v1", "probe-left-behind")
    assert await engine.models() == ("tiny", "plum-v2", "plum-v3")
    assert (await rollback("1", store=store, engine=engine)).version == store.active()


@pytest.mark.parametrize(
    ("kept", "reason"),
    [(0, "truncated or no safetensors"), (7, "truncated or no safetensors"), (60, "truncated"), (-1, "truncated")],
)
def test_truncated_weights_are_damaged(tmp_path: Path, kept: int, reason: str) -> None:
    """However much of the file is missing."""
    file = write_adapter(tmp_path / "a") / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(AdapterError, match=reason):
        read_adapter(tmp_path / "a")


@pytest.mark.parametrize("config", ["", "{}", "[]", '{"peft_type": "IA3", "r": 2}', '{"peft_type": "LORA", "r": 3}'])
def test_configuration_that_does_not_fit_is_refused(tmp_path: Path, config: str) -> None:
    """Not JSON, not a LoRA, or not of the rank its weights have."""
    folder = write_adapter(tmp_path / "a")
    (folder / "adapter_config.json").write_text(config)
    with pytest.raises(AdapterError):
        read_adapter(folder)


def test_wrong_base_and_rank_are_refused(tmp_path: Path) -> None:
    """By the shapes of the layers, by the hash the trainer left, and by the rank the server takes."""
    facts = read_adapter(write_adapter(tmp_path / "other", out=8))
    with pytest.raises(AdapterError, match="8 × 6, not 4 × 6"):
        check_fit(facts, BASE, rank_max=8)
    fitting = write_adapter(tmp_path / "fitting")
    with pytest.raises(AdapterError, match="rank 2, and the server takes at most 1"):
        check_fit(read_adapter(fitting), BASE, rank_max=1)
    (fitting / BASE_MARK).write_text(json.dumps({"sha256": "c" * 64}))
    with pytest.raises(AdapterError, match="another base model"):
        check_fit(read_adapter(fitting), BASE, rank_max=8)


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (OLD, "did not change"),
        (Sampled(text="\0\0", logprobs=(-0.1,)), "writes no text"),
        (Sampled(text="x", logprobs=(float("nan"),)), "writes no text"),
        (Sampled(text="zxqw", logprobs=(-9.0, -9.0)), "unsure of every token"),
        (Sampled(text="return b", logprobs=(-0.3, -0.2)), ""),
    ],
    ids=["same", "no text", "not a number", "broken", "sound"],
)
def test_probe_tells_a_broken_adapter_from_a_sound_one(new: Sampled, told: str) -> None:
    """By what it writes beside what was written before."""
    assert told in fault([OLD], [new])
    assert bool(fault([OLD], [new])) == bool(told)


def test_busy_adapters_are_those_of_the_latest_report() -> None:
    """vLLM leaves old reports standing; the number is when each was made."""
    metrics = (
        'vllm:lora_requests_info{max_lora="2",running_lora_adapters="plum-v1",waiting_lora_adapters=""} 1.0e+09\n'
        'vllm:lora_requests_info{running_lora_adapters="plum-v2",waiting_lora_adapters="plum-v3"} 2.0e+09\n'
    )
    assert busy_adapters(metrics) == {"plum-v2", "plum-v3"}
    assert busy_adapters("") == frozenset()
