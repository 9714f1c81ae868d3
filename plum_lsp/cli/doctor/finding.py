"""The result of `plum-lsp doctor` for one part."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.Enum):
    """The state of one part. The best comes first."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One part, its state, and what to do if it does not work."""

    part: str
    state: State
    detail: str
    remedy: str = ""
