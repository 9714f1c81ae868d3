"""The parts that answer requests, once they are open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from plum_lsp.domain.pilot import Assignment
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import SuggestionRequest
from plum_lsp.store import Store
from plum_lsp.suggestion.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The open parts. `store` is None if facts are not recorded. `problems` says what does not work and why.

    `read_ahead` reads the files of a trusted project before the first request: how they import names, and their tests.
    `assign` is the treatment of a request if a pilot runs. It reads the store, so it is called in a thread.
    """

    pipeline: Pipeline
    store: Store | None
    problems: tuple[str, ...]
    close: Callable[[], Awaitable[None]]
    read_ahead: Callable[[Project], Awaitable[None]]
    assign: Callable[[SuggestionRequest], Assignment | None] = lambda request: None
