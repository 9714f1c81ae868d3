"""Which test files of a project are read: those about the function, within its project, and nothing private."""

from __future__ import annotations

from pathlib import Path

import pytest

from plum_lsp.project import tests as project_files
from plum_lsp.project.tests import ProjectFiles

TEST = "from shop.prices import total\n\n\ndef test_it():\n    assert total([1]) == 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a module and nothing about it yet."""
    root = tmp_path / "project"
    write(root / "shop" / "prices.py", "def total(items):\n    ")
    write(root / "pyproject.toml", "")
    return root


def write(path: Path, text: str = TEST) -> Path:
    """A file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(
    project: Path, *, exclude: tuple[str, ...] = (), roots: tuple[Path, ...] = (), name: str = "total"
) -> list[str]:
    """The paths of the files that are found for the module."""
    finder = ProjectFiles(exclude=exclude)
    return [file.path for file in finder.test_files((project / "shop" / "prices.py").as_uri(), name, roots)]


def test_test_files_are_found_by_name_and_import(project: Path) -> None:
    """The nearest name comes first; files that import something else, or name no such function, are left."""
    write(project / "tests" / "unit" / "test_a.py")
    write(project / "tests" / "test_prices.py")
    write(project / "shop" / "prices_test.py")
    write(
        project / "tests" / "test_other.py", "from bank.rates import total\n\n\ndef test_it():\n    assert total([1])\n"
    )
    write(project / "tests" / "test_more.py", "from shop.prices import tax\n")
    write(project / "shop" / "helpers.py")
    assert found(project) == ["shop/prices_test.py", "tests/test_prices.py", "tests/unit/test_a.py"]
    assert found(project, name="refund") == []


def test_nothing_private_or_foreign_is_read(project: Path, tmp_path: Path) -> None:
    """Excluded paths, hidden folders, environments, links, and what lies outside the project."""
    write(project / "tests" / "secret" / "test_prices.py")
    write(project / ".hidden" / "test_prices.py")
    write(project / "venv" / "test_prices.py")
    outside = write(tmp_path / "elsewhere" / "test_prices.py")
    (project / "tests" / "test_link.py").symlink_to(outside)
    (project / "linked").symlink_to(outside.parent)
    write(tmp_path / "test_prices.py")
    assert found(project, exclude=("**/*secret*",)) == []


@pytest.mark.parametrize("pattern", ["test_prices.py", "tests/"])
def test_a_test_file_that_plumignore_names_is_not_read(project: Path, pattern: str) -> None:
    """It is as private as a file that the settings exclude."""
    write(project / "tests" / "test_prices.py")
    assert found(project)
    (project / ".plumignore").write_text(pattern)
    assert found(project) == []


def test_a_workspace_bounds_the_project(project: Path, tmp_path: Path) -> None:
    """Tests above the workspace's folder are somebody else's; a document outside of it has none."""
    write(project / "tests" / "test_prices.py")
    write(project / "shop" / "test_prices.py")
    assert found(project, roots=(project / "shop",)) == ["test_prices.py"]
    assert found(project, roots=(tmp_path / "elsewhere",)) == []


def test_a_home_that_is_opened_as_a_workspace_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what lies beside the document is read, not everything the user has."""
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "other" / "test_prices.py")
    write(tmp_path / "shop" / "test_prices.py")
    assert found(tmp_path, roots=(tmp_path,)) == ["test_prices.py"]


def test_a_folder_that_is_no_project_is_not_searched(tmp_path: Path) -> None:
    """Only beside the document and in its own folder of tests."""
    write(tmp_path / "shop" / "prices.py", "")
    write(tmp_path / "shop" / "test_prices.py")
    write(tmp_path / "shop" / "tests" / "test_more.py")
    write(tmp_path / "shop" / "other" / "test_prices.py")
    write(tmp_path / "tests" / "test_prices.py")
    assert found(tmp_path) == ["test_prices.py", "tests/test_more.py"]


def test_long_unreadable_and_many_files_cost_little(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds are counted, not timed."""
    write(project / "tests" / "test_prices_long.py", TEST + "#" * project_files.FILE_BYTES_MAX)
    (project / "tests" / "test_prices_bytes.py").write_bytes(TEST.encode() + b"\xff")
    for number in range(6):
        write(project / "tests" / f"test_{number}.py")
    monkeypatch.setattr(project_files, "FILES_GIVEN_MAX", 3)
    assert len(found(project)) == 3
    monkeypatch.setattr(project_files, "FILES_READ_MAX", 3)
    assert len(found(project)) == 1


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "file://host/a.py", "file:///a%00b.py", "http://[", "file:///"])
def test_a_document_that_is_no_file_here_has_no_tests(uri: str) -> None:
    """And is no reason to fail."""
    assert ProjectFiles(exclude=()).test_files(uri, "total") == ()
