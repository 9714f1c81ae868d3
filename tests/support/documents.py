"""Small made-up projects on the disk that programs are modules of."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import InModule, Program
from plum_lsp.project.finding import ProjectFinder

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
