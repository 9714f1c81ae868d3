"""The state of one request while its candidates arrive, and the work that goes on after its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from plum_lsp.domain.ports import Clock, Policy
from plum_lsp.domain.suggestion import Candidate, Context, Judged, PolicyVersion, SuggestionRequest, Tier, Trigger
from plum_lsp.domain.verification import TestCase
from plum_lsp.suggestion.asking import Asked
from plum_lsp.suggestion.plan import Plan
from plum_lsp.suggestion.survey import Survey
from plum_lsp.verification.group import Ladder
from plum_lsp.verification.judge import Evidence, Judge
from plum_lsp.verification.rank import CHECKED_MIN
from plum_lsp.verification.whole import is_whole

AFTERWARDS_MAX = 4
"""The most documents whose work goes on or waits. Each holds its group in memory."""
Work = Callable[[], Awaitable[None]]
CLEAR, ENOUGH = "clear", "enough"
"""Why a group is answered before it is complete: the answer is clear, or it has taken long and enough of it stands."""


@dataclass(slots=True, kw_only=True)
class Round:
    """The state of one request while its candidates come in."""

    request: SuggestionRequest
    policy: Policy
    context: Context
    plan: Plan
    began: float
    ladder: Ladder
    version: PolicyVersion
    around: Survey
    fingerprints: dict[str, int] = field(default_factory=dict)
    unjudged: dict[int, Candidate] = field(default_factory=dict)
    policy_problem: str = ""
    is_late: bool = False
    standing_min: int = 0
    """As many standing candidates are enough for an answer. 0 waits for all."""
    sampling: asyncio.Task[None] | None = None
    """Samples and judges the group. It may go on after an early answer."""
    early: asyncio.Event = field(default_factory=asyncio.Event)
    early_stage: str = ""
    told: dict[int, Judged] = field(default_factory=dict)
    """What the recorder heard last of each candidate."""
    asked: Asked = field(default_factory=Asked)
    sampled_tests: tuple[TestCase, ...] = ()
    recorded: Evidence | None = None
    """The evidence whose tests the recorder has heard of."""

    def new_tests(self) -> tuple[TestCase, ...]:
        """Tests that the store may not know yet: those of new evidence, and runs of a test that is being written."""
        if self.ladder.evidence is self.recorded:
            return self.tried
        self.recorded = self.ladder.evidence
        return (*(self.judge.tests if self.whole else ()), *self.whole, *self.tried)

    def answer_early(self, stage: str) -> None:
        """The group can be answered now. `stage` says why. Only the first call counts."""
        if not self.early.is_set():
            self.early_stage = stage
            self.early.set()

    async def hurry(self, clock: Clock) -> None:
        """Answer the group when enough of it stands: first the number that says something, later any."""
        for seconds, standing_min in self.plan.patience:
            await asyncio.sleep(max(0.0, self.began + seconds - clock.now()))
            self.standing_min = standing_min
            if self.standing >= standing_min:
                self.answer_early(ENOUGH)

    def fork(self) -> Round:
        """The round as it is now, to settle. Candidates that come later join the original alone."""
        return replace(self, ladder=self.ladder.fork())

    def cancel(self) -> None:
        """End the group soon."""
        if self.sampling is not None:
            self.sampling.cancel()

    async def stop(self) -> None:
        """End the group, and wait for its end."""
        self.cancel()
        if self.sampling is not None:
            await asyncio.wait([self.sampling])

    def end_late(self) -> None:
        """The deadline has come. Verdicts of tests that cannot be judged here are left out."""
        self.is_late = True
        self.ladder.leave_out_unjudgeable()

    @property
    def judge(self) -> Judge:
        """The judge of the request's candidates."""
        return self.ladder.judge

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The candidates that are judged, in the order of their verdicts."""
        return self.ladder.group.members

    @property
    def checked_min(self) -> float:
        """The probability that a `checked` candidate needs.

        It needs none if the user asked, outside of functions, or at a place without a group, where there is no
        estimate. `choose` knows the exception for candidates that are contradicted.
        """
        is_free = self.request.trigger is Trigger.INVOKED or self.context.function is None or self.plan.is_alone
        return 0.0 if is_free or self.ladder.trial is not None else CHECKED_MIN

    @property
    def standing(self) -> int:
        """The number of judged candidates that could be offered."""
        kept = (one for one in self.judged if not one.is_refuted and not one.candidate.problem)
        return sum(one.tier is not Tier.UNVERIFIED or self.context.place.is_prose for one in kept)

    @property
    def tried(self) -> tuple[TestCase, ...]:
        """The runs of a test that is being written."""
        return self.ladder.trial.tests if self.ladder.trial is not None else ()

    @property
    def whole(self) -> tuple[TestCase, ...]:
        """The project's tests that are run whole."""
        evidence = self.ladder.evidence
        return tuple(test for test in evidence.specification if is_whole(test)) if evidence else ()


class Afterwards:
    """One task for each document. The document's next request, or too many other documents, end it."""

    def __init__(self) -> None:
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}

    def begin(self, uri: str, *, look: Work | None, complete: Work, end: Callable[[], None]) -> None:
        """Look again at the offer, if there is something to `look` for. Then complete the record.

        `end` is called when the work ends for any reason, even if it never began.
        """
        self.stop(uri)
        while len(self.tasks) >= AFTERWARDS_MAX:
            self.stop(next(iter(self.tasks)))
        task = self.tasks[uri] = asyncio.create_task(self._run(uri, look, complete))
        task.add_done_callback(lambda done: _forget(self.tasks, uri, done))
        task.add_done_callback(lambda _: end())

    def stop(self, uri: str) -> None:
        """End all work for a document."""
        if (task := self.tasks.pop(uri, None)) is not None:
            task.cancel()

    def leave(self, uri: str) -> None:
        """The text of a document changed, so its offer is not looked at again. The record is still completed."""
        if (looking := self._looking.pop(uri, None)) is not None:
            looking.cancel()

    async def finish(self) -> None:
        """Wait until all work is done."""
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """End all work. Idempotent."""
        for task in list(self.tasks.values()):
            task.cancel()
        await self.finish()

    async def _run(self, uri: str, look: Work | None, complete: Work) -> None:
        if look is not None:
            looking = self._looking[uri] = asyncio.ensure_future(_awaited(look))
            try:
                await asyncio.wait([looking])
            finally:
                looking.cancel()
                _forget(self._looking, uri, looking)
        await complete()


async def _awaited(work: Work) -> None:
    await work()


def _forget(tasks: dict[str, asyncio.Task[None]], uri: str, done: asyncio.Task[None]) -> None:
    """Forget a task, unless another took its place."""
    if tasks.get(uri) is done:
        del tasks[uri]
