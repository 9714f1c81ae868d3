"""Where a file lies in its project. It looks at the disk for the project's folder."""

from __future__ import annotations

from functools import lru_cache

from plum_lsp.project.looking import Look
from plum_lsp.project.roots import path_of, root_of

FILES_MAX = 100_000
"""Addresses that are remembered. A store of a million candidates has some thousand files."""


@lru_cache(FILES_MAX)
def placed(document_uri: str) -> tuple[str, str, bool]:
    """The project's folder, the path in it, and whether a file marks the folder as a project.

    Without a project, the folder of the file and its name. Without a file, an empty folder and no more than a name.
    """
    path = path_of(document_uri)
    if path is None:
        return "", document_uri.rpartition("/")[2], False
    try:
        found = root_of(Look(), path, ())
    except (OSError, ValueError):
        found = None
    if found is None or not found[1]:
        return str(path.parent), path.name, False
    return str(found[0]), path.relative_to(found[0]).as_posix(), True
