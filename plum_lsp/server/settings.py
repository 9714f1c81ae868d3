"""The editor's layer of the settings: pushed, pulled or sent at the start. `config` merges and checks them.

A project's own file is applied last and may only narrow the settings, because opening a folder is not trust.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from plum_lsp.config import Loaded, Settings, narrow, setting_keys

SECTION = "plum"
"""The name of the section with plum-lsp's settings in an editor."""
PROJECT_FILE = ".plum.toml"
PROBLEMS_TOLD_MAX = 200
"""How many problems are remembered so that none is shown twice. After that many, no further problem is shown."""

Load: TypeAlias = Callable[[Mapping[str, object]], Loaded]
"""Merges the editor's layer over the ones below it."""


class SettingsKeeper:
    """Holds the current settings, and reports each problem once."""

    def __init__(self, load: Load, complain: Callable[[str], None]) -> None:
        self._load = load
        self._complain = complain
        self._told: set[str] = set()
        self._initial: object = None
        self._pushed: object = None
        self.folders: tuple[Path, ...] = ()
        """The folders of the editor's workspace. Each may hold a project's file."""
        self.current = Settings()

    def start(self, options: object, folders: Iterable[Path]) -> None:
        """Take the options and the workspace's folders from `initialize`."""
        self._initial = options
        self.move(folders)

    def move(self, folders: Iterable[Path]) -> None:
        """Take new workspace folders. The editor's latest settings stay."""
        self.folders = tuple(folders)
        self.take(self._pushed)

    def take(self, pushed: object) -> None:
        """Take the editor's new settings. They override the settings from the start."""
        self._pushed = pushed
        loaded = self._load(_laid_over(section_of(self._initial), section_of(pushed)))
        self.current, problems = narrowed(loaded.settings, self.folders)
        for problem in (*loaded.problems, *no_table_in(self._initial), *no_table_in(pushed), *problems):
            if problem not in self._told and len(self._told) < PROBLEMS_TOLD_MAX:
                self._told.add(problem)
                self._complain(problem)


def narrowed(settings: Settings, folders: Iterable[Path]) -> tuple[Settings, tuple[str, ...]]:
    """The settings, narrowed by the project files of these folders, and the problems in those files."""
    problems: tuple[str, ...] = ()
    for folder in folders:
        settings, more = narrow(settings, folder / PROJECT_FILE)
        problems += more
    return settings, problems


def section_of(values: object) -> Mapping[str, object]:
    """The section of plum-lsp in an editor's settings, with or without its name around it. Empty if there is none.

    Some editors push the settings of all servers, where none may be for plum-lsp.
    """
    inner = values.get(SECTION, values) if isinstance(values, Mapping) else None
    if not isinstance(inner, Mapping) or (inner is values and not any(map(_is_own, inner))):
        return {}
    return inner


def _is_own(name: object) -> bool:
    """Whether a name is one of plum-lsp's, or so much like one that it is a typing error."""
    own = {SECTION, *(key.partition(".")[0] for key in setting_keys())}
    return bool(difflib.get_close_matches(str(name).partition(".")[0], own, n=1, cutoff=0.75))


def no_table_in(values: object) -> tuple[str, ...]:
    """What is wrong if an editor sends a value where its settings belong, which are a table.

    Null and an empty list mean no settings. Lua has one form for an empty table and an empty list.
    """
    inner = values.get(SECTION) if isinstance(values, Mapping) and SECTION in values else values
    if inner is None or inner == [] or isinstance(inner, Mapping):
        return ()
    what = f"the section {SECTION!r}" if inner is not values else "the value"
    kinds = {bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "a list"}
    return (f"editor: {what} of the settings is {kinds.get(type(inner), 'no table')}, so it is ignored",)


def _laid_over(lower: Mapping[str, object], upper: Mapping[str, object]) -> dict[str, object]:
    """Both tables merged. `upper` wins. Null in `upper` means that the user did not set the value."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = _laid_over(below, value)
        elif value is not None:
            merged[key] = value
    return merged
