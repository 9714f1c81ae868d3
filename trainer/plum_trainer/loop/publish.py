"""Hands a promoted adapter to the policy's own publication, and makes an earlier version active again.

`plum_lsp.policy` owns versions, their pointer, the probe and the swap, and chooses the engine that proves an adapter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.config import Settings
from plum_lsp.config.folder import versions_folder
from plum_lsp.policy.hosting.engines import publication_engine
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.hosting.serving import read_state
from plum_lsp.policy.versions import publish as publication
from plum_lsp.policy.versions.engines import Engine
from plum_lsp.policy.versions.folders import PublishedVersion, VersionStore
from plum_trainer.fit.bases import BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The published versions of a data folder, by number. 0 is the base alone."""

    data_dir: Path
    settings: Settings
    base: BaseModel

    @property
    def store(self) -> VersionStore:
        """The folder of versions."""
        return VersionStore(versions_folder(self.data_dir))

    def active(self) -> int:
        """The number in service."""
        version = self.store.active()
        return version.number if version else 0

    def find(self, number: int) -> PublishedVersion | None:
        """One version. None for the base alone.

        Raises:
            AdapterError: no version has this number.
        """
        return self.store.find(str(number)) if number else None

    def publish(self, adapter: Path, *, report: Callable[[str], None]) -> PublishedVersion:
        """Make an adapter the active version. A published adapter is not published again.

        Raises:
            AdapterError: it is damaged, does not fit the base, or writes nonsense. The active version is unchanged.
            PolicyError: the server failed. The previous version is still active.
        """
        return asyncio.run(self._publish(adapter, report))

    def go_to(self, number: int) -> None:
        """Make a previously published version, or the base alone, active again.

        Raises:
            AdapterError: there is no such version, or the server refuses it.
            PolicyError: the server failed. The active version is unchanged.
        """
        if number:
            asyncio.run(self._go_to(number))
        else:
            with self.store.locked():
                self.store.activate(None)

    async def _publish(self, adapter: Path, report: Callable[[str], None]) -> PublishedVersion:
        async with self._engine() as (engine, rank_max):
            done = await publication.publish(
                adapter,
                store=self.store,
                engine=engine,
                base=self.base.facts(),
                rank_max=rank_max,
                share=self.share(report) if engine is not None else 1.0,
                tell=report,
            )
        return done.version

    def settle(self) -> None:
        """End the trial of the active version: it answers every request from now on."""
        with self.store.locked():
            self.store.activate(self.store.active())

    def share(self, report: Callable[[str], None]) -> float:
        """How many of the requests a new version is to answer."""
        share = self.settings.gate.canary_share
        if share < 1 and read_state(self.data_dir) is None:
            report(
                "no policy server of yours runs, and llama.cpp in an editor serves one version: it answers everything"
            )
            return 1.0
        if share < 1:
            report(f"it answers {share:.0%} of the requests while it is watched")
        return share

    async def _go_to(self, number: int) -> None:
        async with self._engine() as (engine, _):
            await publication.rollback(str(number), store=self.store, engine=engine)

    def _engine(self) -> AbstractAsyncContextManager[tuple[Engine | None, int]]:
        """The engine to publish to, and the largest rank it takes."""
        state, options = read_state(self.data_dir), policy_options(self.settings)
        return publication_engine(state, self.base.source, options, name=self.base.name)
