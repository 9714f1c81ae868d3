"""The folder in which people share facts: one store for each person and machine, named by their random ids.

    <author>-<machine>.sqlite3   the facts, written as they come
    <author>.withdrawn           the person has withdrawn: the trainer reads none of their facts any more
    adapters.json                which authors' rows each published version was trained on. The trainer writes it

A person with write access to the folder can write facts in any name. It is for people who trust each other.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.domain.errors import StoreError
from plum_lsp.store.identity import Identity, own_identity

_STORE = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})\.sqlite3")
_ADAPTERS = "adapters.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStore:
    """One person's facts in a shared folder."""

    path: Path
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Whether facts are shared now. Or when they were withdrawn (UTC text), and the versions that were trained on them.

    `withdrawn_at` is empty while facts are shared.
    """

    is_shared: bool
    withdrawn_at: str
    versions: tuple[str, ...]


def shared_folder(record: Path) -> Path | None:
    """The folder that the user shares in, by the file that says so. None if the user does not share."""
    try:
        folder = json.loads(record.read_text(encoding="utf-8"))["folder"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return Path(folder) if isinstance(folder, str) and folder else None


def begin_sharing(record: Path, folder: Path) -> None:
    """Share from the next session on. A withdrawal from this folder is taken back.

    A folder that does not exist is made, for the user alone. The folder that it lies in must exist.

    Raises:
        StoreError: the folder cannot be made or written.
    """
    identity = _identity(record)
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
        _withdrawal(folder, str(identity.author)).unlink(missing_ok=True)
        probe = folder / f".plum-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
        record.write_text(json.dumps({"folder": str(folder)}), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}", remedy="Choose another folder.") from error


def end_sharing(record: Path) -> None:
    """Share no further facts. What is in the folder stays there."""
    record.unlink(missing_ok=True)


def withdraw(record: Path, folder: Path, *, now: str) -> tuple[int, tuple[str, ...]]:
    """Take the person's facts out of the folder and say so there. The time (`now`, UTC text) is kept for the report.

    Returns:
        How many files are deleted, and the published versions that were trained on the person's facts.

    Raises:
        StoreError: the folder cannot be written.
    """
    author = str(_identity(record).author)
    try:
        _withdrawal(folder, author).touch()  # first, so that a trainer which reads now leaves the files out
        files = [one.path for one in _stores(folder) if one.author == author]
        for path in files:
            for part in (path, path.with_name(f"{path.name}-journal")):
                part.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}") from error
    versions = tuple(name for name, authors in holders(folder).items() if author in authors)
    end_sharing(record)
    with suppress(OSError):  # the facts are out: without this note only the report has a line less
        record.write_text(json.dumps({"withdrawn_at": now, "versions": versions}), encoding="utf-8")
    return len(files), versions


def sharing(record: Path) -> Sharing | None:
    """Whether the user shares facts, and what is known of the last withdrawal. None if neither was ever asked for."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        withdrawn_at, versions = str(known.get("withdrawn_at", "")), tuple(map(str, known.get("versions", ())))
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    is_shared = shared_folder(record) is not None
    if not is_shared and not withdrawn_at:
        return None
    return Sharing(is_shared=is_shared, withdrawn_at=withdrawn_at, versions=versions)


def shared_store(record: Path) -> tuple[Path, Identity] | None:
    """The file that this user and machine write in the shared folder, and whose it is. None without sharing."""
    folder = shared_folder(record)
    if folder is None:
        return None
    identity = _identity(record)
    if _withdrawal(folder, str(identity.author)).exists():
        return None
    return folder / f"{identity.author}-{identity.machine}.sqlite3", identity


def shared_stores(folder: Path) -> tuple[SharedStore, ...]:
    """The stores of all people except those that have withdrawn, in the order of their names.

    Raises:
        StoreError: the folder cannot be read.
    """
    try:
        return tuple(one for one in _stores(folder) if not _withdrawal(folder, one.author).exists())
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}") from error


def holders(folder: Path) -> dict[str, tuple[str, ...]]:
    """The authors whose rows each published version was trained on, by the version's name."""
    try:
        values = json.loads((folder / _ADAPTERS).read_text(encoding="utf-8"))
        return {str(name): tuple(map(str, authors)) for name, authors in values.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def tell_holders(folder: Path, versions: Mapping[str, Sequence[str]]) -> None:
    """Say in the folder which authors' rows each version was trained on. Versions named before stay.

    Raises:
        StoreError: the folder cannot be written.
    """
    known = {**holders(folder), **{name: sorted(authors) for name, authors in versions.items()}}
    part = folder / f"{_ADAPTERS}.{secrets.token_hex(4)}.tmp"
    try:
        part.write_text(json.dumps(known, indent=1), encoding="utf-8")
        part.replace(folder / _ADAPTERS)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}") from error


def _identity(record: Path) -> Identity:
    return own_identity(record.parent)


def _withdrawal(folder: Path, author: str) -> Path:
    return folder / f"{author}.withdrawn"


def _stores(folder: Path) -> list[SharedStore]:
    named = ((path, _STORE.fullmatch(path.name)) for path in sorted(folder.iterdir()))
    return [SharedStore(path=path, author=match.group(1)) for path, match in named if match and path.is_file()]
