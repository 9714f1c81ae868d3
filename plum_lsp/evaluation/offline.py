"""Judges existing candidates without a policy. It reads a file of tasks and gives a prediction for each candidate.

The steps are those of the pipeline without its deadline: every candidate is run, and the group is compared. `tasks`
reads the rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from plum_lsp.domain.ports import Clock, Sandbox
from plum_lsp.domain.suggestion import Completion, Context, Judged, PolicyVersion, Tier
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Limits, TestCase
from plum_lsp.evaluation.tasks import Task
from plum_lsp.evaluation.watched import WatchedSandbox
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.reading.window import read_context
from plum_lsp.verification.compare import Comparison
from plum_lsp.verification.group import Ladder
from plum_lsp.verification.judge import Judge, index_of

STAGES = ("read", "reference", "tests and inputs", "more inputs", "weighing")
OFFERED = frozenset({Tier.VERIFIED, Tier.CONSISTENT})
PREFIX_TOKENS, SUFFIX_TOKENS = 4000, 1000
NO_HOLE = "there is no code to complete at the end of the prompt"
_NOBODY = PolicyVersion(number=0, model="", model_sha256="")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedTask:
    """A task's candidates, judged. `walls_ms` follows the order of `group`, which is the task's own.

    `stages_ms` is the time of each stage, in order: `read` (context, tests and first inputs), `reference` (the program
    without a candidate), `tests and inputs`, `more inputs`, `weighing`.
    """

    task: Task
    judge: Judge | None
    group: tuple[Judged, ...]
    comparison: Comparison
    walls_ms: tuple[float, ...]
    stages_ms: Mapping[str, float] = field(default_factory=dict)

    def lines(self) -> list[dict[str, Any]]:
        """One prediction for each candidate, as JSON values."""
        if self.judge is None:
            return [_unread(self.task.id, index) for index in range(len(self.task.candidates))]
        return [
            {
                "task_id": self.task.id,
                "candidate_index": index_of(judged),
                "offered": judged.tier in OFFERED and not judged.is_refuted,
                "score": round(judged.score, 6),
                "probability": None if judged.probability is None else round(judged.probability, 4),
                "tier": judged.tier.value,
                "tests_run": len(judged.verdicts),
                "tests_passed": sum(verdict.is_pass for verdict in judged.verdicts),
                "reason": judged.reason,
                "wall_ms": round(wall, 3),
            }
            for judged, wall in zip(self.group, self.walls_ms, strict=True)
        ]


def _unread(task_id: str, index: int) -> dict[str, Any]:
    """The prediction if no program could be run."""
    return {
        "task_id": task_id,
        "candidate_index": index,
        "offered": False,
        "score": 0.0,
        "probability": None,
        "tier": Tier.UNVERIFIED.value,
        "tests_run": 0,
        "tests_passed": 0,
        "reason": NO_HOLE,
        "wall_ms": 0.0,
    }


async def verify(
    task: Task,
    sandbox: Sandbox,
    clock: Clock,
    *,
    limits: Limits,
    order: Sequence[int] = (),
    project: Sequence[TestCase] = (),
) -> VerifiedTask:
    """Every candidate of the task, judged in `order`, a permutation. By default the order is the task's own.

    `project` are tests of the project beside the examples in the task's own text.

    Raises:
        SandboxError: the sandbox broke, if only under one of the candidates.
    """
    times = [clock.now()]
    document = Document(uri="file:///task.py", version=0, text=task.prompt + task.suffix)
    context = read_context(document, len(task.prompt), prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS)
    if context is None:
        return VerifiedTask(task=task, judge=None, group=(), comparison=Comparison(observed={}), walls_ms=())
    watched = WatchedSandbox(sandbox)
    judge = Judge.of(context, watched, limits, project=project)
    times.append(clock.now())
    done = await _judged(task, judge, context, clock, order or range(len(task.candidates)), times)
    watched.raise_if_broken()
    return done


async def _judged(
    task: Task, judge: Judge, context: Context, clock: Clock, order: Sequence[int], times: list[float]
) -> VerifiedTask:
    ladder = Ladder(judge)
    await ladder.screen()
    times.append(clock.now())
    walls: dict[int, float] = {}

    async def run(index: int) -> None:
        started = clock.now()
        candidate = make_candidate(Completion.written(task.candidates[index], index=index), context, _NOBODY)
        await ladder.add(candidate)
        walls[index] = (clock.now() - started) * 1000

    async with asyncio.TaskGroup() as running:
        for index in order:
            running.create_task(run(index))
    await ladder.reconsider()
    times.append(clock.now())
    await ladder.compare()
    times.append(clock.now())
    ladder.settle()
    in_order = sorted(ladder.group.members, key=index_of)
    times.append(clock.now())
    return VerifiedTask(
        task=task,
        judge=judge,
        group=tuple(in_order),
        comparison=ladder.group.comparison,
        walls_ms=tuple(walls[index_of(judged)] for judged in in_order),
        stages_ms={name: (end - start) * 1000 for name, (start, end) in zip(STAGES, pairwise(times), strict=True)},
    )
