"""Chooses tests by names and by the maps that earlier runs have left. It runs no code.

`tests_of` may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.verification import TestCase
from plum_lsp.project.files import read_text
from plum_lsp.project.mapping.choosing import chosen
from plum_lsp.project.mapping.stored import MappedFile, TestMap, digest_of, map_file, read_map
from plum_lsp.project.test_index import FILE_BYTES_MAX, TESTS_MAX, TestIndex
from plum_lsp.python.specification.whole_tests import is_complete

PROJECTS_MAX = 8
"""The projects whose maps are held in memory."""


class KnownTests:
    """What is known of the tests of projects. `folder` keeps their maps. Without one there are none at first."""

    def __init__(self, index: TestIndex, folder: Path | None) -> None:
        self._index, self._folder = index, folder
        self._maps: dict[Path, TestMap] = {}
        self._digests: dict[Path, tuple[tuple[int, int], str]] = {}

    def tests_of(self, project: Project, document: Path, context: Context) -> tuple[TestCase, ...]:
        """The tests of the function at the hole, best first. It blocks while it reads."""
        static = self._index.tests_of(project, document, context)
        function = context.function
        if function is None or not document.is_relative_to(project.root):
            return static
        path, name = document.relative_to(project.root).as_posix(), function.qualified_name
        known = [
            test
            for file, mapped in list(self.map_of(project).files.items())
            if self.is_fresh(project, mapped)
            for test in mapped.tests
        ]
        saved = read_text(document, bytes_max=FILE_BYTES_MAX)
        return chosen(static, known, (path, name), is_complete=is_complete(saved, name), limit=TESTS_MAX)

    def test_files(self, project: Project) -> list[str]:
        """The files with tests, by their paths below the project's folder. Blocks."""
        return self._index.test_files(project)

    def fresh_files(self, project: Project) -> tuple[int, int]:
        """The number of files with tests whose part of the map is up to date, and of all of them. Blocks."""
        files, known = self.test_files(project), self.map_of(project).files
        fresh = [file for file in files if file in known and self.is_fresh(project, known[file])]
        return len(fresh), len(files)

    def map_of(self, project: Project) -> TestMap:
        """The map of a project, as it is now. The caller that runs tests adds to it."""
        if project.root not in self._maps:
            while len(self._maps) >= PROJECTS_MAX:
                self._maps.pop(next(iter(self._maps)))
            found = read_map(map_file(self._folder, project.root)) if self._folder is not None else TestMap()
            self._maps[project.root] = found
        return self._maps[project.root]

    def is_fresh(self, project: Project, mapped: MappedFile) -> bool:
        """Whether no file has changed on which these tests depend."""
        return self.digests_of(project, list(mapped.digests)) == mapped.digests

    def digests_of(self, project: Project, paths: Sequence[str]) -> dict[str, str]:
        """The digests of files. A file is read again only if its time or size has changed."""
        found = {}
        for name in paths:
            path = project.root / name
            try:
                stated = path.stat()
            except OSError:
                found[name] = ""
                continue
            state = (stated.st_mtime_ns, stated.st_size)
            kept = self._digests.get(path)
            if kept is None or kept[0] != state:
                kept = self._digests[path] = (state, digest_of(path))
            found[name] = kept[1]
        return found
