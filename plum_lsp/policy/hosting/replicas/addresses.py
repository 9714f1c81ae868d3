"""The replicas on other machines, in `replicas.json` in the data folder: addresses and the key that each takes.

Only the user's own commands write the file. It is read again at each look, so that a new replica joins a running front.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from plum_lsp.domain.errors import PolicyError
from plum_lsp.files.pages import page
from plum_lsp.files.whole import write_json
from plum_lsp.policy.client.connection import sends_in_clear

_URL = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?/v1", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a replica answers. `url` ends in `/v1`. `key` may publish there."""

    url: str
    key: str = field(repr=False)

    @property
    def name(self) -> str:
        """What the replica is called."""
        return urlsplit(self.url).netloc

    @property
    def root(self) -> str:
        """The address without `/v1`."""
        return self.url.removesuffix("/v1")


def read_addresses(path: Path) -> tuple[Address, ...]:
    """The replicas in the file, in the order in which they were added.

    Raises:
        PolicyError: the file is damaged, or others may read or write it.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & 0o077 or status.st_uid != os.geteuid():
                raise PolicyError(f"others may read {path}", remedy=f"Check it, then run: chmod 600 {path}")
            return tuple(Address(url=str(one["url"]), key=str(one["key"])) for one in json.load(file)["replicas"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise PolicyError(
            f"{path} cannot be read: {error}", remedy="Move it away, and add the replicas again."
        ) from error


def add_address(path: Path, url: str, key: str) -> Address:
    """Add a replica, or give a known one another key.

    Raises:
        PolicyError: it is no address, or the key would cross a network in the clear.
    """
    url = url.rstrip("/")
    url = url if url.endswith("/v1") else f"{url}/v1"
    if not _URL.fullmatch(url) or not re.fullmatch(r"[!-~]+", key):
        raise PolicyError(f"{url!r} with this key is no replica", remedy="Give an address as http://HOST:PORT/v1.")
    if sends_in_clear(url):
        told = f"{url} would get the key and all prompts in the clear"
        raise PolicyError(told, remedy=f"Put a TLS proxy or a tunnel in front of it ({page('team.md')}).")
    added = Address(url=url, key=key)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(path, (*(one for one in read_addresses(path) if one.name != added.name), added))
    return added


def remove_address(path: Path, name: str) -> None:
    """Forget a replica.

    Raises:
        PolicyError: there is none of that name or address.
    """
    known = read_addresses(path)
    kept = tuple(one for one in known if name.rstrip("/") not in (one.name, one.url, one.root))
    if kept == known:
        raise PolicyError(f"there is no replica {name[:100]!r}", remedy="Run: plum-lsp policy replica list")
    _write(path, kept)


def _write(path: Path, addresses: tuple[Address, ...]) -> None:
    write_json(path, {"replicas": [asdict(one) for one in addresses]}, mode=0o600)
