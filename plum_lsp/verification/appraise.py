"""Adds the quality of each candidate, apart from correctness, to a group. The step between judging and ranking.

It decides which candidates are inspected, and the inspector port reads them. It never changes a tier or a score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from plum_lsp.domain.ports import Inspector
from plum_lsp.domain.suggestion import Context, Judged
from plum_lsp.domain.verification import Observation
from plum_lsp.python.reading.window import program_with
from plum_lsp.verification.quality import passage_of, quality_of, slowness_of


async def appraised(
    group: Sequence[Judged],
    context: Context,
    observed: Mapping[int, Sequence[Observation]],
    inspector: Inspector | None,
) -> list[Judged]:
    """The group, in its order, with the quality of every candidate that is fit to run.

    `observed` maps candidate indices to their observations on the same inputs. If the inspector fails, the group is
    unchanged.
    """
    fit = [judged for judged in group if not judged.candidate.problem]
    if inspector is None or not fit:
        return list(group)
    texts = [judged.candidate.text for judged in fit]
    passages = [passage_of(context, text, program_with(context, text)) for text in texts]
    findings = await inspector.inspect(passages)
    if len(findings) != len(fit):
        return list(group)
    slowness = slowness_of({index: seen for index, seen in observed.items() if seen})
    found = {
        judged.candidate.id: quality_of(finding, text, slowness.get(judged.candidate.completion.index, 1.0))
        for judged, finding, text in zip(fit, findings, texts, strict=True)
    }
    return [replace(judged, quality=found.get(judged.candidate.id)) for judged in group]
