"""What of a project its children may open."""

from __future__ import annotations

from pathlib import Path

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
