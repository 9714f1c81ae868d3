"""Whether the sampler should stray further: samples that become alike teach less and less. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plum_lsp.feedback.exploration import SHARE_MAX, TEMPERATURE_MAX, Exploration
from plum_lsp.store.learning import TrainingEvent

SHARE_STEP = 0.1
TEMPERATURE_STEP = 0.1
TEMPERATURE_FIRST = 1.1
"""Just above the usual ladder's greatest."""


def explored(
    before: Exploration | None, *, diversity: float, reference: float, drop_max: float, round_number: int
) -> Exploration | None:
    """How much to explore from now on. None means not at all.

    The level rises one step if the active version is less diverse than the first version (`reference`) by more than
    half of the loss that the gate refuses. It falls one step once the active version is as diverse. A round is counted
    once.
    """
    if before is not None and before.round == round_number:
        return before
    if diversity < reference * (1 - drop_max / 2):
        if before is None:
            return Exploration(temperature=TEMPERATURE_FIRST, novelty_share=2 * SHARE_STEP, round=round_number)
        return Exploration(
            temperature=min(TEMPERATURE_MAX, round(before.temperature + TEMPERATURE_STEP, 2)),
            novelty_share=min(SHARE_MAX, round(before.novelty_share + SHARE_STEP, 2)),
            round=round_number,
        )
    if before is None or diversity < reference:
        return before
    share = round(before.novelty_share - SHARE_STEP, 2)
    if share <= 0:
        return None
    temperature = max(TEMPERATURE_FIRST, round(before.temperature - TEMPERATURE_STEP, 2))
    return Exploration(temperature=temperature, novelty_share=share, round=round_number)


def diversities(events: Sequence[TrainingEvent]) -> Mapping[int, float]:
    """The diversity of each version's samples by its number, as last measured by the gate, in order of versions."""
    found: dict[int, float] = {}
    champions = {event.round: int(event.number("champion")) for event in events if event.step == "frozen"}
    published = {event.round: int(event.number("version")) for event in events if event.step == "published"}
    for event in events:
        if event.step == "decided" and event.round in champions:
            found[champions[event.round]] = event.number("report", "champion", "diversity")
            if event.round in published:
                found[published[event.round]] = event.number("report", "challenger", "diversity")
    return dict(sorted(found.items()))
