"""The arms of a comparison: what each believes of the samples, and the rows that it makes of them. Pure.

An arm knows what the sandbox found with the examples that a task shows. Only `gold` knows the task's own tests: it is
the ceiling. `random` and `inverted` are floors: an arm that is not above them did not learn from the labels.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import Levenshtein

from plum_lsp.domain.errors import ConfigError
from plum_trainer.data.rows import LabelRow, PairRow, Row, SampledRow

METHODS = ("sft", "dpo", "kto", "group")
PAIRS_PER_TASK_MAX = 4
"""As in the pairs of the store: one task must not outweigh the others."""
COOLED = 0.45
"""The factor of the temperatures of `cooled`, the middle one of those that the gate tries."""


class Labels(enum.StrEnum):
    """What an arm believes of a sample."""

    JUDGED = "judged"
    RANDOM = "random"
    """The judgements of all samples, dealt out anew."""
    INVERTED = "inverted"
    TESTED = "tested"
    """Judgements without the rule for unlikely candidates: what no test refuted is not wrong."""
    GOLD = "gold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to learn. `method` is empty for the base alone, which is sampled at `cooling` times its temperatures."""

    name: str
    method: str = ""
    labels: Labels = Labels.JUDGED
    cooling: float = 1.0
    rate: float = 0.0
    """Its learning rate. 0 means that of the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A sample of a training task with what is believed of it. `right` is the probability that it is right."""

    task: str
    prompt: str
    text: str
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    right: float
    is_right: bool
    is_guessed: bool = False
    """No test refuted it. It counts as wrong because it behaves otherwise than a likely sample of its group."""

    @property
    def weight(self) -> float:
        """How sure its label is."""
        return self.right if self.is_right else 1 - self.right


def arm_of(name: str, *, method: str) -> Arm:
    """The arm with a name: `none`, `cooled`, a method, or labels with a method (`gold:dpo`; without: `method`).

    A learning rate may follow: `kto@1e-4`.

    Raises:
        ConfigError: there is none.
    """
    whole, _, rate = name.partition("@")
    labels, _, wanted = whole.partition(":")
    if name in ("none", "cooled"):
        return Arm(name=name, cooling=COOLED if name == "cooled" else 1.0)
    if whole in METHODS:
        arm = Arm(name=whole, method=whole)
    elif labels in set(Labels) - {Labels.JUDGED} and (wanted or method) in METHODS:
        arm = Arm(name=f"{labels}-{wanted or method}", method=wanted or method, labels=Labels(labels))
    else:
        raise _unknown(name)
    return replace(arm, name=f"{arm.name}@{rate}", rate=_rate_of(rate, name)) if "@" in name else arm


def _rate_of(text: str, name: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise _unknown(name) from None
    if not 0 < rate < 1:
        raise _unknown(name)
    return rate


def _unknown(name: str) -> ConfigError:
    labels = (f"{one}[:METHOD]" for one in Labels if one != Labels.JUDGED)
    known = ", ".join(("none", "cooled", *METHODS, *labels))
    return ConfigError(f"there is no arm {name!r}", remedy=f"The arms are {known}. A learning rate may follow: @1e-4.")


def relabelled(samples: Sequence[Labelled], labels: Labels, *, seed: int) -> list[Labelled]:
    """The samples as an arm sees them: with other labels, or without guesses. Equal texts of a task stay equal."""
    if labels is Labels.INVERTED:
        return [replace(one, right=1 - one.right, is_right=not one.is_right) for one in samples]
    if labels is Labels.TESTED:
        return [one for one in samples if not one.is_guessed]
    if labels is not Labels.RANDOM:
        return list(samples)
    known = {(one.task, one.text): (one.right, one.is_right) for one in samples}
    dealt = list(known.values())
    random.Random(seed).shuffle(dealt)  # noqa: S311
    new = dict(zip(known, dealt, strict=True))
    return [replace(one, right=new[one.task, one.text][0], is_right=new[one.task, one.text][1]) for one in samples]


def rows_of(method: str, samples: Sequence[Labelled]) -> list[Row]:
    """What a method trains on. A text that was sampled often is one row, but for the policy gradient."""
    groups: dict[str, list[Labelled]] = {}
    for one in samples:
        groups.setdefault(one.task, []).append(one)
    if method == "group":
        return [row for group in groups.values() for row in _sampled(group)]
    distinct = [list({one.text: one for one in group}.values()) for group in groups.values()]
    if method == "dpo":
        return [row for group in distinct for row in _pairs(group)]
    return [_label(one) for group in distinct for one in group if method == "kto" or one.is_right]


def _label(one: Labelled) -> LabelRow:
    return LabelRow(
        prompt=one.prompt,
        completion=one.text,
        ends=True,
        is_desirable=one.is_right,
        weight=one.weight,
        source="bench",
    )


def _pairs(group: Sequence[Labelled]) -> Iterator[PairRow]:
    """Right over wrong texts, nearest first. Each wrong text is in one pair, a right one in as many as it takes."""
    right, wrong = ([one for one in group if one.is_right is side] for side in (True, False))
    for _ in range(min(PAIRS_PER_TASK_MAX, len(wrong)) if right else 0):
        near = {(one.text, other.text): (one, other) for one in right for other in wrong}
        chosen, rejected = near[min(near, key=lambda texts: Levenshtein.normalized_distance(*texts))]
        wrong.remove(rejected)
        yield PairRow(
            prompt=chosen.prompt,
            chosen=chosen.text,
            rejected=rejected.text,
            chosen_ends=True,
            rejected_ends=True,
            weight=chosen.weight * rejected.weight,
            source="bench",
        )


def _sampled(group: Sequence[Labelled]) -> Iterator[SampledRow]:
    """Every sample with its advantage. A group of one kind has no advantage."""
    if len({one.is_right for one in group}) < 2:
        return
    mean = sum(one.right for one in group) / len(group)
    for one in group:
        if one.ids:
            advantage = one.right - mean
            yield SampledRow(prompt=one.prompt, ids=one.ids, logprobs=one.logprobs, weight=advantage, source="bench")


def summary_of(samples: Sequence[Labelled]) -> Mapping[str, float]:
    """How much there is to learn: the share of right samples, and of tasks with right and wrong ones."""
    kinds: dict[str, set[bool]] = {}
    for one in samples:
        kinds.setdefault(one.task, set()).add(one.is_right)
    mixed = sum(len(one) == 2 for one in kinds.values())
    return {
        "samples": len(samples),
        "base_rate": sum(one.is_right for one in samples) / len(samples) if samples else 0.0,
        "tasks": len(kinds),
        "mixed_share": mixed / len(kinds) if kinds else 0.0,
    }
