"""How well the judge tells right candidates from wrong ones, on labelled candidates.

    python -m benchmarks.verifier FOLDER [--output PREDICTIONS.jsonl]

Reads `verifier.jsonl` of the development data in FOLDER and judges every candidate as the pipeline would, in the
sandbox. Prints the share of right candidates that would be offered (TPR) and of wrong ones that would not (TNR),
with and without examples, against the baseline of offering whatever parses and uses no undefined name.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plum_lsp.config import Settings
from plum_lsp.context.window import read_context, reference_program
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Completion, Finish, Judged, PolicyVersion, Tier
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Limits, Observation
from plum_lsp.judging import Judge, promoted
from plum_lsp.policy.candidates import make_candidate
from plum_lsp.ranking import is_refuted
from plum_lsp.sandbox.host import open_sandbox
from plum_lsp.synthesis.examples import examples_of
from plum_lsp.synthesis.inputs import generated_calls
from plum_lsp.wiring import sandbox_options

OFFERED = {Tier.VERIFIED, Tier.CONSISTENT}
VERSION = PolicyVersion(number=0, model="labelled", model_sha256="")
Row = dict[str, Any]


def _completion(index: int, text: str) -> Completion:
    return Completion(
        index=index,
        text=text,
        finish=Finish.STOP,
        temperature=0.0,
        seed=0,
        token_logprobs=(),
        first_token_ms=0.0,
        ended_ms=0.0,
    )


async def _judged(task: Row, sandbox: Sandbox) -> list[Judged]:
    """Every candidate of a task, judged; in an order that the labels cannot have shaped."""
    source = task["prompt"] + task["suffix"]
    document = Document(uri="file:///task.py", version=0, text=source)
    context = read_context(document, len(task["prompt"]), prefix_tokens=4000, suffix_tokens=1000)
    assert context is not None, task["task_id"]
    judge = Judge(
        sandbox=sandbox,
        context=context,
        reference=reference_program(context),
        tests=examples_of(context),
        calls=generated_calls(context, limit=12),
        limits=Limits(),
    )
    evidence = await judge.evidence()
    order = list(range(len(task["candidates"])))
    random.Random(task["task_id"]).shuffle(order)
    group: list[Judged] = []
    observed: dict[int, Sequence[Observation]] = {}
    for index in order:
        candidate = make_candidate(_completion(index, task["candidates"][index]["text"]), context, VERSION)
        judged, seen = await judge.judge(candidate, evidence)
        group.append(judged)
        if seen:
            observed[index] = seen
    return promoted(group, observed) if not evidence.specification else group


def _rates(cells: Sequence[tuple[bool, bool]]) -> str:
    right = [offered for offered, correct in cells if correct]
    wrong = [offered for offered, correct in cells if not correct]
    tpr = statistics.mean(right) if right else float("nan")
    tnr = 1 - statistics.mean(wrong) if wrong else float("nan")
    return f"TPR {tpr:.3f} ({len(right)} right)  TNR {tnr:.3f} ({len(wrong)} wrong)"


async def main() -> None:
    """Judge, print, and write the predictions if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    tasks = [json.loads(line) for line in (arguments.folder / "verifier.jsonl").read_text().splitlines()]
    sandbox = await open_sandbox(sandbox_options(Settings()))
    cells: dict[str, list[tuple[bool, bool]]] = {}
    predictions, took = [], []
    for task in tasks:
        started = time.perf_counter()
        group = await _judged(task, sandbox)
        took.append((time.perf_counter() - started) * 1000)
        kind = "with examples" if task["has_examples"] else "without examples"
        for judged in group:
            index = judged.candidate.completion.index
            offered = judged.tier in OFFERED and not is_refuted(judged)
            correct = bool(task["candidates"][index]["correct"])
            cells.setdefault(kind, []).append((offered, correct))
            cells.setdefault(f"{kind}, baseline", []).append((not judged.candidate.problem, correct))
            predictions.append({"task_id": task["task_id"], "candidate_index": index, "offered": offered})
    await sandbox.close()
    for kind in sorted(cells):
        print(f"{kind:28s} {_rates(cells[kind])}")
    print(f"verification of a task: median {statistics.median(took):.0f} ms, max {max(took):.0f} ms")
    if arguments.output:
        arguments.output.write_text("".join(json.dumps(one) + "\n" for one in predictions))


if __name__ == "__main__":
    asyncio.run(main())
