"""The published policy versions on this machine: immutable folders, and a pointer to the active one.

    adapters/plum-v1/ …   adapter_config.json, adapter_model.safetensors, version.json, never changed later
    adapters/active.json  the active version, and its share of requests while it is on trial. It is replaced by a
    rename,
                          so that a reader sees the old or the new content
    adapters/.staging-*   the rest of an interrupted publication, removed by the next one

Knows files, not servers: loading and proving a version is `publish`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TextIO

from plum_lsp.domain.errors import AdapterError
from plum_lsp.domain.suggestion import PolicyVersion
from plum_lsp.files.whole import sync, write_json
from plum_lsp.policy.models.weights import BASE_MARK, CONFIG, WEIGHTS, AdapterFacts, BaseModel

LOCK_SECONDS = 3.0
"""Unloading holds the lock for milliseconds. Another publication holds it longer and is reported."""
LOCK_POLL_SECONDS = 0.02
_NAME = re.compile(r"plum-v([1-9]\d*)")
_STAGING = ".staging-"
_POINTER = "active.json"
_RECORD = "version.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedVersion:
    """One version on disk. `folder` holds the adapter. Hashes are hex sha256."""

    number: int
    model: str
    model_sha256: str
    adapter_sha256: str
    rank: int
    folder: Path

    @property
    def name(self) -> str:
        """The name a server knows it by."""
        return f"plum-v{self.number}"

    def policy_version(self) -> PolicyVersion:
        """The same as the value that candidates are recorded with."""
        return PolicyVersion(
            number=self.number,
            model=self.model,
            model_sha256=self.model_sha256,
            adapter_sha256=self.adapter_sha256,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A version on trial: `share` of the requests, in (0, 1), goes to the active one, the rest to `previous`."""

    share: float
    previous: PublishedVersion | None

    def is_for_active(self, request_id: str) -> bool:
        """Whether the active version answers this request.

        The answer is the same on every machine and at every time.
        """
        digest = hashlib.sha256(request_id.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 < self.share


class VersionStore:
    """The folder of versions. Reading needs no lock. Writers hold `locked`."""

    def __init__(self, root: Path) -> None:
        """`root` is the `adapters` folder. It is created by the first write."""
        self.root = root

    @contextmanager
    def locked(self, *, wait_seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Exclude other publications. The lock is released when the process dies.

        Raises:
            AdapterError: another publication is going on.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as file:
            until = time.monotonic() + wait_seconds
            while not _is_locked_by_us(file):
                if time.monotonic() >= until:
                    raise AdapterError("another publication is going on", remedy="Try again when it is done.")
                time.sleep(LOCK_POLL_SECONDS)
            yield

    def versions(self) -> tuple[PublishedVersion, ...]:
        """Every complete version, oldest first."""
        found = (_read_version(path) for path in self.root.glob("plum-v*"))
        return tuple(sorted((version for version in found if version), key=lambda version: version.number))

    def find(self, name: str) -> PublishedVersion:
        """The version of that name or number.

        Raises:
            AdapterError: there is none.
        """
        for version in self.versions():
            if name in (version.name, str(version.number)):
                return version
        known = ", ".join(version.name for version in self.versions()) or "none"
        raise AdapterError(f"there is no version {name!r}", remedy=f"Published versions: {known}.")

    def active(self) -> PublishedVersion | None:
        """The active version. None for the base model alone."""
        try:
            number = int(json.loads((self.root / _POINTER).read_text(encoding="utf-8"))["number"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return _read_version(self.root / f"plum-v{number}") if number else None

    def canary(self) -> Canary | None:
        """The trial of the active version. None if it answers every request."""
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            found = json.loads((self.root / _POINTER).read_text(encoding="utf-8"))
            share, number = float(found["share"]), int(found["previous"])
            previous = _read_version(self.root / f"plum-v{number}") if number else None
            if 0 < share < 1 and (previous is not None or not number):
                return Canary(share=share, previous=previous)
        return None

    def answering(self, request_id: str) -> PublishedVersion | None:
        """The version that answers a request. None for the base model alone."""
        canary = self.canary()
        return self.active() if canary is None or canary.is_for_active(request_id) else canary.previous

    def in_use(self) -> frozenset[str]:
        """The names of the versions that requests may go to."""
        canary = self.canary()
        return frozenset(version.name for version in (self.active(), canary and canary.previous) if version)

    def activated_at(self) -> float:
        """When the pointer last moved, in POSIX seconds. 0.0 if it never moved."""
        try:
            return (self.root / _POINTER).stat().st_mtime
        except OSError:
            return 0.0

    def stage(self, adapter: Path) -> Path:
        """Copy an adapter into a new folder that no server has loaded. The copy is on disk when this returns."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = self.root / f"{_STAGING}{uuid.uuid4().hex}"
        folder.mkdir()
        for name in (CONFIG, WEIGHTS, BASE_MARK):
            if (adapter / name).is_file():
                shutil.copyfile(adapter / name, folder / name)
                sync(folder / name)
        sync(folder)
        return folder

    def commit(self, staged: Path, facts: AdapterFacts, base: BaseModel) -> PublishedVersion:
        """Give a staged adapter the next number. A number is never used twice."""
        taken = [int(found.group(1)) for path in self.root.iterdir() if (found := _NAME.fullmatch(path.name))]
        version = PublishedVersion(
            number=max(taken, default=0) + 1,
            model=base.name,
            model_sha256=base.sha256,
            adapter_sha256=facts.sha256,
            rank=facts.rank,
            folder=staged,
        )
        record = {key: value for key, value in asdict(version).items() if key != "folder"}
        write_json(staged / _RECORD, record)
        folder = self.root / version.name
        staged.rename(folder)
        sync(self.root)
        return replace(version, folder=folder)

    def activate(self, version: PublishedVersion | None, *, share: float = 1.0) -> None:
        """Move the pointer. None makes the base model alone active.

        With a `share` below 1, the other requests stay with the previously active version. If that version was on trial
        itself, they stay with the version before it. Activating a version that is already on trial keeps its baseline.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        number = version.number if version else 0
        active, canary = self.active(), self.canary()
        pointer: dict[str, float] = {"number": number}
        is_new = (active.number if active else 0) != number
        if share < 1 and (is_new or canary):
            proven = canary.previous if canary else active
            pointer |= {"previous": proven.number if proven else 0}
            pointer |= {"share": canary.share if canary and not is_new else share}
        write_json(self.root / _POINTER, pointer)

    def clean(self) -> None:
        """Remove the rest of interrupted publications. Call it with the lock held."""
        for left in self.root.glob(f"{_STAGING}*"):
            shutil.rmtree(left, ignore_errors=True)


def _read_version(folder: Path) -> PublishedVersion | None:
    """The version in a folder, or None if it is not a complete one."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        found = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        return PublishedVersion(
            number=int(found["number"]),
            model=str(found["model"]),
            model_sha256=str(found["model_sha256"]),
            adapter_sha256=str(found["adapter_sha256"]),
            rank=int(found["rank"]),
            folder=folder,
        )
    return None


def _is_locked_by_us(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
