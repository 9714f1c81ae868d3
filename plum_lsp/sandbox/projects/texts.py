"""The texts of files in the forms in which copies are searched for, each made once for a file in one state.

The forms leave out what a copy may change: spaces and quotes, prompts and comment signs, or all names.
"""

from __future__ import annotations

import keyword
import re
import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path

from plum_lsp.sandbox.projects.installed import FILE_BYTES_MAX, state_of

KEPT_BYTES_MAX = 24 * 1024 * 1024
"""Bytes of files whose forms are kept. They take about three times as much."""
_COMPILED = (".pyc", ".pyo")
_SEPARATORS = re.compile(rb"[\s'\"\\]+")
_STRINGS = re.compile(rb"[\x20-\x7e\t\n\r\x80-\xff]{4,}")
_WORD = re.compile(r"[^\W\d]\w*")
_SPACE = re.compile(r"\s+")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_PROMPTS = (b">>>", b"...")
_ARCHIVE = b"PK\x03\x04"


class Text:
    """The content of a file, at most one byte more than is compared, in all its forms. Each is made when it is used."""

    def __init__(self, content: bytes, *, is_compiled: bool) -> None:
        self.content = content
        self._is_compiled = is_compiled

    @property
    def is_archive(self) -> bool:
        """Whether it is a zip file."""
        return self.content.startswith(_ARCHIVE)

    @property
    def is_comparable(self) -> bool:
        """Whether its lines can be compared: it is short enough, and no archive."""
        return len(self.content) <= FILE_BYTES_MAX and not self.is_archive

    @cached_property
    def lines(self) -> frozenset[bytes]:
        """Its lines without spaces, quotes, prompts and comment signs."""
        return lines_of(self.content, is_compiled=self._is_compiled)

    @cached_property
    def joined(self) -> bytes:
        """All of it without spaces and quotes."""
        return _SEPARATORS.sub(b"", self.content)

    @cached_property
    def blind(self) -> str:
        """All of it without names."""
        return blind(self.content.decode("utf-8", "replace"))

    def warm_up(self) -> None:
        """Make all forms now."""
        _ = self.lines, self.joined, self.blind


def read(path: str) -> Text:
    """The text of a file.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        return Text(file.read(FILE_BYTES_MAX + 1), is_compiled=path.endswith(_COMPILED))


class Texts:
    """The texts of the files that were read last. May be used by several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[tuple[int, int], Text]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, path: str) -> Text:
        """The text of a file, read again if it has changed.

        Raises:
            OSError: it cannot be read.
        """
        state = state_of(path)
        with self._lock:
            kept = self._kept.get(path)
        if kept is not None and kept[0] == state:
            return kept[1]
        text = read(path)
        with self._lock:
            self._forget(path)
            self._kept[path] = (state, text)
            self._bytes += len(text.content)
            while self._bytes > KEPT_BYTES_MAX:
                self._forget(next(iter(self._kept)))
        return text

    def _forget(self, path: str) -> None:
        kept = self._kept.pop(path, None)
        self._bytes -= len(kept[1].content) if kept is not None else 0


def lines_of(content: bytes, *, is_compiled: bool) -> frozenset[bytes]:
    """The lines of a text, or of the strings in a compiled one, each without what copies may change."""
    if is_compiled:
        content = b"\n".join(_STRINGS.findall(content))
    return frozenset(map(normal, content.splitlines()))


def normal(line: bytes) -> bytes:
    """A line without prompt, comment sign, spaces and quotes."""
    stripped = line.strip().lstrip(b"#").lstrip()
    for prompt in _PROMPTS:
        stripped = stripped.removeprefix(prompt)
    return _SEPARATORS.sub(b"", stripped)


def blind(text: str) -> str:
    """Code without names, numbers, spaces and comments, so that renamed copies look alike."""
    lines = (_COMMENT.sub("", line) for line in text.splitlines())
    return "".join(_WORD.sub(_kept, _SPACE.sub(" ", line)) for line in lines).replace(" ", "")


def _kept(word: re.Match[str]) -> str:
    return word[0] if keyword.iskeyword(word[0]) else "_"
