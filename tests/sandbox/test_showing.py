"""What of a project its children may open."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.projects import tree

from plum_lsp.project.finding import ProjectFinder
from plum_lsp.sandbox.projects.showing import shows_everything, views_of

PACKAGE = dict.fromkeys(
    ("pkg/__init__.py", "pkg/core.py", "pkg/more.py", "pkg/test_core.py", "pkg/tests/test_b.py"), ""
)


def shown(root: Path, stated: str) -> set[str]:
    """The Python files that a candidate's child may open in a project that states the place of its tests."""
    tree(root, {"pyproject.toml": f"[tool.pytest.ini_options]\ntestpaths = ['{stated}']\n"})
    alone = views_of(ProjectFinder().project_at(root), shows_everything).alone
    places = (file for one in map(Path, alone) for file in ([one] if one.is_file() else one.rglob("*.py")))
    return {file.relative_to(root).as_posix() for file in places}


def test_a_package_that_is_stated_as_the_place_of_tests_is_still_imported(tmp_path: Path) -> None:
    """Only its test files are hidden. A candidate could not be imported otherwise."""
    tree(tmp_path, PACKAGE)
    assert shown(tmp_path, "pkg") == {"pkg/__init__.py", "pkg/core.py", "pkg/more.py"}


def test_a_package_of_tests_is_hidden_whole(tmp_path: Path) -> None:
    """Its helpers may hold expected values."""
    tree(tmp_path, {**PACKAGE, "checks/__init__.py": "", "checks/test_a.py": "", "checks/helpers.py": ""})
    assert not any(name.startswith("checks") for name in shown(tmp_path, "checks"))


def test_files_that_the_project_calls_tests_are_hidden(tmp_path: Path) -> None:
    """By the patterns of its own configuration, in any of pytest's files, but not where a module imports the file."""
    files = {"pkg/check_core.py": "", "pkg/check_used.py": "", "pkg/core.py": "from pkg import check_used\n"}
    for name, text in {
        "pytest.ini": "[pytest]\npython_files = check_*.py *_examples.py\n",
        "tox.ini": "[pytest]\npython_files =\n    check_*.py\n",
        "setup.cfg": "[tool:pytest]\npython_files = pkg/check_*.py\n",
    }.items():
        root = tmp_path / name
        tree(root, {**PACKAGE, **files, name: text})
        assert shown(root, "tests") == {"pkg/__init__.py", "pkg/core.py", "pkg/more.py", "pkg/check_used.py"}, name


def test_a_pattern_for_every_file_hides_no_module(tmp_path: Path) -> None:
    """Folders of tests are hidden by their own names."""
    tree(tmp_path, {**PACKAGE, "pytest.ini": "[pytest]\npython_files = *.py\n"})
    assert shown(tmp_path, "tests") == {"pkg/__init__.py", "pkg/core.py", "pkg/more.py"}


def test_a_folder_of_helpers_for_tests_is_hidden_if_only_tests_import_it(tmp_path: Path) -> None:
    """It may hold expected values. A package's own `testing` that its modules use is shown."""
    helpers = {"pkg/testing/__init__.py": "", "pkg/testing/cases.py": "", "pkg/test_core.py": "import pkg.testing"}
    tree(tmp_path / "a", {**PACKAGE, **helpers})
    assert not any("testing" in name for name in shown(tmp_path / "a", "tests"))
    tree(tmp_path / "b", {**PACKAGE, **helpers, "pkg/core.py": "def f():\n    from .testing import cases\n"})
    assert {"pkg/testing/__init__.py", "pkg/testing/cases.py"} < shown(tmp_path / "b", "tests")


@pytest.mark.parametrize(
    "statement",
    ["from .tests import even", "from . import core, tests", "from .tests import (\n    even,\n)", "import pkg.tests"],
)
def test_a_module_with_the_name_of_tests_is_shown_if_its_package_imports_it(tmp_path: Path, statement: str) -> None:
    """The package cannot be imported otherwise. Files of tests beside it stay hidden."""
    tree(tmp_path, {**PACKAGE, "pkg/tests.py": "def even(n): ...", "pkg/more.py": f"{statement}\n"})
    assert shown(tmp_path, "tests") == {"pkg/__init__.py", "pkg/core.py", "pkg/more.py", "pkg/tests.py"}


def test_a_module_with_the_name_of_tests_is_hidden_if_only_tests_import_it(tmp_path: Path) -> None:
    """As in packages that keep their tests in a file `tests.py`."""
    more = {"pkg/test_core.py": "from .tests import even", "pkg/more.py": "from other import tests"}
    tree(tmp_path, {**PACKAGE, **more, "pkg/tests.py": ""})
    assert "pkg/tests.py" not in shown(tmp_path, "tests")
