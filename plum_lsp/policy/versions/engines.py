"""What publishing asks of a server: load and unload an adapter, complete a probe, tell what is running.

One Protocol: vLLM takes adapters while it serves, and so does `policy serve` with llama.cpp (`hosting.llama.front`). An
embedded llama.cpp takes them at its start only (`hosting.llama.engine`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What a model wrote greedily for a probe. `logprobs` are natural, one for each token."""

    text: str
    logprobs: tuple[float, ...]

    @property
    def is_sane(self) -> bool:
        """Whether a model that works could have written this."""
        return bool(self.text.strip("\0\ufffd ")) and all(math.isfinite(value) for value in self.logprobs)


class Engine(Protocol):
    """A server whose adapters can be changed."""

    async def models(self) -> tuple[str, ...]:
        """The names it answers to, the base model first."""
        ...

    async def load(self, name: str, folder: Path) -> None:
        """Make an adapter answer under a name that was never used before.

        Raises:
            AdapterError: the server refuses it.
            PolicyError: the server cannot be reached.
        """
        ...

    async def unload(self, name: str) -> None:
        """Unload an adapter. It is no error if it is not loaded."""
        ...

    async def complete(self, name: str, prompt: str, *, tokens: int) -> Sampled:
        """Write `tokens` tokens greedily."""
        ...

    async def busy(self) -> frozenset[str]:
        """The adapters that have requests running or waiting."""
        ...

    async def replicas(self) -> Mapping[str, Engine]:
        """The servers that answer for it now, each alone, by their names. An engine of one server is its own, without
        a name.

        Raises:
            PolicyError: there is none.
        """
        ...
