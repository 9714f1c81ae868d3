"""How the files of a project import names, for a candidate that lacks an import."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.projects import environment, tree

from plum_lsp.domain.text import Document
from plum_lsp.project.around.importing import ImportFinder
from plum_lsp.project.files import read_text
from plum_lsp.project.finding import ProjectFinder
from plum_lsp.python.missing.resolving import KnownImports

PYPROJECT = "[project]\nname = 'shop'\nversion = '1'\n"


def known(
    root: Path,
    files: dict[str, str],
    document: str = "shop/bill.py",
    exclude: tuple[str, ...] = (),
    text: str = "",
) -> KnownImports:
    """What the files beside a document of the package `shop` tell."""
    tree(root, {"pyproject.toml": PYPROJECT, "shop/__init__.py": "", document: "", **files})
    project = ProjectFinder(folders=[root]).project_at(root)
    return ImportFinder(exclude=exclude).imports(
        Document(uri=(root / document).as_uri(), version=0, text=text), project
    )


@pytest.mark.parametrize(
    ("files", "name", "statement"),
    [
        ({"shop/a.py": "import json as j\n"}, "j", "import json as j"),
        ({"shop/a.py": "from .b import f\n", "shop/b.py": "def f(): ...\n"}, "f", "from .b import f"),
        ({"shop/a.py": "try:\n    from fast import f\nexcept ImportError:\n    f = None\n"}, "f", "from fast import f"),
        ({"shop/a.py": "from shop.b import f\n", "shop/b.py": "f = 1\n"}, "f", "from shop.b import f"),
        ({"shop/b.py": "if True:\n    def f(): ...\n"}, "f", "from .b import f"),
        ({"shop/b.py": "LIMIT: int = 1\n"}, "LIMIT", "from .b import LIMIT"),
        (
            {
                "shop/__init__.py": "from .b import f\n",
                "shop/a.py": "from . import f\n",
                "shop/c.py": "from .b import f\n",
                "shop/b.py": "def f(): ...\n",
            },
            "f",
            "from .b import f",
        ),
        (
            {"shop/a.py": "from typing import Hashable\n", "shop/c.py": "from collections.abc import Hashable\n"},
            "Hashable",
            "from typing import Hashable",
        ),
        ({"shop/__init__.py": "from .bill import f\n", "shop/b.py": "f = 1\n"}, "f", "from .b import f"),
        ({"shop/a.py": "from .b import f\n", "shop/b.py": "f = 1\n", "shop/c.py": "f = 2\n"}, "f", "from .b import f"),
        (
            {
                "shop/a.py": "from .passing import f\n",
                "shop/c.py": "from .b import f\n",
                "shop/passing.py": "from .b import f\n",
                "shop/b.py": "def f(): ...\n",
                "shop/d.py": "def f(): ...\n",
            },
            "f",
            "from .b import f",
        ),
        ({"shop/a.py": "import os\n", "shop/c.py": "import os.path\n"}, "os", "import os"),
        ({"shop/deep/a.py": "def f(): ...\n", "shop/deep/__init__.py": ""}, "f", "from .deep.a import f"),
        (
            {"shop/deep/a.py": "    from there import f\n", "shop/deep/__init__.py": ""},
            "f",
            "from there import f",
        ),
        ({"shop/a.py": "from here import f\n", "shop/deep/c.py": "from there import f\n"}, "f", "from here import f"),
        (
            {"shop/deep/a.py": '"""\nimport all\nfrom there import this (and that)\n"""\nfrom there import f\n'},
            "f",
            "from there import f",
        ),
        ({"shop/a.py": "from here import f\n", "shop/c.py": "from there import f\n"}, "f", ""),
        ({"shop/a.py": "def f(): ...\n", "shop/c.py": "def f(): ...\n"}, "f", ""),
        ({"shop/a.py": "from .b import f\n", "shop/c.py": "from .gone import f\n", "shop/b.py": "f = 1\n"}, "f", ""),
    ],
)
def test_a_name_is_imported_as_the_files_beside_do(
    tmp_path: Path, files: dict[str, str], name: str, statement: str
) -> None:
    """All statements that give one object count as one. If they give several, there is none."""
    assert known(tmp_path, files).statements[name] == statement


def test_names_of_the_package_above_are_imported_by_their_full_name(tmp_path: Path) -> None:
    """A relative statement of another folder means another module here."""
    files = {"shop/a.py": "from .b import f\n", "shop/b.py": "def f(): ...\n", "shop/deep/__init__.py": ""}
    assert known(tmp_path, files, "shop/deep/bill.py").statements["f"] == "from shop.b import f"


def test_modules_beside_are_known_with_their_names(tmp_path: Path) -> None:
    """A script imports them as they are, and a package relatively. The project's own packages can be imported."""
    found = known(tmp_path, {"shop/tax.py": "RATE = 2\n"})
    assert (found.modules["tax"].statement, found.modules["tax"].names) == ("from . import tax", {"RATE"})
    assert "shop" in found.packages


