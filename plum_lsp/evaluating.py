"""Measures a policy on benchmark tasks through the whole pipeline: what was sampled, what was offered, what was right.

A row is JSON with `task_id`, `prompt`, `suffix` and `tests`. The gold tests only score: they are appended to the
finished program and run in the sandbox once everything has been decided, and a program passes if it loads to its end.
(A program that set out to deceive its own tests could; nothing is offered or learned by this score.)
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.events import Event, Prompted, Sampled, Verified
from plum_lsp.domain.ports import Clock, Sandbox
from plum_lsp.domain.suggestion import Candidate, Offer, RequestId, SuggestionRequest, Tier, Trigger
from plum_lsp.domain.text import Document, PositionEncoding, Span
from plum_lsp.domain.verification import Call, Ending, Limits, Program
from plum_lsp.pipeline import Pipeline

RESAMPLES = 1000
"""Of the tasks, with replacement, for each confidence interval (Efron, 1979); more change its ends by under a point."""
CONFIDENCE = 0.95
SCORE_SECONDS = 10.0
"""Gold tests are larger than what candidates are tried on."""


class MalformedRow(PlumError):
    """A line is no task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A benchmark task: the hole is between prompt and suffix."""

    id: str
    source: str
    prompt: str
    suffix: str
    tests: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One sample: its place in the group, its tier and whether it passes the gold tests."""

    index: int
    tier: str
    mean_logprob: float | None
    is_right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What came of one task. `offered` is None for an abstention, whose reason is in `reason`. Times in ms."""

    row: Row
    samples: tuple[Scored, ...]
    offered: Scored | None
    reason: str
    total_ms: float

    def line(self) -> dict[str, Any]:
        """The same as a JSON value."""
        sample_keys = ("index", "tier", "mean_logprob", "is_right")
        samples = [{key: getattr(sample, key) for key in sample_keys} for sample in self.samples]
        offer = None if self.offered is None else {key: getattr(self.offered, key) for key in sample_keys}
        return {
            "task_id": self.row.id,
            "source": self.row.source,
            "samples": samples,
            "offer": offer,
            "reason": self.reason,
            "total_ms": round(self.total_ms, 1),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value with its confidence interval; `count` is of the tasks or offers behind it."""

    name: str
    value: float
    low: float
    high: float
    count: int


class GroupRecorder:
    """Keeps the group of one request."""

    def __init__(self) -> None:
        self.hole = Span(start=0, end=0)
        self.candidates: list[Candidate] = []
        self.tiers: dict[int, Tier] = {}

    def record(self, event: Event) -> None:
        """Take one event of the pipeline."""
        if isinstance(event, Prompted):
            self.hole, self.candidates, self.tiers = event.context.hole, [], {}
        elif isinstance(event, Sampled):
            self.candidates.append(event.candidate)
        elif isinstance(event, Verified):
            self.tiers[event.judged.candidate.completion.index] = event.judged.tier


def row_of(line: str) -> Row:
    """The task in a line.

    Raises:
        MalformedRow: it is none; the message says why.
    """
    try:
        found = json.loads(line)
        texts = {key: found[key] for key in ("task_id", "prompt", "suffix", "tests")}
    except (ValueError, LookupError, TypeError) as error:
        raise MalformedRow(f"no task: {type(error).__name__}: {error}") from None
    if not all(isinstance(text, str) for text in texts.values()):
        raise MalformedRow("no task: task_id, prompt, suffix and tests must be texts")
    return Row(
        id=texts["task_id"],
        source=str(found.get("source", "")),
        prompt=texts["prompt"],
        suffix=texts["suffix"],
        tests=texts["tests"],
    )


