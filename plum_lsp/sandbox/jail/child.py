"""The harness in a candidate's process: loads the program, makes each call, answers with inert values.

Frames are a length (4 bytes, big endian) and JSON text. The process holds no expected value, no verdict and no bytes of
another candidate. A candidate that takes control of it can only forge its own answers.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import os
import sys
import types
from collections.abc import Callable
from typing import Any

# The functions below keep working if a candidate patches builtins.
globals()["__builtins__"] = dict(vars(builtins))

from asyncio import run as _run_coroutine  # noqa: E402
from json.decoder import JSONDecoder  # noqa: E402
from json.encoder import encode_basestring_ascii as quote  # noqa: E402
from time import perf_counter as _clock  # noqa: E402
from time import process_time as _processor_clock  # noqa: E402

from . import documents, mapping, testing  # noqa: E402
from .decode import rebuild  # noqa: E402
from .encode import TooBig, encode, exception_names  # noqa: E402

_read, _send = os.read, os.write
_scan = JSONDecoder().scan_once  # type: ignore[attr-defined]
_MESSAGE_MAX = 2000
"""Characters of an exception's text that are sent."""
_SHOWN_MAX = 16_384
"""Characters of a representation that are sent."""


class _Bytes:
    """The binary buffer behind a text stream. It writes bytes to the stream."""

    def __init__(self, write: Callable[[str], int]) -> None:
        self._write = write

    def write(self, content: Any) -> int:
        content = bytes(memoryview(content))
        self._write(content.decode("utf-8", "replace"))
        return len(content)

    def flush(self) -> None:
        """Has no effect, because the output is not buffered."""


class _Output:
    """Replaces `sys.stdout`. It keeps printed text up to a bound, then notes that there was more."""

    encoding, errors, newlines, closed, name, mode = "utf-8", "strict", None, False, "<stdout>", "w"

    def __init__(self, characters_max: int) -> None:
        self._parts: list[str] = []
        self._room = characters_max
        self.overflowed = False
        self.buffer = _Bytes(self.write)

    def reconfigure(self, **_: Any) -> None:
        """Has no effect: the stream has no such options."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        if len(text) > self._room:
            self.overflowed = True
        self._parts.append(str.__str__(text)[: self._room])
        self._room -= len(self._parts[-1])
        return len(text)

    def take(self) -> str:
        """The text that was printed since the last call."""
        text = "".join(self._parts)
        self._parts, self._room = [], self._room + len(text)
        return text

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Has no effect, because the output is not buffered."""

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def fileno(self) -> int:
        import io

        raise io.UnsupportedOperation("fileno")


def _read_exactly(channel: int, size: int) -> bytes:
    """`size` bytes. The process ends when the host has gone."""
    parts: list[bytes] = []
    while size:
        part = _read(channel, size)
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _read_frame(channel: int) -> Any:
    content = _read_exactly(channel, int.from_bytes(_read_exactly(channel, 4), "big"))
    return _scan(content.decode("ascii"), 0)[0]


def _write_frame(channel: int, text: str) -> None:
    content = text.encode("ascii")
    content = len(content).to_bytes(4, "big") + content
    while content:
        content = content[_send(channel, content) :]


def serve(channel: int, restrict: Callable[[dict[str, Any]], None], prepared: Any = None) -> None:
    """Answer the host until it closes the channel: first the program, then its calls. Never returns.

    `prepared` is what the zygote has prepared: a document that was imported with its hole unfilled.
    """
    _warm_up()
    _write_frame(channel, '{"ready":true}')
    order = _read_frame(channel)
    restrict(order)
    output, errors = _Output(order["output_bytes"]), _Output(0)
    sys.stdout = sys.__stdout__ = output  # type: ignore[misc, assignment]
    sys.stderr = sys.__stderr__ = errors  # type: ignore[misc, assignment]
    problem, module = _load_document(order, prepared) if order.get("module") else _load(order)
    output.take()
    _write_frame(channel, '{"loaded":' + quote(problem) + "}")
    if problem:
        os._exit(0)
    while True:
        call = _read_frame(channel)
        if "map" in call:
            mapping.serve(call["map"], lambda: _read_frame(channel), lambda told: _write_frame(channel, told))
        elif "tests" in call:
            _run_tests(channel, call, order, prepared)
        else:
            _write_frame(channel, _answer(call, module, output, order["value_bytes"]))


