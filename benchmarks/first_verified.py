"""Measures which candidate of a small group is offered, through the real server with its default settings.

    python -m benchmarks.first_verified FOLDER [--rounds 2] [--gap 0.0] [--whole]

The script reads the tasks of `verifier.jsonl` in FOLDER that show examples and makes groups of one right and three
wrong candidates. A scripted policy writes each group in a shuffled order, `--gap` seconds apart. The script prints how
often the right and a wrong candidate is offered as verified, and the time until the answer. With `--whole` the server
waits for whole groups (`offers.stop_early` off).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.editor import CURSOR, Editor
from support.scripted_policy import ScriptedPolicy

WRONG = 3
"""The wrong candidates of a group."""
Row = dict[str, Any]


def _groups(folder: Path, rounds: int) -> list[tuple[Row, list[Row]]]:
    """The groups, each with its task."""
    found = []
    for line in (folder / "verifier.jsonl").read_text().splitlines():
        row = json.loads(line)
        right = [one for one in row["candidates"] if one["correct"]]
        wrong = [one for one in row["candidates"] if not one["correct"]]
        if not row["has_examples"] or not right or len(wrong) < WRONG:
            continue
        for number in range(rounds):
            chance = random.Random(f"{row['task_id']} {number}")
            group = [chance.choice(right), *chance.sample(wrong, WRONG)]
            chance.shuffle(group)
            found.append((row, group))
    return found


async def _offered(editor: Editor, policy: ScriptedPolicy, row: Row, group: list[Row], gap: float) -> tuple[str, float]:
    """What is offered for a group, in words, and the milliseconds until the answer."""
    policy.forget()
    for place, one in enumerate(group):
        policy.will_complete(one["text"], delay_s=gap * place)
    await editor.open(f"{row['prompt']}{CURSOR}\n{row['suffix']}")
    started = time.perf_counter()
    items = await editor.ask()
    took = (time.perf_counter() - started) * 1000
    told = await editor.explain()
    await editor.close()
    if not items:
        return "nothing", took
    text = str(items[0].insert_text).strip()
    nearest = max(group, key=lambda one: SequenceMatcher(None, one["text"].strip(), text, autojunk=False).ratio())
    label = "verified" if told["tier"] == "verified" else "with another label"
    return f"{'right' if nearest['correct'] else 'wrong'}, {label}", took


async def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--gap", type=float, default=0.0)
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    groups = _groups(given.folder, given.rounds)
    counts: Counter[str] = Counter()
    times = []
    with ScriptedPolicy() as policy, tempfile.TemporaryDirectory(prefix="plum-benchmark-") as folder:
        settings = {"offers": {"stop_early": not given.whole}}
        async with Editor.running(folder=Path(folder), policy_url=policy.url, settings=settings) as editor:
            for row, group in groups:
                what, took = await _offered(editor, policy, row, group, given.gap)
                counts[what] += 1
                times.append(took)
    print(f"{len(groups)} groups")
    for what, count in counts.most_common():
        print(f"{what}: {count / len(groups):.3f} ({count})")
    twentieths = statistics.quantiles(times, n=20)
    print(f"time to the answer: p50 {statistics.median(times):.0f} ms, p95 {twentieths[18]:.0f} ms")


if __name__ == "__main__":
    asyncio.run(main())
