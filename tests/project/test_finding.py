"""The project of a document: its folder, import roots, packages and tests, and when what was found is read anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.projects import environment, tree

from plum_lsp.domain.project import Project
from plum_lsp.project.finding import ProjectFinder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder for a project."""
    place = tmp_path / "thing"
    place.mkdir()
    return place


def found(root: Path, document: str = "pkg/mod.py", *, folders: tuple[Path, ...] = ()) -> Project:
    """The project of a document below the root."""
    project = ProjectFinder(folders=folders).project_of(root / document)
    assert project is not None
    return project


@pytest.mark.parametrize(
    "marker", ["pyproject.toml", "setup.py", "setup.cfg", ".git/HEAD", "requirements.txt", "pytest.ini"]
)
def test_a_file_marks_the_project(root: Path, marker: str) -> None:
    """The nearest folder above the document that holds one."""
    tree(root, {marker: "", "pkg/__init__.py": ""})
    assert found(root).root == root
    assert found(root).is_marked


def test_documents_with_requirements_of_their_own_belong_to_the_project(root: Path) -> None:
    """A list of requirements marks a project only where there is nothing better above."""
    tree(root, {"pyproject.toml": "", "docs/requirements.txt": "", "docs/conf.py": ""})
    assert found(root, "docs/conf.py").root == root


def test_a_project_within_another_is_its_own(root: Path) -> None:
    """As in a repository with several packages."""
    tree(root, {".git/HEAD": "", "pyproject.toml": "", "packages/inner/pyproject.toml": ""})
    assert found(root, "packages/inner/mod.py").root == root / "packages" / "inner"


def test_a_project_does_not_begin_above_the_workspace(root: Path) -> None:
    """The user opened one folder of a repository and said nothing of the rest."""
    tree(root, {".git/HEAD": "", "part/mod.py": ""})
    assert found(root, "part/mod.py", folders=(root / "part",)).root == root / "part"


def test_a_home_folder_is_no_project(home: Path) -> None:
    """Not even if it is a repository, as with people who keep their settings in one."""
    tree(home, {".git/HEAD": "", "notes.py": ""})
    assert ProjectFinder().project_of(home / "notes.py") is None


def test_a_folder_without_a_mark_is_the_documents_own(root: Path) -> None:
    """It can be trusted like any other, and is not taken for more than it is."""
    tree(root, {"mod.py": "", "tests/test_mod.py": "", "data/deep/more.py": ""})
    project = found(root, "mod.py")
    assert (project.root, project.is_marked, project.tests) == (root, False, (root / "tests",))


@pytest.mark.parametrize(
    ("files", "roots"),
    [
        ({"pyproject.toml": "", "src/pkg/__init__.py": ""}, ["src", "."]),
        ({"pyproject.toml": "", "pkg/__init__.py": ""}, ["."]),
        ({"pyproject.toml": "", "src/__init__.py": ""}, ["."]),
        ({"pyproject.toml": "[tool.setuptools.package-dir]\n'' = 'code'", "code/pkg/__init__.py": ""}, ["code", "."]),
        (
            {"pyproject.toml": "[tool.setuptools.packages.find]\nwhere = ['code']", "code/pkg/__init__.py": ""},
            ["code", "."],
        ),
        (
            {"pyproject.toml": "[[tool.poetry.packages]]\ninclude = 'pkg'\nfrom = 'code'", "code/pkg/__init__.py": ""},
            ["code", "."],
        ),
        (
            {"pyproject.toml": "[tool.hatch.build.targets.wheel]\npackages = ['code/pkg']", "code/pkg/__init__.py": ""},
            ["code", "."],
        ),
        ({"pyproject.toml": "[tool.pdm.build]\npackage-dir = 'code'", "code/pkg/__init__.py": ""}, ["code", "."]),
        (
            {"pyproject.toml": "[tool.uv.build-backend]\nmodule-root = 'code'", "code/pkg/__init__.py": ""},
            ["code", "."],
        ),
        ({"pyproject.toml": "[tool.maturin]\npython-source = 'code'", "code/pkg/__init__.py": ""}, ["code", "."]),
        ({"setup.cfg": "[options]\npackage_dir =\n    = code", "code/pkg/__init__.py": ""}, ["code", "."]),
        ({"setup.py": "setup(package_dir={'': 'code'})", "code/pkg/__init__.py": ""}, ["code", "."]),
        ({"setup.py": "setup(packages=find_packages(where='code'))", "code/pkg/__init__.py": ""}, ["code", "."]),
        (
            {
                "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['code', 'src']",
                "code/m.py": "",
                "src/pkg/__init__.py": "",
            },
            ["code", "src", "."],
        ),
        ({"pytest.ini": "[pytest]\npythonpath = code", "code/m.py": ""}, ["code", "."]),
        ({"pyproject.toml": "[tool.setuptools.package-dir]\n'' = '../elsewhere'"}, ["."]),
        ({"pyproject.toml": "not toml ["}, ["."]),
    ],
)
def test_modules_are_imported_from_where_the_project_keeps_them(
    root: Path, files: dict[str, str], roots: list[str]
) -> None:
    """As the packaging and pytest configuration says, else as the usual layouts have it; never from outside."""
    tree(root, files)
    assert [place.relative_to(root).as_posix() for place in found(root, "m.py").import_roots] == roots


