"""What a store holds for the next round: rows to train on, and the held-out set, its looks and what it can show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plum_lsp.config import Settings
from plum_lsp.store.learning import LearningStore, TrainingEvent
from plum_trainer.data.apart import judging, kept_apart, looks
from plum_trainer.data.dataset import Dataset, Freshness, Sides, is_held_out, label_rows, pair_rows, right_rows
from plum_trainer.data.places import place_of
from plum_trainer.data.prompts import HeldOut, held_out
from plum_trainer.gate.chance import chance_to_see, smallest_gain
from plum_trainer.gate.decision import allowed_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What the gate could see at its next look. `gain` is None if no gain would be enough."""

    functions: int
    look: int
    gain: float | None
    chances: Mapping[float, float]
    """How likely the look is to see some gains in pass@1."""

    def told(self) -> str:
        """One line for people."""
        if self.gain is None:
            return f"{self.functions} held-out functions, look {self.look}: no gain would be enough"
        chances = ", ".join(f"{gain:+.2f} in {share:.0%}" for gain, share in self.chances.items())
        return (
            f"{self.functions} held-out functions, look {self.look}: finds a gain in pass@1 of {chances} of rounds"
            f" ({self.gain:+.2f} in 80%)"
        )


GAINS = (0.05, 0.1, 0.15)
"""What one round may bring, by the demo's runs."""


def training_rows(
    settings: Settings,
    store: LearningStore,
    prompts: Sequence[HeldOut],
    *,
    version: int,
    base_sha256: str,
    seed: int,
    authors: frozenset[str] = frozenset(),
) -> Dataset:
    """The rows of the latest build that a round from this version would train on.

    `prompts` are those that judge, and `authors` the people who are held out.
    """
    learning = settings.learning
    fresh = Freshness(version=version, base_sha256=base_sha256, staleness_max=learning.staleness_max)
    codes = dict(store.codes())
    apart = kept_apart(prompts, codes.items())
    sides = Sides(share=learning.held_out_share, place=place_of, apart=apart, codes=codes, authors=authors)
    if settings.trainer.method in ("kto", "sft"):
        make = label_rows if settings.trainer.method == "kto" else right_rows
        return make(store.labels(), learning, fresh, sides, seed=seed)
    return pair_rows(store.pairs(), learning, fresh, sides, seed=seed)


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


def power(settings: Settings, store: LearningStore, prompts: Sequence[HeldOut]) -> Power:
    """What the next look at the prompts that judge would see."""
    functions = {one.function for one in prompts}
    look = next_look(store.events(), functions)
    error = allowed_error(settings.gate, look=look)
    is_enough = len(functions) >= settings.gate.functions_min
    return Power(
        functions=len(functions),
        look=look,
        gain=smallest_gain(len(functions), error) if is_enough else None,
        chances={gain: chance_to_see(gain, functions=len(functions), error=error) for gain in GAINS},
    )
