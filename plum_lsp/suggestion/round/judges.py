"""Makes the ladder of a round: the judge of its candidates, and the evidence that they are judged by."""

from __future__ import annotations

import asyncio
from pathlib import Path

from plum_lsp.domain.events import Synthesized
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Context, SuggestionRequest
from plum_lsp.domain.verification import Limits, TestCase
from plum_lsp.project.files import read_text
from plum_lsp.project.roots import path_of
from plum_lsp.project.test_index import FILE_BYTES_MAX
from plum_lsp.suggestion.round.values import Round, late_tests, whole_tests
from plum_lsp.suggestion.survey import FindWholeTests, Survey
from plum_lsp.verification.excerpts import KnownFiles
from plum_lsp.verification.group import Ladder
from plum_lsp.verification.judge import Judge


class Judges:
    """Makes judges. It remembers what requests find out about files."""

    def __init__(self, limits: Limits, find_whole_tests: FindWholeTests) -> None:
        self._limits = limits
        self._find_whole_tests = find_whole_tests
        self._known = KnownFiles()

    async def ladder_of(self, request: SuggestionRequest, around: Survey, sandbox: Sandbox) -> Ladder:
        """The ladder of a group, before its tests are screened."""
        project, path = sandbox.project, path_of(request.document.uri)
        whole, saved = tuple[TestCase, ...](), ""
        if project is not None and path is not None:
            whole, saved = await asyncio.to_thread(self._on_disk, project, path.resolve(), around.context)
        judge = Judge.of(
            around.context, sandbox, self._limits, project=around.tests, path=path, whole=whole, saved=saved
        )
        return Ladder(judge, self._known)

    def _on_disk(self, project: Project, path: Path, context: Context) -> tuple[tuple[TestCase, ...], str]:
        """The project's tests that may reach the function, and the document as saved, if there are any. Blocks."""
        whole = self._find_whole_tests(project, path, context)
        return whole, read_text(path, bytes_max=FILE_BYTES_MAX) if whole else ""


async def screen(this: Round, ladder: Ladder) -> None:
    """Find the evidence of a group. Text for people has none, nor has what a pilot shows without tests."""
    assigned = this.request.assignment
    if this.context.place.is_prose:
        ladder.skip(f"text in a {this.context.place.value} cannot be checked")
    elif assigned is not None and assigned.is_control:
        ladder.skip(assigned.why_untested)
    else:
        await find_evidence(this, ladder)


async def find_evidence(this: Round, ladder: Ladder) -> None:
    """Find the tests that tell. Those of the project that run whole are recorded with the others."""
    await ladder.screen()
    if whole := whole_tests(ladder):
        this.telling.record(Synthesized(request_id=this.request.id, tests=(*ladder.judge.tests, *whole)))


def tell_late_tests(this: Round, ladder: Ladder) -> None:
    """Record the tests that became known with the last candidate, before a verdict names them."""
    if tests := late_tests(ladder):
        this.telling.record(Synthesized(request_id=this.request.id, tests=tests))
