"""What answers requests, once it is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from plum_lsp.store import Store
from plum_lsp.suggestion.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What answers requests. `store` None means that nothing is remembered; `problems` says what is amiss and why."""

    pipeline: Pipeline
    store: Store | None
    problems: tuple[str, ...]
    close: Callable[[], Awaitable[None]]
