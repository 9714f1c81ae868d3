"""Measures one suggestion: the time that verification adds to the real model, the server's own time, and memory.

    python -m benchmarks.suggestion

1. With the default model: time to the first verified offer over the time to the first complete candidate. Both are
   instants of the same request. The second figure is relative to the complete stream of the offered candidate. It
   leaves out how often the model's first candidate is wrong.
2. With a scripted policy that answers at once: the time of a request through the real server over stdio, minus the time
   of the same completions over plain HTTP. The baseline is the start of one plain Python process, which is the cost of
   a single candidate without a sandbox.
3. Proportional memory of each process, relative to that of a Python that only imports the LSP library.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from benchmarks.functions import FUNCTIONS

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.editor import Editor
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config import Settings
from plum_lsp.domain.events import Ended, Event, Sampled
from plum_lsp.domain.suggestion import Offer, RequestId, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.wiring import open_services

ROUNDS = 200
DEADLINE_SECONDS = 120.0


class _Timed:
    """A recorder that keeps the times for the ratios."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)


def _request(source: str) -> SuggestionRequest:
    return SuggestionRequest(
        id=RequestId(uuid.uuid4().hex),
        document=Document(uri="file:///benchmark.py", version=0, text=source),
        offset=len(source),
        trigger=Trigger.INVOKED,
        deadline=time.monotonic() + DEADLINE_SECONDS,
    )


def _spread(values: list[float], unit: str = "") -> str:
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    return f"p50 {statistics.median(ordered):.3g}{unit}, p99 {p99:.3g}{unit}, max {ordered[-1]:.3g}{unit}"


async def with_real_model(settings: Settings) -> None:
    """Ratio of the first verified offer to the first complete candidate."""
    listener = _Timed()
    services = await open_services(settings, listener)
    to_first, to_own, wins = [], [], 0
    try:
        await services.pipeline.suggest(_request("def warm_up():\n    "))
        for name, source in FUNCTIONS.items():
            listener.events.clear()
            result = await services.pipeline.suggest(_request(source))
            ended = next(event for event in listener.events if isinstance(event, Ended)).stages_ms
            if not isinstance(result, Offer) or "first_verified" not in ended:
                print(f"  {name}: nothing verified")
                continue
            wins += 1
            own = _own_ms(listener.events, result, ended)
            to_first.append(ended["first_verified"] / ended["first_candidate"])
            to_own.append(ended["first_verified"] / own)
            print(f"  {name}: verified after {ended['first_verified'] / 1000:.2f} s, {to_first[-1]:.3f} × the first")
        memory = _memory(os.getpid())
    finally:
        await services.close()
    print(f"verified offers on {wins} of {len(FUNCTIONS)} functions")
    print(f"first verified offer / first complete candidate: {_spread(to_first)} (target 1.15)")
    print(f"first verified offer / own complete candidate:   {_spread(to_own)}")
    _print_memory(memory)


def _own_ms(events: list[Event], offer: Offer, stages: dict[str, float]) -> float:
    """The time from the start of the request until the offered candidate's own stream was complete."""
    first = next(event for event in events if isinstance(event, Sampled)).candidate.completion.ended_ms
    own = offer.chosen.candidate.completion.ended_ms
    return stages["first_candidate"] + own - first


async def with_scripted_policy(folder: Path) -> None:
    """The server's own time in a request, measured by the client."""
    source = FUNCTIONS["clamp"]
    with ScriptedPolicy() as policy:
        for text in ("    return value\n", "    return max(low, min(value, high))\n"):
            policy.will_complete(text)
        async with Editor.running(folder=folder, policy_url=policy.url) as editor:
            through = [await _asked(editor, source)]
            assert editor.process is not None
            before = _processor_ms(editor.process.pid)
            through += [await _asked(editor, source) for _ in range(ROUNDS - 1)]
            processor = (_processor_ms(editor.process.pid) - before) / (ROUNDS - 1)
        bare = [await _sampled(policy, source) for _ in range(ROUNDS // 4)]
    starts = [_python_start() for _ in range(20)]
    baseline, policy_time = statistics.median(starts), statistics.median(bare)
    own = [max(0.0, one - policy_time) for one in through]
    print(f"the same completions over bare HTTP:     {_spread([one * 1000 for one in bare], ' ms')}")
    print(f"a request through the server:            {_spread([one * 1000 for one in through], ' ms')}")
    print(f"the server's own time:                   {_spread([one * 1000 for one in own], ' ms')}")
    print(f"the same / starting one bare Python:     {_spread([one / baseline for one in own], ' ×')}")
    print(f"processor time of a request, all processes: {processor:.1f} ms")


async def _asked(editor: Editor, source: str) -> float:
    await editor.open(source)
    started = time.perf_counter()
    items = await editor.ask()
    took = time.perf_counter() - started
    assert items, "the right candidate was scripted"
    await editor.close()
    return took


async def _sampled(policy: ScriptedPolicy, source: str) -> float:
    """The time until the policy client alone has received the second completion, which is the right one."""
    from plum_lsp.python.reading.window import read_context
    from plum_lsp.suggestion.options import pipeline_options
    from plum_lsp.suggestion.prompt import build_prompt

    settings = Settings(policy=replace(Settings().policy, url=policy.url, api_key=policy.api_key))
    context = read_context(_request(source).document, len(source), prefix_tokens=1000, suffix_tokens=100)
    assert context is not None
    client = open_policy(policy_options(settings))
    await client.version()
    started = time.perf_counter()
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    sampling = pipeline_options(settings).sampling
    async with aclosing(client.sample(build_prompt(context, None), sampling, deadline=deadline)) as stream:
        async for completion in stream:
            if "max" in completion.text:
                break
    took = time.perf_counter() - started
    await client.close()
    return took


def _python_start() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
    return time.perf_counter() - started


def _memory(root: int) -> dict[str, float]:
    """Megabytes of proportional set size by kind of process, for `root` and its descendants."""
    found: dict[str, float] = {}
    for pid in _family(root):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        part = "policy server" if "policy.embedded" in command else "server" if pid == root else "sandbox"
        kilobytes = int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")))
        found[part] = found.get(part, 0.0) + kilobytes / 1024
    return found


def _processor_ms(root: int) -> float:
    """The processor time of `root` and its descendants, with those that have ended."""
    ticks = 0
    for pid in _family(root):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def _family(root: int) -> Iterator[int]:
    yield root
    for task in Path(f"/proc/{root}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _print_memory(memory: dict[str, float]) -> None:
    code = "import pygls.lsp.server, pathlib; print(pathlib.Path('/proc/self/smaps_rollup').read_text())"
    rollup = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    baseline = int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))) / 1024
    for part, megabytes in memory.items():
        print(f"memory of the {part}: {megabytes:.0f} MB, {megabytes / baseline:.1f} × a bare LSP library")


async def main() -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory(prefix="plum-benchmark-") as folder:
        settings = Settings(data_dir=folder)
        print("scripted policy, real server, real sandbox")
        await with_scripted_policy(Path(folder))
        print("default model, embedded")
        await with_real_model(settings)


if __name__ == "__main__":
    asyncio.run(main())