async def evaluate_row(
    row: Row, pipeline: Pipeline, sandbox: Sandbox, seen: GroupRecorder, clock: Clock, *, limits: Limits, seconds: float
) -> TaskResult:
    """Ask the pipeline for the task's hole as a user would, then score the group. `seen` records for the pipeline.

    Raises:
        SandboxError: the jail broke.
    """
    seen.candidates, seen.tiers = [], {}
    text = row.prompt + row.suffix
    document = Document(uri="file:///task.py", version=1, text=text, encoding=PositionEncoding.UTF16)
    started = clock.now()
    request = SuggestionRequest(
        id=RequestId(row.id),
        document=document,
        offset=len(row.prompt),
        trigger=Trigger.INVOKED,
        deadline=started + seconds,
    )
    result = await pipeline.suggest(request)
    total_ms = (clock.now() - started) * 1000
    right: dict[str, bool] = {}
    samples = []
    for candidate in sorted(seen.candidates, key=lambda candidate: candidate.completion.index):
        if candidate.text not in right:
            finished = text[: seen.hole.start] + candidate.text + text[seen.hole.end :]
            right[candidate.text] = await _passes(f"{finished}\n{row.tests}", sandbox, limits)
        tier = seen.tiers.get(candidate.completion.index, Tier.UNVERIFIED)
        samples.append(
            Scored(
                index=candidate.completion.index,
                tier=tier.value,
                mean_logprob=candidate.mean_logprob,
                is_right=right[candidate.text],
            )
        )
    offered, reason = None, ""
    if isinstance(result, Offer):
        index = result.chosen.candidate.completion.index
        offered = Scored(
            index=index,
            tier=result.chosen.tier.value,
            mean_logprob=result.chosen.candidate.mean_logprob,
            is_right=right[result.text],
        )
    else:
        reason = result.reason.value
    return TaskResult(row=row, samples=tuple(samples), offered=offered, reason=reason, total_ms=total_ms)


async def _passes(source: str, sandbox: Sandbox, limits: Limits) -> bool:
    seen = await sandbox.observe(Program(source=source), [Call(expression="True")], limits)
    return seen[0].ending is Ending.RETURNED and seen[0].value is True


def figures(results: Sequence[TaskResult], *, seed: int = 0) -> list[Figure]:
    """What the report tells, each with its interval over resampled tasks. Empty for no results."""
    if not results:
        return []
    count = max(len(result.samples) for result in results)
    found = [
        _figure("raw pass@1", results, _pass_at_1, seed),
        _figure(f"raw pass@{count}", results, lambda r: float(any(sample.is_right for sample in r.samples)), seed),
        _figure("without verification (first sample)", results, _first_is_right, seed),
        _figure("tasks with an offer", results, lambda r: float(r.offered is not None), seed),
        _figure("tasks with a right offer", results, lambda r: float(bool(r.offered and r.offered.is_right)), seed),
    ]
    offers = [result for result in results if result.offered is not None]
    found.append(_figure("precision of offers", offers, _offer_is_right, seed))
    for tier in Tier:
        of_tier = [result for result in offers if result.offered is not None and result.offered.tier == tier.value]
        found.append(_figure(f"precision of {tier.value} offers", of_tier, _offer_is_right, seed))
    return [figure for figure in found if figure.count]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of `values` do not exceed; values must not be empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * (len(ordered) - 1))))]


def _figure(name: str, results: Sequence[TaskResult], of: Callable[[TaskResult], float], seed: int) -> Figure:
    values = [of(result) for result in results]
    if not values:
        return Figure(name=name, value=0.0, low=0.0, high=0.0, count=0)
    chance = random.Random(seed)  # noqa: S311 - resampling, no secret
    means = [sum(chance.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES)]
    tail = (1 - CONFIDENCE) / 2
    return Figure(
        name=name,
        value=sum(values) / len(values),
        low=percentile(means, tail),
        high=percentile(means, 1 - tail),
        count=len(values),
    )


def _pass_at_1(result: TaskResult) -> float:
    """The unbiased estimate for k = 1 is the share of right samples (Chen et al., 2021)."""
    return sum(sample.is_right for sample in result.samples) / len(result.samples) if result.samples else 0.0


def _first_is_right(result: TaskResult) -> float:
    return float(any(sample.index == 0 and sample.is_right for sample in result.samples))


def _offer_is_right(result: TaskResult) -> float:
    return float(bool(result.offered and result.offered.is_right))
