"""Measures what a user sees at each kind of place: what appears, how well it is known, and when.

    python -m benchmarks.places [--repeats 1] [--deadline-ms 0] [--only WORD] [--without-bare] [--json FILE]

A small project with a source layout and tests (`places_project`) is opened in the real server, over the protocol, with
the default model. At each place the editor asks as it does while a user types. Beside it, the model alone writes one
line for the same prompt, in a process of its own, right before. The columns:

- *shown*: seconds until the answer, or until the status says that it takes long. *final*: seconds until the answer.
- *× bare*: the time until the answer, relative to the model's own time for one line.
- *what appears*: the offer's tier and first line, or the reason in the status line.

The script makes its projects and the server's data in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import platformdirs
from support import editor as editor_module
from support.editor import CURSOR, Editor

from benchmarks.places_project import FILES, PLACES, Place
from plum_lsp.config import Settings
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import Block, HoleKind, SamplingOptions
from plum_lsp.domain.text import Document
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.models.families import template_for
from plum_lsp.python.reading.window import read_context
from plum_lsp.server.status import SLOW
from plum_lsp.suggestion.prompt import build_prompt

PATIENCE_SECONDS = 180.0
LINE_TOKENS_MAX = 64
WARM_UP = "def warm_up(value):\n    return "


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen at one place. Times in seconds. `bare` is None where the model has no line to write."""

    place: str
    tier: str
    text: str
    shown: float
    final: float
    bare: float | None

    @property
    def ratio(self) -> float | None:
        """The time until the answer, relative to the bare model's."""
        return self.final / self.bare if self.bare else None


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--deadline-ms", type=int, default=0, help="offers.deadline_ms. 0 keeps the default.")
    parser.add_argument("--invoked", action="store_true", help="Ask as if the user asked.")
    parser.add_argument("--only", default="", help="Places with this in their name.")
    parser.add_argument("--without-bare", action="store_true", help="Do not measure the model alone.")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    editor_module.PATIENCE_SECONDS = PATIENCE_SECONDS
    places = [place for place in PLACES if options.only in place.name] * options.repeats
    with tempfile.TemporaryDirectory(prefix="plum-places-") as name:
        folder = Path(name)
        for path, text in FILES.items():
            file = folder / "work" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        seen = await _measured(
            folder,
            places,
            deadline_ms=options.deadline_ms,
            is_invoked=options.invoked,
            has_bare=not options.without_bare,
        )
    _print_table(seen)
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in seen], indent=1))


async def _measured(
    folder: Path, places: list[Place], *, deadline_ms: int, is_invoked: bool, has_bare: bool
) -> list[Seen]:
    """Every place, in order, in one editor."""
    settings: dict[str, Any] = {"offers": {"deadline_ms": deadline_ms}} if deadline_ms else {}
    cache = os.environ.get("PLUM_CACHE_DIR") or str(platformdirs.user_cache_path("plum-lsp"))
    bare = open_policy(policy_options(Settings()))
    seen = []
    try:
        running = Editor.running(folder=folder, settings=settings, environ={"PLUM_CACHE_DIR": cache}, trusted=True)
        async with running as editor:
            await editor.open(WARM_UP)
            await editor.ask()
            await editor.close()
            for place in places:
                alone = await _bare_seconds(bare, place) if has_bare else None
                seen.append(await _at(editor, place, bare=alone, is_invoked=is_invoked))
                print(_row(seen[-1]), flush=True)
    finally:
        await bare.close()
    return seen


async def _at(editor: Editor, place: Place, *, bare: float | None, is_invoked: bool) -> Seen:
    """What one place shows."""
    await editor.open(place.text(CURSOR), path=place.path)
    told = len(editor.statuses)
    started = time.perf_counter()
    asking = asyncio.create_task(editor.ask(automatic=not is_invoked))
    slow = asyncio.create_task(
        editor.until(lambda: any(SLOW.message == one["message"] for one in editor.statuses[told:]))
    )
    await asyncio.wait((asking, slow), return_when=asyncio.FIRST_COMPLETED)
    shown = time.perf_counter() - started
    items = await asking
    slow.cancel()
    final = time.perf_counter() - started
    why = await editor.explain()
    if items:
        (item,) = items
        tier, text = str(why["tier"]), str(item.insert_text)
    else:
        tier, text = "–", _reason(editor, told)
    await editor.close()
    return Seen(place=place.name, tier=tier, text=text, shown=shown, final=final, bare=bare)


def _reason(editor: Editor, told: int) -> str:
    """The status line of a request without an offer."""
    messages = [str(status["message"]) for status in editor.statuses[told:] if not status["busy"]]
    return f"({messages[-1]})" if messages else "(silent)"


async def _bare_seconds(policy: Policy, place: Place) -> float | None:
    """The time of the model alone for one line of code. None in a comment or a string on versions without them."""
    version = await policy.version()
    marked = place.text(CURSOR)
    offset = marked.index(CURSOR)
    document = Document(uri="file:///bare.py", version=0, text=marked.replace(CURSOR, ""))
    sampling = Settings().sampling
    context = read_context(document, offset, prefix_tokens=sampling.prefix_tokens, suffix_tokens=sampling.suffix_tokens)
    if context is None:
        return None
    prompt = build_prompt(context, template_for(version))
    one_line = replace(prompt, block=Block(kind=HoleKind.LINE, indent="", line_head=context.block.line_head or "x"))
    options = SamplingOptions(temperatures=(0.2,), top_p=0.95, max_tokens=LINE_TOKENS_MAX, seed=0)
    started = time.perf_counter()
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    async with aclosing(policy.sample(one_line, options, deadline=deadline, version=version)) as stream:
        async for _ in stream:
            break
    return time.perf_counter() - started


def _row(one: Seen) -> str:
    lines = one.text.strip().split("\n")
    text = lines[0][:80] + (f" (+{len(lines) - 1} lines)" if len(lines) > 1 else "")
    bare = f"{one.bare:.2f}" if one.bare is not None else "–"
    ratio = f"{one.ratio:.1f}" if one.ratio is not None else "–"
    return f"| {one.place} | {one.tier} | {one.shown:.2f} | {one.final:.2f} | {bare} | {ratio} | `{text}` |"


def _print_table(seen: list[Seen]) -> None:
    print("\n| place | tier | shown (s) | final (s) | bare line (s) | × bare | what appears |")
    print("|---|---|---|---|---|---|---|")
    for one in seen:
        print(_row(one))
    offers = sorted(one.shown for one in seen if one.tier != "–")
    times = sorted(one.shown for one in seen)
    for what, values in (("offers", offers), ("answers", times)):
        if values:
            p95 = values[min(len(values) - 1, round(0.95 * (len(values) - 1)))]
            print(
                f"{what}: {len(values)} of {len(seen)}, p50 {statistics.median(values):.2f} s, p95 {p95:.2f} s, "
                f"max {values[-1]:.2f} s"
            )


if __name__ == "__main__":
    asyncio.run(main())
