"""Which arm a document has on a day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plum_lsp.domain.pilot import Arm, Measure, Pilot, PilotId, Plan, arm_of

UNITS = [
    (f"file:///p/{number % 200}.py", f"2026-{1 + number // 2800:02}-{1 + number // 100 % 28:02}")
    for number in range(10_000)
]


def pilot(*, key: str = "0f" * 16, share: float = 0.3) -> Pilot:
    """A pilot with a key."""
    plan = Plan(
        name="p",
        control_share=share,
        is_shadow=False,
        measure=Measure.KEPT,
        gain_min=0.1,
        effect_min=None,
        starts_at="2026-01-01",
        ends_at="2026-12-31",
    )
    return Pilot(id=PilotId(1), key=key, plan=plan)


def control_share(of: Pilot) -> float:
    """The share of all units that are control."""
    return sum(arm_of(of, uri, day) is Arm.CONTROL for uri, day in UNITS) / len(UNITS)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.95])
def test_the_share_is_the_planned_one(share: float) -> None:
    """Within four standard errors of 10,000 units. The hash is fixed, so the result is, too."""
    assert abs(control_share(pilot(share=share)) - share) < 4 * (share * (1 - share) / len(UNITS)) ** 0.5


def test_it_is_fixed_for_a_document_and_a_day() -> None:
    """The arms were computed once. A change of the rule would mix the arms of a running pilot."""
    arms = [arm_of(pilot(), f"file:///p/{number}.py", "2026-11-28").value for number in range(5)]
    assert arms == ["control", "tested", "tested", "tested", "tested"]


def test_days_and_keys_are_independent() -> None:
    """A document is no control for good, and the key of one pilot tells nothing of another."""
    days = {arm_of(pilot(), "file:///p/a.py", f"2026-11-{day:02}") for day in range(1, 29)}
    assert days == {Arm.TESTED, Arm.CONTROL}
    other = pilot(key="f0" * 16)
    same = sum(arm_of(pilot(), uri, day) is arm_of(other, uri, day) for uri, day in UNITS) / len(UNITS)
    assert abs(same - (0.3**2 + 0.7**2)) < 0.02


def test_it_is_over_at_the_earlier_end() -> None:
    """A stop counts if it came before the planned end."""
    assert pilot().over_at == "2026-12-31"
    assert replace(pilot(), stopped_at="2026-06-01").over_at == "2026-06-01"
