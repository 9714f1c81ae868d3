"""The table of engines: for each its facts, what serves it to every editor, and how that server is spoken to.

A new engine is one line here and a module or package of its own with its facts, its child and its supervisor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.policy.client.connection import Connection
from plum_lsp.policy.hosting.adapters import LlamaServed, VllmEngine
from plum_lsp.policy.hosting.facts import EngineFacts
from plum_lsp.policy.hosting.llama.engine import LlamaEngine
from plum_lsp.policy.hosting.llama.settings import LLAMA_CPP
from plum_lsp.policy.hosting.llama.supervisor import LlamaSupervisor
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.policy.hosting.serving import ServeOptions, ServingState
from plum_lsp.policy.hosting.vllm.front import TURNS
from plum_lsp.policy.hosting.vllm.settings import VLLM
from plum_lsp.policy.hosting.vllm.supervisor import VllmSupervisor
from plum_lsp.policy.models.weights import RANK_MAX, BaseModel
from plum_lsp.policy.versions.engines import Engine
from plum_lsp.policy.versions.folders import VersionStore


class Supervisor(Protocol):
    """Keeps a server of ours running."""

    async def run(self) -> None:
        """Serve until cancelled."""
        ...


class Supervise(Protocol):
    """Makes a supervisor. `tell` shows a line to the user, and `progress` a line that is overwritten."""

    def __call__(
        self,
        *,
        options: ServeOptions,
        base: BaseModel,
        store: VersionStore,
        data_dir: Path,
        tell: Callable[[str], None],
        progress: Callable[[str], None],
    ) -> Supervisor:
        """Make the supervisor without starting it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """One line of the table. `supervise` is behind `policy serve`, `served` makes the client of publications.

    `turns` is how many requests a server takes at once.
    """

    facts: EngineFacts
    supervise: Supervise
    served: Callable[[str, Connection], VllmEngine]
    turns: Callable[[ServeOptions], int]


ENGINES = {
    spec.facts.name: spec
    for spec in (
        EngineSpec(facts=VLLM, supervise=VllmSupervisor, served=VllmEngine, turns=lambda _: TURNS),
        EngineSpec(facts=LLAMA_CPP, supervise=LlamaSupervisor, served=LlamaServed, turns=lambda options: options.slots),
    )
}
"""Every engine by name."""


def engine_called(name: str) -> EngineSpec:
    """The engine of that name.

    Raises:
        PolicyUnavailable: there is none. Another release of plum-lsp may have started the server.
    """
    if name not in ENGINES:
        raise PolicyUnavailable(f"there is no engine called {name!r}", remedy=f"Known engines: {', '.join(ENGINES)}.")
    return ENGINES[name]


def served_engine(state: ServingState) -> VllmEngine:
    """The engine behind a server of ours."""
    return engine_called(state.engine).served(state.url, state.connection())


@asynccontextmanager
async def publication_engine(
    state: ServingState | None, gguf: Path | None, options: PolicyOptions, *, name: str
) -> AsyncIterator[tuple[Engine | None, int]]:
    """The engine that proves a publication, and the largest rank it takes.

    It is the server that runs (`state`), or else llama.cpp with the base model's file (`gguf`, called `name` in
    requests). Without either there is none.
    """
    if state is not None:
        served = served_engine(state)
        try:
            yield served, state.lora_rank
        finally:
            await served.close()
    elif gguf is not None:
        llama = LlamaEngine(gguf, options, name=name)
        try:
            yield llama, RANK_MAX
        finally:
            await llama.close()
    else:
        yield None, RANK_MAX
