"""Replays the keys of a real file at 8 a second into the editor session, with and without each measure.

    python -m benchmarks.typing [--keys N]

The session is real. The pipeline behind it is **simulated**: after a fixed time it offers the rest of the line as it
will be typed, or a wrong text for a fixed share of lines. So the figures describe the session, not a model. The editor
sends a request after each key, as editors do. The variants run side by side in one process, each with its own session.
"""

from __future__ import annotations

import asyncio
import inspect
import statistics
import time
from dataclasses import dataclass, field
from typing import Any, cast

import click

from plum_lsp.config import Loaded, Settings
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import (
    Abstention,
    AbstentionReason,
    Candidate,
    CandidateId,
    Completion,
    Finish,
    Judged,
    Offer,
    OfferId,
    PolicyVersion,
    SuggestionRequest,
    Tier,
    Trigger,
)
from plum_lsp.domain.text import Document, PositionEncoding, Span
from plum_lsp.policy.versions import publish
from plum_lsp.project.desk import ProjectDesk
from plum_lsp.server.documents import Change
from plum_lsp.server.outcomes import OutcomeDesk
from plum_lsp.server.session import Session
from plum_lsp.server.settings import SettingsKeeper
from plum_lsp.server.status import StatusBar
from plum_lsp.suggestion.services import Services

KEYS_A_SECOND = 8.0
LINE_PAUSE_SECONDS = 0.6
"""The pause before each new line. People think there, so an offer is useful then."""
ANSWERS_SECONDS = (0.06, 0.18, 0.5)
"""The pipeline's times: faster than the next key, slower, and much slower."""
RIGHT_PERCENT = 60
URI = "file:///typed.py"


@dataclass
class ScriptedPipeline:
    """A simulated pipeline. It answers after `seconds` with the rest of the line, or with a wrong text."""

    whole: str
    seconds: float
    sent: int = 0
    cancelled: int = 0

    async def suggest(self, request: SuggestionRequest) -> Offer | Abstention:
        """Count, wait, answer."""
        self.sent += 1
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        rest = self.whole[request.offset :].split("\n", 1)[0]
        if not rest.strip():
            reason = AbstentionReason.NOTHING_TO_COMPLETE
            return Abstention(request_id=request.id, reason=reason, detail="The line is complete.")
        line = self.whole.count("\n", 0, request.offset)
        return _offer(request, rest if line * 7919 % 100 < RIGHT_PERCENT else "wrong")

    def make_way(self, uri: str) -> None:
        """There is no work on an earlier answer."""

    def leave(self, uri: str) -> None:
        """There is no work on an earlier answer."""


@dataclass
class Run:
    """The counts of one variant. `waits_ms` is the time from a key to its offer, if there was one."""

    pipeline: ScriptedPipeline
    asked: int = 0
    offered: int = 0
    waits_ms: list[float] = field(default_factory=list)

    def line(self, name: str, full: Run) -> str:
        """One row. Its ratio is relative to the full session of the same run."""
        ordered = sorted(self.waits_ms) or [0.0]
        p50, p95 = statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]
        sent, cancelled = self.pipeline.sent, self.pipeline.cancelled
        ratio = sent / full.pipeline.sent
        return (
            f"{name:22s} offers {self.offered}/{self.asked}  without a request {1 - sent / self.asked:.2f}  "
            f"requests {sent} (ratio {ratio:.2f}), cancelled {cancelled}  p50 {p50:.0f} ms  p95 {p95:.0f} ms"
        )


class _Keeper:
    """Services that are always open."""

    def __init__(self, services: Services) -> None:
        self.now = services

    async def get(self) -> Services:
        return self.now

    def warm_up(self) -> None:
        """There is no model to load."""


