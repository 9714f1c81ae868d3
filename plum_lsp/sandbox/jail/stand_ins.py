"""Stand-ins for the outside world: a fixed clock, seeded chance, files in memory, lines to read.

They run in a candidate's own child before its program. plum-lsp never imports this file: `effects` reads it and sends
its text.

They make two correct candidates give the same results. They protect no data (the sandbox does that). A candidate that
tampers with them spoils only its own results. They do not cover C code that asks the kernel itself, and `os` calls on
file descriptors.
"""

from __future__ import annotations

import asyncio.base_events
import builtins
import datetime as datetime_module
import io
import os
import pathlib
import random
import sys
import time
import types
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

NOW = 1_715_949_045.0
"""Friday, 17 May 2024, 12:30:45 UTC."""
READS_MAX = 1_000
"""After this many readings the clock moves a second with each one, so that a loop that waits for it ends."""
LINES = ("3", "hello", "1 2 3", "yes", "10", "quit")
ARGUMENTS = ("3", "10", "hello")
"""What a script finds that reads an argument by its place while it loads. A function finds none."""
SAMPLES = {
    ".json": '{"name": "a", "items": [1, 2, 3]}\n',
    ".csv": "name,value\na,1\nb,2\nc,3\n",
    "": "first line\nsecond line\n\nlast line 42\n",
}
"""Contents of a file that was not written before, by its suffix."""
ABSENT = ("missing", "nonexistent", "absent", "does_not_exist")
"""A path that is empty or has one of these words in it names no file."""

_monotonic = time.monotonic


class _World:
    """The state of the stand-ins. `files` maps absolute paths to contents, None for removed ones."""

    def __init__(self) -> None:
        self.names: frozenset[str] = frozenset()
        self.is_loading = True
        self.files: dict[str, bytes | None] = {}
        self.clock, self.reads = 0.0, 0
        self.lines: Iterator[str] = iter(LINES)
        self.chance = random.Random(0)  # noqa: S311 (repeatable on purpose)

    def reset(self) -> None:
        """Restore the state before the first call."""
        self.files.clear()
        self.clock, self.reads, self.lines = 0.0, 0, iter(LINES)
        self.chance.seed(0)
        if "randomness" in self.names:
            random.seed(0)
            numpy = sys.modules.get("numpy")
            if numpy is not None:
                numpy.random.seed(0)
        if "input" in self.names:
            sys.stdin = io.StringIO("".join(line + "\n" for line in LINES))


_world = _World()


def reset() -> None:
    """Restore the state that each call starts with."""
    _world.is_loading = False
    _world.reset()


class _Arguments(list[str]):
    """The arguments of a program. While it loads, a missing one is there for those who ask for it by its place."""

    def __getitem__(self, place: Any) -> Any:
        if _world.is_loading and isinstance(place, int) and len(self) <= place <= len(ARGUMENTS):
            return ARGUMENTS[place - 1]
        return super().__getitem__(place)


def shown(value: Any) -> Any:
    """The value, paired with the written files if there are any. A coroutine is run first, for its value."""
    if isinstance(value, types.CoroutineType):
        return _shown_later(value)
    written = {path: content for path, content in _world.files.items() if content is not None}
    return [value, written] if written else value


async def _shown_later(coroutine: Any) -> Any:
    return shown(await coroutine)


def install(names: Iterable[str]) -> None:
    """Install the stand-ins of these effects. They make this module available as `_stand_ins`."""
    _world.names = frozenset(names)
    for name in sorted(_world.names):
        _INSTALLERS[name]()
    module = types.ModuleType("_stand_ins")
    vars(module).update(reset=reset, shown=shown)
    sys.modules["_stand_ins"] = module
    _world.reset()


def shadowing() -> dict[str, Any]:
    """The built-in functions that stand-ins replaced. The program's own globals have to name them."""
    taken: dict[str, Any] = {"open": ("files", _open), "input": ("input", _input)}
    return {name: function for name, (effect, function) in taken.items() if effect in _world.names}


