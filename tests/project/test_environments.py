"""The environment of a project: where it is found, and what is read of it. Nothing is started."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from support.projects import VERSION, environment, tree

from plum_lsp.domain.project import Environment
from plum_lsp.project.finding import ProjectFinder
from plum_lsp.project.searching import Choices


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project without an environment."""
    return tree(tmp_path / "thing", {"pyproject.toml": "[project]\nname = 'The.Thing'\n", "pkg/__init__.py": ""})


def found(root: Path, choices: Choices | None = None) -> Environment | None:
    """The environment of the project."""
    return ProjectFinder(choices=choices).project_at(root).environment


def prefix(root: Path, choices: Choices | None = None) -> Path | None:
    """Its folder."""
    environment = found(root, choices)
    return environment.prefix if environment else None


def short_hash(text: str) -> str:
    """As poetry and hatch name folders."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:8]


@pytest.mark.parametrize("name", [".venv", "venv", "env", ".conda", ".pixi/envs/default", "py311"])
def test_an_environment_in_the_project_is_found(root: Path, name: str) -> None:
    """Under the usual names, and under any other."""
    site = environment(root / name)
    python = found(root)
    assert python is not None
    assert python.executable == root / name / "bin" / "python"
    assert python.site_packages == (site,)
    assert python.version == VERSION
    assert python.base != python.prefix


def test_a_project_without_an_environment_has_none(root: Path) -> None:
    """Then candidates run on the server's own Python."""
    assert found(root) is None


def test_the_setting_comes_first_then_the_editors_choice(root: Path, tmp_path: Path) -> None:
    """What a user says counts more than what lies there."""
    for name in (".venv", "chosen", "selected"):
        environment(root / name)
    python = str(root / "chosen" / "bin" / "python")
    selected = {root: str(root / "selected" / "bin" / "python")}
    assert prefix(root, Choices(selected=selected)) == root / "selected"
    assert prefix(root, Choices(interpreter=python, selected=selected)) == root / "chosen"
    assert prefix(root, Choices(selected={tmp_path / "other": python})) == root / ".venv"


def test_a_chosen_python_of_the_system_has_its_own_packages(root: Path, tmp_path: Path) -> None:
    """An interpreter that is no virtual environment; links to it are followed."""
    site = tmp_path / "opt" / "lib" / f"python{VERSION}" / "site-packages"
    site.mkdir(parents=True)
    tree(tmp_path / "opt", {f"bin/python{VERSION}": ""})
    (tmp_path / "python").symlink_to(tmp_path / "opt" / "bin" / f"python{VERSION}")
    python = found(root, Choices(interpreter=str(tmp_path / "python")))
    assert python is not None
    assert (python.base, python.prefix, python.site_packages) == (tmp_path / "opt", tmp_path / "opt", (site,))


def test_an_environment_of_a_workspace_serves_its_members(root: Path) -> None:
    """Above the member's own folder, but within the repository; trust has to cover both."""
    tree(root, {".git/HEAD": "", "packages/inner/pyproject.toml": ""})
    environment(root / ".venv")
    project = ProjectFinder().project_at(root / "packages" / "inner")
    assert project.environment is not None
    assert project.environment.prefix == root / ".venv"
    assert project.top == root


def test_a_folder_above_that_names_the_environment_needs_trust(root: Path, tmp_path: Path) -> None:
    """Trust in a member alone says nothing about the interpreter that an untrusted folder above it names."""
    member = tree(root, {".git/HEAD": "", "member/pyproject.toml": ""}) / "member"
    environment(root / "pwn")
    environment(tmp_path / "elsewhere")
    for name, text in {
        ".pdm-python": str(tmp_path / "elsewhere/bin/python"),
        ".venv": "member/../pwn",
        ".python-version": "3.99-pwn",
    }.items():
        environment(tmp_path / "home/.pyenv/versions/3.99-pwn") if name == ".python-version" else None
        tree(root, {name: text})
        project = ProjectFinder().project_at(member)
        assert project.environment is not None, name
        assert project.top == root, name
        (root / name).unlink()


def test_dots_do_not_move_an_environment_into_the_member(root: Path) -> None:
    """A member that names an environment above itself by way of its own folder needs trust in the folder above."""
    member = tree(root, {".git/HEAD": "", "member/pyproject.toml": "", "member/.venv": "inner/../../pwn"}) / "member"
    (member / "inner").mkdir()
    environment(root / "pwn")
    assert ProjectFinder().project_at(member).top == root


def test_a_project_may_name_an_environment_elsewhere(root: Path, tmp_path: Path) -> None:
    """Trust in the project is trust in what it names."""
    tree(root, {".git/HEAD": "", ".pdm-python": str(tmp_path / "elsewhere/bin/python")})
    environment(tmp_path / "elsewhere")
    project = ProjectFinder().project_at(root)
    assert project.environment is not None
    assert project.top == root


def test_an_environment_above_the_repository_is_not_looked_for(root: Path) -> None:
    """It belongs to something else."""
    environment(root.parent / ".venv")
    tree(root, {".git/HEAD": ""})
    assert found(root) is None


