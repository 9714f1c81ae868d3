"""Counts the right and the wrong candidates that break a contract read from words and annotations.

    python -m benchmarks.contracts FOLDER

The script reads `verifier.jsonl` of the development data in FOLDER for labelled candidates, and the files of functions
beside it for canonical solutions, all of which are right. "Beyond examples" counts wrong candidates that pass every
example.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from plum_lsp.config import Settings
from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Limits
from plum_lsp.python.contracts.checks import breaches
from plum_lsp.python.contracts.finding import contracts_of
from plum_lsp.python.contracts.probes import probes_of
from plum_lsp.python.inputs.calls import generated_calls
from plum_lsp.python.reading.window import program_with, read_context, reference_program
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.verification.options import sandbox_options

CANONICAL = ("humaneval_plus", "mbpp_plus", "thealgorithms", "quixbugs", "classeval", "exercism", "humanevalpack")
LIMITS = Limits(wall_seconds=0.5, cpu_seconds=0.5)
CALLS = 32
Counts = defaultdict[str, Counter[str]]


def rows(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Labelled groups, then every canonical solution as a group of one."""
    for line in (folder / "verifier.jsonl").read_text().splitlines():
        yield "labelled", json.loads(line)
    for name in CANONICAL:
        for line in (folder / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            yield "canonical", {**row, "candidates": [{"text": row["canonical"], "correct": True}]}


async def count(name: str, row: dict[str, Any], sandbox: Sandbox, counts: Counts) -> None:
    """Run one group on generated inputs and probes, and count the broken contracts."""
    document = Document(uri="file:///t.py", version=0, text=row["prompt"] + (row.get("suffix") or ""))
    context = read_context(document, len(row["prompt"]), prefix_tokens=4000, suffix_tokens=1000)
    if context is None:
        return
    tests = examples_of(context)
    contracts, calls = contracts_of(context, tests), generated_calls(context, tests, limit=CALLS)
    calls += probes_of(contracts, calls)
    counts[f"{name}, with a contract"]["tasks"] += bool(contracts)
    counts[f"{name}, tasks"]["tasks"] += 1
    if not calls:
        return
    observed, is_passing = {}, {}
    for place, candidate in enumerate(row["candidates"]):
        program = program_with(context, candidate["text"])
        try:
            observed[place] = await sandbox.observe(program, calls, LIMITS)
            verdicts = await sandbox.verify(program, tests, LIMITS, reference=reference_program(context))
        except SandboxError:
            counts[f"{name}, the sandbox broke"]["tasks"] += 1
            continue
        is_passing[place] = all(verdict.is_pass for verdict in verdicts)
    for place, broken in breaches(contracts, calls, observed).items():
        label = "right" if row["candidates"][place]["correct"] else "wrong"
        counts[f"{name}, candidates"][label] += 1
        for kind in {*(contract.kind.name for contract, _ in broken), *(["any"] if broken else [])}:
            counts[f"{name}, breaks {kind}"][label] += 1
            if is_passing[place]:
                counts[f"{name}, breaks {kind}"][f"{label} beyond examples"] += 1


async def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    sandbox = await open_sandbox(replace(sandbox_options(Settings()), jobs=2))
    counts: Counts = defaultdict(Counter)
    for name, row in rows(arguments.folder):
        await count(name, row, sandbox, counts)
    await sandbox.close()
    for name in sorted(counts):
        print(f"{name:36s} {', '.join(f'{label} {number}' for label, number in sorted(counts[name].items()))}")


if __name__ == "__main__":
    asyncio.run(main())
