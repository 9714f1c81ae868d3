"""Where editable installs lead: path files as text and finder hooks as syntax trees, as build tools write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.projects import environment, tree

from plum_lsp.domain.project import MappedModule, Project
from plum_lsp.project.finding import ProjectFinder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The site-packages of a project's environment."""
    tree(tmp_path / "thing", {"pyproject.toml": ""})
    return environment(tmp_path / "thing" / ".venv")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another project, which is installed in the environment."""
    return tree(tmp_path / "other", {"src/pkg/__init__.py": "", "src/single.py": "", "lib/__init__.py": ""})


def found(site: Path) -> Project:
    """The project whose environment it is."""
    return ProjectFinder().project_at(site.parents[3])


SETUPTOOLS = """
from __future__ import annotations
import sys
MAPPING: dict[str, str] = {{'pkg': '{other}/src/pkg', 'single': '{other}/src/single', 'renamed': '{other}/lib'}}
NAMESPACES: dict[str, list[str]] = {{}}
open('{ran}', 'w')
"""
EDITABLES = """
from editables.redirector import RedirectingFinder as F
F.install()
F.map_module('pkg', '{other}/src/pkg/__init__.py')
F.map_module('renamed', '{other}/lib/__init__.py')
open('{ran}', 'w')
"""
SCIKIT_BUILD = """
def install(known_source_files, known_wheel_files, path): ...
install({{'pkg': '{other}/src/pkg/__init__.py', 'pkg.part': '{other}/src/pkg/part.py'}}, {{}}, None)
install({{'renamed': '{other}/lib/__init__.py'}}, {{}}, None)
open('{ran}', 'w')
"""


def test_a_path_file_with_folders_adds_them(site: Path, other: Path) -> None:
    """As hatchling, flit, poetry, pdm, uv and setuptools leave it; what is not there adds nothing."""
    tree(site, {"_other.pth": f"# a comment\n{other / 'src'}\n\n{other / 'gone'}\nrelative-folder\n"})
    project = found(site)
    assert project.import_roots == (project.root, other / "src")
    assert project.root == site.parents[3]


@pytest.mark.parametrize("hook", [SETUPTOOLS, EDITABLES, SCIKIT_BUILD])
def test_a_finder_hook_is_read_and_never_run(site: Path, other: Path, tmp_path: Path, hook: str) -> None:
    """A package whose folder has its name becomes an import root, another is mapped by name."""
    ran = tmp_path / "ran"
    tree(
        site,
        {
            "__editable__.other-1.0.pth": f"import __editable___other_1_0_finder; open({str(ran)!r}, 'w')\n",
            "__editable___other_1_0_finder.py": hook.format(other=other, ran=ran),
        },
    )
    project = found(site)
    assert other / "src" in project.import_roots
    assert project.mapped == (MappedModule(name="renamed", path=other / "lib"),)
    assert not ran.exists()


def test_a_namespace_of_an_editable_install_begins_at_its_root(site: Path, other: Path) -> None:
    """`ns.inner` in `src/ns/inner` is imported from `src`."""
    tree(other, {"src/ns/inner/__init__.py": ""})
    tree(
        site,
        {"x.pth": "import x_finder\n", "x_finder.py": f"MAPPING = {{'ns.inner': {str(other / 'src/ns/inner')!r}}}"},
    )
    assert other / "src" in found(site).import_roots


@pytest.mark.parametrize(
    "hook",
    [
        "MAPPING = {",
        "MAPPING = {**other}",
        "MAPPING = {'pkg': 1, 2: 'x', 'y': 'not/absolute', 'z': '/no\\0where'}",
        "(",
    ],
)
def test_a_hook_that_says_nothing_plain_adds_nothing(site: Path, hook: str) -> None:
    """What cannot be read without running it is left out."""
    tree(site, {"x.pth": "import x_finder\n", "x_finder.py": hook})
    project = found(site)
    assert (project.import_roots, project.mapped) == ((project.root,), ())


def test_a_path_file_cannot_show_a_home_folder(site: Path, home: Path) -> None:
    """A line in a file of the project must not open everything the user has to the sandbox."""
    tree(site, {"x.pth": f"{home}\n{home.parent}\n/\n/etc\n"})
    project = found(site)
    assert project.import_roots == (project.root,)


def test_the_projects_own_editable_install_tells_its_import_root(tmp_path: Path) -> None:
    """Where no configuration says so: the path file names a folder inside the project."""
    root = tree(tmp_path / "thing", {"pyproject.toml": "", "engine/pkg/__init__.py": "", "tests/test_pkg.py": ""})
    tree(environment(root / ".venv"), {"thing.pth": f"{root / 'engine'}\n"})
    project = ProjectFinder().project_at(root)
    assert project.import_roots == (root / "engine", root)
    assert project.dotted_name(root / "engine" / "pkg" / "mod.py") == "pkg.mod"
    assert "pkg" in project.packages
