"""Which modules of a project are read for a document: what it imports, within its project, and nothing private."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plum_lsp.domain.project import Neighbourhood
from plum_lsp.domain.text import Document
from plum_lsp.project.around import modules as neighbour_files
from plum_lsp.project.around.modules import NeighbourFiles

HELPERS = "def helper(a):\n    return a\n\nclass Kind: ...\n"


def write(path: Path, text: str = HELPERS) -> Path:
    """A file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a package and nothing else."""
    write(tmp_path / "project" / "pyproject.toml", "")
    write(tmp_path / "project" / "shop" / "__init__.py", "")
    return tmp_path / "project"


def document(root: Path, text: str, name: str = "shop/bill.py") -> Document:
    """A document of the project; it need not be on disk."""
    return Document(uri=(root / name).as_uri(), version=1, text=text)


def names(found: Neighbourhood) -> dict[str, set[str]]:
    """What each module shows that was imported."""
    return {
        module.path: {one.name for one in module.definitions if {one.name, "*"} & module.imported}
        for module in found.modules
    }


def look(
    root: Path, text: str, *, exclude: tuple[str, ...] = (), open_documents: tuple[Document, ...] = ()
) -> Neighbourhood:
    """The neighbours of a document with this text."""
    return NeighbourFiles(exclude=exclude).near(document(root, text), open_documents)


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        ("from shop.prices import helper", "shop/prices.py"),
        ("from .prices import helper", "shop/prices.py"),
        ("from ..lib.tools import helper", "lib/tools.py"),
        ("from prices import helper", "shop/prices.py"),
        ("from deep.inner import helper", "src/deep/inner.py"),
        ("from shop.passing import helper", "shop/prices.py"),
    ],
)
def test_imported_names_are_found(root: Path, statement: str, path: str) -> None:
    """By absolute and relative imports, beside a script, below src, and through a package that passes them on."""
    for name in ("shop/prices.py", "lib/tools.py", "src/deep/inner.py"):
        write(root / name)
    write(root / "shop" / "passing" / "__init__.py", "from ..prices import helper, Kind\n")
    assert names(look(root, f"import os\n{statement}\n")) == {path: {"helper"}}


@pytest.mark.parametrize("statement", ["import shop.prices as p", "from shop import prices", "from .prices import *"])
def test_a_whole_module_shows_what_is_public(root: Path, statement: str) -> None:
    """All its definitions may be meant."""
    write(root / "shop" / "prices.py")
    assert names(look(root, statement + "\n")) == {"shop/prices.py": {"helper", "Kind"}}


def test_nothing_private_is_read(root: Path) -> None:
    """Neither what the settings exclude, nor what ignore files hide, nor hidden folders, also when it is open."""
    for name in ("secret", "ignored", "untracked", "plain"):
        write(root / "shop" / f"{name}.py")
    write(root / ".hidden" / "inner.py")
    write(root / "shop" / ".plumignore", "ignored.py\n")
    write(root / ".gitignore", "# generated\nuntracked.py\n")
    text = "".join(f"from shop.{name} import helper\n" for name in ("secret", "ignored", "untracked", "plain"))
    opened = tuple(
        document(root, HELPERS, name)
        for name in ("shop/secret.py", "shop/ignored.py", "shop/untracked.py", ".hidden/inner.py")
    )
    found = look(root, text, exclude=("**/*secret*",), open_documents=opened)
    assert [module.path for module in found.modules] == ["shop/plain.py"]


def test_an_allow_list_of_git_leaves_what_it_allows(root: Path) -> None:
    """A `.gitignore` that names what is kept hides the rest, and not the whole project."""
    for name in ("shop/prices.py", "lib/tools.py"):
        write(root / name)
    write(root / ".gitignore", "/*\n!/shop/\n")
    text = "from shop.prices import helper\nfrom lib.tools import helper\n"
    assert names(look(root, text)) == {"shop/prices.py": {"helper"}}


def test_nothing_outside_the_project_is_read(root: Path, tmp_path: Path) -> None:
    """Neither by dots, nor by links, nor because it is open."""
    outside = write(tmp_path / "elsewhere" / "far.py")
    write(tmp_path / "near.py")
    (root / "shop" / "linked.py").symlink_to(outside)
    (root / "folder").symlink_to(outside.parent)
    text = "from ...near import helper\nfrom ....... import x\nfrom shop.linked import helper\n"
    text += "from folder.far import helper\n"
    opened = (Document(uri=outside.as_uri(), version=1, text=HELPERS),)
    assert look(root, text, open_documents=opened).modules == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on POSIX only")
def test_hostile_files_cost_a_moment(root: Path) -> None:
    """A pipe, a folder, bytes, a huge file and links in a circle: nothing waits, nothing fails, nothing is shown."""
    os.mkfifo(root / "shop" / "pipe.py")
    (root / "shop" / "folder.py").mkdir()
    (root / "shop" / "bytes.py").write_bytes(b"def helper(): \xff\xfe\x00")
    write(root / "shop" / "huge.py", HELPERS + "#" * neighbour_files.FILE_BYTES_MAX)
    (root / "shop" / "circle.py").symlink_to(root / "shop" / "circle.py")
    hostile = ("pipe", "folder", "bytes", "huge", "circle")
    text = "".join(f"from shop.{name} import helper\n" for name in hostile) + "from shop." + "a." * 900 + "b import c\n"
    assert {module.path for module in look(root, text).modules if module.definitions} == set()


def test_passing_on_in_a_circle_ends(root: Path) -> None:
    """Two packages that import a name from each other define it nowhere."""
    write(root / "shop" / "a.py", "from shop.b import helper\n")
    write(root / "shop" / "b.py", "from shop.a import helper\n")
    assert look(root, "from shop.a import helper\n").modules == ()


def test_many_imports_are_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed."""
    for number in range(30):
        write(root / "shop" / f"m{number}.py")
    text = "".join(f"from shop.m{number} import helper\n" for number in range(30))
    assert len(look(root, text).modules) == neighbour_files.MODULES_MAX
    monkeypatch.setattr(neighbour_files, "LOOKUPS_MAX", 3)
    assert len(look(root, text).modules) < 3


