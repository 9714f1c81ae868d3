"""A server in this process, with a pipeline that says what a test told it to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from plum_lsp.config import Loaded, Settings, load_settings
from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.events import Ended
from plum_lsp.domain.ports import Recorder
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
)
from plum_lsp.domain.text import Span
from plum_lsp.domain.verification import Call, Equals, Origin, TestCase, TestId, Verdict, VerdictStatus
from plum_lsp.server.app import PlumServer, create_server
from plum_lsp.suggestion.pipeline import Pipeline
from plum_lsp.suggestion.services import Services


class SystemClock:
    """The clock of the process."""

    def now(self) -> float:
        return time.monotonic()


def make_offer(
    text: str = "return a + b",
    *,
    hole: Span | None = None,
    tier: Tier = Tier.VERIFIED,
    offer_id: str = "offer-1",
    request_id: Any = "request-1",
) -> Offer:
    """An offer with one example for evidence."""
    test = TestCase(
        id=TestId("t1"),
        call=Call(expression="add(1, 2)"),
        expectation=Equals(expected="3"),
        origin=Origin.DOCTEST,
        quote=">>> add(1, 2)\n3",
    )
    completion = Completion(
        index=0,
        text=text,
        finish=Finish.STOP,
        temperature=0.2,
        seed=0,
        token_logprobs=(),
        first_token_ms=1.0,
        ended_ms=2.0,
    )
    candidate = Candidate(
        id=CandidateId("candidate-1"),
        completion=completion,
        text=text,
        fingerprint=text,
        problem="",
        mean_logprob=None,
        policy_version=PolicyVersion(number=1, model="scripted", model_sha256=""),
    )
    verdict = Verdict(test_id=test.id, status=VerdictStatus.PASSED, shown="3", wall_ms=0.1)
    chosen = Judged(candidate=candidate, verdicts=(verdict,), tier=tier, score=1.0, reason="passes 1 of 1 test")
    return Offer(
        id=OfferId(offer_id),
        request_id=request_id,
        hole=hole or Span(start=0, end=0),
        chosen=chosen,
        alternatives=(),
        tests=(test,),
    )


class _Version:
    async def version(self, request_id: str = "") -> PolicyVersion:
        return PolicyVersion(number=1, model="scripted", model_sha256="")


@dataclass(slots=True)
class PipelineStandIn:
    """Answers with `text` at the cursor, or as `answer` says; keeps the requests it saw and how they ended."""

    recorder: Recorder
    text: str = "return a + b"
    answer: Callable[[SuggestionRequest], Awaitable[Offer | Abstention]] | None = None
    requests: list[SuggestionRequest] = field(default_factory=list)
    cancelled: int = 0
    left: list[str] = field(default_factory=list)
    made_way: list[int] = field(default_factory=list)
    """How many requests had come whenever it was told of the next one."""
    policy: _Version = field(default_factory=_Version)

    async def suggest(self, request: SuggestionRequest) -> Offer | Abstention:
        self.requests.append(request)
        try:
            if self.answer is not None:
                result = await self.answer(request)
            else:
                hole = Span(start=request.offset, end=request.offset)
                result = make_offer(self.text, hole=hole, offer_id=f"offer-{len(self.requests)}", request_id=request.id)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.recorder.record(Ended(request_id=request.id, result=result, stages_ms={"sampled": 1.0}))
        return result

    def make_way(self, uri: str) -> None:
        self.made_way.append(len(self.requests))

    def leave(self, uri: str) -> None:
        self.left.append(uri)


@dataclass(slots=True)
class Bench:
    """A server to connect an editor to, and its parts. `error` keeps the services from opening."""

    text: str = "return a + b"
    answer: Callable[[SuggestionRequest], Awaitable[Offer | Abstention]] | None = None
    error: PlumError | None = None
    opening: asyncio.Event | None = None
    opened: list[Settings] = field(default_factory=list)
    closed: int = 0
    pipeline: PipelineStandIn | None = None
    server: PlumServer | None = None

    def make(self) -> PlumServer:
        """A fresh server."""
        self.server = create_server(load=_load, open_services=self._open, clock=SystemClock())
        return self.server

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """Serve one connection with a fresh server."""
        return await self.make().serve(reader, writer)

    async def _open(self, settings: Settings, recorder: Recorder) -> Services:
        if self.opening is not None:
            await self.opening.wait()
        if self.error is not None:
            raise self.error
        self.opened.append(settings)
        self.pipeline = PipelineStandIn(recorder, text=self.text, answer=self.answer)
        return Services(
            pipeline=cast(Pipeline, self.pipeline),
            store=None,
            problems=(),
            close=self._close,
            read_ahead=self._read_ahead,
        )

    async def _close(self) -> None:
        self.closed += 1

    async def _read_ahead(self, project: Project) -> None:
        """There are no tests to find."""

    @property
    def requests(self) -> list[SuggestionRequest]:
        """The requests that reached the pipeline."""
        return self.pipeline.requests if self.pipeline else []


def _load(editor: Mapping[str, object]) -> Loaded:
    return load_settings(user_file=Path("/dev/null"), environ={}, editor=editor, strict=False)


def abstention(request: SuggestionRequest, reason: AbstentionReason = AbstentionReason.ALL_FAILED) -> Abstention:
    """Nothing is offered."""
    return Abstention(request_id=request.id, reason=reason, detail="2 candidates failed the tests.")
