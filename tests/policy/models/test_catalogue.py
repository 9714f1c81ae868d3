"""The catalogue and the files that hold its models."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest

from plum_lsp.domain.errors import ModelError
from plum_lsp.policy.hosting.sources import find_model
from plum_lsp.policy.models import catalogue as models

CONTENT = b"GGUF" + bytes(range(256)) * 64
ENTRY = dataclasses.replace(
    models.find_entry("smollm2-135m-instruct"),
    name="tiny",
    file="tiny.gguf",
    bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


def _place(folder: Path, content: bytes = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ENTRY.file
    path.write_bytes(content)
    return path


def test_catalogue_lists_the_default_first_with_every_fact() -> None:
    """Three models, each with a size, a hash, a licence and at least one source."""
    entries = list(models.catalogue().values())
    assert [entry.name for entry in entries] == [
        "qwen2.5-coder-0.5b-instruct",
        "qwen2.5-coder-1.5b-instruct",
        "smollm2-135m-instruct",
    ]
    for entry in entries:
        assert entry.bytes > 50_000_000
        assert len(bytes.fromhex(entry.sha256)) == 32
        assert entry.licence == "Apache-2.0"
        assert entry.stop
        assert entry.upstream or entry.mirror


def test_unknown_model_names_the_known_ones() -> None:
    """The remedy of an unknown name is the list of names."""
    with pytest.raises(ModelError) as caught:
        models.find_entry("gpt-9")
    assert "smollm2-135m-instruct" in caught.value.remedy


def test_cache_comes_before_the_users_folder(tmp_path: Path) -> None:
    """An intact file in the cache wins; without one the user's folder is used in place."""
    mine = _place(tmp_path / "mine")
    assert models.locate(ENTRY, cache_dir=tmp_path / "cache", folder=tmp_path / "mine") == mine
    cached = _place(tmp_path / "cache" / "models")
    assert models.locate(ENTRY, cache_dir=tmp_path / "cache", folder=tmp_path / "mine") == cached


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"x"], ids=["short", "changed"])
def test_damaged_file_is_passed_over_and_kept(tmp_path: Path, content: bytes) -> None:
    """A file of the wrong size or hash is not the model, but looking for one removes nothing."""
    path = _place(tmp_path / "cache" / "models", content)
    assert models.locate(ENTRY, cache_dir=tmp_path / "cache") is None
    assert path.exists()


def test_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    """Requiring a model that is not here names the command that fetches it."""
    with pytest.raises(ModelError) as caught:
        models.require(ENTRY, cache_dir=tmp_path)
    assert caught.value.remedy == "Run: plum-lsp model fetch tiny"


def test_stamp_saves_hashing_until_the_file_changes(tmp_path: Path) -> None:
    """A stamped file is not read again; a change of its time makes it be read again."""
    path = _place(tmp_path / "cache" / "models")
    state = path.stat()
    right = models.file_sha256(path, cache_dir=tmp_path / "cache")
    path.write_bytes(CONTENT[:-1] + b"x")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert models.file_sha256(path, cache_dir=tmp_path / "cache") == right
    assert models.file_sha256(path, cache_dir=tmp_path / "cache", is_hashed_again=True) != right
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert models.file_sha256(path, cache_dir=tmp_path / "cache") != right


def test_a_files_name_does_not_make_it_a_model_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes decide: another model under the right name keeps a name of its own, wherever the name is asked for."""
    monkeypatch.setattr(models, "catalogue", lambda: {ENTRY.name: ENTRY})
    cache = tmp_path / "cache"
    impostor = _place(tmp_path / "a", CONTENT[:-1] + b"x")
    assert models.identify(impostor, cache_dir=cache).entry is None
    assert find_model(str(impostor), cache_dir=cache).name.startswith("tiny-")


def test_a_model_of_the_catalogue_is_known_under_any_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is the catalogue's, for the embedded server and for the one that is served."""
    monkeypatch.setattr(models, "catalogue", lambda: {ENTRY.name: ENTRY})
    cache = tmp_path / "cache"
    renamed = _place(tmp_path).rename(tmp_path / "mine.gguf")
    assert models.identify(renamed, cache_dir=cache) == models.Identity(
        name=ENTRY.name, sha256=ENTRY.sha256, entry=ENTRY
    )
    assert find_model(str(renamed), cache_dir=cache).name == ENTRY.name
