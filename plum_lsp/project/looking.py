"""Reads files and remembers the state of each, so that a result can be cached until one of them changes.

A project's files are not trusted. Reads are bounded, and a file that cannot be read counts as absent.
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
"""Configuration and path files are short. Longer ones count as empty."""
ENTRIES_MAX = 5000
"""The most entries of a folder that are listed. A folder with more entries holds data."""

_State: TypeAlias = tuple[int, int, int] | None


class Look:
    """One series of reads. It remembers every path it is asked about, even if there is no file."""

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}
        self._texts: dict[Path, str] = {}

    def is_fresh(self) -> bool:
        """Whether the files and folders are unchanged: none was written, created or removed."""
        return all(_state(path) == state for path, state in self._states.items())

    def is_file(self, path: Path) -> bool:
        """Whether there is a file, or a link to one."""
        return self._exists(path) and path.is_file()

    def is_folder(self, path: Path) -> bool:
        """Whether there is a folder, or a link to one."""
        return self._exists(path) and path.is_dir()

    def text(self, path: Path) -> str:
        """The text of a file. Empty if there is none, or if it is not an ordinary, readable, short file."""
        if path not in self._texts:
            self._texts[path] = _read(path) if self.is_file(path) else ""
        return self._texts[path]

    def children(self, folder: Path) -> list[os.DirEntry[str]]:
        """The entries of a folder by name. Empty if it cannot be read."""
        if not self._exists(folder):
            return []
        try:
            with os.scandir(folder) as entries:
                found = [entry for entry, _ in zip(entries, range(ENTRIES_MAX), strict=False)]
        except OSError:
            return []
        return sorted(found, key=lambda entry: entry.name)

    def toml(self, path: Path) -> Mapping[str, object]:
        """The table of a TOML file. Empty if it cannot be read."""
        try:
            return tomllib.loads(self.text(path))
        except (ValueError, RecursionError):
            return {}

    def ini(self, path: Path) -> ConfigParser:
        """The sections of an INI file. Empty if it cannot be read."""
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
    """The table at the end of a path of keys. Empty if a key is missing or its value is not a table."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def strings(value: object) -> tuple[str, ...]:
    """The strings of a list. A single string counts as a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _state(path: str) -> _State:
    try:
        found = os.stat(path)  # noqa: PTH116 (a request makes thousands of calls, and `Path.stat` costs twice as much)
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
