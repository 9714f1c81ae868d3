"""The user's project as candidates may see it: its environment's packages, its modules, and nothing it would hide.

A project is used only if the user named its folder: starting its interpreter runs what its environment says. What is
found in a folder nobody named is at most reported (`found_environment`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.project import Environment
from plum_lsp.domain.project import Project as Found

ENVIRONMENTS = (".venv", "venv", "env")
"""Where tools put a project's environment, in the order they are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What a named folder adds: an interpreter (empty if it has no environment), folders to read and import from."""

    interpreter: str
    readable: tuple[str, ...]
    import_paths: tuple[str, ...]


def read_project(folder: str) -> Project:
    """The project in a folder that the user named; its modules are imported from it and from `src` in it.

    Raises:
        SandboxError: there is no such folder, or it would show everything the user has.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise SandboxError(f"the project {folder} is no folder", remedy="Correct sandbox.project, or leave it empty.")
    if root in {Path("/"), *Path.home().resolve().parents, Path.home().resolve()}:
        raise SandboxError(f"{root} is not one project", remedy="Name the folder of a project in sandbox.project.")
    sources = tuple(str(place) for place in (root / "src", root) if place.is_dir())
    return Project(interpreter=found_environment(root), readable=(str(root),), import_paths=sources)


def found_environment(root: Path) -> str:
    """The interpreter of the environment in a folder; empty if there is none. Nothing is run."""
    places = [root / name for name in ENVIRONMENTS]
    return next(
        (str(place / "bin" / "python") for place in places if (place / "pyvenv.cfg").is_file()),
        "",
    )


def described(folder: str, interpreter: str) -> Found:
    """The project in a folder, as far as its folders alone say."""
    root = Path(folder).expanduser().resolve()
    roots = tuple(place for place in (root / "src", root) if place.is_dir())
    regular = {file.parent for place in roots for file in place.glob("**/__init__.py") if ".venv" not in file.parts}
    packages = {one.name for place in roots for one in place.iterdir() if one in regular}
    modules = {one.stem for place in roots for one in place.glob("*.py")}
    tests = tuple(root / name for name in ("tests", "test") if (root / name).is_dir())
    environment = None
    if interpreter:
        prefix = Path(interpreter).parents[1]
        environment = Environment(
            executable=Path(interpreter), prefix=prefix, base=prefix, version="", site_packages=(), origin="named"
        )
    return Found(
        root=root,
        environment=environment,
        import_roots=roots,
        packages=tuple(sorted(packages | modules)),
        regular=frozenset(regular),
        tests=tests,
    )
