"""Estimates the probability that a candidate is right from its signals, with boosted trees fitted to labelled
candidates.

The trees lie in `calibration.json` beside this module. `benchmarks/calibrate.py` fits them and names the data. They are
monotone in some signals: more agreement, less loneliness and fewer failed tests never lower the estimate. Pure.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, TypeAlias

from plum_lsp.verification.signals import NAMES, Signals

Tree: TypeAlias = "tuple[tuple[int, float, int, int] | float, ...]"
"""Nodes: (place of the signal, threshold, node if at most the threshold, node if above), or the value of a leaf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Gradient-boosted trees for log-odds (Friedman, 2001): `base` plus one leaf of each tree."""

    base: float
    trees: tuple[Tree, ...]

    def probability(self, signals: Signals) -> float:
        """The estimated probability that the candidate is right, in (0, 1)."""
        vector = signals.vector()
        log_odds = self.base + sum(_leaf(tree, vector) for tree in self.trees)
        return 1 / (1 + math.exp(-log_odds))


def _leaf(tree: Tree, vector: tuple[float, ...]) -> float:
    node = tree[0]
    while isinstance(node, tuple):
        place, threshold, low, high = node
        node = tree[low if vector[place] <= threshold else high]
    return node


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The calibration that this version was released with."""
    content = resources.files("plum_lsp.verification").joinpath("calibration.json").read_text(encoding="ascii")
    return parsed(json.loads(content))


def parsed(content: dict[str, Any]) -> Calibration:
    """A calibration from the value of its JSON text.

    Raises:
        ValueError: the calibration was fitted to other signals than this version computes.
    """
    if tuple(content["signals"]) != NAMES:
        raise ValueError("the calibration was fitted to other signals (run benchmarks.calibrate)")
    trees = tuple(
        tuple(_node(node) if isinstance(node, list) else float(node) for node in tree) for tree in content["trees"]
    )
    return Calibration(base=float(content["base"]), trees=trees)


def _node(node: list[Any]) -> tuple[int, float, int, int]:
    place, threshold, low, high = node
    return int(place), float(threshold), int(low), int(high)
