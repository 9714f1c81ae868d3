"""Measures how well the judge separates right candidates from wrong ones, on labelled candidates.

    python -m benchmarks.verifier FOLDER [--output PREDICTIONS.jsonl]

The script reads `verifier.jsonl` of the development data in FOLDER and judges every candidate as `plum-lsp verify`
does, in a shuffled order. It prints the share of right candidates that would be offered (TPR) and of wrong ones that
would not (TNR). The baseline offers every candidate that parses and uses no undefined name. The script then prints the
same with only one right candidate left in each group, so that no other can agree with it. It also prints the
calibration of the probabilities, the time of each stage, and every right candidate that is not offered because of an
example.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plum_lsp.config import Settings
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.offline import VerifiedTask, verify
from plum_lsp.evaluation.tasks import task_from
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.verification.options import sandbox_options

Row = dict[str, Any]
Cells = defaultdict[str, list[tuple[bool, bool]]]


async def _judged(row: Row, sandbox: Sandbox, without: Sequence[int] = ()) -> tuple[VerifiedTask, list[int]]:
    """The row's candidates except `without`, judged in an order that is independent of the labels, and their places."""
    kept = [place for place in range(len(row["candidates"])) if place not in without]
    task = task_from({**row, "candidates": [row["candidates"][place] for place in kept]})
    order = list(range(len(kept)))
    random.Random(row["task_id"]).shuffle(order)
    return await verify(task, sandbox, MonotonicClock(), limits=Limits(), order=order), kept


def _rates(cells: Sequence[tuple[bool, bool]]) -> str:
    right = [offered for offered, correct in cells if correct]
    wrong = [offered for offered, correct in cells if not correct]
    shown = [f"TPR {statistics.mean(right):.3f} ({len(right)})" if right else " " * 15]
    shown += [f"TNR {1 - statistics.mean(wrong):.3f} ({len(wrong)})"] if wrong else []
    return "  ".join(shown)


@dataclass(slots=True)
class Whole:
    """The results for whole groups. `took_ms` and `stages_ms` have one entry per task, `chances` one per candidate."""

    predictions: list[Row] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    stages_ms: Counter[str] = field(default_factory=Counter)
    chances: list[tuple[float, bool]] = field(default_factory=list)
    refuted: list[str] = field(default_factory=list)
    top_right: int = 0


async def _whole(rows: list[Row], sandbox: Sandbox, cells: Cells) -> Whole:
    """Judge every whole group."""
    whole = Whole()
    for row in rows:
        started = time.perf_counter()
        done, _ = await _judged(row, sandbox)
        whole.took_ms.append((time.perf_counter() - started) * 1000)
        whole.stages_ms.update(done.stages_ms)
        kind = "with examples" if row["has_examples"] else "without examples"
        lines = done.lines()
        for line, judged in zip(lines, done.group, strict=True):
            candidate = row["candidates"][line["candidate_index"]]
            cell = (line["offered"], bool(candidate["correct"]))
            for stratum in (kind, f"source {row['source']}", f"kind {candidate['kind']}"):
                cells[stratum].append(cell)
            cells[f"{kind}, baseline"].append((not judged.candidate.problem, cell[1]))
            whole.chances.append((judged.probability or 0.0, cell[1]))
            if cell == (False, True) and line["tests_passed"] < line["tests_run"]:
                whole.refuted.append(f"{row['task_id']}, candidate {line['candidate_index']}: {judged.reason}")
        offered = sorted((line for line in lines if line["offered"]), key=lambda line: -line["score"])
        whole.top_right += bool(offered and row["candidates"][offered[0]["candidate_index"]]["correct"])
        whole.predictions += lines
    return whole


def calibration_error(pairs: Sequence[tuple[float, bool]]) -> float:
    """The mean distance between estimate and frequency over ten equal bins, weighted by size (Naeini et al., 2015)."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for probability, correct in pairs:
        bins.setdefault(min(9, int(probability * 10)), []).append((probability, correct))
    return sum(abs(sum(p for p, _ in some) - sum(c for _, c in some)) for some in bins.values()) / len(pairs)


async def _alone(rows: list[Row], sandbox: Sandbox, cells: Cells) -> None:
    """Judge every right candidate as the only right one of its group."""
    for row in rows:
        kind = "with examples" if row["has_examples"] else "without examples"
        right = [place for place, candidate in enumerate(row["candidates"]) if candidate["correct"]]
        for left in right:
            done, kept = await _judged(row, sandbox, without=[place for place in right if place != left])
            for line in done.lines():
                correct = bool(row["candidates"][kept[line["candidate_index"]]]["correct"])
                cells[f"{kind}, one right"].append((line["offered"], correct))


async def main() -> None:
    """Judge, print, and with --output write the predictions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in (arguments.folder / "verifier.jsonl").read_text().splitlines()]
    sandbox = await open_sandbox(sandbox_options(Settings()))
    cells: Cells = defaultdict(list)
    whole = await _whole(rows, sandbox, cells)
    await _alone(rows, sandbox, cells)
    await sandbox.close()
    for stratum in sorted(cells):
        print(f"{stratum:32s} {_rates(cells[stratum])}")
    print(f"top offer right: {whole.top_right / len(rows):.3f} of {len(rows)} tasks")
    print(f"expected calibration error: {calibration_error(whole.chances):.3f}")
    took, total = whole.took_ms, sum(whole.stages_ms.values())
    print(f"a task: median {statistics.median(took):.0f} ms, p95 {statistics.quantiles(took, n=20)[-1]:.0f} ms")
    print("of that: " + ", ".join(f"{stage} {ms / total:.0%}" for stage, ms in whole.stages_ms.most_common()))
    for line in whole.refuted:
        print(f"right but refuted: {line}")
    if arguments.output:
        arguments.output.write_text("".join(json.dumps(one) + "\n" for one in whole.predictions))


if __name__ == "__main__":
    asyncio.run(main())
