"""Runs files of cases: programs with calls and their expected results, one JSON object a line.

A case is `{id, code, entry_point, tests: [[args, expected], ...]}`.
`args` and `expected` may hold, at any depth, `{"$py": "a Python literal"}`.
`expected` may also hold `{"$raises": "ValueError"}` (alone) or `{"$approx": 1.5, "tol": 1e-6}`.
A result is `{id, status: pass|fail|error|timeout, passed: [bool], wall_ms}`. `verify` does the judging.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import (
    Call,
    Equals,
    Limits,
    Origin,
    Program,
    Raises,
    TestCase,
    TestId,
    Verdict,
    VerdictStatus,
)

_WORDS = {
    VerdictStatus.PASSED: "pass",
    VerdictStatus.FAILED: "fail",
    VerdictStatus.ERRORED: "error",
    VerdictStatus.OVER_LIMIT: "error",
    VerdictStatus.TIMED_OUT: "timeout",
    VerdictStatus.UNDECIDED: "error",
}
_REFERENCE = Program(source="import collections, datetime, decimal, fractions, math\nfrom math import inf, nan\n")
"""The names that expected values may use if they are not literals."""


class MalformedCase(ValueError):
    """A line is not a case. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One program and its tests, read and checked."""

    id: str
    program: Program
    tests: tuple[TestCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """How one case ended. `verdicts` are kept for display."""

    id: str
    status: str
    passed: tuple[bool, ...]
    wall_ms: float
    verdicts: tuple[Verdict, ...] = ()

    def as_line(self) -> str:
        """The result as one line of JSON."""
        fields = {"id": self.id, "status": self.status, "passed": list(self.passed), "wall_ms": round(self.wall_ms, 2)}
        return json.dumps(fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseProblem:
    """A line without a result: its number from 1, its id if it had one, and the reason."""

    line: int
    id: str | None
    text: str


def read_case(line: str) -> Case:
    """A case from its line.

    Raises:
        MalformedCase: it is not one.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MalformedCase(f"not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise MalformedCase("not an object")
    for name in ("id", "code", "entry_point"):
        if not isinstance(fields.get(name), str):
            raise MalformedCase(f"`{name}` is missing or not a string")
    tests = fields.get("tests")
    if not isinstance(tests, list):
        raise MalformedCase("`tests` is missing or not a list")
    read = tuple(_test(fields["entry_point"], index, test) for index, test in enumerate(tests))
    return Case(id=fields["id"], program=Program(source=fields["code"]), tests=read)


def _test(entry_point: str, index: int, test: Any) -> TestCase:
    """One `[args, expected]`."""
    match test:
        case [[*args], expected]:
            expression = f"{entry_point}({', '.join(_source(arg) for arg in args)})"
        case _:
            raise MalformedCase(f"test {index} is not [args, expected]")
    match expected:
        case {"$raises": str(name), **rest} if not rest:
            expectation: Equals | Raises = Raises(type_name=name)
        case _:
            expectation = Equals(expected=_source(expected, may_be_near=True))
    return TestCase(
        id=TestId(str(index)),
        call=Call(expression=expression),
        expectation=expectation,
        origin=Origin.EXAMPLE,
        quote=expression[:200],
    )


def _source(value: Any, *, may_be_near: bool = False) -> str:
    """The Python expression of a tagged JSON value."""
    match value:
        case {"$py": str(source), **rest} if not rest:
            return f"({source})" if source.strip() else _refuse(value)
        case {"$approx": int() | float() as near, "tol": int() | float() as tolerance, **rest} if not rest:
            return f"approx({near!r}, {tolerance!r})" if may_be_near else _refuse(value)
        case dict() if any(name.startswith("$") for name in value):
            return _refuse(value)
        case dict():
            return (
                "{"
                + ", ".join(f"{key!r}: {_source(part, may_be_near=may_be_near)}" for key, part in value.items())
                + "}"
            )
        case list():
            return "[" + ", ".join(_source(part, may_be_near=may_be_near) for part in value) + "]"
        case float() if value != value or value in {float("inf"), float("-inf")}:
            return f"float({str(value)!r})"
        case _:
            return repr(value)


def _refuse(value: Any) -> str:
    raise MalformedCase(f"{json.dumps(value)[:80]} is no value that can stand here")


def status_of(verdicts: Sequence[Verdict]) -> str:
    """The worst result of the tests: first timeout, then error, then failure."""
    words = {_WORDS[verdict.status] for verdict in verdicts}
    return next((word for word in ("timeout", "error", "fail") if word in words), "pass")


async def run_case(sandbox: Sandbox, case: Case, limits: Limits) -> CaseResult:
    """Run one case. A case without tests passes if its program loads.

    Raises:
        SandboxError: the sandbox broke twice.
    """
    started = time.monotonic()
    tests = case.tests or (_loads(),)
    try:
        verdicts = await sandbox.verify(case.program, tests, limits, reference=_REFERENCE)
    except SandboxError:
        verdicts = await sandbox.verify(case.program, tests, limits, reference=_REFERENCE)
    return CaseResult(
        id=case.id,
        status=status_of(verdicts),
        passed=tuple(verdict.is_pass for verdict in verdicts[: len(case.tests)]),
        wall_ms=(time.monotonic() - started) * 1000,
        verdicts=verdicts,
    )


def _loads() -> TestCase:
    return TestCase(
        id=TestId("loads"),
        call=Call(expression="None"),
        expectation=Equals(expected="None"),
        origin=Origin.GENERATED,
        quote="the program loads",
    )


async def run_lines(
    sandbox: Sandbox,
    lines: Iterable[str],
    limits: Limits,
    *,
    at_once: int,
    report: Callable[[CaseResult | CaseProblem], Awaitable[None]],
) -> None:
    """Run every case of a file, `at_once` at a time. `report` gets each result in order. Blank lines are skipped."""
    window: list[asyncio.Task[CaseResult | CaseProblem]] = []
    async with asyncio.TaskGroup() as group:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            window.append(group.create_task(_run_line(sandbox, number, line, limits)))
            if len(window) >= at_once:
                await report(await window.pop(0))
        for task in window:
            await report(await task)


async def _run_line(sandbox: Sandbox, number: int, line: str, limits: Limits) -> CaseResult | CaseProblem:
    try:
        return await run_case(sandbox, read_case(line), limits)
    except MalformedCase as error:
        return CaseProblem(line=number, id=_id_in(line), text=str(error))
    except SandboxError as error:
        return CaseProblem(line=number, id=_id_in(line), text=f"the sandbox broke: {error}")


def _id_in(line: str) -> str | None:
    """The id in a line, even if the line is no case."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    name = found.get("id") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None
