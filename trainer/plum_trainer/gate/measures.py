"""What a set of samples is like, and how two sets compare. Pure: numbers from numbers, seeds are arguments.

The unit is the function. A function that was asked about often counts once: its prompts are averaged first.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from plum_trainer.gate.chance import by_chance

BOOTSTRAP_DRAWS = 4_000
"""Enough that the ends of an interval are known to a hundredth of its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample of a held-out prompt. `ends` says whether its end is its own, and not that of the token limit.

    `decides` marks the samples at the low temperature that the gate decides on. The others are of the editor's ladder.
    """

    prompt_id: str
    function: str
    text: str
    ends: bool
    passes: bool
    decides: bool = False
    is_benchmark: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One policy on the held-out prompts. Shares are in [0, 1], means are over functions.

    `pass_by_function` has the pass@1 of the samples that decide, `offers_by_function` the share of prompts whose group
    ends in a right offer, `reach_by_function` the share of prompts with a passing sample among the ladder's.
    `right_length_by_prompt` has the mean length of passing candidates, in characters, of each prompt that is solved.
    `benchmark_by_task` has the pass@1 of each benchmark row, of the samples that decide. No other field has these rows.
    The shares of texts (`ending_share` to `diversity`) are those of the ladder.
    """

    pass_by_function: Mapping[str, float]
    offers_by_function: Mapping[str, float] = field(default_factory=dict)
    reach_by_function: Mapping[str, float] = field(default_factory=dict)
    ladder_pass_at_1: float = 0.0
    ending_share: float = 0.0
    mean_length: float = 0.0
    duplicated_lines: float = 0.0
    diversity: float = 0.0
    kl_nats_per_token: float = 0.0
    right_length_by_prompt: Mapping[str, float] = field(default_factory=dict)
    benchmark_by_task: Mapping[str, float] = field(default_factory=dict)

    @property
    def pass_at_1(self) -> float:
        """The mean over functions of the samples that decide."""
        return mean_of(self.pass_by_function)

    @property
    def pass_at_n(self) -> float:
        """The mean over functions of the prompts that the ladder solves at all."""
        return mean_of(self.reach_by_function)

    @property
    def right_offers(self) -> float:
        """The mean over functions of the prompts whose group ends in a right offer."""
        return mean_of(self.offers_by_function)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Difference of two policies on the same functions. `chance` is that of at least this mean between equal policies
    (`chance.by_chance`). `low` and `high` bound the middle 95 % of a bootstrap over functions."""

    mean: float
    low: float
    high: float
    chance: float


def measured(
    samples: Sequence[Sample], *, offers: Mapping[str, bool] | None = None, kl_nats_per_token: float = 0.0
) -> Measures:
    """The measures of some samples. All zero without samples.

    Args:
        samples: of any number of prompts.
        offers: by prompt, whether the ladder's group ends in a right offer.
    """
    benchmark = _by_prompt(sample for sample in samples if sample.is_benchmark and sample.decides)
    samples = [sample for sample in samples if not sample.is_benchmark]
    functions = {sample.prompt_id: sample.function for sample in samples}
    deciding = _by_prompt(sample for sample in samples if sample.decides)
    ladder = [sample for sample in samples if not sample.decides]
    groups = _by_prompt(ladder)
    return Measures(
        pass_by_function=_by_function({prompt: _share(group) for prompt, group in deciding.items()}, functions),
        offers_by_function=_by_function(offers or {}, functions),
        reach_by_function=_by_function(
            {prompt: any(one.passes for one in group) for prompt, group in groups.items()}, functions
        ),
        ladder_pass_at_1=mean_of(
            _by_function({prompt: _share(group) for prompt, group in groups.items()}, functions),
        ),
        ending_share=_mean([one.ends for one in ladder]),
        mean_length=_mean([len(one.text) for one in ladder]),
        duplicated_lines=_mean([duplicated_lines(one.text) for one in ladder]),
        diversity=_mean([len({one.text.strip() for one in group}) / len(group) for group in groups.values()]),
        kl_nats_per_token=kl_nats_per_token,
        right_length_by_prompt={
            prompt: _mean([len(one.text) for one in group if one.passes])
            for prompt, group in groups.items()
            if any(one.passes for one in group)
        },
        benchmark_by_task={task: _share(group) for task, group in benchmark.items()},
    )


def mean_of(rates: Mapping[str, float]) -> float:
    """The mean over prompts or functions. 0 without any."""
    return _mean(list(rates.values()))


def _by_prompt(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.prompt_id, []).append(sample)
    return groups


def _by_function(by_prompt: Mapping[str, float], functions: Mapping[str, str]) -> dict[str, float]:
    """The mean over each function's prompts."""
    found: dict[str, list[float]] = {}
    for prompt, value in by_prompt.items():
        found.setdefault(functions[prompt], []).append(float(value))
    return {function: _mean(values) for function, values in found.items()}


def duplicated_lines(text: str) -> float:
    """Share of a text's lines, blank ones aside, that repeat an earlier one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return 1 - len(set(lines)) / len(lines) if lines else 0.0


def gain(before: Mapping[str, float], after: Mapping[str, float], *, seed: int, least: float = 0.0) -> Gain:
    """How much better `after` is than `before` on the functions that both have.

    Args:
        before: a rate in [0, 1] for each function.
        after: likewise.
        seed: of the bootstrap (Efron, 1979) behind the interval.
        least: `chance` is about a gain above this.
    """
    differences = [after[function] - before[function] for function in sorted(before.keys() & after.keys())]
    if not differences:
        return Gain(mean=0.0, low=0.0, high=0.0, chance=1.0)
    generator = random.Random(seed)  # noqa: S311
    count = len(differences)
    means = sorted(sum(generator.choices(differences, k=count)) / count for _ in range(BOOTSTRAP_DRAWS))
    return Gain(
        mean=sum(differences) / count,
        low=means[int(0.025 * BOOTSTRAP_DRAWS)],
        high=means[int(0.975 * BOOTSTRAP_DRAWS) - 1],
        chance=by_chance([one - least for one in differences]),
    )


def interval(rates: Mapping[str, float], *, seed: int) -> tuple[float, float]:
    """The middle 95 % of a mean over functions, by bootstrap."""
    of_zero = gain(dict.fromkeys(rates, 0.0), rates, seed=seed)
    return of_zero.low, of_zero.high


def _share(group: Sequence[Sample]) -> float:
    return _mean([one.passes for one in group])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
