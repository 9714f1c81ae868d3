"""Groups candidates that behave alike on the same inputs (after CodeT, arXiv 2207.10397).

The evidence where nobody wrote a specification: independent candidates rarely make the same mistake. Near-copies
are not independent, so a cluster counts its distinct fingerprints, not its members. Decides nothing about tiers
beyond naming the winners, and runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plum_lsp.domain.verification import Ending, Node, Observation, Value

FINGERPRINTS_MIN = 2
"""One candidate agrees with nobody."""
SIGNIFICANT_DIGITS = 12
"""Floats that agree this far agree: summing in another order moves the last digits."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Candidates (by index, ascending) that did the same on every input. `size` counts distinct fingerprints."""

    members: tuple[int, ...]
    size: int
    is_exercised: bool


def clusters(
    observations: Mapping[int, Sequence[Observation]], fingerprints: Mapping[int, str] | None = None
) -> list[Cluster]:
    """The candidates grouped by behaviour, largest cluster first, then the one with the earliest member.

    Without `fingerprints` every candidate counts as different from the others. Candidates without observations
    belong to no cluster. A cluster is exercised if some input gave a result: a shared exception is no agreement.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for index in sorted(observations):
        if observations[index]:
            groups.setdefault(tuple(_behaviour(seen) for seen in observations[index]), []).append(index)
    found = [
        Cluster(
            members=tuple(members),
            size=len({fingerprints.get(index, str(index)) if fingerprints else str(index) for index in members}),
            is_exercised=any(seen.ending is Ending.RETURNED for seen in observations[members[0]]),
        )
        for members in groups.values()
    ]
    return sorted(found, key=lambda cluster: (-cluster.size, cluster.members[0]))


def consistent(
    observations: Mapping[int, Sequence[Observation]], fingerprints: Mapping[int, str] | None = None
) -> frozenset[int]:
    """The members of the winning cluster; empty if agreement proves nothing.

    The winner holds at least two distinct candidates and more than half of those that ran (distinct ones, too), and
    the inputs made it return something.
    """
    found = clusters(observations, fingerprints)
    total = sum(cluster.size for cluster in found)
    if not found:
        return frozenset()
    winner = found[0]
    wins = winner.size >= FINGERPRINTS_MIN and 2 * winner.size > total and winner.is_exercised
    return frozenset(winner.members) if wins else frozenset()


def _behaviour(seen: Observation) -> tuple[object, ...]:
    """What makes two observations equal: how it ended, the value, the exception's type, what was printed."""
    raised = seen.raised.type_names[0] if seen.raised is not None and seen.raised.type_names else ""
    return (seen.ending.value, _key(seen.value), raised, seen.printed.rstrip())


def _key(value: Value) -> tuple[object, ...]:
    """A hashable stand-in that keeps `1`, `1.0` and `True` apart, and not two NaN."""
    if isinstance(value, float):
        return ("float", f"{value:.{SIGNIFICANT_DIGITS}g}")
    if not isinstance(value, Node):
        return (type(value).__name__, repr(value))
    items = [_key(item) for item in value.items]
    if value.kind in {"set", "frozenset"}:
        items.sort(key=repr)
    elif value.kind == "dict":
        pairs = sorted(zip(items[::2], items[1::2], strict=False), key=repr)
        items = [part for pair in pairs for part in pair]
    return (value.kind, value.type_name, tuple(items), "" if items else _ADDRESS.sub("0x", value.text))
