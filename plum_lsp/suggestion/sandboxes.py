"""Which sandbox a request is verified in: that of the document's project, if it is trusted and opens in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from plum_lsp.domain.errors import SandboxUnavailable
from plum_lsp.domain.ports import ProjectSandboxes, Sandbox
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import SuggestionRequest


@dataclass(frozen=True, slots=True)
class RequestSandboxes:
    """The default sandbox, or why there is none, and those of projects."""

    default: Sandbox | SandboxUnavailable
    of_projects: ProjectSandboxes | None = None

    async def of(self, request: SuggestionRequest, *, seconds_max: float) -> Sandbox | SandboxUnavailable:
        """The sandbox of the request's project; the default one where there is no other, or none within the time."""
        if self.of_projects is None or request.project is None:
            return self.default
        try:
            async with asyncio.timeout(seconds_max):
                return await self.of_projects.of(request.project)
        except TimeoutError:
            return self.default

    async def prepare(self, project: Project) -> str:
        """Open a project's sandbox ahead of requests; returns why it cannot be had, if it cannot."""
        return await self.of_projects.prepare(project) if self.of_projects else ""
