"""Trust: remembered in one file of the user's own, for folders with links resolved, covering what is below."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from support.projects import environment, tree

from plum_lsp.config.folder import trusted_file
from plum_lsp.domain.errors import ConfigError
from plum_lsp.project.trust import TrustBook
from plum_lsp.project.workspace import Opened, Trust, Workspace


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project."""
    return tree(tmp_path / "work" / "thing", {"pyproject.toml": "", "pkg/__init__.py": ""})


def test_nothing_is_trusted_until_somebody_says_so(data: Path, root: Path) -> None:
    """Not the first folder, and not where the file cannot be read."""
    assert not TrustBook(data).covers(root)
    for content in ("", "[]", "{", '{"trusted": "/"}', '{"trusted": [1, "relative"], "declined": []}'):
        trusted_file(data).write_text(content)
        assert not TrustBook(data).covers(root)


def test_trust_is_remembered_and_covers_what_is_below(data: Path, root: Path) -> None:
    """A parent's trust covers its children, a repository within it too; a sibling with a longer name is no child."""
    TrustBook(data).trust(root)
    book = TrustBook(data)
    assert book.covers(root)
    assert book.covers(root / "vendored" / "repository")
    assert not book.covers(root.parent)
    assert not book.covers(root.with_name("thing-else"))


def test_trust_can_be_revoked_with_all_below(data: Path, root: Path) -> None:
    """What is revoked is told; what a parent covers stays covered."""
    book = TrustBook(data)
    book.trust(root)
    book.trust(root.parent)
    assert book.revoke(root) == ()
    assert book.covers(root)
    assert book.revoke(root.parent) == (root.parent,)
    assert not book.covers(root)


def test_the_file_is_the_users_alone(data: Path, root: Path) -> None:
    """Nobody else can read or write it, and one that others can write is not believed."""
    book = TrustBook(data)
    book.trust(root)
    assert trusted_file(data).stat().st_mode & 0o777 == 0o600
    trusted_file(data).chmod(0o666)
    assert not book.covers(root)


def test_a_link_that_is_moved_takes_no_trust_along(data: Path, root: Path, tmp_path: Path) -> None:
    """Trust is for the folder that the link led to."""
    link = tmp_path / "link"
    link.symlink_to(root)
    book = TrustBook(data)
    assert book.trust(link) == root
    assert book.covers(link)
    link.unlink()
    link.symlink_to(tree(tmp_path / "evil", {"pyproject.toml": ""}))
    assert not book.covers(link)


def test_a_home_folder_cannot_be_trusted(data: Path, home: Path) -> None:
    """Nor what is above it, nor what is no folder."""
    for folder in (home, home.parent, Path("/"), Path("/tmp"), home / "nowhere"):
        with pytest.raises(ConfigError):
            TrustBook(data).trust(folder)


def _trust(data: Path, folder: Path) -> None:
    TrustBook(data).trust(folder)


@pytest.mark.slow
def test_processes_that_answer_at_once_lose_no_answer(data: Path, tmp_path: Path) -> None:
    """Each replaces the file under a lock."""
    folders = [tree(tmp_path / f"p{number}", {"x": ""}) for number in range(8)]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_trust, args=(data, folder)) for folder in folders]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert set(TrustBook(data).read().trusted) == set(folders)


def standing(workspace: Workspace, root: Path) -> tuple[Trust, str]:
    """What is known of the project of a document."""
    found = workspace.standing_of((root / "pkg" / "mod.py").as_uri())
    assert found is not None
    assert (found.usable is not None) == (found.trust is Trust.TRUSTED)
    return found.trust, found.reason


def test_an_editors_own_notion_of_trust_counts_for_its_folders(data: Path, root: Path, tmp_path: Path) -> None:
    """Yes and no; a document outside of the window's folders is not covered by either."""
    book = TrustBook(data)
    elsewhere = tree(tmp_path / "elsewhere", {"pyproject.toml": ""})
    trusted = Workspace(Opened(folders=(root,), trusts=True), book)
    assert standing(trusted, root)[0] is Trust.TRUSTED
    assert standing(trusted, elsewhere)[0] is Trust.UNKNOWN
    book.trust(root)
    assert standing(Workspace(Opened(folders=(root,), trusts=False), book), root)[0] is Trust.REFUSED
    assert standing(Workspace(Opened(folders=(root,)), book), root) == (Trust.TRUSTED, f"you trusted {root}")


def test_a_declined_folder_is_not_asked_about_again(data: Path, root: Path) -> None:
    """Until it is trusted after all."""
    book = TrustBook(data)
    book.decline(root)
    assert standing(Workspace(Opened(), book), root)[0] is Trust.REFUSED
    book.trust(root)
    assert standing(Workspace(Opened(), book), root)[0] is Trust.TRUSTED


def test_trust_in_a_member_does_not_cover_the_environment_above_it(data: Path, root: Path) -> None:
    """The packages of a workspace's environment are code of the whole workspace."""
    tree(root, {".git/HEAD": "", "inner/pyproject.toml": "", "inner/pkg/mod.py": ""})
    environment(root / ".venv")
    book = TrustBook(data)
    book.trust(root / "inner")
    assert standing(Workspace(Opened(), book), root / "inner")[0] is Trust.UNKNOWN
    book.trust(root)
    assert standing(Workspace(Opened(), book), root / "inner")[0] is Trust.TRUSTED


def test_the_settings_project_serves_its_documents(root: Path, data: Path) -> None:
    """Naming a folder there is trusting it; one that cannot be used is a problem to tell."""
    for name in ("mod.py", "pkg/deep/mod.py"):
        found = Workspace(Opened(project=str(root)), TrustBook(data)).standing_of((root / name).as_uri())
        assert found is not None
        assert found.usable is not None
        assert found.usable.root == root
    for folder in ("/nowhere", "~", "/"):
        assert "sandbox.project" in Workspace(Opened(project=folder), None).problem


def test_documents_elsewhere_are_not_trusted_by_the_settings_project(root: Path, tmp_path: Path, data: Path) -> None:
    """Neither a stranger's project, nor a file that a link or dots seem to put into the folder."""
    stranger = tree(tmp_path / "stranger", {"pyproject.toml": "", "mod.py": ""})
    (root / "linked").symlink_to(stranger)
    workspace = Workspace(Opened(project=str(root)), TrustBook(data))
    for place in (stranger, root / "linked", root / ".." / ".." / "stranger"):
        found = workspace.standing_of(f"file://{place}/mod.py")
        assert found is not None
        assert (found.project.root, found.usable) == (stranger, None)
    assert workspace.standing_of("untitled:one") is None


def test_a_document_that_is_no_file_has_no_project(data: Path) -> None:
    """Untitled buffers and other machines' files."""
    workspace = Workspace(Opened(trusts=True), TrustBook(data))
    for uri in ("untitled:one", "file://elsewhere/x.py", "https://host/x.py", "file:///%00"):
        assert workspace.standing_of(uri) is None
