"""Finds the project of a document, and caches it until a file that it depends on changes.

It is synchronous, and several threads may use it. It only reads files and executes no code, so it may read any folder.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from plum_lsp.domain.project import Environment, Project
from plum_lsp.project import layout
from plum_lsp.project.editable import editable_installs
from plum_lsp.project.environments import broken_environment
from plum_lsp.project.looking import Look
from plum_lsp.project.roots import is_too_wide, root_of, top_of
from plum_lsp.project.searching import IN_PROJECT, Choices, find_environment
from plum_lsp.project.walking import FOLDERS_MAX, importable, walk

_log = logging.getLogger(__name__)
PROJECTS_KEPT_MAX = 16
"""The most projects in memory. A window has a few roots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A project, and the state of the files that it was read from."""

    look: Look
    project: Project


class ProjectFinder:
    """Finds projects within the folders of a workspace. There may be no folders."""

    def __init__(self, *, folders: Iterable[Path] = (), choices: Choices | None = None) -> None:
        self._folders = tuple(dict.fromkeys(folder.resolve() for folder in folders))
        self._choices = choices or Choices()
        self._kept: OrderedDict[Path, _Kept] = OrderedDict()
        self._lock = Lock()

    def project_of(self, document: Path) -> Project | None:
        """The project that a document belongs to. None if it belongs to none. Blocks while it reads.

        Args:
            document: its path. It need not exist.
        """
        try:
            path = document.resolve()
            found = root_of(Look(), path, self._folders)
            return self.project_at(found[0], is_marked=found[1]) if found else None
        except (
            OSError,
            RuntimeError,
            ValueError,
        ) as error:  # a cycle of links, or a folder that cannot be read
            _log.warning("a document's project cannot be read: %s", type(error).__name__)
            return None

    def project_at(self, root: Path, *, is_marked: bool = True) -> Project:
        """The project in a folder. Any folder counts as a project here. Blocks while it reads."""
        root = root.resolve()
        with self._lock:
            kept = self._kept.get(root)
        if kept is None or not kept.look.is_fresh():
            look = Look()
            top = top_of(look, root, self._folders)
            kept = _Kept(look=look, project=_read(look, root, top, self._choices, is_marked=is_marked))
        with self._lock:
            self._kept[root] = kept
            self._kept.move_to_end(root)
            while len(self._kept) > PROJECTS_KEPT_MAX:
                self._kept.popitem(last=False)
        return kept.project


def _read(look: Look, root: Path, top: Path, choices: Choices, *, is_marked: bool) -> Project:
    """The project in a folder, read from its current files."""
    environment = find_environment(look, root, top, choices)
    editable = editable_installs(look, environment.site_packages if environment else ())
    own = layout.import_roots(look, root)
    walked = walk(look, root, is_marked=is_marked)
    mapped = tuple(module for module in editable.mapped if _is_allowed(module.path))
    added = [folder for folder in editable.roots if _is_allowed(folder)]
    inside = [folder for folder in added if folder.is_relative_to(root)]
    roots = tuple(dict.fromkeys([*own[:-1], *inside, root, *added]))
    tests = layout.stated_tests(look, root) or tuple(walked.tests)
    return Project(
        root=root,
        top=_top_used(root, top, environment),
        environment=environment,
        import_roots=roots,
        mapped=mapped,
        packages=importable(look, [folder for folder in roots if folder.is_relative_to(root)], walked.regular),
        regular=frozenset(walked.regular),
        tests=tests,
        test_names=layout.stated_test_names(look, root),
        problems=tuple(_problems(look, root, environment, is_whole=walked.is_whole)),
        is_marked=is_marked,
    )


def _is_allowed(place: Path) -> bool:
    """Whether the sandbox may see the place of an editable install. A whole home folder is never allowed."""
    return not is_too_wide(place)


def _top_used(root: Path, top: Path, environment: Environment | None) -> Path:
    """The outermost folder that the project takes code from.

    An environment in a folder above its root counts, too, and so does a folder above that names one anywhere.
    """
    if environment is None:
        return root
    prefix = environment.prefix.resolve()
    above = [folder for folder in root.parents if folder.is_relative_to(top)]
    holding = next((folder for folder in (root, *above) if prefix.is_relative_to(folder)), root)
    naming = environment.chosen_in or root
    return naming if holding.is_relative_to(naming) else holding


def _problems(look: Look, root: Path, environment: Environment | None, *, is_whole: bool) -> Iterable[str]:
    if environment is None or not environment.prefix.is_relative_to(root):
        yield from filter(None, (broken_environment(look, root / name) for name in IN_PROJECT))
    if not is_whole:
        yield f"{root} has more than {FOLDERS_MAX} folders, and the others are not searched"
