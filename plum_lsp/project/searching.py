"""Finds the environment of a project: chosen by the user, in the project's folders, or where its tool keeps it.

No tool is run. The module computes the names that poetry, hatch and pdm give to environments in their own folders.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from plum_lsp.domain.project import Environment
from plum_lsp.project.environments import CONFIGURATION, environment_in, environment_of
from plum_lsp.project.layout import project_name
from plum_lsp.project.looking import Look, strings, table

IN_PROJECT = (".venv", "venv", "env", ".env", "virtualenv", ".virtualenv", ".conda", ".pixi/envs/default")
"""Folders of environments in a project, in the order of the search. Any other folder with one comes last."""
LINKED_ENVIRONMENTS_MAX = 500
"""The most environments of a tool that are checked for their project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The user's choices: `interpreter` in the settings, for all projects, and `selected` in the editor, by folder."""

    interpreter: str = ""
    selected: Mapping[Path, str] = field(default_factory=dict)


def find_environment(look: Look, root: Path, top: Path, choices: Choices) -> Environment | None:
    """The environment of the project at `root`. `top` is the outermost folder that may also hold one."""
    return next((found for search in _SEARCHES for found in search(look, root, top, choices) if found), None)


_NOT_IN_NAMES = re.compile(r"[ $`!*@\"\\\r\n\t]")
_POETRY_NAME_MAX = 42
"""How poetry turns a project's name into a folder's name (`EnvManager.generate_env_name`, poetry 2.5)."""
_Found = Iterator[Environment | None]


def _chosen(look: Look, root: Path, top: Path, choices: Choices) -> _Found:
    if choices.interpreter:
        yield environment_of(look, choices.interpreter, "sandbox.interpreter")
    folders = [folder for folder in choices.selected if root.is_relative_to(folder) or folder.is_relative_to(root)]
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        yield environment_of(look, choices.selected[folder], "selected in the editor")


def _in_project(look: Look, root: Path, top: Path, choices: Choices) -> _Found:
    """Search the project's folder, then those above it, as in workspaces of several projects."""
    named = os.environ.get("UV_PROJECT_ENVIRONMENT")
    if named and look.is_file(root / "uv.lock"):
        yield environment_in(look, root / named, "UV_PROJECT_ENVIRONMENT")
    for folder in (folder for folder in (root, *root.parents) if folder.is_relative_to(top)):
        others = sorted(entry.name for entry in look.children(folder) if entry.name not in IN_PROJECT)
        others = [name for name in others if look.is_file(folder / name / CONFIGURATION)] if folder == root else []
        inside = (environment_in(look, folder / name, f"{name} in {folder}") for name in (*IN_PROJECT, *others))
        for found in (*inside, *_named_in_file(look, folder)):
            yield replace(found, chosen_in=folder) if found else None


def _named_in_file(look: Look, folder: Path) -> _Found:
    """Files that name an environment: pipenv's `.venv`, pdm's `.pdm-python`, pyenv's `.python-version`."""
    named = look.text(folder / ".venv").strip()
    if named and "\n" not in named:
        place = folder / Path(named).expanduser() if "/" in named else _workon_home() / named
        yield environment_in(look, place, f".venv in {folder}")
    program = look.text(folder / ".pdm-python").strip()
    if program.startswith("/") and "\n" not in program:
        yield environment_of(look, program, f".pdm-python in {folder}")
    version = look.text(folder / ".python-version").strip()
    if re.fullmatch(r"[\w.-]+", version):
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        yield environment_in(look, pyenv / "versions" / version, f".python-version in {folder}")


