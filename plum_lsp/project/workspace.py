"""The projects of one window, and whether their code may be executed. Synchronous. It asks no user and runs no code."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from plum_lsp.domain.project import Project
from plum_lsp.project.finding import ProjectFinder
from plum_lsp.project.roots import is_too_wide, path_of
from plum_lsp.project.searching import Choices
from plum_lsp.project.trust import Answers, TrustBook


class Trust(enum.Enum):
    """Whether a project's code is trusted."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    """There is no answer. The code is not executed, and the user may be asked."""
    REFUSED = "refused"
    """The answer was no. The code is not executed, and the user is not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A project and its trust. `reason` says, in words for a user, where the answer came from."""

    project: Project
    trust: Trust
    reason: str

    @property
    def usable(self) -> Project | None:
        """The project, if its code may be executed."""
        return self.project if self.trust is Trust.TRUSTED else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The facts about a window from the editor and the settings.

    `trusts` says whether the editor trusts the folders. None if the editor has no trust setting of its own.
    `project` and `interpreter` are the settings `sandbox.project` and `sandbox.interpreter`. Empty if not set.
    """

    folders: tuple[Path, ...] = ()
    trusts: bool | None = None
    selected: Mapping[Path, str] = field(default_factory=dict)
    project: str = ""
    interpreter: str = ""


class Workspace:
    """Finds the projects of a window. Several threads may use it."""

    def __init__(self, opened: Opened, book: TrustBook | None) -> None:
        self._opened = opened
        self._folders = tuple(folder.resolve() for folder in opened.folders)
        self._book = book
        choices = Choices(interpreter=opened.interpreter, selected=opened.selected)
        self._finder = ProjectFinder(folders=self._folders, choices=choices)

    @property
    def problem(self) -> str:
        """Why the project in the settings cannot be used. Empty if it can be used, or if none is set."""
        if not self._opened.project:
            return ""
        folder = Path(self._opened.project).expanduser().resolve()
        if not folder.is_dir():
            return f"{folder} is no folder. Correct sandbox.project, or leave it empty."
        return f"{folder} holds far more than a project. Name one in sandbox.project." if is_too_wide(folder) else ""

    def standing_of(self, uri: str) -> Standing | None:
        """The project of a document and its trust. None if the document has no project. Blocks."""
        path = path_of(uri)
        if path is not None and self._opened.project and not self.problem:
            folder = Path(self._opened.project).expanduser().resolve()
            if _lies_in(path, folder):
                project = self._finder.project_at(folder)
                return Standing(project=project, trust=Trust.TRUSTED, reason="sandbox.project names it")
        found = self._finder.project_of(path) if path is not None else None
        if found is None:
            return None
        trust, reason = self._trust_in(found.top)
        return Standing(project=found, trust=trust, reason=reason)

    def standing_at(self, folder: Path) -> Standing:
        """The project in a folder that the user names, and its trust. Naming it is no trust. Blocks."""
        found = self._finder.project_at(folder.expanduser())
        trust, reason = self._trust_in(found.top)
        return Standing(project=found, trust=trust, reason=reason)

    def _trust_in(self, top: Path) -> tuple[Trust, str]:
        """Whether the code of a folder may be executed, and where the answer came from."""
        is_in_window = any(top.is_relative_to(folder) for folder in self._folders)
        if is_in_window and self._opened.trusts is not None:
            if self._opened.trusts:
                return Trust.TRUSTED, "the editor trusts it"
            return Trust.REFUSED, "the editor does not trust it"
        answers = self._book.read() if self._book is not None else Answers()
        if (covering := answers.covering(top)) is not None:
            return Trust.TRUSTED, f"you trusted {covering}"
        if any(top.is_relative_to(folder) for folder in answers.declined):
            return Trust.REFUSED, "you declined to trust it"
        return Trust.UNKNOWN, "you have not said whether you trust it"


def _lies_in(document: Path, folder: Path) -> bool:
    """Whether a document lies in a folder, with links resolved."""
    try:
        return document.resolve().is_relative_to(folder)
    except (OSError, RuntimeError, ValueError):  # a cycle of links
        return False
