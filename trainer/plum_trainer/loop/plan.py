"""The plan of a round: what is frozen at its start, so that a round that was interrupted goes on as it began.

Pure. Reading and writing the file is `rounds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar, get_type_hints

from plum_lsp.config import TrainerSettings
from plum_lsp.config.values import read_value
from plum_lsp.policy.client.ladder import temperature_ladder
from plum_trainer.fit.job import FitJob, SampleJob

SAMPLE_BATCH = 32
"""Sequences sampled at once. On a CPU, more bring little."""
FORMER: Mapping[str, Mapping[str, object]] = {"settings": {"precision": "float32"}}
"""What versions did that did not have a setting yet: a round that one of them began goes on like that."""

_Values = TypeVar("_Values", TrainerSettings, "Sampling")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How both policies are sampled for the gate: at the editor's ladder, and as often at the deciding temperature."""

    samples: int
    temperature: float
    temperature_min: float
    temperature_max: float
    top_p: float
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a round works on. `champion` is the number of the version in service, 0 for the base alone.

    `rows`, `held_out` and `benchmark` count what lies in the round's other files.
    """

    champion: int
    base: str
    base_sha256: str
    seed: int
    rows: int
    held_out: int
    benchmark: int
    one_sided: bool
    """Whether the rows hold only one of the two kinds of labels that KTO needs."""
    too_few: bool
    """Whether there are fewer rows, or rows of fewer functions, than are trained on."""
    counts: Mapping[str, int]
    settings: TrainerSettings
    sampling: Sampling

    @property
    def can_train(self) -> bool:
        """Whether there is enough to train on."""
        return self.rows > 0 and not self.one_sided and not self.too_few

    def values(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return asdict(self)

    def fit_job(self, *, champion: str, rows: str, output: str, end_token: str) -> FitJob:
        """The fit of this round. `champion` is the folder of the adapter to start from."""
        return FitJob(
            base=self.base,
            champion=champion,
            rows=rows,
            output=output,
            method=self.settings.method,
            loss=self.settings.loss,
            beta=self.settings.beta,
            sft_weight=self.settings.sft_weight,
            label_smoothing=self.settings.label_smoothing,
            learning_rate=self.settings.learning_rate,
            epochs=self.settings.epochs,
            batch_size=self.settings.batch_size,
            accumulation=self.settings.accumulation,
            lora_rank=self.settings.lora_rank,
            lora_alpha=self.settings.lora_alpha,
            max_length=self.settings.max_length,
            seed=self.seed,
            threads=self.settings.threads,
            checkpoint_steps=self.settings.checkpoint_steps,
            gradient_checkpointing=self.settings.gradient_checkpointing,
            end_token=end_token,
            base_sha256=self.base_sha256,
            precision=self.settings.precision,
        )

    def sample_job(
        self, *, adapter: str, prompts: str, output: str, threads: int, end_token: str, scale: float = 1.0
    ) -> SampleJob:
        """The samples of one policy. Both policies get the same prompts and seeds.

        `scale` cools a policy: all its temperatures are multiplied by it.
        """
        sampling = self.sampling
        ladder = temperature_ladder(sampling.samples, sampling.temperature_min, sampling.temperature_max)
        temperatures = (*ladder, *(sampling.temperature,) * sampling.samples)
        return SampleJob(
            base=self.base,
            adapter=adapter,
            prompts=prompts,
            output=output,
            temperatures=tuple(one * scale for one in temperatures),
            deciding=sampling.samples,
            top_p=self.sampling.top_p,
            max_tokens=self.sampling.max_tokens,
            batch_size=SAMPLE_BATCH,
            seed=self.seed,
            threads=threads,
            end_token=end_token,
            precision=self.settings.precision,
        )


def plan_of(values: Mapping[str, object]) -> Plan:
    """The plan that JSON values stand for.

    Raises:
        ValueError: a value is missing, unknown, of the wrong type or out of range. The message names it.
    """
    _check_names(values, Plan)
    counts = values["counts"]
    if not isinstance(counts, dict) or not all(type(count) is int for count in counts.values()):
        raise ValueError("counts must hold whole numbers")
    return Plan(
        champion=_whole(values, "champion"),
        base=_text(values, "base"),
        base_sha256=_text(values, "base_sha256"),
        seed=_whole(values, "seed"),
        rows=_whole(values, "rows"),
        held_out=_whole(values, "held_out"),
        benchmark=_whole(values, "benchmark"),
        one_sided=_truth(values, "one_sided"),
        too_few=_truth(values, "too_few"),
        counts=counts,
        settings=_table(values, "settings", TrainerSettings, section="trainer"),
        sampling=_table(values, "sampling", Sampling, section="gate"),
    )


def _check_names(values: Mapping[str, object], kind: type[Plan | TrainerSettings | Sampling]) -> None:
    wanted = {one.name for one in fields(kind)}
    if missing := sorted(wanted - values.keys()):
        raise ValueError(f"{missing[0]} is missing")
    if unknown := sorted(values.keys() - wanted):
        raise ValueError(f"{unknown[0]} is unknown")


def _table(values: Mapping[str, object], name: str, kind: type[_Values], *, section: str) -> _Values:
    """An inner object, with each value read as the setting of that name in `section`."""
    table = values[name]
    if not isinstance(table, dict):
        raise ValueError(f"{name} must be an object")
    table = {**FORMER.get(name, {}), **table}
    _check_names(table, kind)
    read: dict[str, Any] = {}
    for key, hint in get_type_hints(kind).items():
        try:
            read[key] = read_value(f"{section}.{key}", table[key], hint)
        except ValueError as error:
            raise ValueError(f"{name}.{key} {error}") from None
    return kind(**read)


def _whole(values: Mapping[str, object], name: str) -> int:
    value = values[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} must be a whole number")
    return value


def _text(values: Mapping[str, object], name: str) -> str:
    value = values[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")
    return value


def _truth(values: Mapping[str, object], name: str) -> bool:
    value = values[name]
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value