def test_an_excluded_file_tells_no_names(tmp_path: Path) -> None:
    """It is private, as everywhere."""
    assert "RATE" not in known(tmp_path, {"shop/tax.py": "RATE = 2\n"}, exclude=("tax.py",)).statements


Change = dict[str, str | None]


@pytest.mark.parametrize(
    ("change", "name", "statement"),
    [
        ({"shop/tax.py": "OTHER_RATE = 2\n"}, "OTHER_RATE", "from .tax import OTHER_RATE"),
        ({"shop/far/due.py": "def due_at(): ...\n"}, "due_at", "from .far.due import due_at"),
        ({"shop/far/new.py": "def made(): ...\n"}, "made", "from .far.new import made"),
        ({"shop/far/due.py": None}, "due_on", None),
        ({".plumignore": "due.py\n"}, "due_on", None),
        ({"shop/far/.plumignore": "due.py\n"}, "due_on", None),
        ({"shop/twice.py": "RATE = 3\n"}, "RATE", ""),
        ({}, "due_on", "from .far.due import due_on"),
    ],
)
def test_what_changed_is_seen_by_the_next_request(
    tmp_path: Path, change: Change, name: str, statement: str | None
) -> None:
    """The names of files and what follows from them are kept only as long as everything stays as it is."""
    files = {"shop/tax.py": "RATE = 2\n", "shop/far/__init__.py": "", "shop/far/due.py": "def due_on(): ...\n"}
    tree(tmp_path, {"pyproject.toml": PYPROJECT, "shop/__init__.py": "", "shop/bill.py": "", **files})
    projects, finder = ProjectFinder(folders=[tmp_path]), ImportFinder(exclude=())
    document = Document(uri=(tmp_path / "shop/bill.py").as_uri(), version=0, text="")
    before = finder.imports(document, projects.project_at(tmp_path)).statements
    assert before["RATE"] and before["due_on"]
    for place, text in change.items():
        if text is None:
            (tmp_path / place).unlink()
        else:
            (tmp_path / place).write_text(text)
    assert finder.imports(document, projects.project_at(tmp_path)).statements.get(name) == statement


