"""How far the sampler departs from its usual temperatures, so that groups stay useful for training.

The trainer decides this from the samples (`plum_trainer.loop.exploring`) and writes it to a file of the data folder.
The sampler reads the file if the settings allow it. Pure: the module reads no file.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

TEMPERATURE_MAX = 1.4
"""At higher temperatures a small model's code no longer parses."""
SHARE_MAX = 0.5
"""A larger share would leave too few candidates for an offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """`novelty_share` of a group, in (0, 0.5], is sampled at `temperature`.

    `round` is the training round that chose this.
    """

    temperature: float
    novelty_share: float
    round: int = 0

    def novel(self, candidates: int) -> int:
        """How many of the candidates are sampled for novelty.

        The first one is the best guess and is never among them.
        """
        return min(candidates - 1, round_up(candidates * self.novelty_share))

    def text(self) -> str:
        """The text form, for the file."""
        return json.dumps(asdict(self))


def round_up(value: float) -> int:
    """The value rounded up to a whole number, tolerant of rounding errors from sums of tenths."""
    return math.ceil(value - 1e-9)


def exploration_of(text: str) -> Exploration | None:
    """The exploration in a file's text. None if the text is damaged or a value is out of bounds."""
    try:
        found = json.loads(text)
        read = Exploration(
            temperature=float(found["temperature"]),
            novelty_share=float(found["novelty_share"]),
            round=int(found["round"]),
        )
    except (ValueError, LookupError, TypeError):
        return None
    is_sane = 0 < read.temperature <= TEMPERATURE_MAX and 0 < read.novelty_share <= SHARE_MAX
    return read if is_sane else None
