"""Finds the tests of a project that may reach a function. It reads files and remembers their contents. It runs no code.

Files, bytes and time are bounded. A request uses what is known in time.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from threading import Lock

from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.verification import TestCase
from plum_lsp.project.facts import Facts, facts_file, read_facts, write_facts
from plum_lsp.project.files import Budget, read_text
from plum_lsp.project.privacy import private_paths
from plum_lsp.project.walking import python_files
from plum_lsp.python.specification.whole_tests import Defined, Indexed, indexed, tests_reaching

FILE_BYTES_MAX = 1024 * 1024
KEPT_MAX = 4000
PROJECTS_KEPT_MAX = 16
SECONDS_MAX = 1.5
"""Work of a request for reading unknown files. The next request reads the rest."""
TESTS_MAX = 288
"""The most tests that are run with the hole unfilled to see which reach it: three batches."""
EVERYWHERE_MIN, EVERYWHERE_SHARE = 60, 0.08
"""A name in more files than both is not followed. It means too many things, and reading all of them takes seconds."""
_TEST_FILE = re.compile(r"(?:test_\w+|\w+_tests?|tests?|conftest)\.py")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(slots=True, eq=False)
class _File:
    """The known facts of a file. `functions` is None until it is needed."""

    state: tuple[int, int]
    words: frozenset[str]
    functions: tuple[Defined, ...] | None = None


class TestIndex:
    """The known facts of projects' files. Safe to use from several threads. They are kept in the folder `cache`."""

    __test__ = False

    def __init__(self, *, exclude: Sequence[str], cache: Path | None = None) -> None:
        self._private, self._cache = private_paths(tuple(exclude)), cache
        self._recalled: dict[Path, dict[Path, Facts]] = {}
        self._news: set[Path] = set()
        self._kept: OrderedDict[Path, _File] = OrderedDict()
        self._counted: dict[Path, tuple[tuple[_File, ...], Counter[str]]] = {}
        self._lock = Lock()

    def tests_of(self, project: Project, document: Path, context: Context) -> tuple[TestCase, ...]:
        """The tests that may reach the function at the hole, likeliest first. It blocks while it reads."""
        module = document.parent.name if document.stem == "__init__" else document.stem
        names = names_of(context, module)
        if not names:
            return ()
        stem = module.strip("_")
        with self._lock:
            self._recall(project)
            budget = Budget(SECONDS_MAX)
            files = sorted(
                python_files(project, self._private),
                key=lambda path: (path != document, stem not in path.stem, not _is_test(path)),
            )
            known = {path: self._kept[path] for path in files if self._look(path, budget)}
            own = indexed(context.before + "pass" + context.after)
            counts = self._counts_of(project, tuple(known.values()))
            everywhere = max(EVERYWHERE_MIN, EVERYWHERE_SHARE * len(known))

            @cache
            def read(path: Path) -> Indexed:
                return self._indexed(project, path, stem, own if path == document else None, budget)

            def mentioning(wanted: AbstractSet[str]) -> Sequence[Indexed]:
                return [read(path) for path, file in known.items() if not wanted.isdisjoint(file.words)]

            def is_everywhere(word: str) -> bool:
                return counts[word] > everywhere

            return tests_reaching(names, mentioning, limit=TESTS_MAX, stem=stem, is_everywhere=is_everywhere)

    def read_ahead(self, project: Project, *, seconds: float) -> bool:
        """Read files that are not known yet, for some time. Whether some are left. Blocks.

        A request that comes meanwhile waits for the rest of this time, and on a busy machine for several times as long.
        """
        with self._lock:
            self._recall(project)
            budget = Budget(seconds)
            files = python_files(project, self._private)
            for path in files:
                if self._look(path, budget):
                    self._read(project, path, budget)
            if not budget.is_over:
                self._keep(project, files)
            return budget.is_over

    def test_files(self, project: Project) -> list[str]:
        """The files with tests, by their paths below the project's folder. Blocks."""
        with self._lock:
            found = [path for path in python_files(project, self._private) if _is_test(path)]
        inside = [path for path in found if path.is_relative_to(project.root) and path.name != "conftest.py"]
        return [path.relative_to(project.root).as_posix() for path in inside]

    def _look(self, path: Path, budget: Budget) -> bool:
        """Whether the words of a file are known and up to date."""
        try:
            found = path.stat()
        except OSError:
            return False
        state = (found.st_mtime_ns, found.st_size)
        kept = self._kept.get(path)
        if kept is None or kept.state != state:
            if budget.is_over:
                return False
            words = frozenset(_WORD.findall(read_text(path, bytes_max=FILE_BYTES_MAX)))
            self._kept[path] = _File(state, words)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return path in self._kept

    def _read(self, project: Project, path: Path, budget: Budget) -> None:
        """Find the functions of a file: as an earlier session found them, or by parsing it if there is time."""
        kept = self._kept[path]
        if kept.functions is not None:
            return
        recalled = self._recalled.get(project.root, {}).get(path)
        if recalled is not None and recalled.state == kept.state:
            kept.functions = recalled.functions
        elif not budget.is_over:
            kept.functions = indexed(read_text(path, bytes_max=FILE_BYTES_MAX))
            self._news.add(project.root)

    def _recall(self, project: Project) -> None:
        """Read what an earlier session kept of a project, once."""
        if self._cache is None or project.root in self._recalled:
            return
        self._recalled[project.root] = read_facts(facts_file(self._cache, project.root), project.root)
        while len(self._recalled) > PROJECTS_KEPT_MAX:
            self._recalled.pop(next(iter(self._recalled)))

    def _keep(self, project: Project, files: Sequence[Path]) -> None:
        """Keep what is known of a project for the next session, if some of it is new, or of files that are gone."""
        recalled = self._recalled.get(project.root, {})
        if self._cache is None or not (project.root in self._news or recalled.keys() - set(files)):
            return
        known = {path: self._kept[path] for path in files if path in self._kept}
        facts = {
            path: Facts(state=file.state, functions=file.functions)
            for path, file in known.items()
            if file.functions is not None
        }
        write_facts(facts_file(self._cache, project.root), project.root, facts)
        self._recalled[project.root] = {}
        self._news.discard(project.root)

    def _counts_of(self, project: Project, files: tuple[_File, ...]) -> Counter[str]:
        """In how many of a project's files each word stands. Counted again once one of them has changed."""
        kept = self._counted.get(project.root)
        if kept is None or kept[0] != files:
            kept = self._counted[project.root] = files, Counter(chain.from_iterable(file.words for file in files))
            while len(self._counted) > PROJECTS_KEPT_MAX:
                self._counted.pop(next(iter(self._counted)))
        return kept[1]

    def _indexed(
        self, project: Project, path: Path, stem: str, own: tuple[Defined, ...] | None, budget: Budget
    ) -> Indexed:
        """A file with its functions. For the document, the editor's text is read."""
        functions = own
        if functions is None:
            self._read(project, path, budget)
            functions = self._kept[path].functions or ()
        if not _is_test(path) and not any(path.is_relative_to(place) for place in project.tests):
            functions = tuple(one for one in functions if not one.is_test)
        is_near = stem in path.stem
        name = path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else path.as_posix()
        return Indexed(path=name, functions=functions, is_near=is_near)


def names_of(context: Context, module: str = "") -> tuple[str, ...]:
    """The names of the function at the hole, then of its class. Empty outside of any function.

    Python calls the special functions of a module, such as `__getattr__`. Their callers name the module.
    """
    function = context.function
    if function is None:
        return ()
    parts = [part for part in reversed(function.qualified_name.split(".")) if part.isidentifier()]
    if module and len(parts) == 1 and _is_special(parts[0]):
        parts.append(module)
    return tuple(dict.fromkeys(part for part in parts if not (_is_special(part) and len(parts) > 1)))


def _is_special(name: str) -> bool:
    """Whether a method is called by Python, and not by its name."""
    return name.startswith("__") and name.endswith("__")


def _is_test(path: Path) -> bool:
    return _TEST_FILE.fullmatch(path.name) is not None