def _active(look: Look, root: Path, top: Path, choices: Choices) -> _Found:
    """The environment that is active where the server was started."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        is_base = name == "CONDA_PREFIX" and os.environ.get("CONDA_DEFAULT_ENV") == "base"
        if (place := os.environ.get(name)) and not is_base:
            yield environment_in(look, Path(place), name)


def _poetrys(look: Look, root: Path, top: Path, choices: Choices) -> _Found:
    name = project_name(look, root)
    if not name or not (
        table(look.toml(root / "pyproject.toml"), "tool").get("poetry") or _has_lock(look, root, "poetry")
    ):
        return
    folder = Path(os.environ.get("POETRY_VIRTUALENVS_PATH") or _poetry_cache() / "virtualenvs").expanduser()
    sanitized = _NOT_IN_NAMES.sub("_", name.lower())[:_POETRY_NAME_MAX]
    base_name = f"{sanitized}-{_short_hash(str(root))}"
    active = table(look.toml(folder / "envs.toml"), base_name).get("minor")
    found = sorted(
        (e.name for e in look.children(folder) if e.name.startswith(f"{base_name}-py")), key=_numbers, reverse=True
    )
    for entry in (f"{base_name}-py{active}", *found):
        yield environment_in(look, folder / entry, "poetry")


def _hatchs(look: Look, root: Path, top: Path, choices: Choices) -> _Found:
    name = re.sub(r"[-_.]+", "-", project_name(look, root)).lower()
    data = Path(os.environ.get("HATCH_DATA_DIR") or platformdirs.user_data_path("hatch", appauthor=False))
    folder = data / "env" / "virtual" / (name or f"{_short_hash(str(root))}-unmanaged") / _short_hash(str(root))
    entries = [entry.name for entry in look.children(folder) if not entry.name.endswith("-build")]
    for entry in sorted(entries, key=lambda entry: (entry != name, "test" not in entry, entry)):
        yield environment_in(look, folder / entry, "hatch")


def _pdms(look: Look, root: Path, top: Path, choices: Choices) -> _Found:
    if not _has_lock(look, root, "pdm"):
        return
    folder = Path(os.environ.get("PDM_VENV_LOCATION") or platformdirs.user_data_path("pdm") / "venvs").expanduser()
    digest = hashlib.md5(root.as_posix().encode(), usedforsecurity=False).digest()
    start = f"{root.name}-{base64.urlsafe_b64encode(digest).decode()[:8]}-"
    for entry in look.children(folder):
        if entry.name.startswith(start):
            yield environment_in(look, folder / entry.name, "pdm")


def _linked(look: Look, root: Path, top: Path, choices: Choices) -> _Found:
    """Environments that name their project: pipenv's and virtualenvwrapper's."""
    for folder in dict.fromkeys((_workon_home(), Path.home() / ".virtualenvs")):
        for entry in look.children(folder)[:LINKED_ENVIRONMENTS_MAX]:
            if look.text(folder / entry.name / ".project").strip() == str(root):
                yield environment_in(look, folder / entry.name, f"{folder.name}/{entry.name}")


def _condas(look: Look, root: Path, top: Path, choices: Choices) -> _Found:
    """The conda environment that `environment.yml` names, among those that conda lists, or else the active base."""
    for file in ("environment.yml", "environment.yaml"):
        match = re.search(r"^name:[ \t]*[\"']?([\w.-]+)", look.text(root / file), re.MULTILINE)
        for line in look.text(Path.home() / ".conda" / "environments.txt").splitlines():
            if match and Path(line).name == match[1]:
                yield environment_in(look, Path(line), f"conda environment {match[1]}")
    if place := os.environ.get("CONDA_PREFIX"):
        yield environment_in(look, Path(place), "CONDA_PREFIX")


_SEARCHES: tuple[Callable[[Look, Path, Path, Choices], _Found], ...] = (
    _chosen,
    _in_project,
    _active,
    _poetrys,
    _hatchs,
    _pdms,
    _linked,
    _condas,
)
"""The searches, in order of precedence."""


def _has_lock(look: Look, root: Path, tool: str) -> bool:
    backend = " ".join(strings(table(look.toml(root / "pyproject.toml"), "build-system").get("build-backend")))
    has_table = bool(table(look.toml(root / "pyproject.toml"), "tool", tool))
    return look.is_file(root / f"{tool}.lock") or has_table or tool in backend


def _workon_home() -> Path:
    usual = platformdirs.user_data_path("virtualenvs") if os.name == "nt" else _data_home() / "virtualenvs"
    return Path(os.environ.get("WORKON_HOME") or usual).expanduser()


def _data_home() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _poetry_cache() -> Path:
    return Path(os.environ.get("POETRY_CACHE_DIR") or platformdirs.user_cache_path("pypoetry", appauthor=False))


def _short_hash(text: str) -> str:
    """The start of a SHA-256 in URL-safe base 64, as in the folder names of poetry and hatch."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:8]


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", name.rpartition("-py")[2]))
