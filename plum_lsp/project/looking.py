"""Looks at files and remembers the state of each, so that what was concluded from them can be kept while none changes.

A project's files come from strangers: what is read is bounded, and what cannot be read is taken for absent.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path
from typing import TypeAlias

TEXT_BYTES_MAX = 512 * 1024
"""Configuration and path files are short; longer ones are taken for empty."""
ENTRIES_MAX = 5000
"""A folder with more entries holds data."""

_State: TypeAlias = tuple[int, int, int] | None


class Look:
    """One look round: every path it is asked about counts, also one where there is nothing."""

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}
        self._texts: dict[Path, str] = {}

    def is_fresh(self) -> bool:
        """Whether nothing has changed since: no file or folder was written, made or removed."""
        return all(_state(path) == state for path, state in self._states.items())

    def is_file(self, path: Path) -> bool:
        """Whether there is a file, or a link to one."""
        return self._exists(path) and path.is_file()

    def is_folder(self, path: Path) -> bool:
        """Whether there is a folder, or a link to one."""
        return self._exists(path) and path.is_dir()

    def text(self, path: Path) -> str:
        """The text of a file; empty if there is none, or it is no ordinary, readable, short file."""
        if path not in self._texts:
            self._texts[path] = _read(path) if self.is_file(path) else ""
        return self._texts[path]

    def children(self, folder: Path) -> list[os.DirEntry[str]]:
        """The entries of a folder by name; none if it cannot be read."""
        if not self._exists(folder):
            return []
        try:
            with os.scandir(folder) as entries:
                found = [entry for entry, _ in zip(entries, range(ENTRIES_MAX), strict=False)]
        except OSError:
            return []
        return sorted(found, key=lambda entry: entry.name)

    def toml(self, path: Path) -> Mapping[str, object]:
        """The table of a TOML file; empty if it cannot be read."""
        try:
            return tomllib.loads(self.text(path))
        except (ValueError, RecursionError):
            return {}

    def ini(self, path: Path) -> ConfigParser:
        """The sections of an INI file; none if it cannot be read."""
        parser = ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(self.text(path))
        except (ConfigParserError, ValueError):
            return ConfigParser(interpolation=None)
        return parser

    def _exists(self, path: Path) -> bool:
        state = self._states[str(path)] = _state(str(path))
        return state is not None


def table(value: object, *keys: str) -> Mapping[str, object]:
    """The table found by following keys; empty where one is missing or is no table."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def strings(value: object) -> tuple[str, ...]:
    """The strings of a list, or a string as the only one."""
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _state(path: str) -> _State:
    try:
        found = os.stat(path)  # noqa: PTH116 (thousands of these for each request; `Path.stat` costs twice as much)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(TEXT_BYTES_MAX + 1)
    except OSError:
        return ""
    return content.decode("utf-8", errors="replace") if len(content) <= TEXT_BYTES_MAX else ""
