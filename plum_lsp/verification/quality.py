"""Computes the `Quality` of each candidate from findings and observations, and orders candidates that are equally
right. This is the step between the ladder and the ranking.

The inspector port reads the code. Quality never changes a tier or a score: it only breaks ties.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plum_lsp.domain.ports import Inspector
from plum_lsp.domain.quality import Findings, Passage, Quality
from plum_lsp.domain.suggestion import Context, Judged
from plum_lsp.domain.verification import Ending, Observation, Program
from plum_lsp.python.reading.window import program_with

TIMER_MS = 2.0
"""Added to both sides of a ratio of times. Smaller differences are noise of a busy machine."""
SLOW_MIN = 2.0
"""A candidate is slow if it is at least this many times slower than the others. Smaller ratios are noise."""
_ENDED = frozenset({Ending.RETURNED, Ending.RAISED})


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


def passage_of(context: Context, text: str, program: Program) -> Passage:
    """The lines of `program` that a candidate wrote, from the header of its function on."""
    first = context.before.count("\n") + 1
    last = first + text.count("\n")
    header = f"def {context.function.name}" if context.function is not None else ""
    if header:
        above = context.before.split("\n")
        places = [number for number, line in enumerate(above, start=1) if header in line]
        first = places[-1] if places else first
    return Passage(source=program.source, first_line=first, last_line=last)


def quality_of(findings: Findings, text: str, slowness: float) -> Quality:
    """The signals of one candidate with this text."""
    lines = [line.strip() for line in text.split("\n")]
    return Quality(
        security=findings.security,
        complexity=findings.complexity,
        lines=sum(bool(line) and not line.startswith("#") for line in lines),
        slowness=slowness,
    )


def slowness_of(observed: Mapping[int, Sequence[Observation]]) -> dict[int, float]:
    """How much slower each candidate is than the median of all, on the inputs on which all of them ended.

    `observed` maps candidate indices to their observations on the same calls, in the same order. 1.0 means not slower.
    """
    if not observed:
        return {}
    rows = list(zip(*observed.values(), strict=True))
    shared = [place for place, row in enumerate(rows) if all(seen.ending in _ENDED for seen in row)]
    totals = {index: sum(seen[place].wall_ms for place in shared) for index, seen in observed.items()}
    usual = statistics.median(totals.values())
    return {index: max(1.0, (total + TIMER_MS) / (usual + TIMER_MS)) for index, total in totals.items()}


def quality_key(quality: Quality | None) -> tuple[int, int, int, int]:
    """Sort key for candidates that are equally right, best first: safe, then not slow, then simple, then short.

    Times count by powers of two, so that noise does not change the order. A candidate without signals sorts like one
    with a single security finding.
    """
    if quality is None:
        return (1, 0, 0, 0)
    slow = int(math.log2(quality.slowness)) if quality.slowness >= SLOW_MIN else 0
    return (len(quality.security), slow, quality.complexity, quality.lines)


def quality_words(quality: Quality) -> str:
    """The signals as one line for users: complexity, length, and otherwise only unusual values."""
    parts = [f"complexity {quality.complexity}", f"{quality.lines} line{'s' if quality.lines != 1 else ''}"]
    if quality.slowness >= SLOW_MIN:
        parts.append(f"{quality.slowness:.1f} times slower than the other candidates")
    return ", ".join([*parts, *(f"security: {finding}" for finding in quality.security)])
