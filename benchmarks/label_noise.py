"""Measures how often a label that training would use is wrong, by what it rests on and by source of the task.

    python -m benchmarks.label_noise FOLDER [--tasks N]

The script reads `verifier.jsonl` of the development data in FOLDER, whose candidates are labelled by the tasks' own
tests, and judges every candidate as `plum-lsp verify` does. It then labels them by the rules of `feedback.evidence`: a
candidate of an offered tier is right, a refuted one wrong, and without a specification an unlikely one beside a likely
one is wrong. Noise is the share of these labels that the tasks' tests contradict, with an interval (Wilson, 1927).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plum_lsp.config import Settings
from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.offline import verify
from plum_lsp.evaluation.tasks import task_from
from plum_lsp.feedback.evidence import LIKELY_MIN, RIGHT_PROBABILITY, UNLIKELY_MAX
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.verification.options import sandbox_options

NORMAL = 1.96


def labels_of(lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, str, bool]]:
    """Place, ground and label of each candidate of a task that training would use.

    Args:
        lines: predictions as `plum-lsp verify` gives them.
    """
    has_tests = any(line["tests_run"] for line in lines)
    likely = any(line["tier"] == Tier.CONSISTENT.value and (line["probability"] or 0) >= LIKELY_MIN for line in lines)
    for line in lines:
        if line["offered"] and Tier(line["tier"]) in RIGHT_PROBABILITY:
            yield line["candidate_index"], f"right: {line['tier']}", True
        elif line["tests_passed"] < line["tests_run"]:
            yield line["candidate_index"], "wrong: refuted by a test", False
        elif not has_tests and likely and line["probability"] is not None and line["probability"] < UNLIKELY_MAX:
            yield line["candidate_index"], "wrong: unlikely beside a likely one", False


def interval(wrong: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    share, square = wrong / count, NORMAL**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = NORMAL / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(0.0, middle - half), middle + half


async def measure(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[bool]]:
    """For each source (and `all`) and ground: whether each label is wrong."""
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    sandbox = await open_sandbox(sandbox_options(Settings()))
    try:
        for row in rows:
            done = await verify(task_from(row), sandbox, MonotonicClock(), limits=Limits())
            for place, ground, label in labels_of(done.lines()):
                is_wrong = row["candidates"][place]["correct"] is not label
                found["all", ground].append(is_wrong)
                found[row["source"].partition("_")[0], ground].append(is_wrong)
    finally:
        await sandbox.close()
    return found


def main() -> None:
    """Judge, and print one row for each source and ground."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=int, default=0, help="So many of them. 0 means all")
    options = parser.parse_args()
    lines = (options.folder / "verifier.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines][: options.tasks or None]
    print(f"{'source':14} {'label':38} {'labels':>6} {'wrong':>6} {'noise':>7}  95 % interval")
    for (source, ground), wrong in sorted(asyncio.run(measure(rows)).items()):
        low, high = interval(sum(wrong), len(wrong))
        share = sum(wrong) / len(wrong)
        print(f"{source:14} {ground:38} {len(wrong):6} {sum(wrong):6} {share:7.1%}  {low:.1%} to {high:.1%}")


if __name__ == "__main__":
    main()
