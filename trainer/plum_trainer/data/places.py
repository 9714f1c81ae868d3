"""Where a file lies in its project: one file under several addresses (clones, worktrees, people) has one place.

A file outside any project has its whole address as its place. A shared file has only its path.
"""

from __future__ import annotations

from urllib.parse import unquote

from plum_lsp.feedback.sharing import SHARED_SCHEME
from plum_lsp.project.roots import placed


def place_of(document_uri: str) -> str:
    """The path of a file in its project, else its address."""
    if document_uri.startswith(SHARED_SCHEME):
        return unquote(document_uri.removeprefix(SHARED_SCHEME))
    _, path, is_marked = placed(document_uri)
    return path if is_marked else document_uri
