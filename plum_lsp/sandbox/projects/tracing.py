"""The protocol with a child that runs a test file as it is saved, and tells which functions each test calls."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable

from plum_lsp.domain.values import clean
from plum_lsp.domain.verification import Limits, Program, TestRun, TracedTest
from plum_lsp.sandbox import values
from plum_lsp.sandbox.conversation import LOAD_SECONDS_MAX, load, patience_with
from plum_lsp.sandbox.isolation.child import Child, ChildGone, FrameTooLarge
from plum_lsp.sandbox.projects.testing import CASES_MAX, OUTCOMES, SHOWN_MAX, TEST_SECONDS_MAX, WALL_SHARE

COLLECTING_SECONDS_MAX = 20.0
FILE_SECONDS_MAX = 120.0
"""CPU time for all tests of one file."""
_GRACE_SECONDS = 2.0
"""A test that does not end after its time limit is given up, with the rest of its file."""
_ANSWER_MAX = 512 * 1024

Pause = Callable[[], Awaitable[None]]
"""Waits until the next test may run."""


async def traced(child: Child, folder: str, file: str, pause: Pause) -> AsyncGenerator[TracedTest, None]:
    """The tests of a file in turn. It ends early if the child does not answer as agreed.

    Args:
        folder: the project's, absolute.
        file: relative to it.

    Raises:
        SandboxError: the child never got as far as being locked down.
    """
    limits = Limits(wall_seconds=FILE_SECONDS_MAX, cpu_seconds=FILE_SECONDS_MAX)
    try:
        async with patience_with(child) as patience:
            patience.begin(LOAD_SECONDS_MAX)
            if await load(child, Program(source=""), limits, has_folder=True):
                return
        await child.send(json.dumps({"map": {"folder": folder, "file": file}}).encode())
        async with patience_with(child) as patience:
            patience.begin(COLLECTING_SECONDS_MAX)
            names = _names(await child.receive(_ANSWER_MAX))
        for name in names:
            await pause()
            order = {"test": name, "seconds": TEST_SECONDS_MAX, "wall_share": WALL_SHARE, "cases_max": CASES_MAX}
            await child.send(json.dumps(order).encode())
            async with patience_with(child) as patience:
                patience.begin(TEST_SECONDS_MAX * WALL_SHARE + _GRACE_SECONDS)
                answer = await child.receive(_ANSWER_MAX)
            yield _read(answer, name)
    except (TimeoutError, ChildGone, FrameTooLarge, values.MalformedValue):
        return


def _names(content: bytes) -> list[str]:
    match values.parse(content):
        case {"names": list(names), "problem": str()} if all(isinstance(name, str) for name in names):
            return names
    raise values.MalformedValue("the names of tests are not in the protocol")


def _read(content: bytes, test: str) -> TracedTest:
    match values.parse(content):
        case {
            "test": str(name),
            "outcome": str(outcome),
            "shown": str(shown),
            "microseconds": int(microseconds),
            "called": list(called),
        } if name == test and outcome in OUTCOMES:
            run = TestRun(
                test=test, outcome=OUTCOMES[outcome], shown=clean(shown[:SHOWN_MAX]), wall_ms=microseconds / 1000
            )
            return TracedTest(run=run, called=frozenset(map(_place, called)))
    raise values.MalformedValue("the answer is not in the protocol")


def _place(value: object) -> tuple[str, str]:
    match value:
        case [str(path), str(name)]:
            return path, name
    raise values.MalformedValue("a function is not in the protocol")
