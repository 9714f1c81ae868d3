"""A promoted adapter becomes a version of its own, and one goes back; unserved, it is checked only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.learning import tiny_trainer

from plum_lsp.domain.errors import AdapterError

pytestmark = pytest.mark.slow

LAYER = "base_model.model.model.layers.0.self_attn.q_proj"


def adapter(folder: Path, *, value: int = 1, side: int = 32) -> Path:
    """A LoRA adapter of rank 1 for one layer of the tiny model, written by hand."""
    folder.mkdir(parents=True)
    halves = {f"{LAYER}.lora_A.weight": [1, side], f"{LAYER}.lora_B.weight": [side, 1]}
    header, place = {}, 0
    for name, shape in halves.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [place, place + 4 * side]}
        place += 4 * side
    text = json.dumps(header).encode()
    content = bytes([value]) * place
    (folder / "adapter_model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + content)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 1, "lora_alpha": 1}))
    return folder


def test_versions_follow_each_other_and_back(tmp_path: Path, tiny: Path) -> None:
    """Each adapter is a version, the same one again is the version it was, and nothing is deleted."""
    versions = tiny_trainer(tmp_path, tiny).versions
    said: list[str] = []
    first = versions.publish(adapter(tmp_path / "a"), report=said.append)
    second = versions.publish(adapter(tmp_path / "b", value=2), report=said.append)
    assert (first.number, second.number, versions.active()) == (1, 2, 2)
    assert versions.publish(tmp_path / "a", report=said.append).number == 1
    versions.go_to(0)
    assert versions.active() == 0
    versions.go_to(2)
    assert versions.active() == 2
    assert "not probed" in said[0]


def test_what_does_not_fit_is_refused(tmp_path: Path, tiny: Path) -> None:
    """Another shape, or weights cut short: the version before stays in service."""
    versions = tiny_trainer(tmp_path, tiny).versions
    versions.publish(adapter(tmp_path / "a"), report=lambda text: None)
    with pytest.raises(AdapterError, match="another base"):
        versions.publish(adapter(tmp_path / "wide", side=64), report=lambda text: None)
    cut = adapter(tmp_path / "cut", value=3) / "adapter_model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-1])
    with pytest.raises(AdapterError):
        versions.publish(cut.parent, report=lambda text: None)
    with pytest.raises(AdapterError, match="no version"):
        versions.go_to(7)
    assert versions.active() == 1
