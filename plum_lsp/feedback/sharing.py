"""Takes out of a fact what names the person or the machine, before it is shared: whole paths, and the home folder.

Secrets are out already (`redaction`). Code stays as it is: a name in a comment is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any
from urllib.parse import quote

from plum_lsp.domain.events import Event, Prompted
from plum_lsp.domain.learning import Outcome, Survival

SHARED_SCHEME = "share:/"
"""The address of a shared document is this and its path in its project."""


class Sharer:
    """Makes facts fit to be shared.

    Args:
        place: the folder and the path in it of a document, by the document's address, and whether it is a project's.
        home: the user's home folder.
    """

    def __init__(self, place: Callable[[str], tuple[str, str, bool]], *, home: str) -> None:
        self._place = place
        self._home = home.rstrip("/")
        self._folders: dict[str, None] = {}

    def __call__(self, fact: Event | Outcome | Survival) -> Event | Outcome | Survival:
        """The fact with paths in their project for whole ones, wherever they stand."""
        if isinstance(fact, Prompted):
            document = fact.request.document
            folder, path, _ = self._place(document.uri)
            self._folders[folder.rstrip("/")] = None
            there = replace(document, uri=f"{SHARED_SCHEME}{quote(path)}")
            fact = replace(fact, request=replace(fact.request, document=there))
        words = {folder: "." for folder in sorted(self._folders, key=len, reverse=True) if folder}
        if self._home:
            words[self._home] = "~"
        scrubbed: Event | Outcome | Survival = _scrubbed(fact, words)
        return scrubbed


def _scrubbed(value: Any, words: Mapping[str, str]) -> Any:
    """The value with every string in it replaced."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        for word, instead in words.items():
            value = value.replace(word, instead)
        return value
    if is_dataclass(value) and not isinstance(value, type):
        changed = {one.name: _scrubbed(getattr(value, one.name), words) for one in fields(value) if one.init}
        return replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(_scrubbed(one, words) for one in value)
    return value
