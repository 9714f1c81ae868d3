"""The map as values, and as a file in the user's data folder."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plum_lsp.domain.verification import RunOutcome
from plum_lsp.files.whole import write_whole
from plum_lsp.project.files import kept_file

_log = logging.getLogger(__name__)
_FORMAT = 1
MAP_BYTES_MAX = 64 * 1024 * 1024

Place = tuple[str, str]
"""A function: its file's path below the project's folder, and its qualified name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedTest:
    """A test as it ran with the files as saved. `name` is `file::Class::function`."""

    name: str
    wall_ms: float
    outcome: RunOutcome
    called: frozenset[Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedFile:
    """The tests of one file. `digests` are those of all files that they depend on, by path."""

    tests: tuple[MappedTest, ...]
    digests: Mapping[str, str]


@dataclass(slots=True)
class TestMap:
    """All mapped files of a project, by path below its folder."""

    __test__ = False

    files: dict[str, MappedFile] = field(default_factory=dict)


def digest_of(path: Path) -> str:
    """A digest of a file's content. Empty if it cannot be read."""
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""


def map_file(folder: Path, root: Path) -> Path:
    """Where the map of a project is kept."""
    return kept_file(folder, root, ".json")


def read_map(path: Path) -> TestMap:
    """The map in a file. Empty if there is none that can be read."""
    try:
        if path.stat().st_size > MAP_BYTES_MAX:
            return TestMap()
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        if path.exists():
            _log.info("a map of tests cannot be read: %s", type(error).__name__)
        return TestMap()


def _parsed(value: Any) -> TestMap:
    if value["format"] != _FORMAT:
        return TestMap()
    places: list[Place] = [(str(path), str(name)) for path, name in value["places"]]
    files = {}
    for path, entry in value["files"].items():
        tests = tuple(
            MappedTest(
                name=str(name),
                wall_ms=float(wall_ms),
                outcome=RunOutcome(outcome),
                called=frozenset(places[int(number)] for number in called),
            )
            for name, wall_ms, outcome, called in entry["tests"]
        )
        digests = {str(file): str(digest) for file, digest in entry["digests"].items()}
        files[str(path)] = MappedFile(tests=tests, digests=digests)
    return TestMap(files)


def write_map(path: Path, known: TestMap) -> None:
    """Keep a map. Only the user can read it. A failure is logged, because the map can be made again."""
    numbers: dict[Place, int] = {}
    files = {
        name: {
            "digests": dict(file.digests),
            "tests": [
                [
                    test.name,
                    round(test.wall_ms, 3),
                    test.outcome.value,
                    sorted(numbers.setdefault(place, len(numbers)) for place in test.called),
                ]
                for test in file.tests
            ],
        }
        for name, file in known.files.items()
    }
    text = json.dumps({"format": _FORMAT, "places": list(numbers), "files": files}, separators=(",", ":"))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        _log.warning("the map of a project's tests cannot be kept: %s", error)
