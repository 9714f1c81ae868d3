"""Reads the lines of benchmark rows, and runs their gold tests.

A row is JSON with `task_id` and `prompt`. It may have a `suffix` (the code after the hole), a `source`, gold `tests`
and `candidates` (each with a `text`). Other keys are ignored. A program passes if it runs to its end with
the gold tests appended. A program could deceive these tests, but they only measure: their results are neither offered
nor trained on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import Call, Ending, Limits, Observation, Program

GOLD_SECONDS = 10.0
"""Gold tests are larger than the tests of a request, so they get more time."""


class MalformedTask(PlumError):
    """A line is not a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A benchmark task. The hole is between prompt and suffix, and `candidates` are texts that may fill it."""

    id: str
    prompt: str
    suffix: str
    source: str = ""
    tests: str = ""
    candidates: tuple[str, ...] = ()


def task_of(line: str, *, needs: Collection[str] = ()) -> Task:
    """The task on a line. `needs` names the required keys: `tests`, `candidates`.

    Raises:
        MalformedTask: the line is not a task, or it lacks a required key. The message says why.
    """
    return task_from(values_of(line), needs=needs)


def values_of(line: str) -> Mapping[str, Any]:
    """The JSON object on a line.

    Raises:
        MalformedTask: the line holds none. The message says why.
    """
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MalformedTask(f"not JSON: {error}") from None
    if not isinstance(values, dict):
        raise MalformedTask("not a JSON object")
    return values


def task_from(values: Mapping[str, Any], *, needs: Collection[str] = ()) -> Task:
    """The task in JSON values.

    Raises:
        MalformedTask: the values are not a task, or they lack a required key. The message says why.
    """
    texts = {name: values.get(name, "") for name in ("suffix", "source", "tests")}
    texts |= {name: values.get(name) for name in ("task_id", "prompt")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise MalformedTask(f"`{name}` must be a text")
    if "tests" in needs and not texts["tests"].strip():
        raise MalformedTask("`tests` must be a text with gold tests")
    return Task(
        id=texts["task_id"],
        prompt=texts["prompt"],
        suffix=texts["suffix"],
        source=texts["source"],
        tests=texts["tests"],
        candidates=_candidates(values, is_needed="candidates" in needs),
    )


def _candidates(values: Mapping[str, Any], *, is_needed: bool) -> tuple[str, ...]:
    found = values.get("candidates", None if is_needed else [])
    if not isinstance(found, list) or not all(
        isinstance(one, dict) and isinstance(one.get("text"), str) for one in found
    ):
        raise MalformedTask("`candidates` must be a list of objects with a `text`")
    return tuple(one["text"] for one in found)


async def run_gold(source: str, tests: str, sandbox: Sandbox, limits: Limits) -> Observation:
    """The ending of a finished program with its gold tests appended, under exactly these limits.

    Raises:
        SandboxError: the sandbox broke.
    """
    (seen,) = await sandbox.observe(Program(source=f"{source}\n{tests}\n"), [Call(expression="True")], limits)
    return seen


async def passes_gold(source: str, tests: str, sandbox: Sandbox, limits: Limits) -> bool:
    """Whether a finished program runs to the end of its gold tests within `GOLD_SECONDS`.

    Raises:
        SandboxError: the sandbox broke.
    """
    wide = replace(limits, wall_seconds=GOLD_SECONDS, cpu_seconds=GOLD_SECONDS)
    seen = await run_gold(source, tests, sandbox, wide)
    return seen.ending is Ending.RETURNED and seen.value is True
