"""The facts of a round where there are several people: their stores in one pool, and which versions hold whose rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.config.folder import pool_file, store_file
from plum_lsp.domain.errors import StoreError
from plum_lsp.store.identity import known_identity, own_identity
from plum_lsp.store.learning import TrainingEvent, fresh_in
from plum_lsp.store.people.pooling import Source, pool
from plum_lsp.store.people.sharing import shared_stores, tell_holders
from plum_trainer.data.dataset import is_held_out
from plum_trainer.data.rows import Row
from plum_trainer.loop.trainer import Trainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The store that a round reads, and whose facts are in it."""

    path: Path
    requests: dict[str, int]
    refused: tuple[str, ...] = ()

    def held_out(self, share: float) -> frozenset[str]:
        """The people whose facts only judge, where there are several. The same in every round."""
        return frozenset(one for one in self.requests if is_held_out(f"author {one}", share) and len(self.requests) > 1)


def facts_of(trainer: Trainer) -> Facts:
    """The own store, or the pool of all stores that the settings name, made now.

    Raises:
        StoreError: the own store cannot be read, or a place that the settings name is not there.
    """
    own = store_file(trainer.data_dir)
    if not trainer.settings.learning.stores:
        return Facts(path=own, requests={})
    path = pool_file(trainer.data_dir)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    done = pool(path, _sources(trainer))
    for told in done.refused:
        trainer.report(f"left out: {told}")
    return Facts(path=path, requests=done.requests, refused=done.refused)


def _sources(trainer: Trainer) -> list[Source]:
    """The own store first, then the others without doubles."""
    own = own_identity(trainer.data_dir)
    found = [Source(path=store_file(trainer.data_dir), author=str(own.author), is_own=True)]
    for name in trainer.settings.learning.stores:
        place = Path(name).expanduser()
        if place.is_dir() and not store_file(place).is_file():
            mine = f"{own.author}-{own.machine}.sqlite3"
            found += [Source(path=one.path, author=one.author) for one in shared_stores(place) if one.path.name != mine]
        else:
            path = store_file(place) if place.is_dir() else place
            if not path.is_file():
                raise StoreError(f"there is no store at {path}", remedy="Correct learning.stores.")
            found.append(Source(path=path, author=_author_of(path)))
    return list({one.path.resolve(): one for one in reversed(found)}.values())[::-1]


def _author_of(path: Path) -> str:
    """Whose store it is: as the file beside it says, else a name made of its path."""
    identity = known_identity(path.parent)
    return str(identity.author) if identity else hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]


def fresh_elsewhere(trainer: Trainer, *, since: str) -> int:
    """How many candidates were judged after an instant (UTC text) in other people's stores. Those not readable: 0."""
    if not trainer.settings.learning.stores:
        return 0
    return sum(fresh_in(one.path, since=since) for one in _sources(trainer) if not one.is_own)


def authors_of(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows each person has."""
    return dict(sorted(Counter(row.author for row in rows if row.author).items()))


def holders_of(events: Iterable[TrainingEvent]) -> dict[str, list[str]]:
    """The people whose rows each published version was trained on, also through the versions it was built from."""
    rows: dict[int, set[str]] = {}
    held: dict[int, set[str]] = {}
    for event in events:
        authors = event.detail.get("authors")
        if event.step == "frozen" and isinstance(authors, dict):
            rows[event.round] = set(authors)
        if event.step == "published":
            before = held.get(int(event.number("built_from")), set())
            held[int(event.number("version"))] = before | rows.get(event.round, set())
    return {f"plum-v{number}": sorted(authors) for number, authors in held.items()}


def tell_people(trainer: Trainer) -> None:
    """Say in each shared folder which versions hold whose rows. A folder that cannot be written is told."""
    with trainer.store() as store:
        holders = holders_of(store.events())
    for name in trainer.settings.learning.stores:
        folder = Path(name).expanduser()
        if folder.is_dir() and not store_file(folder).is_file():
            try:
                tell_holders(folder, holders)
            except StoreError as error:
                trainer.report(str(error))
