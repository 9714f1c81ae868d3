"""Finds a document's project: the nearest folder with a project file, within the workspace and below home."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from plum_lsp.project.looking import Look

MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg", "Pipfile")
"""Files and folders that mark the folder of a project."""
WEAK_MARKERS = ("requirements.txt", "environment.yml", ".venv/pyvenv.cfg", "venv/pyvenv.cfg")
"""Weak marks, used only without a better one, because a folder of documents may have requirements, too."""
TEST_MARKERS = ("pytest.ini", ".pytest.ini", "tox.ini", "noxfile.py", "conftest.py")
"""Marks of a project's folder or of its tests. Without a better mark, the outermost such folder counts."""
VERSION_CONTROL = (".git", ".hg")
_SYSTEM_FOLDERS = frozenset(
    f"/{name}"
    for name in ("bin", "etc", "home", "lib", "media", "mnt", "opt", "srv", "tmp", "usr", "usr/lib", "var", "Users")
)
FILES_MAX = 100_000
"""Addresses that are remembered. A store of a million candidates has some thousand files."""
DEPTH_UP_MAX = 12
"""The most folders above the document in which a project may begin."""


def root_of(look: Look, document: Path, folders: Sequence[Path]) -> tuple[Path, bool] | None:
    """The folder of the project, else of the workspace, else of the document, and whether a file marks it.

    Args:
        document: it need not exist.
        folders: the workspace's, resolved if the document is. A project does not begin above the one that holds the
        document.
    """
    within = _within(document, folders)
    for markers, order in ((MARKERS, within), (WEAK_MARKERS, within), (TEST_MARKERS, within[::-1])):
        for folder in order:
            if any(look.is_file(folder / marker) or look.is_folder(folder / marker) for marker in markers):
                return folder, True
    usual = (one for one in (_bound(document, folders), document.parent) if one is not None)
    return next(((one, False) for one in usual if look.is_folder(one) and not is_too_wide(one)), None)


def readable_root(document: Path, folders: Sequence[Path]) -> tuple[Path | None, bool]:
    """Where files may be read for the sake of a document, and whether all below it may: of a project or a workspace.

    A document outside the workspace has no such place. Of a folder that is neither, only what lies beside counts.
    """
    if folders and _bound(document, folders) is None:
        return None, False
    root, is_marked = root_of(Look(), document, folders) or (None, False)
    return root, is_marked or root in folders


@lru_cache(FILES_MAX)
def placed(document_uri: str) -> tuple[str, str, bool]:
    """The project's folder, the path in it, and whether a file marks the folder as a project.

    Without a project, the folder of the file and its name. Without a file, an empty folder and no more than a name.
    """
    path = path_of(document_uri)
    if path is None:
        return "", document_uri.rpartition("/")[2], False
    try:
        found = root_of(Look(), path, ())
    except (OSError, ValueError):
        found = None
    if found is None or not found[1]:
        return str(path.parent), path.name, False
    return str(found[0]), path.relative_to(found[0]).as_posix(), True


def top_of(look: Look, root: Path, folders: Sequence[Path]) -> Path:
    """The outermost folder that may belong to a project: that of its repository, else that of the workspace."""
    for folder in _within(root / "_", folders):
        if any(look.is_folder(folder / name) or look.is_file(folder / name) for name in VERSION_CONTROL):
            return folder
    bound = _bound(root, folders)
    return bound if bound is not None and not is_too_wide(bound) else root


def is_too_wide(folder: Path) -> bool:
    """Whether a folder holds far more than a project: home, a folder above it, or a system folder."""
    home = Path.home().resolve()
    temporary = Path(tempfile.gettempdir()).resolve()
    return folder in {home, *home.parents, temporary, Path(folder.anchor)} or str(folder) in _SYSTEM_FOLDERS


def path_of(uri: str) -> Path | None:
    """The path of a document on this machine. None for other documents."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    is_here = parts.scheme == "file" and parts.netloc in ("", "localhost") and "\0" not in unquote(parts.path)
    return Path(unquote(parts.path)) if is_here else None


def _within(document: Path, folders: Sequence[Path]) -> list[Path]:
    """The folders above a document that can be its project, nearest first."""
    bound = _bound(document, folders)
    above = list(document.parents)[:DEPTH_UP_MAX]
    return [one for one in above if not is_too_wide(one) and (bound is None or one.is_relative_to(bound))]


def _bound(document: Path, folders: Iterable[Path]) -> Path | None:
    """The innermost workspace folder that holds a document."""
    holding = [folder for folder in folders if document.is_relative_to(folder)]
    return max(holding, key=lambda folder: len(folder.parts), default=None)
