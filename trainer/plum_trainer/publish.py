"""Adapter folders that never change, and the pointer to the one in service.

`adapters/plum-vN/` appears whole, by a rename, and is never written again; `adapters/active.json` names the active
number, the one before it and the canary's share, and is replaced in one step. Version 0 is the base without adapter.
Whatever moment a process dies at, the pointer names a whole folder. Who serves reads the pointer.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from plum_trainer.job import TrainerError, read_json, write_json

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedVersion:
    """One policy version on disk. `adapter` is empty for the base."""

    number: int
    adapter: str
    adapter_sha256: str
    base_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """What is served: `number`, to `share` of the requests; the rest goes to `previous` while a canary is watched."""

    number: int = 0
    previous: int = 0
    share: float = 1.0


class Versions:
    """The adapters of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "adapters"

    def active(self) -> Active:
        """The pointer; the base where nothing was ever published.

        Raises:
            TrainerError: the pointer is damaged.
        """
        values = read_json(self.folder / "active.json")
        return Active(**values) if values else Active()

    def known(self) -> tuple[PublishedVersion, ...]:
        """Every whole version, oldest first, without the base."""
        found = [self._read(path) for path in self.folder.glob("plum-v*")]
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.number))

    def find(self, number: int) -> PublishedVersion:
        """One version.

        Raises:
            TrainerError: there is none of that number.
        """
        if number == 0:
            return PublishedVersion(number=0, adapter="", adapter_sha256="", base_sha256="")
        found = next((one for one in self.known() if one.number == number), None)
        if found is None:
            numbers = ", ".join(str(one.number) for one in self.known()) or "none"
            raise TrainerError(f"there is no policy version {number}", remedy=f"Published: {numbers}; 0 is the base.")
        return found

    def add(self, adapter: Path, *, base_sha256: str) -> PublishedVersion:
        """Copy an adapter into a version of its own; what is there already under the same hash is not added again.

        Raises:
            TrainerError: it is no whole LoRA adapter, or one of another base.
        """
        sha256 = adapter_sha256(adapter)
        for one in self.known():
            if one.adapter_sha256 == sha256 and one.base_sha256 == base_sha256:
                return one
        number = max((one.number for one in self.known()), default=0) + 1
        target = self.folder / f"plum-v{number}"
        half = self.folder / f".plum-v{number}.part"
        shutil.rmtree(half, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)  # a folder without its record was never whole
        half.mkdir(mode=0o700, parents=True)
        for name in (WEIGHTS, CONFIG):
            shutil.copyfile(adapter / name, half / name)
            _sync(half / name)
        version = PublishedVersion(number=number, adapter=str(target), adapter_sha256=sha256, base_sha256=base_sha256)
        write_json(half / "version.json", asdict(version))
        half.replace(target)
        return version

    def activate(self, number: int, *, share: float = 1.0) -> Active:
        """Move the pointer. The one it leaves is remembered.

        Raises:
            TrainerError: there is no such version.
        """
        self.find(number)
        now = self.active()
        previous = now.previous if now.number == number else now.number
        active = Active(number=number, previous=previous, share=share)
        write_json(self.folder / "active.json", asdict(active))
        return active

    def _read(self, folder: Path) -> PublishedVersion | None:
        try:
            values = json.loads((folder / "version.json").read_text(encoding="utf-8"))
            version = PublishedVersion(**{**values, "adapter": str(folder)})
        except (OSError, ValueError, TypeError):
            return None
        return version if (folder / WEIGHTS).is_file() and (folder / CONFIG).is_file() else None


def adapter_sha256(adapter: Path) -> str:
    """The hash of an adapter's weights and configuration.

    Raises:
        TrainerError: one of them is missing, or the weights are cut short.
    """
    digest = hashlib.sha256()
    try:
        weights = (adapter / WEIGHTS).read_bytes()
        digest.update(weights)
        digest.update((adapter / CONFIG).read_bytes())
    except OSError as error:
        raise TrainerError(f"{adapter} is no adapter: {error.strerror}: {error.filename}") from error
    header = int.from_bytes(weights[:8], "little")
    try:
        entries = json.loads(weights[8 : 8 + header])
        end = max(entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__")
    except (ValueError, TypeError, KeyError):
        end = -1
    if end < 0 or len(weights) != 8 + header + end:
        raise TrainerError(f"the weights of {adapter} are damaged")
    return digest.hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
