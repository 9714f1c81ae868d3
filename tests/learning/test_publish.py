"""Adapter folders are whole or not there, and the pointer names a whole one whatever happens."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from plum_trainer.job import TrainerError, write_json
from plum_trainer.publish import Active, Versions


def adapter(folder: Path, content: bytes = b"abcd") -> Path:
    """A folder that looks like a LoRA adapter: one tensor and a configuration."""
    folder.mkdir(parents=True)
    header = json.dumps({"w": {"dtype": "U8", "shape": [len(content)], "data_offsets": [0, len(content)]}}).encode()
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + content)
    (folder / "adapter_config.json").write_text('{"r": 8}')
    return folder


def test_versions_are_numbered_and_never_change(tmp_path: Path) -> None:
    """Each adapter gets the next number; the same one again is the version it was."""
    versions = Versions(tmp_path)
    first = versions.add(adapter(tmp_path / "a"), base_sha256="base")
    second = versions.add(adapter(tmp_path / "b", b"efgh"), base_sha256="base")
    assert (first.number, second.number) == (1, 2)
    assert versions.add(tmp_path / "a", base_sha256="base") == first
    assert versions.known() == (first, second)


def test_the_pointer_goes_there_and_back(tmp_path: Path) -> None:
    """The version before is remembered, and nothing is deleted."""
    versions = Versions(tmp_path)
    assert versions.active() == Active()
    versions.add(adapter(tmp_path / "a"), base_sha256="")
    versions.activate(1, share=0.1)
    assert versions.active() == Active(number=1, previous=0, share=0.1)
    versions.activate(0)
    assert versions.active() == Active(number=0, previous=1)
    assert len(versions.known()) == 1


def test_a_half_written_version_is_not_seen(tmp_path: Path) -> None:
    """What a killed process left has no record; its number is used again."""
    versions = Versions(tmp_path)
    half = versions.folder / "plum-v1"
    half.mkdir(parents=True)
    (half / "adapter_config.json").write_text("{}")
    (versions.folder / ".plum-v1.part").mkdir()
    assert versions.known() == ()
    assert versions.add(adapter(tmp_path / "a"), base_sha256="").number == 1


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_an_adapter_that_lacks_a_file_is_refused(tmp_path: Path, name: str) -> None:
    """And nothing appears."""
    broken = adapter(tmp_path / "a")
    (broken / name).unlink()
    with pytest.raises(TrainerError, match="no adapter"):
        Versions(tmp_path).add(broken, base_sha256="")
    assert Versions(tmp_path).known() == ()


@pytest.mark.parametrize("cut", [3, 20, -1])
def test_truncated_weights_are_refused(tmp_path: Path, cut: int) -> None:
    """Whether the header or the numbers are cut."""
    broken = adapter(tmp_path / "a")
    weights = broken / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:cut])
    with pytest.raises(TrainerError, match="damaged"):
        Versions(tmp_path).add(broken, base_sha256="")


def test_an_unknown_version_cannot_be_activated(tmp_path: Path) -> None:
    """The pointer stays."""
    with pytest.raises(TrainerError, match="no policy version 7"):
        Versions(tmp_path).activate(7)
    assert Versions(tmp_path).active() == Active()


def test_a_damaged_pointer_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """Nobody guesses what was in service."""
    pointer = tmp_path / "adapters" / "active.json"
    write_json(pointer, {"number": 0})
    pointer.write_text("{")
    with pytest.raises(TrainerError, match=r"active\.json"):
        Versions(tmp_path).active()
