"""The measurements that a decision of the gate rests on, and how they are read back from a round's folder. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from plum_trainer.gate.measures import Gain

Rates = Mapping[str, float]
"""What was measured of one policy, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkGain(Gain):
    """The gain on benchmark rows, and how many there are."""

    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """The champion, the challenger and the cooled champion on the same prompts, and the challenger's gains.

    `chance_allowed` is the chance of error that each measure may spend at this `look` at the held-out set. `held_out`
    are fingerprints of its `functions`. `judged_by` counts its prompts by what judges them.
    """

    champion: Rates
    challenger: Rates
    cooled: Rates
    gain: Gain
    gain_over_cooled: Gain
    offers_gain: Gain
    offers_gain_over_cooled: Gain
    functions: int
    look: int
    chance_allowed: float
    benchmark: BenchmarkGain | None = None
    held_out: tuple[str, ...] = ()
    judged_by: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The report as JSON values. `report_of` reads them."""
        values = {**asdict(self), "held_out": list(self.held_out)}
        if self.benchmark is None:
            del values["benchmark"]
        return values


def report_of(value: object) -> GateReport:
    """The report that JSON values stand for.

    Raises:
        ValueError: a value is missing or of the wrong type. The message names it.
    """
    values = _table({"report": value}, "report")
    names = _items(values.get("held_out", []), "held_out")
    counts = _table(values, "judged_by") if "judged_by" in values else {}
    return GateReport(
        champion=_rates(values, "champion"),
        challenger=_rates(values, "challenger"),
        cooled=_rates(values, "cooled"),
        gain=_gain(values, "gain"),
        gain_over_cooled=_gain(values, "gain_over_cooled"),
        offers_gain=_gain(values, "offers_gain"),
        offers_gain_over_cooled=_gain(values, "offers_gain_over_cooled"),
        functions=_whole(values, "functions"),
        look=_whole(values, "look"),
        chance_allowed=_number(values, "chance_allowed"),
        benchmark=_benchmark(values) if "benchmark" in values else None,
        held_out=names,
        judged_by={name: _whole(counts, name) for name in counts},
    )


def _table(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = values.get(name)
    if not isinstance(table, dict):
        raise ValueError(f"{name} must be an object")
    return table


def _items(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name} must be a list of texts")
    return tuple(value)


def _number(values: Mapping[str, object], name: str) -> float:
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} must be a number")
    return value


def _whole(values: Mapping[str, object], name: str) -> int:
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be a whole number")
    return value


def _rates(values: Mapping[str, object], name: str) -> Rates:
    table = _table(values, name)
    return {one: _number(table, one) for one in table}


def _gain(values: Mapping[str, object], name: str) -> Gain:
    table = _table(values, name)
    mean, low, high, chance = (_number(table, one) for one in ("mean", "low", "high", "chance"))
    return Gain(mean=mean, low=low, high=high, chance=chance)


def _benchmark(values: Mapping[str, object]) -> BenchmarkGain:
    return BenchmarkGain(**asdict(_gain(values, "benchmark")), rows=_whole(_table(values, "benchmark"), "rows"))
