"""Judges the candidates of a file of tasks, or explains one task."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import click

from plum_lsp.config import load_settings
from plum_lsp.domain.display import one_line
from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.values import show
from plum_lsp.domain.verification import Ending, Limits, Observation
from plum_lsp.evaluation.offline import NO_HOLE, VerifiedTask
from plum_lsp.evaluation.offline import verify as verify_task
from plum_lsp.evaluation.tasks import MalformedTask, Task, task_of
from plum_lsp.report.marks import VERDICT
from plum_lsp.report.printing import say, standard_output
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.verification.agreement import is_same
from plum_lsp.verification.compare import Comparison
from plum_lsp.verification.judge import index_of, shown
from plum_lsp.verification.options import sandbox_options

INPUTS_SHOWN = 12
"""How many generated inputs `--explain` shows."""


def judge_file(inputs: Path, output: Path | None, explained: str | None) -> bool:
    """Judge the candidates of a JSON-lines file. Returns whether every line was a task that could be judged.

    A row has `task_id`, `prompt`, `suffix` and `candidates` (objects with a `text`). `output` gets one prediction per
    line for each candidate. The default is standard output. `explained` names a task whose tests and results are shown
    instead.
    """
    lines = inputs.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    if explained is not None:
        chosen = [task for task in _tasks(lines)[0] if task.id == explained]
        if not chosen:
            raise click.ClickException(f"no task {explained!r} in {inputs}")
        return not asyncio.run(_verify(chosen, standard_output(), is_explained=True))
    if output is None:
        return not _predict(lines, standard_output())
    with output.open("w", encoding="utf-8") as predictions:
        return not _predict(lines, predictions)


def _predict(lines: list[str], predictions: TextIO) -> int:
    tasks, problems = _tasks(lines)
    return problems + asyncio.run(_verify(tasks, predictions, is_explained=False))


def _tasks(lines: list[str]) -> tuple[list[Task], int]:
    """The tasks of the file, and how many lines are not tasks (each is reported)."""
    tasks, problems = [], 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            tasks.append(task_of(line, needs=("candidates",)))
        except MalformedTask as error:
            problems += 1
            say(f"line {number}: {error}", err=True)
    return tasks, problems


async def _verify(tasks: list[Task], out: TextIO, *, is_explained: bool) -> int:
    """Judge every task. Returns the number of tasks on which the sandbox broke."""
    settings = load_settings(environ=os.environ).settings
    limits = pipeline_options(settings).limits
    sandbox = await open_sandbox(sandbox_options(settings))
    problems = 0
    try:
        for task in tasks:
            problems += not await _one(task, sandbox, limits, out, is_explained=is_explained)
    finally:
        await sandbox.close()
    return problems


async def _one(task: Task, sandbox: Sandbox, limits: Limits, out: TextIO, *, is_explained: bool) -> bool:
    try:
        done = await verify_task(task, sandbox, MonotonicClock(), limits=limits)
    except SandboxError as error:
        say(f"{task.id}: the sandbox broke: {error}", err=True)
        return False
    if is_explained:
        _explain(done, out)
    else:
        out.writelines(json.dumps(line) + "\n" for line in done.lines())
        out.flush()
    return True


def _explain(done: VerifiedTask, out: TextIO) -> None:
    """Print tests, candidates and their results as readable text."""
    if done.judge is None:
        out.write(f"{NO_HOLE}\n")
        return
    out.write(f"Task {one_line(done.task.id)}\n\nTests\n")
    for number, test in enumerate(done.judge.tests, start=1):
        out.write(f"  {number}. {one_line(test.quote) or one_line(test.call.expression)}  [{test.origin.value}]\n")
    out.write("\nCandidates\n" if done.judge.tests else "  none\n\nCandidates\n")
    for judged in done.group:
        marks = "".join(VERDICT[verdict.status].sign for verdict in judged.verdicts)
        chance = f"{judged.probability:4.0%}" if judged.probability is not None else "    "
        out.write(f"  {index_of(judged)}. {judged.tier.value:10s} {chance} {marks} {one_line(judged.reason)}\n")
    _explain_inputs(done.comparison, out)


def _explain_inputs(comparison: Comparison, out: TextIO) -> None:
    """The matrix. Inputs on which the candidates differ most come first."""
    answers = {
        call: _shared({index: seen[place] for index, seen in comparison.observed.items()})
        for place, call in enumerate(comparison.calls)
    }
    telling = sorted(answers, key=lambda call: -len(answers[call]))[:INPUTS_SHOWN]
    out.write(f"\nInputs: {len(answers)} generated, {len(telling)} shown, the most different answers first\n")
    for call in telling:
        out.write(f"  {one_line('; '.join(filter(None, (call.setup.replace(chr(10), '; '), call.expression))))}\n")
        for seen, indices in sorted(answers[call], key=lambda item: -len(item[1])):
            out.write(f"      {one_line(_given(seen))}  from {', '.join(map(str, indices))}\n")


def _shared(observed: Mapping[int, Observation]) -> list[tuple[Observation, list[int]]]:
    """The distinct answers to one input, each with the candidates that give it."""
    found: list[tuple[Observation, list[int]]] = []
    for index, seen in sorted(observed.items()):
        alike = (members for one, members in found if one.ending is seen.ending and is_same(one, seen))
        members = next(alike, None)
        if members is None:
            found.append((seen, [index]))
        else:
            members.append(index)
    return found


def _given(seen: Observation) -> str:
    return show(seen.value, 60) if seen.ending is Ending.RETURNED else shown(seen)[:60]
