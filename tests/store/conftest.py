"""A fresh store in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plum_lsp.config.folder import store_file
from plum_lsp.domain.events import Event
from plum_lsp.store import Reader, Store, open_reader, open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store of this test stands; nothing is there yet."""
    return store_file(tmp_path / "data")


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open store, closed after the test."""
    store = open_store(path)
    yield store
    store.close()


@pytest.fixture
def keep(store: Store) -> Callable[[list[Event]], None]:
    """Records events and waits until they are committed."""

    def record(events: list[Event]) -> None:
        for event in events:
            store.record(event)
        store.flush()

    return record


@pytest.fixture
def reader(path: Path, store: Store) -> Iterator[Reader]:
    """A reader beside the open store."""
    with open_reader(path) as reader:
        yield reader
