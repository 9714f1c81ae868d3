"""Judges forging bodies of `answer` in `pkg/core.py` of a small project, with the whole way of a candidate."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Mapping

from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.verification import Limits
from plum_lsp.project.test_index import TestIndex
from plum_lsp.project.tests import ProjectFiles
from plum_lsp.python.specification.project_tests import project_tests_of
from plum_lsp.sandbox.host import JailSandbox
from plum_lsp.verification.judge import Evidence, Judge
from support.documents import context_of
from support.group import candidate
from support.hostile import tried_in


def judge_of(sandbox: JailSandbox, project: Project) -> Judge:
    """The judge of the function, with the project's tests both taken apart and whole, as a request makes it."""
    path = project.root / "pkg/core.py"
    context = context_of(path)
    files = ProjectFiles(exclude=()).test_files(path.as_uri(), "answer", (project.root,))
    return Judge.of(
        context,
        sandbox,
        Limits(wall_seconds=2.0, cpu_seconds=2.0),
        project=project_tests_of(context, path.as_uri(), files),
        path=path,
        whole=TestIndex(exclude=()).tests_of(project, path, context),
    )


async def assert_only_honest_is_verified(
    judge: Judge, evidence: Evidence, tier: str, *, honest: str, forging: Mapping[str, str]
) -> None:
    """The honest body gets the tier of offers, and no forging one does that is tried in this tier of the sandbox."""

    async def tier_of(body: str) -> Tier:
        text = textwrap.indent(textwrap.dedent(body), "    ").strip()
        return (await judge.judge(candidate(text), evidence))[0].tier

    assert await tier_of(honest) is Tier.VERIFIED
    tried = tried_in(tier, forging)
    tiers = await asyncio.gather(*(tier_of(body) for body in tried.values()))
    assert [name for name, tier in zip(tried, tiers, strict=True) if tier is Tier.VERIFIED] == []
