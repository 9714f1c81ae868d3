"""Decides which paths are never read, sent or stored. It reads only the text of a path. The caller resolves links.

Patterns are those of ignore files, without negation: `*` and `?` stay within one part of the path, `**` spans any
number of parts, a match of a folder covers everything in it. A pattern holds at any depth unless it starts with
`/` (or `~`, the home folder, which the caller expands). Case is ignored: an error must hide too much, not too little.

Patterns come from a project's files, too. They are read once, are bounded, and remember their result for a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from functools import lru_cache
from pathlib import Path, PurePath

PATTERNS_MAX = 2000
"""An ignore file of a large project has some hundred. A file with more than this matches every path."""
PARTS_MAX = 64
"""Patterns with more parts than any sensible one match every path, because a project's file must not cost much time."""
PATTERN_CHARACTERS_MAX = 1000
"""So do longer ones. A file's name has 255 characters at most."""
_REMEMBERED_MAX = 4096
"""Paths with a remembered result. The editor asks about one with every key."""
_SPECIAL = re.compile(r"[*?\[\]]")


class Patterns:
    """Patterns that belong together: those of the settings, or of one ignore file."""

    def __init__(self, patterns: Iterable[str]) -> None:
        given = tuple(patterns)
        self._covers_all = len(given) > PATTERNS_MAX
        self._names: set[str] = set()
        self._others: list[tuple[_Part | None, ...]] = []
        self._answers: dict[str, bool] = {}
        if not self._covers_all:
            for pattern in given:
                self._take(pattern)

    def cover(self, path: PurePath | str) -> bool:
        """Whether a path, or a folder above it, matches one of them."""
        text = str(path)
        known = self._answers.get(text)
        if known is None:
            known = self._covers_all or self._found(_parts(text))
            if len(self._answers) >= _REMEMBERED_MAX:
                self._answers.clear()
            self._answers[text] = known
        return known

    def _take(self, pattern: str) -> None:
        wanted = _parts(pattern)
        if len(wanted) > PARTS_MAX or len(pattern) > PATTERN_CHARACTERS_MAX:
            self._covers_all = True
        elif len(wanted) == 1 and not pattern.startswith("/") and not _SPECIAL.search(wanted[0]):
            self._names.add(wanted[0])
        elif wanted:
            whole = wanted if pattern.startswith("/") else ("**", *wanted)
            self._others.append(tuple(None if part == "**" else _Part(part) for part in whole))

    def _found(self, parts: Sequence[str]) -> bool:
        return not self._names.isdisjoint(parts) or any(_covers(wanted, parts) for wanted in self._others)


class _Part:
    """One part of a pattern. Its regular expression is made when a name has the right beginning and end."""

    __slots__ = ("_end", "_expression", "_start", "_text")

    def __init__(self, text: str) -> None:
        pieces = _SPECIAL.split(text)
        self._text = text
        self._start, self._end = pieces[0], pieces[-1] if len(pieces) > 1 else ""
        self._expression: re.Pattern[str] | None = None

    def matches(self, name: str) -> bool:
        """Whether a part of a path matches."""
        if self._start == self._text:
            return name == self._text
        if not (name.startswith(self._start) and name.endswith(self._end)):
            return False
        if self._expression is None:
            self._expression = re.compile(translate(self._text))
        return self._expression.match(name) is not None


@lru_cache(maxsize=64)
def excluded_by(exclude: tuple[str, ...]) -> Patterns:
    """The patterns of the settings (`privacy.exclude`), with `~` expanded. They are read once."""
    return Patterns(str(Path(pattern).expanduser()) for pattern in exclude)


def patterns_of(text: str) -> tuple[str, ...]:
    """The patterns of an ignore file: one a line, without comments. A negation is left out: it would show, not hide."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith(("#", "!")))


def _parts(path: str) -> tuple[str, ...]:
    """The parts of a path or pattern, folded, without empty and `.` ones."""
    return tuple(part.casefold() for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def _covers(wanted: Sequence[_Part | None], parts: Sequence[str]) -> bool:
    """Whether the pattern's parts match a beginning of the path: the set of parts reached, one pattern part at a time.

    None is `**`. A trailing one asks for something inside, so that `build/**` leaves a file called `build` alone.
    """
    reached = {0}
    for want in wanted:
        if want is None:
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and want.matches(parts[at])}
        if not reached:
            return False
    return min(reached) < len(parts) if wanted[-1] is None else True
