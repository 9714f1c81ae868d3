"""The editor's layer of the settings: pushed, pulled or sent at the start. Merging and checking are `config`.

A project's own file is applied last and may only narrow: opening a folder is not trusting it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from plum_lsp.config import Loaded, Settings, narrow

SECTION = "plum"
"""The name of our settings in an editor."""
PROJECT_FILE = ".plum.toml"
PROBLEMS_TOLD_MAX = 200
"""Problems remembered so as not to repeat them; a client that invents new ones for ever is told no more."""

Load: TypeAlias = Callable[[Mapping[str, object]], Loaded]
"""Merges the editor's layer over the ones below it."""


class SettingsKeeper:
    """Knows the settings in force, and tells each problem once."""

    def __init__(self, load: Load, complain: Callable[[str], None]) -> None:
        self._load = load
        self._complain = complain
        self._told: set[str] = set()
        self._initial: Mapping[str, object] = {}
        self._pushed: object = None
        self.folders: tuple[Path, ...] = ()
        """The editor's workspace: these may hold a project's file."""
        self.current = Settings()

    def start(self, options: object, folders: Iterable[Path]) -> None:
        """Take what `initialize` said: the options and the workspace's folders."""
        self._initial = section_of(options)
        self.move(folders)

    def move(self, folders: Iterable[Path]) -> None:
        """Take the workspace's folders; what the editor said last stays."""
        self.folders = tuple(folders)
        self.take(self._pushed)

    def take(self, pushed: object) -> None:
        """Take what the editor says now; it lies over what it said at the start."""
        self._pushed = pushed
        loaded = self._load(_laid_over(self._initial, section_of(pushed)))
        self.current, problems = narrowed(loaded.settings, self.folders)
        for problem in loaded.problems + problems:
            if problem not in self._told and len(self._told) < PROBLEMS_TOLD_MAX:
                self._told.add(problem)
                self._complain(problem)


def narrowed(settings: Settings, folders: Iterable[Path]) -> tuple[Settings, tuple[str, ...]]:
    """The settings under the project files of these folders, and what those files may not say."""
    problems: tuple[str, ...] = ()
    for folder in folders:
        settings, more = narrow(settings, folder / PROJECT_FILE)
        problems += more
    return settings, problems


def section_of(values: object) -> Mapping[str, object]:
    """Our section of what an editor sent, which may or may not be wrapped in its name; empty if there is none."""
    if not isinstance(values, Mapping):
        return {}
    inner = values.get(SECTION, values)
    return inner if isinstance(inner, Mapping) else {}


def _laid_over(lower: Mapping[str, object], upper: Mapping[str, object]) -> dict[str, object]:
    """Both tables as one, `upper` winning; null in `upper` means that the user left the setting alone."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = _laid_over(below, value)
        elif value is not None:
            merged[key] = value
    return merged
