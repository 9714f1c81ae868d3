"""How far the sampler strays from its usual temperatures, so that groups keep holding something to learn from.

The trainer decides it from what samples are like (`plum_trainer.loop.exploring`) and leaves it in a file of the data
folder; the sampler reads it where the settings let it. Pure: reads no file.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

EXPLORATION = "exploration.json"
TEMPERATURE_MAX = 1.4
"""Above this a small model's code no longer parses."""
SHARE_MAX = 0.5
"""More than half of a group would leave too few candidates to offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """`novelty_share` of a group, in (0, 0.5], is sampled at `temperature`. `round` of the trainer that said so."""

    temperature: float
    novelty_share: float
    round: int = 0

    def novel(self, candidates: int) -> int:
        """How many of so many candidates are to be different; never the first, which is the best guess."""
        return min(candidates - 1, round_up(candidates * self.novelty_share))

    def text(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self))


def round_up(value: float) -> int:
    """The next whole number, past what adding tenths leaves behind."""
    return math.ceil(value - 1e-9)


def exploration_of(text: str) -> Exploration | None:
    """What a file says; None if it is damaged or asks for what is out of bounds."""
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
