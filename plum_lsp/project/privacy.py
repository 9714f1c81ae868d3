"""Decides whether a request for a file is allowed. The answer is the same for every editor and the command line."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from plum_lsp.config import Settings
from plum_lsp.config.patterns import is_excluded
from plum_lsp.config.settings import PrivacySettings
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, RequestId
from plum_lsp.project.files import is_ignored


def refusal(request_id: RequestId, uri: str, privacy: PrivacySettings) -> Abstention | None:
    """Why a request for the document `uri` is refused. None if it is allowed."""
    if privacy.paused:
        return Abstention(request_id=request_id, reason=AbstentionReason.PAUSED, detail="plum-lsp is paused.")
    try:
        is_private, detail = _is_private(uri, privacy.exclude), "The settings exclude this file."
    except (ValueError, OSError, RuntimeError):
        # A null character, a lone surrogate, a broken host, or a cycle of links.
        is_private, detail = True, "The file's address cannot be read, so it may be one that the settings exclude."
    if is_private:
        return Abstention(request_id=request_id, reason=AbstentionReason.EXCLUDED, detail=detail)
    return None


def _is_private(uri: str, patterns: Sequence[str]) -> bool:
    """Whether the path of a URI is excluded, by its own name or by the target of a link."""
    parts = urlsplit(uri)
    path = unquote(parts.path)
    expanded = _expanded(tuple(patterns))
    if is_excluded(path, expanded):
        return True
    if parts.scheme != "file":
        return False
    resolved = Path(path).resolve()
    return is_excluded(resolved, expanded) or is_ignored(Path(path)) or is_ignored(resolved)


@lru_cache(maxsize=8)
def _expanded(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(Path(pattern).expanduser()) for pattern in patterns)


def private(settings: Settings) -> Callable[[str], bool]:
    """Whether the settings, or the current ignore files, exclude a document's address."""
    rules = dataclasses.replace(settings.privacy, paused=False)

    @functools.cache
    def is_private(uri: str) -> bool:
        return refusal(RequestId(""), uri, rules) is not None

    return is_private
