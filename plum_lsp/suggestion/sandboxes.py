"""Chooses the sandbox of a request: the sandbox of the document's project, if it is trusted and opens in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from plum_lsp.domain.ports import ProjectSandboxes, Sandbox
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import SuggestionRequest


@dataclass(frozen=True, slots=True)
class RequestSandboxes:
    """The default sandbox and the sandboxes of projects."""

    default: Sandbox
    of_projects: ProjectSandboxes | None = None

    async def of(self, request: SuggestionRequest, *, seconds_max: float) -> Sandbox:
        """The sandbox of the request's project. The default one if the project has none or it does not open in time."""
        if self.of_projects is None or request.project is None:
            return self.default
        try:
            async with asyncio.timeout(seconds_max):
                return await self.of_projects.of(request.project)
        except TimeoutError:
            return self.default

    async def prepare(self, project: Project) -> str:
        """Open a project's sandbox before the first request.

        Returns the reason if it cannot be opened, else an empty text.
        """
        return await self.of_projects.prepare(project) if self.of_projects else ""
