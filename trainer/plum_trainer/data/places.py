"""Where a file lies in its project: one file under several addresses (clones, worktrees) has one place.

It looks at the disk for the project's folder. A file outside any project has its whole address as its place.
"""

from __future__ import annotations

from functools import lru_cache

from plum_lsp.project.looking import Look
from plum_lsp.project.roots import path_of, root_of

FILES_MAX = 100_000
"""Addresses that are remembered. A store of a million candidates has some thousand files."""


@lru_cache(FILES_MAX)
def place_of(document_uri: str) -> str:
    """The path of a file in its project, else its address."""
    path = path_of(document_uri)
    try:
        found = root_of(Look(), path, ()) if path is not None else None
    except (OSError, ValueError):
        return document_uri
    if path is None or found is None or not found[1]:
        return document_uri
    return path.relative_to(found[0]).as_posix()