def test_the_active_environment_is_used_where_the_project_has_none(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`VIRTUAL_ENV` of the process that the editor started; the project's own comes before it."""
    environment(tmp_path / "active")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    assert prefix(root) == tmp_path / "active"
    environment(root / ".venv")
    assert prefix(root) == root / ".venv"


def test_an_environment_in_a_file_called_venv(root: Path, home: Path) -> None:
    """As pipenv reads it: a path, or a name in its folder of environments."""
    environment(home / "data" / "virtualenvs" / "thing-env")
    tree(root, {".venv": "thing-env\n"})
    assert prefix(root) == home / "data" / "virtualenvs" / "thing-env"


def test_pdms_choice_is_read(root: Path, tmp_path: Path) -> None:
    """`.pdm-python` holds the path of an interpreter."""
    environment(tmp_path / "pdm-env")
    tree(root, {".pdm-python": str(tmp_path / "pdm-env" / "bin" / "python") + "\n"})
    assert prefix(root) == tmp_path / "pdm-env"


def test_pyenvs_environment_is_found_by_its_name(root: Path, home: Path) -> None:
    """`.python-version` names a virtual environment of pyenv's."""
    environment(home / ".pyenv" / "versions" / "thing-3.11")
    tree(root, {".python-version": "thing-3.11\n"})
    assert prefix(root) == home / ".pyenv" / "versions" / "thing-3.11"


def test_poetrys_environment_is_found_without_poetry(root: Path, home: Path) -> None:
    """In its cache folder, by the hash of the project's path; the active version where several are there."""
    tree(root, {"poetry.lock": ""})
    folder = home / "cache" / "pypoetry" / "virtualenvs"
    name = f"the.thing-{short_hash(str(root))}"
    environment(folder / f"{name}-py3.9", version="3.9", home="/usr/bin")
    wanted = environment(folder / f"{name}-py{VERSION}")
    environment(folder / f"other-{short_hash('/elsewhere')}-py{VERSION}")
    tree(folder, {"envs.toml": f'["{name}"]\nminor = "{VERSION}"\n'})
    assert prefix(root) == wanted.parents[2]


def test_hatchs_environment_is_found_without_hatch(root: Path, home: Path) -> None:
    """In its data folder; the default environment before one for building."""
    folder = home / "data" / "hatch" / "env" / "virtual" / "the-thing" / short_hash(str(root))
    environment(folder / "the-thing-build")
    environment(folder / "lint")
    environment(folder / "the-thing")
    assert prefix(root) == folder / "the-thing"


def test_pdms_environment_is_found_without_pdm(root: Path, home: Path) -> None:
    """In its data folder, by the hash of the project's path."""
    tree(root, {"pdm.lock": ""})
    digest = base64.urlsafe_b64encode(hashlib.md5(root.as_posix().encode()).digest()).decode()[:8]
    environment(home / "data" / "pdm" / "venvs" / f"thing-{digest}-{VERSION}")
    assert prefix(root) == home / "data" / "pdm" / "venvs" / f"thing-{digest}-{VERSION}"


def test_an_environment_that_names_its_project_is_found(root: Path, home: Path) -> None:
    """As pipenv and virtualenvwrapper have it."""
    for name, project in (("thing-abc", root), ("other-xyz", root.parent)):
        environment(home / ".virtualenvs" / name)
        tree(home / ".virtualenvs" / name, {".project": f"{project}\n"})
    assert prefix(root) == home / ".virtualenvs" / "thing-abc"


def test_condas_environment_is_found_by_the_name_in_its_file(root: Path, home: Path, tmp_path: Path) -> None:
    """Among those that conda lists; its packages are its own."""
    conda = tmp_path / "conda" / "envs" / "science"
    tree(conda, {"conda-meta/history": "", "bin/python": "", f"lib/python{VERSION}/site-packages/x.py": ""})
    tree(home, {".conda/environments.txt": f"{tmp_path / 'conda'}\n{conda}\n"})
    tree(root, {"environment.yml": "name: science\ndependencies:\n  - numpy\n"})
    python = found(root)
    assert python is not None
    assert (python.prefix, python.base, python.version) == (conda, conda, VERSION)


def test_an_environment_whose_python_is_gone_is_a_problem_to_tell(root: Path) -> None:
    """It is not used, and the user learns why."""
    environment(root / ".venv", home="/nowhere/bin")
    project = ProjectFinder().project_at(root)
    assert project.environment is None
    assert "/nowhere/bin" in project.problems[0]


def test_an_environment_that_shares_the_systems_packages_has_both(root: Path, tmp_path: Path) -> None:
    """`include-system-site-packages = true`; its own come first."""
    shared = tmp_path / "base" / "lib" / f"python{VERSION}" / "site-packages"
    shared.mkdir(parents=True)
    tree(tmp_path / "base", {f"bin/python{VERSION}": ""})
    own = environment(root / ".venv", home=str(tmp_path / "base" / "bin"))
    configuration = root / ".venv" / "pyvenv.cfg"
    configuration.write_text(configuration.read_text().replace("= false", "= true"))
    python = found(root)
    assert python is not None
    assert python.site_packages == (own, shared)