def test_files_that_were_read_ahead_are_not_read_by_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those near the document are read once more, as a whole."""
    files = {"shop/__init__.py": "", "shop/a.py": "A = 1\n", "shop/far/__init__.py": "", "shop/far/b.py": "B = 1\n"}
    tree(tmp_path, {"pyproject.toml": PYPROJECT, **files})
    project, finder = ProjectFinder(folders=[tmp_path]).project_at(tmp_path), ImportFinder(exclude=())
    finder.read_ahead(project)
    read: list[str] = []

    def noting(path: Path, *, bytes_max: int) -> str:
        read.append(path.name)
        return read_text(path, bytes_max=bytes_max)

    monkeypatch.setattr("plum_lsp.project.around.names.read_text", noting)
    found = finder.imports(Document(uri=(tmp_path / "shop/bill.py").as_uri(), version=0, text=""), project)
    assert found.statements == {"A": "from .a import A", "B": "from .far.b import B"}
    assert sorted(read) == ["__init__.py", "a.py"]


def test_each_document_has_statements_of_its_own(tmp_path: Path) -> None:
    """Two modules of a package import each other, and no module imports itself."""
    files = {"shop/a.py": "def f(): ...\n", "shop/b.py": "def g(): ...\n"}
    tree(tmp_path, {"pyproject.toml": PYPROJECT, "shop/__init__.py": "", **files})
    project, finder = ProjectFinder(folders=[tmp_path]).project_at(tmp_path), ImportFinder(exclude=())
    for _ in range(2):
        for here, other, name in (("a", "b", "g"), ("b", "a", "f")):
            document = Document(uri=(tmp_path / f"shop/{here}.py").as_uri(), version=0, text="")
            assert finder.imports(document, project).statements == {name: f"from .{other} import {name}"}


def test_a_package_that_is_installed_or_stated_now_is_known(tmp_path: Path) -> None:
    """The environment and the project's file are read again once they have changed."""
    site = environment(tmp_path / ".venv")
    tree(tmp_path, {"pyproject.toml": PYPROJECT, "shop/__init__.py": "", "shop/bill.py": ""})
    projects, finder = ProjectFinder(folders=[tmp_path]), ImportFinder(exclude=())
    document = Document(uri=(tmp_path / "shop/bill.py").as_uri(), version=0, text="")
    assert "attr" not in finder.imports(document, projects.project_at(tmp_path)).packages
    tree(site, {"attr/__init__.py": "def make_class(): ...\n"})
    found = finder.imports(document, projects.project_at(tmp_path))
    assert ("attr" in found.packages, "make_class" in found.members) == (True, False)
    tree(tmp_path, {"pyproject.toml": PYPROJECT + "dependencies = ['attr']\n"})
    found = finder.imports(document, projects.project_at(tmp_path))
    assert found.members["make_class"] == "from attr import make_class"


def test_a_module_elsewhere_is_known_if_its_name_is_the_only_one(tmp_path: Path) -> None:
    """Its statement names the package it is in."""
    files = {f"shop/{place}/__init__.py": "" for place in ("deep", "other")}
    files |= {"shop/deep/tax.py": "RATE = 2\n", "shop/deep/due.py": "", "shop/other/due.py": ""}
    found = known(tmp_path, files)
    assert found.modules["tax"].statement == "from .deep import tax"
    assert "due" not in found.modules


def test_tests_tell_no_names(tmp_path: Path) -> None:
    """A helper of a test is not for the code."""
    files = {"tests/__init__.py": "", "tests/test_a.py": "def helper(): ...\n"}
    assert "helper" not in known(tmp_path, files).statements


DEPENDS = PYPROJECT + "dependencies = ['attrs>=22', 'two']\n"


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("define", "from attr import define"),
        ("make_class", "from attr import make_class"),
        ("short", None),
        ("only_typed", None),
        ("in_both", None),
        ("not_needed", None),
        ("_own", None),
    ],
)
def test_members_of_the_packages_that_the_project_depends_on(tmp_path: Path, name: str, statement: str | None) -> None:
    """A name counts if one object has it. A short one has to be a word of the document, too."""
    packages = {
        "attrs/__init__.py": "from attr import (\n    define,\n    make_class, short)\nfrom typing import only_typed\n",
        "attr/__init__.py": "from ._next import define, make_class\nin_both = _own = 1\n",
        "two.py": "def in_both(): ...\n",
        "other/__init__.py": "def not_needed(): ...\n",
    }
    tree(environment(tmp_path / ".venv"), packages)
    files = {"pyproject.toml": DEPENDS, "shop/a.py": "import attr\n"}
    assert known(tmp_path, files, text="@define\nclass A:\n    x: int\n").members.get(name) == statement