def test_what_the_editor_shows_is_taken_over_the_disk(root: Path) -> None:
    """Unsaved changes of an imported module count; other open modules follow, last edited first."""
    for name in ("prices", "mail", "stock"):
        write(root / "shop" / f"{name}.py")
    opened = tuple(
        document(root, f"def {name}_now(): ...\n", f"shop/{name}.py") for name in ("stock", "prices", "mail")
    )
    found = look(root, "import shop.prices\n", open_documents=opened)
    assert [(module.path, module.definitions[0].name) for module in found.modules] == [
        ("shop/prices.py", "prices_now"),
        ("shop/stock.py", "stock_now"),
        ("shop/mail.py", "mail_now"),
    ]


def test_outlines_are_kept_until_a_file_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look reads nothing; a changed file is read again; what has become private is not shown from memory."""
    path = write(root / "shop" / "prices.py")
    reads: list[str] = []
    read_text = neighbour_files.read_text

    def counted(path: Path, bytes_max: int) -> str:
        reads.append(path.name)
        return read_text(path, bytes_max=bytes_max)

    monkeypatch.setattr(neighbour_files, "read_text", counted)
    files, asking = NeighbourFiles(exclude=()), document(root, "from shop.prices import helper\n")
    first = files.near(asking)
    assert files.near(asking) == first
    assert reads.count("prices.py") == 1
    write(path, "def helper(changed): ...\n")
    os.utime(path, ns=(1, 1))
    assert "changed" in files.near(asking).modules[0].definitions[0].text
    write(root / ".plumignore", "prices.py\n")
    assert files.near(asking).modules == ()


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "file://host/a.py", "file:///a%00b.py", "http://[", "file:///"])
def test_a_document_that_is_no_file_here_has_no_neighbours(uri: str) -> None:
    """And is no reason to fail."""
    assert NeighbourFiles(exclude=()).near(Document(uri=uri, version=1, text="import a\n")).modules == ()