def test_setup_py_is_read_and_never_run(root: Path, tmp_path: Path) -> None:
    """It is the project's code, and nobody has trusted it."""
    tree(
        root, {"setup.py": f"open({str(tmp_path / 'ran')!r}, 'w')\nsetup(package_dir={{'': 'code'}})", "code/m.py": ""}
    )
    assert found(root, "m.py").import_roots == (root / "code", root)
    assert not (tmp_path / "ran").exists()


def test_what_can_be_imported_is_named(root: Path) -> None:
    """Packages, modules and namespaces; no tests, scripts or tools' files."""
    names = ("pkg/__init__.py", "single.py", "ns/inner/__init__.py", "scripts/run.py", "setup.py", "conftest.py")
    tree(root, {"pyproject.toml": "", "tests/test_pkg.py": "", ".venv/lib/x.py": ""} | dict.fromkeys(names, ""))
    assert set(found(root).packages) == {"pkg", "single", "ns"}


@pytest.mark.parametrize(
    ("files", "tests"),
    [
        ({"tests/test_a.py": "", "tests/unit/test_b.py": ""}, {"tests"}),
        (
            {"pkg/__init__.py": "", "pkg/tests/test_a.py": "", "pkg/sub/tests/test_b.py": ""},
            {"pkg/tests", "pkg/sub/tests"},
        ),
        ({"test_a.py": "", "pkg/mod_test.py": ""}, {"test_a.py", "pkg/mod_test.py"}),
        ({"setup.cfg": "[tool:pytest]\ntestpaths = checks", "checks/a.py": "", "tests/test_a.py": ""}, {"checks"}),
        ({"pkg/testing.py": "", "node_modules/x/tests/test_a.py": "", "build/tests/test_a.py": ""}, set()),
    ],
)
def test_tests_are_found(root: Path, files: dict[str, str], tests: set[str]) -> None:
    """Where pytest's configuration says, else by the names of folders and files."""
    tree(root, {"pyproject.toml": ""} | files)
    assert {place.relative_to(root).as_posix() for place in found(root).tests} == tests


def test_links_are_not_followed_out_of_the_project(root: Path, tmp_path: Path) -> None:
    """A link to a folder elsewhere is no package of the project."""
    tree(tmp_path / "elsewhere", {"__init__.py": ""})
    tree(root, {"pyproject.toml": ""})
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    assert found(root).packages == ()


def test_what_was_found_is_kept_until_a_file_changes(root: Path) -> None:
    """A new package, a new environment and another configuration each count at once."""
    tree(root, {"pyproject.toml": "", "pkg/__init__.py": ""})
    finder = ProjectFinder()
    first = finder.project_of(root / "pkg" / "mod.py")
    assert finder.project_of(root / "pkg" / "mod.py") is first
    tree(root, {"pkg/inner/__init__.py": ""})
    assert finder.project_at(root).dotted_name(root / "pkg" / "inner" / "mod.py") == "pkg.inner.mod"
    environment(root / ".venv")
    assert finder.project_at(root).environment is not None
    tree(root, {"pyproject.toml": "[tool.setuptools.package-dir]\n'' = 'code'", "code/m.py": ""})
    assert finder.project_at(root).import_roots == (root / "code", root)


def test_a_document_reached_by_a_link_belongs_to_the_project_it_lies_in(root: Path, tmp_path: Path) -> None:
    """Links are resolved, so the folder that is trusted is the one whose code would be executed."""
    tree(root, {"pyproject.toml": "", "pkg/__init__.py": "", "pkg/mod.py": ""})
    (tmp_path / "shortcut").symlink_to(root / "pkg")
    project = ProjectFinder().project_of(tmp_path / "shortcut" / "mod.py")
    assert project is not None
    assert project.root == root


def test_roots_in_one_window_each_have_their_own(tmp_path: Path) -> None:
    """Two folders, two environments."""
    for name in ("one", "two"):
        tree(tmp_path / name, {"pyproject.toml": ""})
        environment(tmp_path / name / ".venv")
    finder = ProjectFinder(folders=(tmp_path / "one", tmp_path / "two"))
    projects = [finder.project_of(tmp_path / name / "m.py") for name in ("one", "two")]
    assert [project and project.environment and project.environment.prefix for project in projects] == [
        tmp_path / "one" / ".venv",
        tmp_path / "two" / ".venv",
    ]
