"""Finds a project's test files that may test a function. It reads names and text, and runs and writes no file.

It searches only below the project of the document (the nearest folder with a project file, but never above the user's
workspace). It follows no links, and skips private files (`privacy`). Folders, files and bytes are bounded, so
that a large tree takes little time. The nearest names come first.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.domain.project import TestFile
from plum_lsp.project.files import read_text
from plum_lsp.project.privacy import private_paths
from plum_lsp.project.roots import path_of, readable_root

FOLDERS_MAX = 400
"""The most folders that are searched."""
FILES_READ_MAX = 60
"""The most test files that are read to check whether they name the function."""
FILES_GIVEN_MAX = 12
"""The most files that are returned."""
FILE_BYTES_MAX = 256 * 1024
"""Longer test files are usually generated, or data."""
_TEST_FILE = re.compile(r"(?:test_\w+|\w+_tests?|tests?)\.py")
_TEST_FOLDERS = frozenset({"test", "tests", "testing"})
_SKIPPED = frozenset({"node_modules", "site-packages", "venv", "env", "build", "dist", "__pycache__"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFiles:
    """Finds test files, except those that the settings `exclude`."""

    exclude: tuple[str, ...]

    def test_files(self, uri: str, name: str, folders: Sequence[Path] = ()) -> tuple[TestFile, ...]:
        """The test files that name both the function and its module, nearest names first. Blocks while it reads.

        Args:
            uri: The document's URI. A document outside this machine has no tests. It need not exist.
            name: The function, or the class for its constructor.
            folders: The editor's workspace. If there are none, the project sets the limit.
        """
        path = path_of(uri)
        if path is None or not name:
            return ()
        root, is_marked = readable_root(path, folders)
        module = path.parent.name if path.stem == "__init__" else path.stem
        found: list[TestFile] = []
        candidates = self._candidates(root, path, is_marked=is_marked) if root is not None else ()
        for candidate in sorted(candidates, key=lambda one: (module not in one.stem, str(one)))[:FILES_READ_MAX]:
            text = read_text(candidate, bytes_max=FILE_BYTES_MAX)
            if root is not None and re.search(rf"\b{re.escape(name)}\b", text) and _is_imported(text, path, module):
                found.append(TestFile(path=candidate.relative_to(root).as_posix(), text=text))
            if len(found) == FILES_GIVEN_MAX:
                break
        return tuple(found)

    def _candidates(self, root: Path, path: Path, *, is_marked: bool) -> Iterator[Path]:
        """Test files below the root, by their names.

        If the root is no project, only its folders of tests are searched.
        """
        private = private_paths(self.exclude)
        walk = os.walk(root, followlinks=False)
        for folder, folders, files in itertools.islice(walk, FOLDERS_MAX):
            here = Path(folder)
            is_private = private.within(here).is_private
            is_tests = not _TEST_FOLDERS.isdisjoint(here.relative_to(root).parts)
            kept = [name for name in folders if is_marked or is_tests or name in _TEST_FOLDERS]
            kept = [name for name in kept if not name.startswith(".") and name not in _SKIPPED]
            kept = [name for name in kept if not is_private(here / name)]
            folders[:] = sorted(kept, key=lambda name: (name not in _TEST_FOLDERS, name))
            for name in sorted(files):
                is_test = _TEST_FILE.fullmatch(name) or (is_tests and name.endswith(".py") and name != "__init__.py")
                place = here / name if is_test else path
                if place != path and not place.is_symlink() and not is_private(place):
                    yield place


def _is_imported(text: str, path: Path, module: str) -> bool:
    """Whether a test file imports the module, or the package around it."""
    names = "|".join(re.escape(name) for name in (module, path.parent.name) if name)
    return re.search(rf"^[ \t]*(?:from|import)[ ][^\n]*\b(?:{names})\b", text, re.MULTILINE) is not None
