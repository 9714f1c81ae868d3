"""Keys of people, in `keys.json` in the data folder: only their hashes, with rights and limits.

A key has 256 random bits, so that one round of sha256 hides it (a slow hash protects what can be guessed). The file is
read again when it has changed, so that a new or revoked key counts at the next request. If the file is damaged or open
to writing by others, no key in it counts.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from plum_lsp.domain.errors import PolicyError
from plum_lsp.files.whole import write_json

logger = logging.getLogger(__name__)

OWNER = "owner"
"""The name of the key in `serving.json`. It has every right and no limit."""
IN_FLIGHT = 8
"""Requests of one key at once. An editor has one or two. Tests of its own and a second editor fit beside them."""
TOKENS_A_MINUTE = 60_000
"""Tokens of one key in a minute, read and written: about 20 requests with the default settings."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_SCHEME = "Bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One person's key. A limit of 0 means that there is none. `revoked_at` is empty while the key counts."""

    name: str
    sha256: str
    can_publish: bool = False
    can_watch: bool = False
    in_flight: int = IN_FLIGHT
    tokens_a_minute: int = TOKENS_A_MINUTE
    added_at: str = ""
    revoked_at: str = ""


class KeyBook:
    """The holder of a request's key. `owner_key` is the server's own, which is in no file of keys."""

    def __init__(self, path: Path, *, owner_key: str) -> None:
        self._path = path
        self._owner = Key(
            name=OWNER, sha256=_hash(owner_key), can_publish=True, can_watch=True, in_flight=0, tokens_a_minute=0
        )
        self._read_from: tuple[int, ...] = ()
        self._keys: tuple[Key, ...] = ()

    def holder(self, authorization: str) -> Key | None:
        """The key that an Authorization header holds. None if it holds none that counts."""
        scheme, secret = authorization[: len(_SCHEME)], authorization[len(_SCHEME) :]
        found, digest = None, _hash(secret)
        for key in (self._owner, *self._current()):  # all of them, so that the time reveals no key
            if hmac.compare_digest(key.sha256, digest) and not key.revoked_at:
                found = key
        return found if scheme == _SCHEME else None

    def _current(self) -> tuple[Key, ...]:
        try:
            now = self._path.stat()
            read_from = (now.st_mtime_ns, now.st_size, now.st_ino, now.st_mode)
        except OSError:
            self._read_from, self._keys = (), ()
            return ()
        if read_from != self._read_from:
            try:
                self._keys = read_keys(self._path)
            except PolicyError as error:
                logger.warning("no key of a person counts: %s", error)
                self._keys = ()
            self._read_from = read_from
        return self._keys


def read_keys(path: Path) -> tuple[Key, ...]:
    """Every key that was ever added, oldest first.

    Raises:
        PolicyError: the file is damaged, or others may write to it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno())
            if mode.st_mode & 0o022 or mode.st_uid != os.geteuid():
                raise PolicyError(f"others may write to {path}", remedy=f"Check it, then run: chmod 600 {path}")
            return tuple(_key(values) for values in json.load(file)["keys"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise PolicyError(f"{path} cannot be read: {error}", remedy="Move it away, and add the keys again.") from error


def _key(values: dict[str, object]) -> Key:
    """One entry of the file.

    Raises:
        TypeError: a field is missing, unknown or of the wrong type.
    """
    key = Key(**values)  # type: ignore[arg-type]  # checked in the next lines
    for name, kind in Key.__annotations__.items():
        if type(getattr(key, name)).__name__ != kind:
            raise TypeError(f"{name} of a key is no {kind}")
    return key


def add_key(path: Path, wanted: Key, *, now: datetime | None = None) -> str:
    """Add a key with the name, rights and limits of `wanted`, and return its text, which is kept nowhere.

    Raises:
        PolicyError: the name is taken or no name, or the file cannot be read.
    """
    if not _NAME.fullmatch(wanted.name) or wanted.name == OWNER:
        remedy = f"Use letters, digits, dots and dashes, at most 40, and not {OWNER!r}."
        raise PolicyError(f"{wanted.name[:60]!r} cannot be the name of a key", remedy=remedy)
    with _alone(path):
        keys = read_keys(path)
        if any(key.name == wanted.name and not key.revoked_at for key in keys):
            remedy = f"Run: plum-lsp policy key revoke {wanted.name}"
            raise PolicyError(f"{wanted.name} has a key already", remedy=remedy)
        text = f"plum-{secrets.token_urlsafe(32)}"
        _write(path, (*keys, replace(wanted, sha256=_hash(text), added_at=_instant(now), revoked_at="")))
    return text


def revoke_key(path: Path, name: str, *, now: datetime | None = None) -> None:
    """Let the key of that name count no more.

    Raises:
        PolicyError: there is none, or the file cannot be read.
    """
    with _alone(path):
        keys = read_keys(path)
        if not any(key.name == name and not key.revoked_at for key in keys):
            raise PolicyError(f"{name[:60]!r} has no key", remedy="Run: plum-lsp policy key list")
        at = _instant(now)
        _write(path, tuple(replace(key, revoked_at=key.revoked_at or at) if key.name == name else key for key in keys))


def _write(path: Path, keys: tuple[Key, ...]) -> None:
    write_json(path, {"keys": [asdict(key) for key in keys]}, mode=0o600)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One command at a time changes the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _instant(now: datetime | None) -> str:
    return (now or datetime.now(UTC)).isoformat(timespec="seconds")