_WARM_UP = """
import collections, math, re
def f(x):
    total = sum(n * n for n in range(x)) / 3
    return [total, {str(x): (True, None)}, {x}, sorted(collections.Counter("warm").items()), re.match("a+", "aa")[0]]
"""


def _warm_up() -> None:
    """Load and call a harmless program before the candidate's. A fork pays for each page at its first touch."""
    name, output = "<warm>", _Output(100)
    _, module = _load({"filename": name, "source": _WARM_UP})
    call = {"turn": 0, "setup": "y = 9", "expression": "f(y)", "show": False}
    for _ in range(2):
        _answer(call, module, output, 10_000)
    sys.modules.pop("program", None)
    sys.modules["linecache"].cache.pop(name, None)


def _load(order: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Run the program as a new module. The problem is empty if it loaded."""
    filename = order["filename"]
    name = filename.rsplit("/", 1)[-1].split(".")[0]
    module = types.ModuleType(name if name.isidentifier() and name not in sys.modules else "program")
    module.__file__ = filename
    sys.modules[module.__name__] = module
    documents.remember_source(filename, order["source"])
    try:
        exec(compile(order["source"], filename, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    except MemoryError:
        return "MemoryError: out of memory", {}
    except BaseException as error:  # noqa: BLE001 (a candidate may raise anything)
        return _describe(error), {}
    return "", module.__dict__


def _load_document(order: dict[str, Any], prepared: Any) -> tuple[str, dict[str, Any]]:
    """Load the program as a module of its project: import it here, or exchange the bodies of one imported ahead."""
    world: dict[str, Any] = {"__name__": "_stand_ins"}
    ahead: documents.Loaded | None = getattr(prepared, "document", None)
    try:
        if order["prelude"]:
            exec(compile(order["prelude"], "<stand-ins>", "exec", dont_inherit=True), world)  # noqa: S102
        if ahead is not None:
            ahead.exchange(order["source"], order["hole_line"])
            module = ahead.module
        else:
            module = documents.load(order["module"], order["source"])
        if order["prelude"]:
            module.__dict__.update(world.pop("shadowing")())
    except MemoryError:
        return "MemoryError: out of memory", {}
    except BaseException as error:  # noqa: BLE001 (a candidate may raise anything)
        return _describe(error), {}
    return "", module.__dict__


def _run_tests(channel: int, call: dict[str, Any], order: dict[str, Any], prepared: Any) -> None:
    """Run tests of the project with the program.

    Send a frame for each, with the token that the host gave for this run.
    """
    token, session, document = call["token"], prepared.session, prepared.document
    try:
        session = session or testing.Session(call["folder"], call["files"], order["module"]["path"], call["tests"])
    except BaseException as error:  # noqa: BLE001 (a project's tests may raise anything)
        _write_frame(channel, '{"token":' + quote(token) + ',"problem":' + quote(_describe(error)) + "}")
        return
    session.judges(functools.cache(lambda: documents.code_at(order["source"], order["hole_line"])))
    reached: list[Any] = []
    if call["watch"] and document is not None:
        reached = document.trip(order["source"], order["hole_line"])
    noted = documents.CallsNoted(order["module"]["path"], set()) if call["watch"] and document is None else None
    hole = documents.place_at(order["source"], order["hole_line"]) if noted is not None else None
    begun, begun_processor = _clock(), _processor_clock()
    for number, name in enumerate(call["tests"]):
        reached.clear()
        started = _clock()
        waited = (started - begun) / call["wall_share"]
        if number and max(waited, _processor_clock() - begun_processor) > call["begin_seconds"]:
            ran = testing.Ran("missing")
        else:
            with noted or contextlib.nullcontext():
                ran = session.run(name, call["seconds"], call["wall_share"], call["cases_max"])
        if noted is not None:
            reached += [True] if hole in noted.called else []
            noted.called.clear()
        parts = (
            '"token":' + quote(token),
            '"test":' + quote(name),
            '"outcome":' + quote(ran.outcome),
            '"shown":' + quote(ran.shown),
            '"reached":' + ("true" if reached or ran.is_about else "false"),
            '"microseconds":' + int.__repr__(int((_clock() - started) * 1e6)),
        )
        _write_frame(channel, "{" + ",".join(parts) + "}")


def _describe(error: BaseException) -> str:
    return exception_names(error)[0] + ": " + _message(error)


def _message(error: BaseException) -> str:
    """The exception's text, bounded. Candidates may define `__str__`."""
    try:
        text = str(error)
        return str.__str__(text)[:_MESSAGE_MAX] if isinstance(text, str) else ""
    except BaseException:  # noqa: BLE001
        return ""


def _answer(call: dict[str, Any], module: dict[str, Any], output: _Output, bytes_max: int) -> str:
    """Make one call and put its observation into a frame."""
    output.take()
    output.overflowed = False
    ending, value, names, message, shown, detail = _outcome(call, module, bytes_max)
    parts = (
        '"turn":' + int.__repr__(call["turn"]),
        '"ending":' + quote(ending),
        '"value":' + value,
        '"names":[' + ",".join(quote(name) for name in names) + "]",
        '"message":' + quote(message),
        '"shown":' + quote(shown),
        '"printed":' + quote(output.take()),
        '"overflowed":' + ("true" if output.overflowed else "false"),
        '"detail":' + quote(detail),
    )
    return "{" + ",".join(parts) + "}"


def _outcome(call: dict[str, Any], module: dict[str, Any], bytes_max: int) -> tuple[str, str, list[str], str, str, str]:
    """Ending, encoded value, class names and text of an exception, representation, detail."""
    place = "setup"
    try:
        scope = dict(module)
        if "value" in call:
            scope["_"] = rebuild(call["value"], module)
        if call["setup"]:
            exec(compile(call["setup"], "<setup>", "exec", dont_inherit=True), scope)  # noqa: S102
        result = None
        if call["expression"]:
            place = "call"
            code = compile(call["expression"].strip(), "<call>", "eval", dont_inherit=True)
            result = _settled(eval(code, scope))  # noqa: S307
        place = "value"
        shown = _shown(result) if call["show"] else ""
        return "returned", encode(result, bytes_max), [], "", shown, ""
    except TooBig as big:
        return "over_limit", "null", [], "", "", str(big)
    except MemoryError:
        return "over_limit", "null", ["MemoryError", "Exception", "BaseException"], "", "", "out of memory"
    except BaseException as error:  # noqa: BLE001 (a candidate may raise anything)
        detail = "" if place == "call" or not call["expression"] else "in " + place
        return "raised", "null", exception_names(error), _message(error), "", detail


def _settled(result: Any) -> Any:
    """The result of a coroutine or the items of an asynchronous generator. Other values are returned as they are."""
    if type(result) is types.CoroutineType:
        return _run_coroutine(result)
    if type(result) is types.AsyncGeneratorType:
        return _run_coroutine(_read_all(result))
    return result


async def _read_all(generator: Any) -> list[Any]:
    items: list[Any] = []
    async for item in generator:
        items.append(item)  # noqa: PERF401 (bounded by the child's memory and time)
    return items


def _shown(result: Any) -> str:
    text: str | None = repr(result)
    return str.__str__(text)[:_SHOWN_MAX] if isinstance(text, str) else ""
