"""A program in a terminal: what a person types and sees. The screen is pyte's; nothing looks inside the program."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

PATIENCE_SECONDS = 60.0
_STRINGS = re.compile(rb"\x1b[P\]_^][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Device control and operating system strings (ECMA-48, 5.6), which the screen does not draw."""
_UNFINISHED = re.compile(rb"\x1b(?:[P\]_^][^\x07\x1b]*\x1b?|\[[0-9;:?<>=!$ ]*)?$")
_SUBPARAMETERS = re.compile(rb"(?<=\[4):[0-9](?=[;m])")
"""The shape of an underline, which pyte does not know."""
_PRIVATE = re.compile(rb"\x1b\[[<>=?][0-9;:]*[ $]?[upqmcn]")
"""Questions to the terminal and keyboard modes that pyte would take for drawing."""


class Terminal:
    """A program on a pseudo-terminal of `rows` × `columns`. `with` ends it."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, rows: int = 30, columns: int = 100
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._tail = b""
        self.watchers: list[Callable[[pyte.Screen], None]] = []
        self._fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            list(command),
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=cwd,
            env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(inner)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the program, however the test went."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self._reader.join(5)
        with contextlib.suppress(OSError):
            os.close(self._fd)

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._fd, keys.encode())

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        with self._lock:
            return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def coloured(self, colours: set[str]) -> list[str]:
        """The parts of the screen's lines that are drawn in one of these foreground colours; empty lines left out."""
        with self._lock:
            return coloured(self.screen, colours)

    def draw(self, to: Callable[[pyte.Screen], str]) -> str:
        """The screen as `to` makes it, while nothing changes it."""
        with self._lock:
            return to(self.screen)

    def wait(self, is_so: Callable[[], object], what: str = "", *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the screen makes this true; on failure, the error shows the screen."""
        deadline = time.monotonic() + seconds
        while not is_so():
            left = deadline - time.monotonic()
            if left <= 0 or self.process.poll() is not None:
                raise AssertionError(f"waited in vain for {what or 'the screen'}; it shows:\n{self.text}")
            with self._news:
                self._news.wait(min(left, 0.1))

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 65536)
            except OSError:
                return
            if not data:
                return
            self._answer(data)
            with self._news:
                self._feed(self._tail + data)
                for watcher in self.watchers:
                    watcher(self.screen)
                self._news.notify_all()

    def _feed(self, data: bytes) -> None:
        data = _SUBPARAMETERS.sub(b"", _PRIVATE.sub(b"", _STRINGS.sub(b"", data)))
        unfinished = _UNFINISHED.search(data)
        self._tail = data[unfinished.start() :] if unfinished else b""
        self._stream.feed(data[: unfinished.start()] if unfinished else data)

    def _answer(self, data: bytes) -> None:
        """Say what kind of terminal this is, as terminals do when asked (ECMA-48 8.3.24 and 8.3.35; xterm's OSC 11)."""
        answers = {
            b"]11;?": b"\x1b]11;rgb:1414/1616/1b1b\x07",
            b"\x1b[5n": b"\x1b[0n",
            b"\x1b[c": b"\x1b[?62;22c",
            b"\x1b[0c": b"\x1b[?62;22c",
        }
        for question, answer in answers.items():
            if question in data:
                with contextlib.suppress(OSError):
                    os.write(self._fd, answer)


def coloured(screen: pyte.Screen, colours: set[str]) -> list[str]:
    """The parts of a screen's lines in one of these colours (hex, or a name of pyte's)."""
    found = []
    for row in range(screen.lines):
        cells = screen.buffer[row]
        part = "".join(cells[column].data for column in range(screen.columns) if cells[column].fg in colours)
        if part.strip():
            found.append(part.rstrip())
    return found
