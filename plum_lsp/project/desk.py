"""The projects of one connection: the project of each document, and whether the user trusts it.

The user is asked about a folder once in a session, and never again after an answer. Files are read in a thread. The
module does not know LSP types.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from plum_lsp.config import Settings, data_dir
from plum_lsp.domain.errors import ConfigError
from plum_lsp.domain.project import Project
from plum_lsp.project.roots import path_of
from plum_lsp.project.trust import TrustBook
from plum_lsp.project.workspace import Opened, Standing, Trust, Workspace

logger = logging.getLogger(__name__)

TRUSTED_OPTION = "trusted"
INTERPRETERS_OPTION = "interpreters"
"""Keys of `initializationOptions` beside the settings. docs/protocol.md documents them."""


class Reply(enum.Enum):
    """The user's answer to the question whether a folder is trusted."""

    TRUST = "Trust the folder"
    LATER = "Not now"
    NEVER = "Never"


AskUser: TypeAlias = Callable[[Path], Awaitable[Reply]]


class ProjectDesk:
    """Holds the projects of a window.

    `complain` shows a problem to the user. A repeated problem is shown once. If the editor `is_remote`, it must not
    choose a program.
    """

    def __init__(self, ask: AskUser, complain: Callable[[str], None], *, is_remote: bool = False) -> None:
        self._ask = ask
        self._is_remote = is_remote
        self._complain = complain
        self._opened = Opened()
        self._book: TrustBook | None = None
        self._workspace = Workspace(self._opened, None)
        self._asked: set[Path] = set()
        self.last: Standing | None = None
        """The standing of the last document."""

    def start(self, options: object, folders: Iterable[Path]) -> None:
        """Take the values from `initialize`."""
        said = options if isinstance(options, Mapping) else {}
        trusts = said.get(TRUSTED_OPTION)
        trusts = trusts if isinstance(trusts, bool) else None
        self._opened = replace(self._opened, folders=tuple(folders), trusts=trusts)
        self.select(said.get(INTERPRETERS_OPTION))

    def configure(self, settings: Settings) -> None:
        """Use these settings from now on."""
        jail = settings.sandbox
        try:
            self._book = TrustBook(data_dir(settings))
        except ConfigError as error:
            logger.warning("trust cannot be remembered: %s", error)
            self._book = None
        self._opened = replace(self._opened, project=jail.project, interpreter=jail.interpreter)
        self._workspace = Workspace(self._opened, self._book)
        if self._workspace.problem:
            self._complain(self._workspace.problem)

    def move(self, folders: Iterable[Path]) -> None:
        """Take the workspace's folders. The editor's answer about trust also covers them."""
        self._opened = replace(self._opened, folders=tuple(folders))
        self._workspace = Workspace(self._opened, self._book)

    def select(self, interpreters: object) -> None:
        """Take the interpreters that the user selected in the editor, by folder."""
        self._opened = replace(self._opened, selected={} if self._is_remote else _interpreters(interpreters))
        self._workspace = Workspace(self._opened, self._book)

    async def standing_of(self, uri: str) -> Standing | None:
        """The project of a document, and whether it is trusted."""
        self.last = await asyncio.to_thread(self._workspace.standing_of, uri)
        return self.last

    async def usable(self, uri: str) -> Project | None:
        """The project of a document, if its code may be executed."""
        standing = await self.standing_of(uri)
        return standing.usable if standing else None

    async def consider(self, uri: str) -> Standing | None:
        """The standing of an opened document. If there is no answer about its project yet, the user is asked."""
        standing = await self.standing_of(uri)
        if standing is None or standing.trust is not Trust.UNKNOWN or not standing.project.is_marked:
            return standing
        top = standing.project.top
        if self._book is None or top in self._asked:
            return standing
        self._asked.add(top)
        reply = await self._ask(top)
        if reply is Reply.TRUST:
            self._remember(self._book.trust, top)
        elif reply is Reply.NEVER:
            self._remember(self._book.decline, top)
        return await self.standing_of(uri)

    async def trust(self, uri: str) -> tuple[str, str]:
        """Trust the project of a document because the user said so. Returns the folder, or why that is impossible."""
        standing = await self.standing_of(uri) if uri else self.last
        if standing is None or self._book is None:
            return "", "The document belongs to no project." if self._book else "There is no data folder."
        if standing.trust is not Trust.TRUSTED:
            problem = self._remember(self._book.trust, standing.project.top)
            if problem:
                return "", problem
        return str(standing.project.top), ""

    def _remember(self, change: Callable[[Path], object], folder: Path) -> str:
        """Store an answer. Returns an error text if that fails."""
        try:
            change(folder)
        except ConfigError as error:
            self._complain(str(error))
            return str(error)
        return ""


def without_ours(options: object) -> object:
    """The initialization options without the keys that are not settings."""
    if not isinstance(options, Mapping):
        return options
    return {key: value for key, value in options.items() if key not in {TRUSTED_OPTION, INTERPRETERS_OPTION}}


def _interpreters(value: object) -> dict[Path, str]:
    """The interpreter of each folder, from a table of URIs and paths."""
    if not isinstance(value, Mapping):
        return {}
    pairs = ((path_of(str(uri)), program) for uri, program in value.items())
    return {folder.resolve(): program for folder, program in pairs if folder and isinstance(program, str) and program}