def _install_clock() -> None:
    def advance(seconds: float) -> None:
        _world.clock += max(0.0, float(seconds))

    def read() -> float:
        _world.reads += 1
        if _world.reads > READS_MAX:
            _world.clock += 1.0
        return _world.clock

    module: Any = time
    gmtime, strftime, ctime = time.gmtime, time.strftime, time.ctime

    def wall() -> float:
        return NOW + read()

    for name in ("time", "monotonic", "perf_counter", "process_time"):
        seconds = wall if name == "time" else read
        setattr(module, name, seconds)
        setattr(module, f"{name}_ns", partial(_nanoseconds, seconds))
    module.sleep = advance
    module.gmtime = module.localtime = lambda seconds=None: gmtime(wall() if seconds is None else seconds)
    module.strftime = lambda form, moment=None: strftime(form, gmtime(wall()) if moment is None else moment)
    module.ctime = lambda seconds=None: ctime(wall() if seconds is None else seconds)
    loop: Any = asyncio.base_events.BaseEventLoop
    loop.time = lambda self: _monotonic()  # an event loop has to see time pass
    _install_dates(wall)


def _nanoseconds(seconds: Callable[[], float]) -> int:
    return int(seconds() * 1_000_000_000)


def _install_dates(wall: Callable[[], float]) -> None:
    module: Any = datetime_module
    real, real_date, utc = datetime_module.datetime, datetime_module.date, datetime_module.timezone.utc  # noqa: UP017 (older interpreters)

    class _Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real if cls.__name__ == "datetime" else real_date)

    def now(cls: Any, tz: Any = None) -> Any:
        moment = real.fromtimestamp(wall(), utc)
        return moment.astimezone(tz) if tz is not None else moment.replace(tzinfo=None)

    def new(base: type) -> Any:
        return lambda cls, *args, **kwargs: base.__new__(base, *args, **kwargs)

    body = {"__new__": new(real), "now": classmethod(now), "today": classmethod(now), "utcnow": classmethod(now)}
    module.datetime = _Kind("datetime", (real,), {**body, "__module__": "datetime"})
    today = classmethod(lambda cls: now(cls).date())
    module.date = _Kind("date", (real_date,), {"__new__": new(real_date), "today": today, "__module__": "datetime"})


def _install_randomness() -> None:
    module: Any = os
    module.urandom = lambda size: _world.chance.randbytes(size)
    vars(random)["_urandom"] = module.urandom
    vars(uuid)["uuid1"] = lambda *_: uuid.UUID(bytes=module.urandom(16), version=1)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        default = numpy.random.default_rng
        numpy.random.default_rng = lambda seed=None: default(0 if seed is None else seed)


def _install_environment() -> None:
    os.environ.clear()
    os.environ.update(HOME="/home/user", USER="user", PATH="/usr/bin:/bin", LANG="C.UTF-8", TZ="UTC")
    sys.argv = _Arguments(["program.py"])
    module: Any = os
    module.getcwd = lambda: "/home/user"


def _input(prompt: object = "") -> str:
    sys.stdout.write(str(prompt))
    line = sys.stdin.readline()
    if not line:
        raise EOFError("EOF when reading a line")
    return line.removesuffix("\n")


def _install_input() -> None:
    vars(builtins)["input"] = _input


def _path(path: Any) -> str:
    text = os.fspath(path)
    return os.path.normpath("/home/user/" + (text.decode() if isinstance(text, bytes) else text))


def _content(path: Any) -> bytes | None:
    """The contents of a file: as written, else a sample. None if there is no file."""
    place = _path(path)
    if place in _world.files:
        return _world.files[place]
    name = place.rsplit("/", 1)[-1]
    if place == "/home/user" or any(word in name.lower() for word in ABSENT):
        return None
    return SAMPLES.get(os.path.splitext(name)[1], SAMPLES[""]).encode()


