"""What a set of samples is like, and how two sets compare. Pure: numbers from numbers, seeds are arguments."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

BOOTSTRAP_DRAWS = 4_000
"""Enough that a confidence of .95 is known to within half a percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample of a held-out prompt. `ends` says whether its end is its own, and not that of the token limit."""

    prompt_id: str
    text: str
    ends: bool
    passes: bool
    is_benchmark: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One policy on the held-out prompts. Shares are in [0, 1]. `pass_by_prompt` has each prompt's pass@1.

    `right_length_by_prompt` has the mean length of passing candidates, in characters, of each prompt that is solved.
    `benchmark_by_task` has the pass@1 of each benchmark row. The other fields do not include these rows.
    """

    pass_by_prompt: Mapping[str, float]
    pass_at_1: float
    pass_at_n: float
    ending_share: float
    mean_length: float
    duplicated_lines: float
    diversity: float
    kl_nats_per_token: float = 0.0
    right_length_by_prompt: Mapping[str, float] = field(default_factory=dict)
    benchmark_by_task: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Difference of two policies on the same prompts, by paired bootstrap over prompts. `probability` is the chance of
    a gain above the required minimum. `low` and `high` bound the middle 95 %."""

    mean: float
    low: float
    high: float
    probability: float


def measured(samples: Sequence[Sample], *, kl_nats_per_token: float = 0.0) -> Measures:
    """The measures of some samples. All zero without samples."""
    benchmark = _by_prompt([sample for sample in samples if sample.is_benchmark])
    samples = [sample for sample in samples if not sample.is_benchmark]
    by_prompt = _by_prompt(samples)
    groups = list(by_prompt.values())
    rates = {prompt: _mean([one.passes for one in group]) for prompt, group in by_prompt.items()}
    return Measures(
        pass_by_prompt=rates,
        pass_at_1=_mean(list(rates.values())),
        pass_at_n=_mean([any(one.passes for one in group) for group in groups]),
        ending_share=_mean([one.ends for one in samples]),
        mean_length=_mean([len(one.text) for one in samples]),
        duplicated_lines=_mean([duplicated_lines(one.text) for one in samples]),
        diversity=_mean([len({one.text.strip() for one in group}) / len(group) for group in groups]),
        kl_nats_per_token=kl_nats_per_token,
        right_length_by_prompt={
            prompt: _mean([len(one.text) for one in group if one.passes])
            for prompt, group in by_prompt.items()
            if any(one.passes for one in group)
        },
        benchmark_by_task={task: _mean([one.passes for one in group]) for task, group in benchmark.items()},
    )


def mean_of(rates: Mapping[str, float]) -> float:
    """The mean over prompts. 0 without prompts."""
    return _mean(list(rates.values()))


def _by_prompt(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.prompt_id, []).append(sample)
    return groups


def duplicated_lines(text: str) -> float:
    """Share of a text's lines, blank ones aside, that repeat an earlier one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return 1 - len(set(lines)) / len(lines) if lines else 0.0


def gain(before: Mapping[str, float], after: Mapping[str, float], *, least: float, seed: int) -> Gain:
    """How much better `after` is than `before` on the prompts that both have (paired bootstrap, Efron 1979)."""
    differences = [after[prompt] - before[prompt] for prompt in sorted(before.keys() & after.keys())]
    if not differences:
        return Gain(mean=0.0, low=0.0, high=0.0, probability=0.0)
    generator = random.Random(seed)  # noqa: S311
    count = len(differences)
    means = sorted(sum(generator.choices(differences, k=count)) / count for _ in range(BOOTSTRAP_DRAWS))
    return Gain(
        mean=sum(differences) / count,
        low=means[int(0.025 * BOOTSTRAP_DRAWS)],
        high=means[int(0.975 * BOOTSTRAP_DRAWS) - 1],
        probability=sum(mean > least for mean in means) / BOOTSTRAP_DRAWS,
    )


def interval(rates: Mapping[str, float], *, seed: int) -> tuple[float, float]:
    """The middle 95 % of a mean over prompts, by bootstrap."""
    of_zero = gain(dict.fromkeys(rates, 0.0), rates, least=0.0, seed=seed)
    return of_zero.low, of_zero.high


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
