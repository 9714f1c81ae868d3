"""The promotion gate: a challenger replaces the champion only if it is surely better and not much worse in any measure.

Better means: more of its samples at the low temperature pass, or more of its groups end in a right offer. It must be
better than the champion, and better than the champion cooled until its samples differ as little as the challenger's.
A model that is only surer of what it would write anyway is not better than that.

Pure. If the data do not suffice, the gate refuses, because the champion is known to work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

from plum_lsp.config import GateSettings
from plum_trainer.gate.chance import allowed
from plum_trainer.gate.measures import Gain, Measures, gain, mean_of
from plum_trainer.gate.report import BenchmarkGain, GateReport, report_of

WAYS = 2
"""Measures that promote. They share the chance of error that a look may spend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """Whether the challenger is promoted, and every reason against it. `report` has the measurements."""

    is_promoted: bool
    reasons: tuple[str, ...]
    report: GateReport

    def as_json(self) -> dict[str, object]:
        """The decision as JSON values. `decision_of` reads them."""
        return {"is_promoted": self.is_promoted, "reasons": list(self.reasons), "report": self.report.as_json()}


def decision_of(values: Mapping[str, object]) -> GateDecision:
    """The decision that JSON values stand for.

    Raises:
        ValueError: a value is missing or of the wrong type. The message names it.
    """
    is_promoted, reasons = values.get("is_promoted"), values.get("reasons")
    if not isinstance(is_promoted, bool):
        raise ValueError("is_promoted must be true or false")
    if not isinstance(reasons, list) or not all(isinstance(one, str) for one in reasons):
        raise ValueError("reasons must be a list of texts")
    return GateDecision(is_promoted=is_promoted, reasons=tuple(reasons), report=report_of(values.get("report")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """The challenger's gains in one measure: over the champion, and over the cooled champion."""

    name: str
    over_champion: Gain
    over_cooled: Gain

    def is_sure(self, error: float) -> bool:
        """Whether both gains are surer than `error`. Both must be, so each may use the whole of it."""
        return self.over_champion.chance <= error and self.over_cooled.chance <= error


def decide(
    champion: Measures, challenger: Measures, cooled: Measures, settings: GateSettings, *, look: int, seed: int
) -> GateDecision:
    """Compare both on the same prompts.

    Args:
        champion: the version in service.
        challenger: the adapter just fitted.
        cooled: the champion at temperatures so low that its samples are as alike as the challenger's.
        settings: the limits.
        look: how often this held-out set was looked at, this time included.
        seed: of the intervals.
    """
    error = allowed_error(settings, look=look)

    def gains(name: str, rates: Callable[[Measures], Mapping[str, float]]) -> Gains:
        over_champion, over_cooled = (
            gain(rates(one), rates(challenger), least=settings.gain_min, seed=seed) for one in (champion, cooled)
        )
        return Gains(name=name, over_champion=over_champion, over_cooled=over_cooled)

    ways = (
        gains("pass@1", lambda measures: measures.pass_by_function),
        gains("right offers", lambda measures: measures.offers_by_function),
    )
    reasons = (*_not_better(champion, ways, settings, error), *_against(champion, challenger, settings))
    rows = champion.benchmark_by_task
    on_rows = gain(rows, challenger.benchmark_by_task, seed=seed) if rows else None
    report = GateReport(
        champion=_shown(champion),
        challenger=_shown(challenger),
        cooled=_shown(cooled),
        gain=ways[0].over_champion,
        gain_over_cooled=ways[0].over_cooled,
        offers_gain=ways[1].over_champion,
        offers_gain_over_cooled=ways[1].over_cooled,
        functions=len(champion.pass_by_function),
        look=look,
        chance_allowed=error,
        benchmark=BenchmarkGain(**asdict(on_rows), rows=len(rows)) if on_rows is not None else None,
    )
    return GateDecision(is_promoted=not reasons, reasons=reasons, report=report)


def allowed_error(settings: GateSettings, *, look: int) -> float:
    """The chance of error that each measure may spend at a look."""
    return allowed(1 - settings.confidence, look=look) / WAYS


def _not_better(champion: Measures, ways: tuple[Gains, ...], settings: GateSettings, error: float) -> Iterator[str]:
    """Why the challenger is not surely better, if it is not."""
    functions = len(champion.pass_by_function)
    if functions < settings.functions_min:
        yield f"only {functions} held-out functions; {settings.functions_min} are asked for"
    if any(way.is_sure(error) for way in ways):
        return
    over_champion = [way for way in ways if way.over_champion.chance <= error]
    if over_champion:
        gains = ", ".join(f"{way.name} {way.over_cooled.mean:+.3f}" for way in over_champion)
        yield f"only sharper: not surely better than the champion at lower temperatures ({gains})"
        return
    shown = "; ".join(
        f"{way.name} {way.over_champion.mean:+.3f}, {way.over_champion.low:+.3f} to {way.over_champion.high:+.3f},"
        f" by chance {way.over_champion.chance:.3f}"
        for way in ways
    )
    yield f"not surely better: {shown}; a chance of {error:.4f} is allowed at this look"


def _against(champion: Measures, challenger: Measures, settings: GateSettings) -> Iterator[str]:
    """What got worse."""
    reach = champion.pass_at_n - challenger.pass_at_n
    if reach > settings.reach_drop_max:
        yield f"groups that hold a passing sample fell from {champion.pass_at_n:.3f} to {challenger.pass_at_n:.3f}"
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
    values: dict[str, float] = {
        "pass_at_1": measures.pass_at_1,
        "right_offers": measures.right_offers,
        "pass_at_n": measures.pass_at_n,
        "ladder_pass_at_1": measures.ladder_pass_at_1,
        "ending_share": measures.ending_share,
        "mean_length": measures.mean_length,
        "duplicated_lines": measures.duplicated_lines,
        "diversity": measures.diversity,
        "kl_nats_per_token": measures.kl_nats_per_token,
        "right_length": mean_of(measures.right_length_by_prompt),
    }
    if measures.benchmark_by_task:
        values["benchmark_pass_at_1"] = mean_of(measures.benchmark_by_task)
    return {name: round(value, 4) for name, value in values.items()}
