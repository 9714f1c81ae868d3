"""A process that writes to a store as fast as it can and prints what was acknowledged. Holds no tests.

`python -m support.writing_child PATH NAME [COUNT]` from `tests/`: one line `NAME-<n>` after each committed outcome.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from plum_lsp.store import open_store
from support.facts import outcome, suggestion


async def write(path: Path, name: str, count: int | None) -> None:
    """Write `count` suggestions with their outcomes; None means until killed."""
    store = open_store(path)
    for number in itertools.count() if count is None else range(count):
        for event in suggestion(f"{name}-{number}"):
            store.record(event)
        await store.record_outcome(outcome(f"{name}-{number}-offer"))
        print(f"{name}-{number}", flush=True)
    store.close()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None))