def _offer(request: SuggestionRequest, text: str) -> Offer:
    completion = Completion(
        index=0,
        text=text,
        finish=Finish.STOP,
        temperature=0.2,
        seed=0,
        token_logprobs=(-0.1,),
        first_token_ms=1.0,
        ended_ms=2.0,
    )
    candidate = Candidate(
        id=CandidateId("c"),
        completion=completion,
        text=text,
        fingerprint=text,
        problem="",
        mean_logprob=-0.1,
        policy_version=PolicyVersion(number=0, model="simulated", model_sha256=""),
    )
    chosen = Judged(candidate=candidate, verdicts=(), tier=Tier.CHECKED, score=1.0, reason="")
    hole = Span(start=request.offset, end=request.offset)
    offer_id = OfferId(request.id)
    return Offer(id=offer_id, request_id=request.id, hole=hole, chosen=chosen, alternatives=(), tests=())


def _session(pipeline: ScriptedPipeline, *, keeps: bool, pauses: bool) -> Session:
    async def close() -> None:
        return None

    async def read_ahead(project: Project) -> None:
        """No project has files here."""

    services = Services(pipeline=cast(Any, pipeline), store=None, problems=(), close=close, read_ahead=read_ahead)
    session = Session(
        clock=cast(Any, _Clock()),
        settings=SettingsKeeper(lambda _: Loaded(settings=Settings(), problems=(), sources={}), lambda _: None),
        services=cast(Any, _Keeper(services)),
        outcomes=OutcomeDesk(lambda: None),
        status=StatusBar(lambda _: None),
        projects=ProjectDesk(cast(Any, None), lambda _: None),
        tell_revised=lambda _: None,
    )
    if not keeps:
        session._standing.keep = lambda answer: None  # type: ignore[method-assign]
    if not pauses:
        session.debounce.pause_seconds = lambda *_: 0.0  # type: ignore[method-assign]
    return session


class _Clock:
    def now(self) -> float:
        return time.monotonic()


async def replay(whole: str, keys: int, seconds: float, *, keeps: bool, pauses: bool) -> Run:
    """Type the first `keys` characters of `whole`."""
    run = Run(ScriptedPipeline(whole, seconds))
    session = _session(run.pipeline, keeps=keeps, pauses=pauses)
    document = Document(uri=URI, version=0, text="", encoding=PositionEncoding.UTF16)
    session.open(document, language_id="python")
    questions: list[asyncio.Task[None]] = []
    due = time.monotonic()
    for key in range(1, keys + 1):
        due += 1 / KEYS_A_SECOND + LINE_PAUSE_SECONDS * (whole[key - 2 : key - 1] == "\n")
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        session.change(URI, [Change(text=whole[:key])], version=key)
        questions.append(asyncio.create_task(_ask(session, run)))
    await asyncio.gather(*questions)
    await session.outcomes.finish()
    return run


async def _ask(session: Session, run: Run) -> None:
    snapshot = session.documents[URI].snapshot
    asked_at = time.monotonic()
    run.asked += 1
    answer = await session.ask(URI, snapshot.position_at(len(snapshot.text)), Trigger.AUTOMATIC)
    if answer is not None:
        run.offered += 1
        run.waits_ms.append((time.monotonic() - asked_at) * 1000)


async def measure(keys: int) -> None:
    """Run every variant at once and print their rows."""
    whole = inspect.getsource(publish)
    variants = {
        "full": (True, True),
        "no type-through": (False, True),
        "no pause": (True, False),
        "neither": (False, False),
    }
    order = [(seconds, name) for seconds in ANSWERS_SECONDS for name in variants]
    waiting = (
        replay(whole, keys, seconds, keeps=variants[name][0], pauses=variants[name][1]) for seconds, name in order
    )
    runs = dict(zip(order, await asyncio.gather(*waiting), strict=True))
    for seconds, name in order:
        if name == "full":
            print(f"{keys} keys at {KEYS_A_SECOND:.0f} a second, simulated answers after {seconds * 1000:.0f} ms")
        print("  " + runs[seconds, name].line(name, runs[seconds, "full"]))


@click.command()
@click.option("--keys", type=click.IntRange(10), default=600, show_default=True)
def main(keys: int) -> None:
    """Replay typing."""
    asyncio.run(measure(keys))


if __name__ == "__main__":
    main()
