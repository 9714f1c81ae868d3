"""Measures the cost of the signals beside correctness, relative to the cost of running the group.

    python -m benchmarks.quality FOLDER

The script checks every group of `verifier.jsonl` in FOLDER with ruff, one process for each group. For comparison it
loads each candidate once in the sandbox. It prints medians and the share of groups in which the signals separate
candidates.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path

from plum_lsp.config import Settings
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Call, Limits
from plum_lsp.python.reading.window import program_with, read_context
from plum_lsp.python.ruff import RuffReader
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.verification.options import sandbox_options
from plum_lsp.verification.quality import passage_of, quality_key, quality_of


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    rows = [json.loads(line) for line in (parser.parse_args().folder / "verifier.jsonl").read_text().splitlines()]
    sandbox, reader = await open_sandbox(sandbox_options(Settings())), RuffReader()
    read_ms, run_ms, each_ms, told_apart, unsafe = [], [], [], 0, 0
    for row in rows:
        document = Document(uri="file:///t.py", version=0, text=row["prompt"] + row["suffix"])
        context = read_context(document, len(row["prompt"]), prefix_tokens=4000, suffix_tokens=1000)
        if context is None:
            continue
        texts = [candidate["text"] for candidate in row["candidates"] if candidate["correct"]]
        programs = [program_with(context, text) for text in texts]
        started = time.perf_counter()
        findings = await reader.inspect(
            [passage_of(context, text, program) for text, program in zip(texts, programs, strict=True)]
        )
        read_ms.append((time.perf_counter() - started) * 1000)
        each_ms.append(read_ms[-1] / max(1, len(texts)))
        started = time.perf_counter()
        await asyncio.gather(*(sandbox.observe(one, [Call(expression="None")], Limits()) for one in programs))
        run_ms.append((time.perf_counter() - started) * 1000)
        keys = {quality_key(quality_of(found, text, 1.0)) for found, text in zip(findings, texts, strict=True)}
        told_apart += len(keys) > 1
        unsafe += any(found.security for found in findings)
    await sandbox.close()
    median = statistics.median
    print(f"a group: {median(read_ms):.1f} ms to read, {median(run_ms):.1f} ms to load in the sandbox")
    print(f"ratio {median(read_ms) / median(run_ms):.2f}; a candidate {median(each_ms):.1f} ms to read")
    print(f"groups of right candidates told apart: {told_apart} of {len(read_ms)}; with a security finding: {unsafe}")


if __name__ == "__main__":
    asyncio.run(main())
