"""Measures how much of a file a short place has to show to the embedded model.

    python -m benchmarks.reach [--places 24] [--seed 5]

Lines of this repository's own source are cut out, from their start or behind `= `, `return ` or `(`, and the default
model writes each once at every size of prompt. The columns: prompts in characters, seconds of the model's processor
time for reading and writing, which do not depend on other load, texts that are fit to run, and likeness to the line
that stood there (difflib's ratio of the first lines, 1 is equal).
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import os
import random
import re
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.processes import children

from plum_lsp.config import Settings
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import PolicyVersion, SamplingOptions
from plum_lsp.domain.text import Document
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.models.families import template_for
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.reading.window import read_context
from plum_lsp.suggestion.prompt import build_prompt

SIZES = ((320, 80), (224, 48), (144, 32))
SOURCE = Path(__file__).resolve().parent.parent / "plum_lsp"
MARK = "‸"
TOKENS_MAX = 48
SECONDS = 200.0
_LINE = re.compile(r"        *[a-z_]+.*[^:(\[{,\\]")
_HEAD = re.compile(r"(= |return |\()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the model wrote for one prompt. `likeness` is to the line that stood there, in [0, 1]."""

    characters: int
    seconds: float
    fits: bool
    likeness: float


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=24)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    policy = open_policy(policy_options(Settings()))
    rows: list[list[Written]] = []
    try:
        version = await policy.version()
        for marked, line in _places(random.Random(options.seed)):
            if len(rows) == options.places:
                break
            row = [await _written(policy, version, marked, line, size) for size in SIZES]
            rows.append([one for one in row if one is not None])
            if len(rows[-1]) < len(SIZES):
                rows.pop()
    finally:
        await policy.close()
    print(f"{len(rows)} places\n\n| before, after the cursor | characters | processor, s | fit to run | likeness |")
    print("|---|---|---|---|---|")
    for size, column in zip(SIZES, zip(*rows, strict=True), strict=True):
        characters = sum(one.characters for one in column) / len(column)
        seconds = sum(one.seconds for one in column) / len(column)
        likeness = sum(one.likeness for one in column) / len(column)
        fits = sum(one.fits for one in column)
        print(f"| {size[0]}, {size[1]} | {characters:.0f} | {seconds:.1f} | {fits} | {likeness:.2f} |")


def _places(chosen: random.Random) -> Iterator[tuple[str, str]]:
    """Files with a cursor, and the rest of the cursor's line that was cut out. One of each file, in the second part."""
    files = [file for file in sorted(SOURCE.rglob("*.py")) if 4000 < file.stat().st_size < 16000]
    chosen.shuffle(files)
    for file in files:
        text = file.read_text()
        lines = [
            (found.start(), found.group())
            for found in re.finditer(r"^.*$", text, re.MULTILINE)
            if found.start() > 0.4 * len(text) and _LINE.fullmatch(found.group()) and len(found.group().strip()) > 18
        ]
        if not lines:
            continue
        start, line = chosen.choice(lines)
        head = _HEAD.search(line)
        cut = head.end() if head and chosen.random() < 0.6 else len(line) - len(line.lstrip())
        yield text[: start + cut] + MARK + text[start + len(line) :], line[cut:].strip()


async def _written(
    policy: Policy, version: PolicyVersion, marked: str, line: str, size: tuple[int, int]
) -> Written | None:
    """What the model writes with this size of prompt. None without a completion."""
    document = Document(uri="file:///reach.py", version=0, text=marked.replace(MARK, ""))
    context = read_context(document, marked.index(MARK), prefix_tokens=size[0], suffix_tokens=size[1])
    if context is None:
        return None
    context = replace(context, block=replace(context.block, statements_max=1))
    prompt = build_prompt(context, template_for(version))
    options = SamplingOptions(temperatures=(0.2,), top_p=0.95, max_tokens=TOKENS_MAX, seed=0)
    before = _processor_seconds()
    deadline = asyncio.get_running_loop().time() + SECONDS
    async with aclosing(policy.sample(prompt, options, deadline=deadline, version=version)) as stream:
        async for completion in stream:
            candidate = make_candidate(completion, context, version)
            first = candidate.text.partition("\n")[0].strip()
            return Written(
                characters=len(prompt.text),
                seconds=_processor_seconds() - before,
                fits=not candidate.problem,
                likeness=difflib.SequenceMatcher(None, first, line).ratio(),
            )
    return None


def _processor_seconds() -> float:
    """The processor time of the model's process."""
    ticks = 0
    for process in children():
        user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
        ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    asyncio.run(main())
