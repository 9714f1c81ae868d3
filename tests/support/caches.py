"""A cache folder for one test: empty, but for the index of installed packages, which would be the same in each."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import cache
from pathlib import Path

import platformdirs

from plum_lsp.sandbox.environments import describe_interpreter
from plum_lsp.sandbox.projects.installed import installed_in, package_folders


def cache_in(folder: Path) -> str:
    """The path of a cache in that folder, without models."""
    place = folder / "cache"
    place.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (place / "installed").symlink_to(_with_index())
    return str(place)


@cache
def _with_index() -> Path:
    """The folder of indexes in this machine's cache, with that of our own interpreter."""
    shared = Path(os.environ.get("PLUM_CACHE_DIR") or platformdirs.user_cache_path("plum-lsp")) / "installed"
    shared.mkdir(mode=0o700, parents=True, exist_ok=True)
    packages = package_folders(describe_interpreter(sys.executable).paths)
    installed_in(packages, shared).naming(b"")
    return shared
