"""Authors of requests, as random ids without a name: `identity.json` beside the store, made with the first request."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE = "identity.json"
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person and one of the person's machines. To work on two machines, copy `author` to the second."""

    author: str | None
    machine: str | None


UNKNOWN = Identity(author=None, machine=None)
"""That of a store without a folder of its own."""


def own_identity(folder: Path) -> Identity:
    """The identity of this data folder, made at the first call. A file that cannot be read is replaced.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / _FILE
    found = _read(path)
    if found is not None:
        return found
    made = Identity(author=secrets.token_hex(8), machine=secrets.token_hex(8))
    part = folder / f"{_FILE}.{secrets.token_hex(4)}.tmp"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(made), file)
        try:
            os.link(part, path)  # of two processes that begin at once, one makes the file
        except FileExistsError:
            if _read(path) is None:
                part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return _read(path) or made


def known_identity(folder: Path) -> Identity | None:
    """The identity of a data folder. None if it has none."""
    return _read(folder / _FILE)


def _read(path: Path) -> Identity | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        found = Identity(author=values["author"], machine=values["machine"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    is_whole = all(isinstance(one, str) and _ID.fullmatch(one) for one in (found.author, found.machine))
    return found if is_whole else None
