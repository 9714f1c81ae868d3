"""Decides whether a `.gitignore` ignores a path, as git does (gitignore(5), `dir.c` and `wildmatch.c` of git 2.39).

It knows the patterns of one file. `project.privacy` decides which ignore files count. It works on the bytes of
names, as git does, written as Latin-1. The time for a path is proportional to its length and that of the patterns.
A project's file may come from a stranger, so no regular expression here can backtrack (docs/decisions/gitignore.md).
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from plum_lsp.config.patterns import PATTERN_CHARACTERS_MAX, PATTERNS_MAX

_REMEMBERED_MAX = 4096
"""Paths whose answer is kept."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPECIAL = re.compile(r"[*?\[\\]")
_ASCII = [chr(code) for code in range(128)]
_CLASSES: dict[str, Callable[[str], bool]] = {
    "alnum": str.isalnum,
    "alpha": str.isalpha,
    "blank": lambda one: one in " \t",
    "cntrl": lambda one: one < " " or one == "\x7f",
    "digit": str.isdigit,
    "graph": lambda one: "!" <= one <= "~",
    "lower": str.islower,
    "print": lambda one: " " <= one <= "~",
    "punct": lambda one: one in string.punctuation,
    "space": lambda one: one in " \t\n\r",
    "upper": str.isupper,
    "xdigit": lambda one: one in string.hexdigits,
}


class GitPatterns:
    """The patterns of one file. One with too many, or with one that is too long, ignores everything."""

    def __init__(self, content: bytes) -> None:
        lines = list(_lines(content))
        self._ignores_all = len(lines) > PATTERNS_MAX or any(len(line) > PATTERN_CHARACTERS_MAX for line in lines)
        parsed = [] if self._ignores_all else [_pattern(line) for line in lines]
        self._last_first = [one for one in reversed(parsed) if one is not None]
        self._answers: dict[tuple[str, bool], bool | None] = {}

    def says(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether the path is ignored. None if no pattern matches. The caller asks about the folders above it.

        Args:
            path: from the folder of the file, its bytes as Latin-1.
        """
        if self._ignores_all:
            return True
        key = path, is_folder
        if key not in self._answers:
            if len(self._answers) >= _REMEMBERED_MAX:
                self._answers.clear()
            matching = (one for one in self._last_first if is_folder or not one.for_folders)
            found = next((one for one in matching if one.matches(path)), None)
            self._answers[key] = None if found is None else not found.is_negated
        return self._answers[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    """A line. `start` must match as it is, and the parts match the rest. Without parts there is no rest."""

    is_negated: bool
    for_folders: bool
    by_name: bool
    start: str
    parts: tuple[_Part | None, ...]

    def matches(self, path: str) -> bool:
        """Whether the pattern matches the path itself, which may be below a folder that it matches."""
        text = path.rpartition("/")[2] if self.by_name else path
        if not text.startswith(self.start):
            return False
        rest = text[len(self.start) :]
        return _match(self.parts, rest.split("/")) if self.parts else not rest


class _Part:
    """What stands between two slashes. Its regular expression is made when it is first needed."""

    __slots__ = ("_end", "_expression", "_pieces")

    def __init__(self, pieces: Sequence[str], end: str) -> None:
        self._pieces = pieces
        self._end = end
        self._expression: re.Pattern[str] | None = None

    def matches(self, name: str) -> bool:
        """Whether it matches a name."""
        if not name.endswith(self._end):
            return False
        if self._expression is None:
            self._expression = re.compile(_without_backtracking(self._pieces), re.DOTALL)
        return self._expression.fullmatch(name) is not None


class _NeverError(Exception):
    """A pattern that git accepts and that matches no path."""


def _lines(content: bytes) -> Iterator[str]:
    """The patterns as they are written, without comments and trailing spaces that are not escaped."""
    for line in content.removeprefix(_BYTE_ORDER_MARK).decode("latin-1").split("\n"):
        pattern = line.removesuffix("\r")
        if pattern and not pattern.startswith("#"):
            kept = pattern.rstrip(" ")
            escapes = len(kept) - len(kept.rstrip("\\"))
            if (stripped := kept + " " if escapes % 2 and len(kept) < len(pattern) else kept) not in ("", "/", "!"):
                yield stripped


def _pattern(line: str) -> _Pattern | None:
    """The pattern of a line. None if it can match no path."""
    is_negated = line.startswith("!")
    text = line[is_negated:]
    for_folders = text.endswith("/")
    text = text[: len(text) - for_folders]
    by_name = "/" not in text
    text = text.removeprefix("/")
    special = _SPECIAL.search(text)
    start = text[: special.start()] if special else text
    try:
        parts = tuple(_parts(text[len(start) :], by_name=by_name)) if special else ()
    except _NeverError:
        return None
    return _Pattern(is_negated=is_negated, for_folders=for_folders, by_name=by_name, start=start, parts=parts)


def _parts(text: str, *, by_name: bool) -> Iterator[_Part | None]:
    """The parts of a pattern. None is `**`, which means any number of folders in a pattern with a slash."""
    pieces, end, began = [""], "", 0
    at = 0
    while at <= len(text):
        one = text[at : at + 1]
        if one in ("", "/") or text.startswith("\\/", at):
            written = text[began:at]
            is_any_depth = not by_name and len(written) > 1 and not written.strip("*")
            yield None if is_any_depth else _Part(pieces, end)
            at += 2 if one == "\\" else 1
            pieces, end, began = [""], "", at
            continue
        expression, end, at = _piece(text, at, end)
        if expression:
            pieces[-1] += expression
        elif len(pieces) == 1 or pieces[-1]:
            pieces.append("")


def _piece(text: str, at: int, end: str) -> tuple[str, str, int]:
    """The expression for one sign of a pattern, the literal text that the part now ends in, and where the next begins.

    Of a star the expression is empty.
    """
    one = text[at]
    if one == "*":
        return "", "", at + 1
    if one == "?":
        return ".", "", at + 1
    if one == "[":
        expression, after = _set(text, at + 1)
        return expression, "", after
    if one == "\\":
        at += 1
        one = _at(text, at)
    return re.escape(one), end + one, at + 1


def _set(text: str, at: int) -> tuple[str, int]:
    """The expression for the set that begins before `at`, and where the text goes on behind it."""
    is_negated = _at(text, at) in "!^"
    at += is_negated
    found: set[str] = set()
    before, is_first = "", True
    while is_first or _at(text, at) != "]":
        is_first = False
        one = _at(text, at)
        if one == "-" and before and text[at + 1 : at + 2] not in ("", "]"):
            at += 2 if text[at + 1] == "\\" else 1
            found.update(chr(code) for code in range(ord(before), ord(_at(text, at)) + 1))
            before = ""
        elif one == "[" and text.startswith(":", at + 1) and (name := _class_name(text, at + 2)) is not None:
            found |= _members(name)
            at += len(name) + 3
            before = ""
        else:
            at += one == "\\"
            before = _at(text, at)
            found.add(before)
        at += 1
    return _expression(found, is_negated=is_negated), at + 1


def _at(text: str, at: int) -> str:
    """The sign there. A pattern that ends too early matches no path."""
    if at >= len(text):
        raise _NeverError
    return text[at]


def _class_name(text: str, at: int) -> str | None:
    """The name of the class that begins there. None if these are the members of an ordinary set."""
    end = text.find("]", at)
    if end < 0:
        raise _NeverError
    return text[at : end - 1] if end > at and text[end - 1] == ":" else None


@cache
def _class(name: str) -> frozenset[str]:
    return frozenset(one for one in _ASCII if _CLASSES[name](one))


def _members(name: str) -> frozenset[str]:
    if name not in _CLASSES:
        raise _NeverError
    return _class(name)


def _expression(found: Iterable[str], *, is_negated: bool) -> str:
    codes = sorted(map(ord, found))
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    text = "".join(f"\\x{first:02x}-\\x{last:02x}" for first, last in runs)
    if not text:
        return "." if is_negated else "(?!)"
    return f"[{'^' if is_negated else ''}{text}]"


def _without_backtracking(pieces: Sequence[str]) -> str:
    """One expression of pieces with a star between each. A piece that was found first is never looked for again."""
    if len(pieces) == 1:
        return pieces[0]
    first, *middle, last = pieces
    return first + "".join(f"(?>.*?{piece})" for piece in middle if piece) + ".*" + last


def _match(wanted: Sequence[_Part | None], names: Sequence[str]) -> bool:
    """Whether the parts match all names: the set of those reached, one part at a time.

    None is any number of names. The last one requires at least one name, so that `a/**` does not match `a`.
    """
    reached = {0}
    for number, want in enumerate(wanted):
        if want is None:
            is_last = number == len(wanted) - 1
            reached = set(range(min(reached) + is_last, len(names) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(names) and want.matches(names[at])}
        if not reached:
            return False
    return len(names) in reached