class _Kept(io.BytesIO):
    """An open file. Its contents are kept when it is flushed or closed."""

    def __init__(self, place: str, content: bytes, *, is_written: bool, at_end: bool) -> None:
        super().__init__(content)
        self.name, self._is_written = place, is_written
        self.seek(0, io.SEEK_END if at_end else io.SEEK_SET)

    def writable(self) -> bool:
        return self._is_written

    def flush(self) -> None:
        if self._is_written and not self.closed:
            _world.files[self.name] = self.getvalue()
        super().flush()

    def close(self) -> None:
        self.flush()
        super().close()


def _open(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    if isinstance(file, int):
        raise OSError(9, "Bad file descriptor")
    place, content = _path(file), _content(file)
    kind = "".join(sorted(set(mode) - set("bt+")))
    if kind not in {"r", "w", "a", "x"} or ("b" in mode and "t" in mode):
        raise ValueError(f"invalid mode: {mode!r}")
    if kind == "x" and _world.files.get(place) is not None:
        raise FileExistsError(17, "File exists", str(file))
    if kind == "r" and content is None:
        raise FileNotFoundError(2, "No such file or directory", str(file))
    start = content if kind == "r" or (kind == "a" and place in _world.files) else b""
    raw = _Kept(place, start or b"", is_written=kind != "r" or "+" in mode, at_end=kind == "a")
    raw.flush()
    if "b" in mode:
        return raw
    return io.TextIOWrapper(raw, encoding or "utf-8", errors, newline, write_through=True)


def _remove(path: Any, *_: Any, **__: Any) -> None:
    if _content(path) is None:
        raise FileNotFoundError(2, "No such file or directory", str(path))
    _world.files[_path(path)] = None


def _move(source: Any, target: Any, *_: Any, **__: Any) -> None:
    content = _content(source)
    _remove(source)
    _world.files[_path(target)] = content


def _children(path: Any = ".") -> list[str]:
    start = _path(path).rstrip("/") + "/"
    names = (place[len(start) :].split("/")[0] for place, content in _world.files.items() if content is not None)
    held = [place for place, content in _world.files.items() if content is not None and place.startswith(start)]
    return sorted({name for name, place in zip(names, _world.files, strict=False) if place in held})


def _install_files() -> None:
    changed: dict[Any, dict[str, Any]] = {
        builtins: {"open": _open},
        io: {"open": _open},
        os: {"remove": _remove, "unlink": _remove, "rename": _move, "replace": _move, "listdir": _children},
        os.path: {
            "exists": lambda path: _content(path) is not None,
            "isfile": lambda path: _content(path) is not None,
            "isdir": lambda path: bool(_children(path)),
            "getsize": lambda path: len(_open(path, "rb").read()),
        },
        pathlib.Path: {
            "open": _open,
            "read_text": lambda self, encoding=None, errors=None: _open(self, encoding=encoding, errors=errors).read(),
            "read_bytes": lambda self: _open(self, "rb").read(),
            "exists": lambda self, **_: _content(self) is not None,
            "is_file": lambda self, **_: _content(self) is not None,
            "is_dir": lambda self, **_: bool(_children(self)),
            "unlink": _remove,
            "write_text": _write_text,
            "write_bytes": lambda self, data: _open(self, "wb").write(data),
            "iterdir": lambda self: (self / name for name in _children(self)),
        },
    }
    made = {"mkdir": lambda *_, **__: None, "makedirs": lambda *_, **__: None}
    changed[os] |= made
    changed[pathlib.Path]["mkdir"] = made["mkdir"]
    for holder, names in changed.items():
        for name, stand_in in names.items():
            setattr(holder, name, stand_in)


def _write_text(
    self: Any, data: str, encoding: str | None = None, errors: str | None = None, newline: Any = None
) -> int:
    with _open(self, "w", encoding=encoding, errors=errors, newline=newline) as file:
        return int(file.write(data))


_INSTALLERS: dict[str, Callable[[], None]] = {
    "files": _install_files,
    "clock": _install_clock,
    "randomness": _install_randomness,
    "environment": _install_environment,
    "input": _install_input,
}
