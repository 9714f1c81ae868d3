"""Measures whether a long-running server grows: memory and descriptors after many requests, over those after a few.

    python -m benchmarks.growth [--requests N] [--minutes M]

The script drives a real server process with its sandbox and store as an editor does. The policy is **scripted**,
because a model's time would hide all other times. Of five requests three end in a verified offer, one ends without an
offer, and one is cancelled by the next key. The baseline of each ratio is the same process after a tenth of the
requests, when all parts are loaded.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.editor import Editor
from support.scripted_policy import ScriptedPolicy

HEAD = '"""Sums."""\n\n\n'
FUNCTION = 'def add_{number}(a, b):\n    """Add.\n\n    >>> add_{number}(1, 2)\n    3\n    """\n    '
CHECKPOINTS = 10
QUIET_SECONDS = 3.0
"""Wait before each measurement, so that the server has finished its records of the last answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The server at one moment.

    Memory in bytes: its resident memory, and the proportional memory of all its children.
    """

    requests: int
    memory: int
    children: int
    descriptors: int
    threads: int


def _status(process: int, key: str) -> int:
    line = next(line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1])


def _children(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _proportional(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # a candidate's child that has just ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def look(process: int, requests: int) -> Seen:
    """Measure the server now."""
    return Seen(
        requests=requests,
        memory=_status(process, "VmRSS:") * 1024,
        children=sum(map(_proportional, _children(process))),
        descriptors=len(list(Path(f"/proc/{process}/fd").iterdir())),
        threads=_status(process, "Threads:"),
    )


async def one_request(editor: Editor, number: int) -> bool:
    """Replace the buffer's function by another and request a completion. Returns whether there was an offer."""
    function = FUNCTION.format(number=number)
    if number % 5 == 3:
        function = "# nothing to complete in here"
    await editor.replace(len(HEAD), len(editor.text), function)
    if number % 5 == 4:
        taken_back = asyncio.create_task(editor.ask(automatic=True))
        await asyncio.sleep(0.01)
        await editor.type("x")
        await taken_back
        return False
    return bool(await editor.ask())


async def measure(requests: int, minutes: float) -> None:
    """Drive one server and print its memory and descriptors at intervals."""
    started, rows, offers, done = time.monotonic(), [], 0, 0
    with tempfile.TemporaryDirectory() as folder, ScriptedPolicy() as policy:
        async with Editor.running(folder=Path(folder), policy_url=policy.url, api_key=policy.api_key) as editor:
            server = editor.process.pid
            assert server is not None
            await editor.open(HEAD)
            for done in range(1, requests + 1):
                if done % 50 == 1:  # the script's own record of requests must not grow
                    policy.forget()
                    policy.will_complete("return a + b\n")
                    editor.log.clear()
                    editor.statuses.clear()
                offers += await one_request(editor, done)
                if done % max(1, requests // CHECKPOINTS) == 0:
                    await asyncio.sleep(QUIET_SECONDS)
                    rows.append(look(server, done))
                    print(rows[-1], flush=True)
                if time.monotonic() - started > minutes * 60:
                    break
    first, last = rows[0], rows[-1]
    print(
        f"{done} requests, {offers} offers, {time.monotonic() - started:.0f} s; "
        f"after {first.requests} and {last.requests}:"
    )
    for name in ("memory", "children", "descriptors", "threads"):
        before, after = getattr(first, name), getattr(last, name)
        scale, unit = (1e6, " MB") if name in {"memory", "children"} else (1, "")
        print(f"  {name:12s} {before / scale:.1f} -> {after / scale:.1f}{unit}, ratio {after / max(1, before):.3f}")


@click.command()
@click.option("--requests", type=click.IntRange(10), default=10_000, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Stop after so long.")
def main(requests: int, minutes: float) -> None:
    """Measure growth."""
    asyncio.run(measure(requests, minutes))


if __name__ == "__main__":
    main()
