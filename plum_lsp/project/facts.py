"""Keeps what the files of a project tell between sessions, in one file of the cache for each project.

It holds names, sizes and times, and no other text of the files. A word that stands only in strings is left out, unless
a file of the project has it as a name. The file can be made again, so it is ignored if it is damaged or too long, or if
other users could have written it. The module does not decide which files may be read.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plum_lsp.files.whole import write_whole
from plum_lsp.project.files import kept_file
from plum_lsp.python.specification.whole_tests import Defined

_log = logging.getLogger(__name__)
FOLDER = "projects"
"""The folder of these files in the cache folder."""
FORM = 2
"""The number of what a file holds. Raise it when `Defined` or the form changes, so that no older file is used."""
BYTES_MAX = 32 * 1024 * 1024
"""A project of 1,500 files has about 3 MB."""
PROJECTS_KEPT_MAX = 32
"""Files that are kept in the cache. Those that were written first are removed."""
_SUFFIX = ".facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The functions of a file in a state: the time of its last change in nanoseconds, and its size."""

    state: tuple[int, int]
    functions: tuple[Defined, ...]


def facts_file(folder: Path, root: Path) -> Path:
    """Where the facts of a project are kept."""
    return kept_file(folder, root, _SUFFIX)


def read_facts(path: Path, root: Path) -> dict[Path, Facts]:
    """The facts in a file, by the paths of the project's files. Empty if it cannot be used."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077 or found.st_size > BYTES_MAX:
                return {}
            value = json.loads(file.read(BYTES_MAX))
        return _parsed(value, root) if value["form"] == FORM and value["root"] == str(root) else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        _log.info("the kept facts of a project cannot be read: %s", type(error).__name__)
        return {}


def write_facts(path: Path, root: Path, facts: Mapping[Path, Facts]) -> None:
    """Keep facts. Only the user can read them. A failure is logged, because they can be made again."""
    names = {
        name for file in facts.values() for one in file.functions for name in (*one.mentions - one.texts, *one.bases)
    }
    names |= {part for file in facts.values() for one in file.functions for part in one.name.split("::")}
    files = {
        one.relative_to(root).as_posix(): [*file.state, [_written(function, names) for function in file.functions]]
        for one, file in facts.items()
        if one.is_relative_to(root)
    }
    content = json.dumps({"form": FORM, "root": str(root), "files": files}, separators=(",", ":")).encode()
    if len(content) > BYTES_MAX:
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, content)
        for old in sorted(path.parent.glob(f"*{_SUFFIX}"), key=lambda one: -one.stat().st_mtime_ns)[PROJECTS_KEPT_MAX:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("the facts of a project cannot be kept: %s", error)


def _written(function: Defined, names: set[str]) -> list[Any]:
    kept = sorted(name for name in function.mentions if name in names)
    return [
        function.name,
        function.is_test,
        list(function.bases),
        " ".join(kept),
        " ".join(sorted(function.texts & names)),
        function.is_keeper,
    ]


def _parsed(value: Any, root: Path) -> dict[Path, Facts]:
    return {
        root / str(path): Facts(state=(int(time_ns), int(size)), functions=tuple(map(_function, functions)))
        for path, (time_ns, size, functions) in value["files"].items()
    }


def _function(value: Any) -> Defined:
    name, is_test, bases, mentions, texts, is_keeper = value
    return Defined(
        name=str(name),
        mentions=frozenset(mentions.split()),
        is_test=bool(is_test),
        bases=tuple(map(str, bases)),
        texts=frozenset(texts.split()),
        is_keeper=bool(is_keeper),
    )
