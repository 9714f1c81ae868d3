"""A cache folder for one test: empty, but for the index of installed packages, which would be the same in each."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import platformdirs


def cache_in(folder: Path) -> str:
    """The path of a cache in that folder, without models."""
    shared = Path(os.environ.get("PLUM_CACHE_DIR") or platformdirs.user_cache_path("plum-lsp")) / "installed"
    shared.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (cache / "installed").symlink_to(shared)
    return str(cache)
