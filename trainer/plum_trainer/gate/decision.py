"""The promotion gate: a challenger replaces the champion only if it is better with confidence and not much worse in any
measure.

Pure. If the data do not suffice, the gate refuses, because the champion is known to work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from plum_lsp.config import GateSettings
from plum_trainer.gate.measures import Gain, Measures, gain, mean_of


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """Whether the challenger is promoted, and every reason against it. `report` has the measurements."""

    is_promoted: bool
    reasons: tuple[str, ...]
    report: Mapping[str, object]


def decide(champion: Measures, challenger: Measures, settings: GateSettings, *, seed: int) -> GateDecision:
    """Compare both on the same prompts."""
    gained = gain(champion.pass_by_prompt, challenger.pass_by_prompt, least=settings.gain_min, seed=seed)
    reasons = tuple(_against(champion, challenger, gained, settings))
    report: dict[str, Any] = {"champion": _shown(champion), "challenger": _shown(challenger), "gain": asdict(gained)}
    report["prompts"] = len(champion.pass_by_prompt)
    if champion.benchmark_by_task:
        on_rows = gain(champion.benchmark_by_task, challenger.benchmark_by_task, least=0.0, seed=seed)
        report["benchmark"] = {**asdict(on_rows), "rows": len(champion.benchmark_by_task)}
    return GateDecision(is_promoted=not reasons, reasons=reasons, report=report)


def _against(champion: Measures, challenger: Measures, gained: Gain, settings: GateSettings) -> Iterator[str]:
    prompts = len(champion.pass_by_prompt.keys() & challenger.pass_by_prompt.keys())
    if prompts < settings.prompts_min:
        yield f"only {prompts} held-out prompts; {settings.prompts_min} are asked for"
    if gained.probability < settings.confidence:
        yield (
            f"better on held-out prompts with confidence {gained.probability:.3f} only, {settings.confidence} is asked"
            f" for (pass@1 {champion.pass_at_1:.3f} to {challenger.pass_at_1:.3f}, {gained.low:+.3f} to"
            f" {gained.high:+.3f})"
        )
    ending = champion.ending_share - challenger.ending_share
    if ending > settings.ending_drop_max:
        yield f"the share of texts that end by themselves fell by {ending:.3f}"
    before, after = _right_lengths(champion, challenger)
    if before and abs(after / before - 1) > settings.length_drift_max:
        yield f"the mean length of right texts went from {before:.0f} to {after:.0f} characters"
    rise = challenger.duplicated_lines - champion.duplicated_lines
    if rise > settings.duplication_rise_max:
        yield f"the share of repeated lines rose by {rise:.3f}"
    drop = 1 - challenger.diversity / champion.diversity if champion.diversity else 0.0
    if drop > settings.diversity_drop_max:
        yield f"samples became more alike: {champion.diversity:.3f} to {challenger.diversity:.3f} of them differ"
    drop = mean_of(champion.benchmark_by_task) - mean_of(challenger.benchmark_by_task)
    if drop > settings.benchmark_drop_max:
        yield f"pass@1 on the benchmark rows fell by {drop:.3f}"
    if challenger.kl_nats_per_token > settings.kl_max:
        yield f"it stands {challenger.kl_nats_per_token:.3f} nats a token from the base"


def _right_lengths(champion: Measures, challenger: Measures) -> tuple[float, float]:
    """Mean lengths of what passes, over the prompts that both solve.

    Wrong texts do not count. A weak model writes long wrong texts, and a model with fewer of them would seem to drift.
    """
    lengths, others = champion.right_length_by_prompt, challenger.right_length_by_prompt
    both = lengths.keys() & others.keys()
    return mean_of({one: lengths[one] for one in both}), mean_of({one: others[one] for one in both})


def _shown(measures: Measures) -> dict[str, float]:
    values = asdict(measures)
    values.pop("pass_by_prompt")
    values["right_length"] = mean_of(values.pop("right_length_by_prompt"))
    if values.pop("benchmark_by_task"):
        values["benchmark_pass_at_1"] = mean_of(measures.benchmark_by_task)
    return {name: round(value, 4) for name, value in values.items()}
