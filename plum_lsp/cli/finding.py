"""What `plum-lsp doctor` finds of one part."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.Enum):
    """What was found."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One part, how it does, and what to do if it does badly."""

    part: str
    state: State
    detail: str
    remedy: str = ""
