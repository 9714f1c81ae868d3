"""Under which name a document of a project is imported, told from the project's value alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from plum_lsp.domain.project import MappedModule, ModulePlace, Project

ROOT = Path("/home/you/thing")


def project(*regular: str, src: bool = False, mapped: tuple[MappedModule, ...] = ()) -> Project:
    """A project whose folders `regular` hold an `__init__.py`."""
    roots = (ROOT / "src", ROOT) if src else (ROOT,)
    folders = frozenset(ROOT / name for name in regular)
    return Project(root=ROOT, top=ROOT, environment=None, import_roots=roots, regular=folders, mapped=mapped)


@pytest.mark.parametrize(
    ("made", "document", "name"),
    [
        (project("pkg", "pkg/inner"), "pkg/inner/mod.py", "pkg.inner.mod"),
        (project("pkg"), "pkg/__init__.py", "pkg"),
        (project(), "mod.py", "mod"),
        (project("src/pkg", src=True), "src/pkg/mod.py", "pkg.mod"),
        (project("src/ns/pkg", src=True), "src/ns/pkg/mod.py", "ns.pkg.mod"),
        (project(src=True), "src/ns/mod.py", "ns.mod"),
        (project("ns/pkg"), "ns/pkg/mod.py", "ns.pkg.mod"),
        (project(), "scripts/tool.py", "tool"),
        (project(), "tests/unit/test_mod.py", "test_mod"),
        (project("tests"), "tests/test_mod.py", "tests.test_mod"),
        (project("tests/unit"), "tests/unit/test_mod.py", "unit.test_mod"),
        (project("examples/shop"), "examples/shop/views.py", "shop.views"),
        (project(), "my-tool.py", ""),
        (project(), "class/mod.py", "mod"),
        (project(), "notes.txt", ""),
    ],
)
def test_a_document_has_the_name_it_is_imported_by(made: Project, document: str, name: str) -> None:
    """Packages by `__init__.py`, namespaces below an import root, scripts and tests by their own folder."""
    assert made.dotted_name(ROOT / document) == name


def test_a_module_that_an_editable_install_maps_has_the_name_it_is_mapped_to() -> None:
    """A folder called `lib` can be the package `pkg`; no folder on `sys.path` explains that."""
    made = project("lib", mapped=(MappedModule(name="pkg", path=ROOT / "lib"),))
    assert made.dotted_name(ROOT / "lib" / "mod.py") == "pkg.mod"
    assert made.dotted_name(ROOT / "lib" / "__init__.py") == "pkg"


def test_a_place_tells_the_package_and_the_folder_to_import_from() -> None:
    """What a loader has to know beside the name; a test's own folder is on no list of the project."""
    assert project("pkg").place_of(ROOT / "pkg" / "mod.py") == ModulePlace(
        name="pkg.mod", import_root=ROOT, is_package=False, is_listed=True
    )
    test = project().place_of(ROOT / "tests" / "test_mod.py")
    assert test == ModulePlace(name="test_mod", import_root=ROOT / "tests", is_package=False, is_listed=False)
    place = project("pkg").place_of(ROOT / "pkg" / "__init__.py")
    assert place is not None
    assert place.package == "pkg"
