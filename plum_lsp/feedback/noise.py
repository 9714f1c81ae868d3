"""How often a label is wrong, as measured on labelled candidates, by what the label rests on. Pure.

The user's own candidates have no labels to compare with, so their noise is not known. The figures are measured by
`python -m benchmarks.label_noise`, and docs/benchmarks.md has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plum_lsp.domain.suggestion import Tier
from plum_lsp.feedback.evidence import Standing

GROUPS = 72
"""The labelled groups behind the figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What was measured for one ground of labels: so many labels, and so many of them wrong.

    `count` names the entry of a build's report with the labels of this ground.
    """

    count: str
    ground: str
    labels: int
    wrong: int


MEASURED = (
    Noise(count="label_verified", ground="right, verified", labels=127, wrong=9),
    Noise(count="label_consistent", ground="right, consistent", labels=98, wrong=13),
    Noise(count="label_refuted", ground="wrong, refuted by a test", labels=214, wrong=3),
    Noise(count="label_synthesized", ground="wrong, unlikely beside a likely one (rule 5)", labels=136, wrong=1),
)


def count_of(standing: Standing, tier: Tier | None) -> str:
    """The entry of a build's report that counts a label, by what the label rests on."""
    if standing is Standing.UNLIKELY:
        return "label_synthesized"
    if standing is Standing.WRONG:
        return "label_refuted"
    return "label_verified" if tier is Tier.VERIFIED else "label_consistent"


def expected(report: Mapping[str, object]) -> Iterator[tuple[Noise, int, float]]:
    """For each ground with labels in a build: the noise measured, the labels there are, and how many may be wrong."""
    for one in MEASURED:
        labels = report.get(one.count)
        if isinstance(labels, int) and labels:
            yield one, labels, labels * one.wrong / one.labels
