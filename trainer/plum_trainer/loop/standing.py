"""The held-out set as it stands: the prompts that judge, how often they were looked at, and what they can show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plum_lsp.config import Settings
from plum_lsp.store.learning import LearningStore, TrainingEvent
from plum_trainer.data.apart import judging, looks
from plum_trainer.data.dataset import is_held_out
from plum_trainer.data.places import place_of
from plum_trainer.data.prompts import HeldOut, held_out
from plum_trainer.gate.chance import smallest_gain
from plum_trainer.gate.decision import allowed_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What the gate could see at its next look. `gain` is None if no gain would be enough."""

    functions: int
    look: int
    gain: float | None

    def told(self) -> str:
        """One line for people."""
        seen = (
            "no gain would be enough"
            if self.gain is None
            else f"a gain of {self.gain:+.2f} pass@1 would be seen in four of five rounds"
        )
        return f"{self.functions} held-out functions, look {self.look}: {seen}"


def held_out_prompts(
    settings: Settings, store: LearningStore, authors: frozenset[str] = frozenset()
) -> tuple[HeldOut, ...]:
    """The prompts that judge: those of held-out files and `authors` that some specification can judge."""
    tests, share = store.project_tests(), settings.learning.held_out_share
    placed = ((program, place_of(program.document_uri)) for program in store.programs())
    found = (
        held_out(program, place, tests.get(program.prompt_hash, ()))
        for program, place in placed
        if is_held_out(place, share) or not authors.isdisjoint(program.authors.split(","))
    )
    return judging((one for one in found if one is not None), prompts_max=settings.gate.prompts_max)


def next_look(events: Sequence[TrainingEvent], functions: Iterable[str], *, round_number: int = 0) -> int:
    """Which look at this held-out set comes next. The round's own look does not count before it."""
    decided = (event for event in events if event.step == "decided" and event.round != round_number)
    reports = (event.detail.get("report") for event in decided)
    return looks(functions, [report for report in reports if isinstance(report, Mapping)])


def power(settings: Settings, store: LearningStore) -> Power:
    """The smallest gain that the next look would see at 80 %."""
    functions = {one.function for one in held_out_prompts(settings, store)}
    look = next_look(store.events(), functions)
    error = allowed_error(settings.gate, look=look)
    is_enough = len(functions) >= settings.gate.functions_min
    return Power(functions=len(functions), look=look, gain=smallest_gain(len(functions), error) if is_enough else None)
