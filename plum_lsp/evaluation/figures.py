"""The figures of an evaluation: shares of tasks and of offers, each with its bootstrap interval. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plum_lsp.domain.suggestion import Tier
from plum_lsp.evaluation.rows import TaskResult
from plum_lsp.report.shares import percentile

RESAMPLES = 1000
"""Resamples of the tasks for each confidence interval (Efron, 1979). More of them change its ends by under a point."""
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value with its confidence interval. `count` is the number of tasks or offers behind it."""

    name: str
    value: float
    low: float
    high: float
    count: int


def figures(results: Sequence[TaskResult], *, deadline_ms: int, seed: int = 0) -> list[Figure]:
    """The figures of the report, each with its interval over resampled tasks. Empty if there are no results."""
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
    found.append(_figure("tasks with an offer within the deadline", results, _in_time(deadline_ms), seed))
    awaited = [result for result in results if result.awaited is not None]
    found.append(_figure("precision, the whole group awaited", awaited, _awaited_is_right, seed))
    return [figure for figure in found if figure.count]


def _figure(name: str, results: Sequence[TaskResult], of: Callable[[TaskResult], float], seed: int) -> Figure:
    values = [of(result) for result in results]
    if not values:
        return Figure(name=name, value=0.0, low=0.0, high=0.0, count=0)
    chance = random.Random(seed)  # noqa: S311 - resamples, makes no secret
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
    """The share of right samples, which is the unbiased estimate for k = 1 (Chen et al., 2021)."""
    return sum(sample.is_right for sample in result.samples) / len(result.samples) if result.samples else 0.0


def _first_is_right(result: TaskResult) -> float:
    return float(any(sample.index == 0 and sample.is_right for sample in result.samples))


def _offer_is_right(result: TaskResult) -> float:
    return float(bool(result.offered and result.offered.is_right))


def _awaited_is_right(result: TaskResult) -> float:
    return float(bool(result.awaited and result.awaited.is_right))


def _in_time(deadline_ms: int) -> Callable[[TaskResult], float]:
    return lambda result: float(result.offered_ms is not None and result.offered_ms <= deadline_ms)
