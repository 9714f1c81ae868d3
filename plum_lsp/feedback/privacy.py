"""Which paths are never read, sent or stored. Judges the text of a path: links are the caller's to resolve.

Patterns are those of ignore files, without negation: `*` and `?` stay within one part of the path, `**` spans any
number of parts, a match of a folder covers everything in it. A pattern holds at any depth unless it starts with
`/` (or `~`, the home folder, which the caller expands). Case never matters: a slip must hide too much, not too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

PARTS_MAX = 64
"""Patterns with more parts than any sensible one are taken to match: a project's file must not cost us time."""


def is_excluded(path: PurePath | str, patterns: Iterable[str]) -> bool:
    """Whether a path, or a folder above it, matches one of the patterns."""
    parts = _parts(str(path))
    return any(_matches(parts, pattern) for pattern in patterns)


def patterns_of(text: str) -> tuple[str, ...]:
    """The patterns of an ignore file: one a line, without comments. A negation is left out: it would show, not hide."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith(("#", "!")))


def _parts(path: str) -> tuple[str, ...]:
    """The parts of a path or pattern, folded, without empty and `.` ones."""
    return tuple(part.casefold() for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def _matches(parts: Sequence[str], pattern: str) -> bool:
    """Whether one pattern matches the path or one of the folders above it."""
    wanted = _parts(pattern)
    if not wanted:
        return False
    if len(wanted) > PARTS_MAX:
        return True
    if not pattern.startswith("/"):
        wanted = ("**", *wanted)
    return _covers(wanted, parts)


def _covers(wanted: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether the pattern's parts match a beginning of the path: the set of parts reached, one pattern part at a time.

    A trailing `**` asks for something inside, so that `build/**` leaves a file called `build` alone.
    """
    reached = {0}
    for want in wanted:
        if want == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and fnmatchcase(parts[at], want)}
        if not reached:
            return False
    return min(reached) < len(parts) if wanted[-1] == "**" else True
