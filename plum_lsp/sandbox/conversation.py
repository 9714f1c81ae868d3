"""The protocol with one child: what the host sends and how it reads the answers. The answers are untrusted bytes.

The host sends the program and its calls, and reads one answer to each, in turn. An answer that is out of turn or not in
the codec ends the conversation as a crash. A program may read the calls ahead and answer before it is asked. Such an
answer is still its own, because expected values are never sent. The module kills no process: the owner of the child
does.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.verification import (
    DID_NOT_LOAD,
    Call,
    Ending,
    InModule,
    Limits,
    Observation,
    Program,
    Raised,
    Value,
)
from plum_lsp.sandbox import values
from plum_lsp.sandbox.isolation.child import Child, ChildGone, FrameTooLarge
from plum_lsp.sandbox.isolation.patience import Patience

_ESCAPED_MAX = 12
"""JSON bytes that one character can take: two escaped surrogates."""
_FRAME_EXTRA = 512 * 1024
"""Bytes for the parts of an answer that have their own bounds: names, message, representation, detail."""
_LOADED_MAX = 64 * 1024
"""Bytes of the answer to the program itself: two thousand characters of an exception, and its class."""
_LARGE = 32 * 1024
"""Answers longer than this are decoded in a thread, so that the event loop is not blocked."""
_SHORT = 1024
"""Answers up to this length are remembered. All of them together take about ten megabytes at most."""
_QUOTES_MAX = 4 * values.NODES_MAX
_PARTS_MAX = 3 * values.NODES_MAX
"""Upper bound for quotation marks in an answer, and for brackets and commas outside of text."""
_NAMES_MAX = 9
"""Names of a frame's fields: the codec writes objects as arrays."""
_AHEAD_MAX = 64 * 1024
"""Bytes of questions sent before they are answered. It is less than a socket's buffer, or both ends could block."""
LOAD_SECONDS_MAX = 8.0
"""Time to import a module of a project, on top of the limits. Most of it goes to the modules that it imports."""
FILE_BYTES_MAX = 16 * 1024 * 1024
"""Largest size of a file that a program writes into its own folder, if it has one."""
WAITED_SECONDS_MAX = 60.0
"""A program that waits longer than this for a processor ends. No machine is so busy that it still makes progress."""
_LOCKED_SECONDS_MAX = 60.0
"""Time for a child to lock itself down, before its program begins."""
_ENDINGS = {"returned": Ending.RETURNED, "raised": Ending.RAISED, "over_limit": Ending.OVER_LIMIT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call. `wants_text` asks for the value's representation. `value` is what `_` is bound to."""

    call: Call
    wants_text: bool = False
    value: tuple[Value] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The observation, the representation if it was asked for, and the number of bytes of the answer.

    `frame` is the answer as it came, if it was short, so that an equal answer of another candidate is judged once.
    """

    observation: Observation
    shown: str = ""
    size: int = 0
    frame: bytes = b""


async def converse(child: Child, program: Program, asks: Sequence[Ask], limits: Limits) -> list[Answer]:
    """Load the program in the child and make each call in order. Each call gets one answer.

    Raises:
        SandboxError: the child never got as far as being locked down, or its zygote died.
    """
    loop = asyncio.get_running_loop()
    has_values = any(ask.value is not None for ask in asks)
    questions = await asyncio.to_thread(_questions, asks) if has_values else _questions(asks)
    load_seconds = limits.wall_seconds + (LOAD_SECONDS_MAX if program.module is not None else 0.0)
    answers: list[Answer] = []
    started = loop.time()
    try:
        sent = _fitting(questions, 0)
        await _begin(child, _order(program, limits), *questions[:sent])
        async with patience_with(child) as patience:
            patience.begin(load_seconds)
            problem = _load_problem(await child.receive(_LOADED_MAX))
            if problem:
                return [_ended(Ending.CRASHED, f"{DID_NOT_LOAD}{problem}")] * len(asks)
            if program.module is not None:
                patience.begin(limits.wall_seconds)
            for turn in range(len(asks)):
                if turn == sent:
                    sent = _fitting(questions, turn)
                    await child.send(*questions[turn:sent])
                started = loop.time()
                answer = await _answer(child, turn, limits)
                answers.append(_timed(answer, loop.time() - started))
        return answers
    except TimeoutError:
        end = _ended(Ending.TIMED_OUT, f"ran longer than {limits.wall_seconds:g} s")
    except ChildGone:
        end = _death(await child.status(), is_spent=child.cpu_seconds >= limits.cpu_seconds)
        if child.is_orphan:
            raise SandboxError("the zygote died during a run") from None
    except FrameTooLarge:
        end = _ended(Ending.OVER_LIMIT, "the answer is too large")
    except values.MalformedValue as error:
        end = _ended(Ending.CRASHED, str(error))
    return [*answers, *[_timed(end, loop.time() - started)] * (len(asks) - len(answers))]


def patience_with(child: Child) -> Patience:
    """Time limits for a child. See `Patience`."""
    return Patience(child.kept_waiting_seconds, child.in_line, waited_seconds_max=WAITED_SECONDS_MAX)


async def load(child: Child, program: Program, limits: Limits, *, has_folder: bool = False) -> str:
    """Load the program alone. Return why it does not load, or an empty text.

    A child that `has_folder` may write files there, also for a program that is no module.

    Raises:
        ChildGone, FrameTooLarge, MalformedValue: the program ended the child or spoke for it.
        SandboxError: the child never got as far as being locked down.
    """
    await _begin(child, _order(program, limits, has_folder=has_folder))
    return _load_problem(await child.receive(_LOADED_MAX))


def _fitting(questions: Sequence[bytes], start: int) -> int:
    """The end of the questions from `start` that can be sent at once: at least one, and no more than a socket holds."""
    end, room = start, _AHEAD_MAX
    while end < len(questions) and (end == start or len(questions[end]) <= room):
        room -= len(questions[end])
        end += 1
    return end


def _ended(ending: Ending, detail: str) -> Answer:
    return Answer(observation=Observation(ending=ending, detail=detail))


def _timed(answer: Answer, seconds: float) -> Answer:
    seen = answer.observation
    observation = Observation(
        ending=seen.ending,
        value=seen.value,
        raised=seen.raised,
        printed=seen.printed,
        detail=seen.detail,
        wall_ms=seconds * 1000,
    )
    return Answer(observation=observation, shown=answer.shown, size=answer.size, frame=answer.frame)


def _death(status: int | None, *, is_spent: bool) -> Answer:
    """The answer that the end of a child gives: signals of the limits, other signals, an exit.

    The first process of a pid namespace never gets SIGXCPU. The kernel kills it a second of CPU time later.
    """
    if status == -signal.SIGXCPU or (status == -signal.SIGKILL and is_spent):
        return _ended(Ending.TIMED_OUT, "used up its CPU time")
    if status == -signal.SIGKILL:
        return _ended(Ending.OVER_LIMIT, "was killed by the kernel for want of memory")
    if status is not None and status < 0:
        return _ended(Ending.CRASHED, f"died of {signal.Signals(-status).name}")
    return _ended(Ending.CRASHED, f"ended by itself with status {status}")


def _order(program: Program, limits: Limits, *, has_folder: bool = False) -> bytes:
    """The first frame: the program to load and its limits."""
    is_module = program.module is not None
    order = {
        "source": program.source,
        "filename": program.filename,
        "module": module_order(program.module) if program.module is not None else None,
        "hole_line": program.module.hole_line + program.lines_added if program.module is not None else 0,
        "prelude": program.prelude,
        "file_bytes": FILE_BYTES_MAX if is_module or has_folder else 0,
        "cpu_seconds": limits.cpu_seconds + (LOAD_SECONDS_MAX if is_module else 0.0),
        "memory_bytes": limits.memory_bytes,
        "output_bytes": limits.output_bytes,
        "value_bytes": limits.value_bytes,
    }
    return json.dumps(order).encode()


def module_order(module: InModule) -> dict[str, Any]:
    """The description of a module for the jail."""
    return {
        "name": module.name,
        "path": module.path,
        "import_root": module.import_root,
        "is_package": module.is_package,
    }


async def _begin(child: Child, *frames: bytes) -> None:
    """Send the first frames, and read the message that a child sends when it is locked down.

    No program can write on the child's socket before that, and no time limit of a program has begun.
    """
    try:
        async with asyncio.timeout(_LOCKED_SECONDS_MAX):
            await child.send(*frames)
            with contextlib.suppress(ChildGone, FrameTooLarge):
                if await child.receive(64) == b'{"ready":true}':
                    return
    except TimeoutError:
        raise SandboxError("a child was not locked down in time") from None
    raise SandboxError(f"a child could not be locked down (status {await child.status()})")


def _load_problem(content: bytes) -> str:
    """Why the program did not load. Empty if it did."""
    match values.parse(content):
        case {"loaded": str(problem), **rest} if not rest:
            return problem[:2000]
    raise values.MalformedValue("the answer is not in the protocol")


def _questions(asks: Sequence[Ask]) -> list[bytes]:
    """The frames of all calls."""
    return [_question(ask, turn) for turn, ask in enumerate(asks)]


def _question(ask: Ask, turn: int) -> bytes:
    """The frame of one call. It holds no expected value."""
    question: dict[str, Any] = {
        "turn": turn,
        "setup": ask.call.setup,
        "expression": ask.call.expression,
        "show": ask.wants_text,
    }
    if ask.value is not None:
        question["value"] = values.encode(ask.value[0])
    return json.dumps(question).encode()


async def _answer(child: Child, turn: int, limits: Limits) -> Answer:
    """Read the answer to one call."""
    content = await child.receive(limits.value_bytes + _ESCAPED_MAX * limits.output_bytes + _FRAME_EXTRA)
    if len(content) > _LARGE:
        return await asyncio.to_thread(read_answer, content, turn)
    return _read_short(content, turn) if len(content) <= _SHORT else read_answer(content, turn)


@functools.lru_cache(maxsize=512)
def _read_short(content: bytes, turn: int) -> Answer:
    """Read an answer that several candidates of a group give only once."""
    return replace(read_answer(content, turn), frame=content)


def _refuse_bombs(content: bytes) -> None:
    """Count the parts of the JSON before it is parsed. Parsing a million tiny parts would block every other thread.

    Raises:
        MalformedValue: it has more parts than any value within the codec's bounds.
    """
    quotes = content.count(b'"')
    if quotes <= _QUOTES_MAX:
        bare = b"".join(content.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
        parts = bare.count(b"[") + bare.count(b",")
        if parts <= _PARTS_MAX and bare.count(b"[") <= values.NODES_MAX and bare.count(b":") <= _NAMES_MAX:
            return
    raise values.MalformedValue("the answer has too many parts")


def read_answer(content: bytes, turn: int) -> Answer:
    """An answer from the bytes of its frame.

    Raises:
        MalformedValue: it does not follow the protocol, or it answers another question.
    """
    if len(content) > _LARGE:
        _refuse_bombs(content)
    match values.parse(content):
        case {
            "turn": int(answered),
            "ending": str(ending),
            "value": value,
            "names": [*names],
            "message": str(message),
            "shown": str(shown),
            "printed": str(printed),
            "overflowed": bool(overflowed),
            "detail": str(detail),
            **rest,
        } if answered == turn and ending in _ENDINGS and not rest and all(isinstance(name, str) for name in names):
            pass
        case _:
            raise values.MalformedValue("the answer is not in the protocol")
    raised = None
    if ending == "raised":
        raised = Raised(type_names=tuple(str(name)[:200] for name in names[:32]), message=message[:2000])
    observation = Observation(
        ending=_ENDINGS[ending],
        value=values.decode(value) if ending == "returned" else None,
        raised=raised,
        printed=printed + ("\n[more was printed]" if overflowed else ""),
        detail=detail[:400],
    )
    return Answer(observation=observation, shown=shown, size=len(content))
