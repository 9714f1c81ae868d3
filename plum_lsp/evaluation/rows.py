"""Measures a policy on benchmark tasks through the whole pipeline: samples, offers, and which of them were right.

The gold tests of a task (`tasks`) only score. They run after all decisions.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from plum_lsp.config import Settings
from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.events import Ended, Event, Prompted, Sampled, Verified
from plum_lsp.domain.ports import Clock, Policy, Sandbox
from plum_lsp.domain.suggestion import Abstention, Candidate, Offer, RequestId, SuggestionRequest, Tier, Trigger
from plum_lsp.domain.text import Document, PositionEncoding, Span
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.tasks import Task, passes_gold
from plum_lsp.python.ruff import RuffReader
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.suggestion.pipeline import Pipeline


class MalformedResult(PlumError):
    """A line is not a result of an earlier run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One sample: its place in the group, its tier, its estimated chance, and whether it passes the gold tests."""

    index: int
    tier: str
    mean_logprob: float | None
    is_right: bool
    probability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """The result of one task.

    `offered` is the offer that the user would have got, and `offered_ms` is its time. Both are None for an abstention.
    `reason` then says why. `awaited` is the offer after the whole group, even if a candidate was verified earlier.
    `first_ms` is when the first sample was complete and `total_ms` when the whole group was judged.
    """

    task_id: str
    source: str
    samples: tuple[Scored, ...]
    offered: Scored | None
    awaited: Scored | None
    reason: str
    first_ms: float | None
    offered_ms: float | None
    total_ms: float

    def line(self) -> dict[str, Any]:
        """The same as a JSON value."""
        return asdict(self)


def result_of(line: str) -> TaskResult:
    """The result in a line of an earlier run.

    Raises:
        MalformedResult: the line is not a result, or it is cut short.
    """
    try:
        found = json.loads(line)
        scored = {key: None if found[key] is None else Scored(**found[key]) for key in ("offered", "awaited")}
        samples = tuple(Scored(**sample) for sample in found["samples"])
        return TaskResult(**{**found, **scored, "samples": samples})
    except (ValueError, LookupError, TypeError) as error:
        raise MalformedResult(f"no result: {type(error).__name__}: {error}") from None


class GroupRecorder:
    """Keeps the group of one request: its candidates, their tiers, the first verified one, and the times."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the previous request."""
        self.hole = Span(start=0, end=0)
        self.candidates: list[Candidate] = []
        self.tiers: dict[int, Tier] = {}
        self.probabilities: dict[int, float | None] = {}
        self.first_verified: int | None = None
        self.stages_ms: dict[str, float] = {}

    def record(self, event: Event) -> None:
        """Take one event of the pipeline."""
        if isinstance(event, Prompted):
            self.hole = event.context.hole
        elif isinstance(event, Sampled):
            self.candidates.append(event.candidate)
        elif isinstance(event, Verified):
            index, tier = event.judged.candidate.completion.index, event.judged.tier
            if tier is Tier.VERIFIED and self.first_verified is None:
                self.first_verified = index
            self.tiers[index] = tier
            self.probabilities[index] = event.judged.probability
        elif isinstance(event, Ended):
            self.stages_ms = event.stages_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a task is run. `seen` records for the pipeline, which judges whole groups.

    `stops_early` says that a user would have been offered the first verified candidate without waiting for the rest.
    """

    pipeline: Pipeline
    sandbox: Sandbox
    seen: GroupRecorder
    clock: Clock
    limits: Limits
    seconds: float
    stops_early: bool


def trial_of(settings: Settings, policy: Policy, sandbox: Sandbox, *, seconds: float) -> Trial:
    """How tasks are run under these settings. Whole groups are judged, so that all samples count."""
    options = pipeline_options(settings)
    clock, seen = MonotonicClock(), GroupRecorder()
    pipeline = Pipeline(
        policy=policy,
        sandbox=sandbox,
        clock=clock,
        recorder=seen,
        options=replace(options, stop_early=False),
        inspector=RuffReader(),
    )
    return Trial(
        pipeline=pipeline,
        sandbox=sandbox,
        seen=seen,
        clock=clock,
        limits=options.limits,
        seconds=seconds,
        stops_early=options.ends_at_first_verified,
    )


async def evaluate_row(row: Task, trial: Trial) -> TaskResult:
    """Request a completion of the task's hole as an editor would, then score the group.

    Raises:
        SandboxError: the sandbox broke.
    """
    seen = trial.seen
    seen.clear()
    text = row.prompt + row.suffix
    request = SuggestionRequest(
        id=RequestId(row.id),
        document=Document(uri="file:///task.py", version=1, text=text, encoding=PositionEncoding.UTF16),
        offset=len(row.prompt),
        trigger=Trigger.INVOKED,
        deadline=trial.clock.now() + trial.seconds,
    )
    result = await trial.pipeline.suggest(request)
    samples = await _scored(row, text, trial)
    awaited = samples[result.chosen.candidate.completion.index] if isinstance(result, Offer) else None
    offered, stage = awaited, "ended"
    if trial.stops_early and seen.first_verified is not None:
        offered, stage = replace(samples[seen.first_verified], tier=Tier.VERIFIED.value), "first_verified"
    return TaskResult(
        task_id=row.id,
        source=row.source,
        samples=tuple(samples[index] for index in sorted(samples)),
        offered=offered,
        awaited=awaited,
        reason=result.reason.value if isinstance(result, Abstention) else "",
        first_ms=seen.stages_ms.get("first_candidate"),
        # A candidate that timed out at first may be verified after the group is complete.
        offered_ms=seen.stages_ms.get(stage, seen.stages_ms["ended"]) if offered else None,
        total_ms=seen.stages_ms["ended"],
    )


async def _scored(row: Task, text: str, trial: Trial) -> dict[int, Scored]:
    """The samples by their place in the group. The gold tests score each text once."""
    right: dict[str, bool] = {}
    samples, hole = {}, trial.seen.hole
    for candidate in trial.seen.candidates:
        if candidate.text not in right:
            finished = text[: hole.start] + candidate.text + text[hole.end :]
            right[candidate.text] = await passes_gold(finished, row.tests, trial.sandbox, trial.limits)
        index = candidate.completion.index
        samples[index] = Scored(
            index=index,
            tier=trial.seen.tiers.get(index, Tier.UNVERIFIED).value,
            mean_logprob=candidate.mean_logprob,
            is_right=right[candidate.text],
            probability=trial.seen.probabilities.get(index),
        )
    return samples
