"""A pilot of two weeks in minutes: what the report and its pilot section look like when a store was used.

    python -m benchmarks.pilot_simulation FOLDER [--minutes 8] [--model]

What is **real**: the server (over LSP, a process a day), the sandbox, the store, the report, and the files: modules of
the standard library whose functions have doctests. What is **scripted**: the model and the user. A sample of the model
is with a chance of `RIGHT` what the file has, and else a small wrong version of it or the text of another function. The
user knows the body that they want, the one of the file. They accept a suggestion that is at least `LIKE_MIN` like it,
and change it to what they wanted within minutes. They reject one that is far from it now and then, and otherwise type
on. What is **compressed**: the time of day runs `SPEED` times as fast (`pilot_clock`), and the days lie in the past.
The times of the stages are real. So the page shows what a pilot looks like. Its figures do not describe people or
models.

`--model` asks the default model instead of the script. It needs an idle machine: a late answer is not shown.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from support import editor as editor_module
from support.editor import CURSOR, Editor, Suggested, capabilities
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config import cache_dir, load_settings
from plum_lsp.config.folder import store_file
from plum_lsp.domain.pilot import Measure, Plan, Question
from plum_lsp.python.mutants import mutants_of
from plum_lsp.store.answers import write_answers
from plum_lsp.store.pilots import start_pilot
from plum_lsp.store.records import instant

SPEED = 120
RIGHT = 0.44
"""The share of right first samples that the default model has on the tasks of docs/benchmarks.md."""
CANDIDATES = 8
SLIPS = ((r"\d", "7"), (r"==", "!="), (r"<", ">"), (r"\+", "-"), (r"\(", "(not "), (r"\w+\b", "data"))
"""Small mistakes in a line."""
LIKE_MIN = 0.6
"""A person accepts what is mostly what they wanted."""
UNLIKE_MAX = 0.3
DAYS = 10
"""Working days of two weeks."""
BODY_LINES_MAX = 12
SOURCE_BYTES_MAX = 80_000
LIBRARY = Path(os.__file__).parent


@dataclass(frozen=True, slots=True)
class Task:
    """A function of a real file. `before` ends where its body begins, and `after` begins where it ends."""

    name: str
    before: str
    body: str
    after: str


def tasks() -> list[Task]:
    """The functions of the standard library that have doctests and a short body."""
    return [task for path in sorted(LIBRARY.glob("*.py")) for task in _tasks(path)]


def _tasks(path: Path) -> Iterator[Task]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if len(text) > SOURCE_BYTES_MAX:
        return
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef) or ">>>" not in (ast.get_docstring(node) or "") or len(node.body) < 2:
            continue
        assert node.end_lineno is not None
        first, last = node.body[0].end_lineno or 0, node.end_lineno
        if last - first <= BODY_LINES_MAX:
            before, body, after = ("".join(lines[a:b]) for a, b in ((0, first), (first, last), (last, len(lines))))
            yield Task(f"{path.stem}_{node.name}.py", before, body, after)


class Script:
    """What the scripted model says."""

    def __init__(self, policy: ScriptedPolicy, chance: random.Random, every: Sequence[Task]) -> None:
        self._policy = policy
        self._chance = chance
        self._bodies = [task.body.strip() for task in every]

    def body(self, task: Task) -> None:
        """The samples for a whole body."""
        first = task.before.count("\n") + 1
        last = first + task.body.count("\n") - 1
        source = task.before + task.body + task.after
        made = mutants_of(source, first_line=first, last_line=last, limit=CANDIDATES)
        wrong = ["\n".join(one.source.split("\n")[first - 1 :][: last - first + 1]).strip() for one in made]
        self._say(task.body.strip(), [*wrong, *self._chance.sample(self._bodies, 4)])

    def line(self, rest: str) -> None:
        """The samples for the rest of a line."""
        made = [re.sub(pattern, new, rest, count=1) for pattern, new in SLIPS]
        self._say(rest, [one for one in made if one != rest] or [f"{rest}  # wrong"])

    def _say(self, right: str, wrong: Sequence[str]) -> None:
        self._policy.forget()
        for _ in range(CANDIDATES):
            is_right = self._chance.random() < RIGHT
            text = right if is_right else self._chance.choice(wrong)
            self._policy.will_complete(f"{text}\n", mean_logprob=-self._chance.uniform(0.1, 0.5))


class User:
    """The scripted user. One window a day."""

    def __init__(self, editor: Editor, chance: random.Random, counts: Counter[str], *, script: Script | None) -> None:
        self._editor = editor
        self._chance = chance
        self._counts = counts
        self._script = script

    async def write(self, task: Task) -> None:
        """Write the body of one function: look at what is suggested for all of it, or else for its lines."""
        indent = task.body[: len(task.body) - len(task.body.lstrip())].strip("\n")
        await self._editor.open(f"{task.before}{indent}{CURSOR}\n{task.after}", path=task.name)
        body = task.body.strip()
        if self._script is not None:
            self._script.body(task)
        if await self._looks(body):
            return
        for number, line in enumerate(body.splitlines()):
            ahead = line.strip()
            typed = len(ahead) // 3
            await self._editor.type(("\n" + line[: len(line) - len(ahead)] if number else "") + ahead[:typed])
            if self._script is not None:
                self._script.line(ahead[typed:])
            if not (number < 2 and typed > 2 and await self._looks(ahead[typed:])):
                await self._editor.type(ahead[typed:])

    async def _looks(self, wanted: str) -> bool:
        """Ask as a pause in typing does. Whether the suggestion was taken. Then `wanted` stands there in the end."""
        offer = await self._editor.suggest(automatic=True)
        self._counts["requests"] += 1
        if offer is None:
            return False
        self._editor.show(offer)
        self._counts["suggestions"] += 1
        like = SequenceMatcher(None, offer.text.strip(), wanted, autojunk=False).ratio()
        if like < LIKE_MIN:
            if like < UNLIKE_MAX and self._chance.random() < 0.5:
                await self._editor.reject(offer)
            return False
        await self._editor.accept(offer)
        self._counts["accepted"] += 1
        await self._repairs(offer, wanted)
        return True

    async def _repairs(self, offer: Suggested, wanted: str) -> None:
        """Change what was accepted to what was wanted, a simulated minute or two later."""
        end = self._editor.buffers[self._editor.uri].cursor
        start = end - len(offer.text)
        if self._editor.text[start:end].strip() == wanted:
            return
        await asyncio.sleep(self._chance.uniform(60, 120) / SPEED)
        blank = len(offer.text) - len(offer.text.lstrip())
        await self._editor.replace(start + blank, end, wanted)


async def _day(
    number: int, start: datetime, folder: Path, seconds: float, *, policy: ScriptedPolicy | None
) -> Counter[str]:
    """One working day: functions until the time is up, then the rest of the ten minutes."""
    counts, chance, every = Counter[str](), random.Random(f"day {number}"), tasks()
    script = Script(policy, chance, every) if policy is not None else None
    command = (sys.executable, "-m", "benchmarks.pilot_clock", "serve", "--stdio")
    able = capabilities(reports_shown=True)
    url = policy.url if policy is not None else ""
    async with Editor.running(
        folder=folder, policy_url=url, environ=_environ(start, policy), command=command, able=able
    ) as editor:
        user, until = User(editor, chance, counts, script=script), time.monotonic() + seconds
        for task in chance.sample(every, len(every)):
            if time.monotonic() >= until:
                break
            await user.write(task)
        await asyncio.sleep(660 / SPEED)
        editor.read_messages()
    return counts


def _environ(start: datetime, policy: ScriptedPolicy | None) -> Mapping[str, str]:
    """The simulated time, and the folder of the real model if that is asked."""
    clock = {"SIMULATED_START": str(start.timestamp()), "SIMULATED_SPEED": str(SPEED)}
    if policy is not None:
        return clock
    cache = str(cache_dir(load_settings(environ=os.environ).settings))
    return {**clock, "PLUM_CACHE_DIR": cache, "PLUM_POLICY_OFFLINE": "1"}


async def simulate(given: argparse.Namespace) -> Counter[str]:
    """Fill the store of FOLDER with a pilot that lies in the past."""
    (given.folder / "work").mkdir(parents=True, exist_ok=True)
    (given.folder / "data").mkdir(exist_ok=True)
    now = datetime.now(UTC)
    monday = (now - timedelta(days=15 + (now - timedelta(days=15)).weekday())).replace(hour=9, minute=0, second=0)
    plan = Plan(
        name="simulated",
        control_share=0.5,
        is_shadow=True,
        measure=Measure.KEPT,
        gain_min=0.1,
        effect_min=None,
        starts_at=instant((monday - timedelta(hours=1)).timestamp()),
        ends_at=instant((monday + timedelta(days=12)).timestamp()),
    )
    start_pilot(store_file(given.folder / "data"), plan, now=plan.starts_at)
    editor_module.PATIENCE_SECONDS = 300.0
    counts, ends = Counter[str](), time.monotonic() + given.minutes * 60
    with ScriptedPolicy() as policy:
        for number in range(DAYS):
            start = monday + timedelta(days=number + 2 * (number // 5))
            seconds = (ends - time.monotonic()) / (DAYS - number) - 660 / SPEED
            asked = None if given.model else policy
            counts += await _day(number, start, given.folder, max(0.0, seconds), policy=asked)
            if number % 5 == 4:  # on Fridays
                said = dict.fromkeys(Question, 3 + number % 2)
                write_answers(store_file(given.folder / "data"), said, now=instant(start.timestamp()))
            print(f"{start.date()}: {dict(counts)} so far", file=sys.stderr)
    return counts


def main() -> None:
    """Simulate, then make the page and show how the pilot stands, with the commands that a user has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--model", action="store_true")
    given = parser.parse_args()
    given.folder = given.folder.resolve()
    print(f"functions: {len(tasks())}, {dict(asyncio.run(simulate(given)))}")
    environ = {**os.environ, "PLUM_DATA_DIR": str(given.folder / "data")}
    for arguments in (["pilot", "status"], ["report"], ["report", "-o", str(given.folder / "report.html")]):
        subprocess.run([sys.executable, "-m", "plum_lsp", *arguments], env=environ, check=True)


if __name__ == "__main__":
    main()
