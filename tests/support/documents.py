"""Small made-up projects on the disk that programs are modules of, and sandboxes for them."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import InModule, Program
from plum_lsp.project.finding import ProjectFinder
from plum_lsp.python.reading.window import read_context
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.isolation.plans import TIERS
from plum_lsp.sandbox.opening import open_sandbox

UNFILLED = "raise NotImplementedError"
"""What stands in a document where the hole is."""


def written(root: Path, **files: str) -> Project:
    """A project with these files; `__` in a name stands for a slash, and each gets the suffix `.py`."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py".replace("/init.py", "/__init__.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    (root / "pyproject.toml").write_text("[project]\nname = 'made-up'\nversion = '1'\n")
    found = ProjectFinder().project_of(next(root.glob("**/*.py")))
    assert found is not None
    return replace(found, environment=None)


def filled(project: Project, path: str, body: str = UNFILLED, *, base: str = "") -> Program:
    """The document at `path` with a body in place of its `UNFILLED`; it is a module of the project."""
    place = project.place_of(project.root / path)
    assert place is not None
    base = base or (project.root / path).read_text()
    indent = base.split(UNFILLED)[0].rsplit("\n", 1)[-1]
    module = InModule(
        name=place.name,
        path=str(project.root / path),
        import_root=str(place.import_root),
        is_package=place.is_package,
        base=base,
        hole_line=base.split(UNFILLED)[0].count("\n") + 1,
    )
    return Program(source=base.replace(UNFILLED, textwrap.indent(body, indent).lstrip()), module=module)


def context_of(path: Path) -> Context:
    """The context of a document's hole as an editor has it: empty, with the cursor in it."""
    before, _, after = path.read_text().partition(UNFILLED)
    document = Document(uri=path.as_uri(), version=1, text=before + after)
    context = read_context(document, len(before), prefix_tokens=50_000, suffix_tokens=50_000)
    assert context is not None
    return context


def marked_context(marked: str) -> Context:
    """The context of the mark ‸ in a text."""
    document = Document(uri="file:///a.py", version=1, text=marked.replace("‸", "", 1))
    context = read_context(document, marked.index("‸"), prefix_tokens=2000, suffix_tokens=500)
    assert context is not None
    return context


@pytest.fixture(params=[tier.name for tier in TIERS])
async def sandbox(request: pytest.FixtureRequest, project: Project) -> AsyncIterator[JailSandbox]:
    """A sandbox in each tier for the `project` of the module that asks."""
    opened = await open_sandbox(SandboxOptions(home=project, tier=request.param, checks_itself=False))
    yield opened
    await opened.close()
