"""Gathers the group of a round: samples it, judges each candidate when its stream ends, and says when to answer.

This is the one place that changes while candidates come. Everything else of a round is a value.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

from plum_lsp.domain.errors import PolicyError, told
from plum_lsp.domain.events import Prompted, Sampled, Synthesized
from plum_lsp.domain.ports import Clock
from plum_lsp.domain.suggestion import Candidate, Completion, FimPrompt, Finish, Judged, SamplingOptions, Tier, Trigger
from plum_lsp.python.fitting.candidates import make_candidate, written_again
from plum_lsp.python.missing.repairing import repaired
from plum_lsp.suggestion.asking import Asked, ask_for_tests
from plum_lsp.suggestion.clock import Stages
from plum_lsp.suggestion.options import PipelineOptions
from plum_lsp.suggestion.plan import needs_another
from plum_lsp.suggestion.prompt import build_prompt
from plum_lsp.suggestion.round.judges import screen, tell_late_tests
from plum_lsp.suggestion.round.values import Gathered, Round, standing_count
from plum_lsp.verification.group import Ladder

ASKING_SECONDS_MAX = 1.0
"""The longest wait for the policy's own tests once all its candidates have arrived."""
CLEAR, ENOUGH = "clear", "enough"
"""Why a group is answered before it is complete: the answer is clear, or it has taken long and enough of it stands."""


class Gathering:
    """One group while its candidates come in. It goes on after an early answer, until `stop`.

    `unjudged` holds the candidates that have arrived and have no verdict, by index.
    """

    def __init__(self, this: Round, ladder: Ladder, *, options: PipelineOptions, clock: Clock, stages: Stages) -> None:
        self.round = this
        self.ladder = ladder
        self.unjudged: dict[int, Candidate] = {}
        self._options = options
        self._clock = clock
        self._stages = stages
        self._fingerprints: dict[str, int] = {}
        self._made: dict[tuple[str, Finish, bool], Candidate] = {}
        self._asked = Asked()
        self._policy_problem = ""
        self._standing_min = 0
        """As many standing candidates are enough for an answer. 0 waits for all."""
        self._early = asyncio.Event()
        self._early_stage = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def is_early(self) -> bool:
        """Whether the group was answered before it was complete."""
        return self._early.is_set()

    @property
    def is_clear(self) -> bool:
        """Whether it was answered early because the answer is clear."""
        return self._early_stage == CLEAR

    def now(self) -> Gathered:
        """What stands of the group now. Candidates that come later join the group alone."""
        return Gathered(
            round=self.round,
            ladder=self.ladder.fork(),
            asked=self._asked,
            policy_problem=self._policy_problem,
            has_arrived=bool(self.unjudged),
        )

    async def wait_for_answer(self) -> None:
        """Sample and judge until the answer is clear, the group is complete, or enough of it has come in time."""
        gathered = self._task = asyncio.create_task(self._gather())
        early = asyncio.create_task(self._early.wait())
        try:
            await asyncio.wait([gathered, early], return_when=asyncio.FIRST_COMPLETED)
        finally:
            early.cancel()
        if gathered.done():
            gathered.result()
        if self._early_stage:
            self._stages.reach(self._early_stage)

    async def wait_for_rest(self, *, seconds_max: float) -> None:
        """Wait for the rest of the group, then end it."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds_max)
        await self.stop()

    def cancel(self) -> None:
        """End the group soon."""
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """End the group, and wait for its end."""
        self.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _gather(self) -> None:
        """Sample and judge the whole group."""
        async with asyncio.TaskGroup() as timing:
            hurry = timing.create_task(self._hurry())
            async with asyncio.TaskGroup() as tasks:
                screened = tasks.create_task(screen(self.round, self.ladder))
                asks = self._options.asks_for_tests and not self.round.plan.is_alone and self.ladder.trial is None
                asking = tasks.create_task(self._ask()) if asks else None
                await self._sample(screened, tasks)
                if asking is not None:  # with all candidates there, a long wait for tests only delays the answer
                    asyncio.get_running_loop().call_later(ASKING_SECONDS_MAX, asking.cancel)
            hurry.cancel()

    async def _sample(self, screened: asyncio.Task[None], tasks: asyncio.TaskGroup) -> None:
        """Turn each completion into a candidate when its stream ends, and start to judge it."""
        this, request = self.round, self.round.request
        template = self._options.template_for(this.version)
        prompt = build_prompt(this.context, template, this.around.excerpts, path=this.around.path)
        sampling = this.plan.sampling
        this.telling.record(Prompted(request=request, context=this.context, prompt=prompt, options=sampling))
        this.telling.record(Synthesized(request_id=request.id, tests=self.ladder.judge.tests))
        try:
            if this.plan.is_alone:
                await self._try(prompt, screened, tasks)
            else:
                await self._stream(prompt, sampling, screened, tasks)
        except PolicyError as error:
            self._policy_problem = told(error)
        self._stages.reach("sampled")

    async def _try(self, prompt: FimPrompt, screened: asyncio.Task[None], tasks: asyncio.TaskGroup) -> None:
        """One candidate after the other, until one needs no other or the patience is over."""
        plan = self.round.plan
        until = self.round.began + plan.patience[0][0]
        for index, temperature in enumerate(plan.sampling.temperatures):
            if index and self._clock.now() >= until:
                return
            one = replace(plan.sampling, temperatures=(temperature,), seed=plan.sampling.seed + index)
            judging = await self._stream(prompt, one, screened, tasks, first=index)
            for judged in await asyncio.gather(*judging):
                if not needs_another(judged) and judged.candidate.fingerprint not in self.round.unwanted_of([judged]):
                    return

    async def _stream(
        self,
        prompt: FimPrompt,
        sampling: SamplingOptions,
        screened: asyncio.Task[None],
        tasks: asyncio.TaskGroup,
        *,
        first: int = 0,
    ) -> list[asyncio.Task[Judged]]:
        """Sample, and begin to judge what comes. The first candidate has the index `first`."""
        this, judging = self.round, []
        sampled = this.policy.sample(prompt, sampling, deadline=this.request.deadline, version=this.version)
        async with aclosing(sampled) as stream:
            async for completion in stream:
                self._stages.reach("first_candidate")
                candidate = self._take(replace(completion, index=completion.index + first))
                if candidate is not None:
                    judging.append(tasks.create_task(self._judge(candidate, screened)))
        return judging

    def _take(self, completion: Completion) -> Candidate | None:
        """The candidate to judge, or None if a candidate with the same fingerprint is already judged."""
        this = self.round
        candidate = self._candidate(completion)
        earlier = self._fingerprints.setdefault(candidate.fingerprint, completion.index)
        duplicate_of = earlier if earlier != completion.index else None
        this.telling.record(Sampled(request_id=this.request.id, candidate=candidate, duplicate_of=duplicate_of))
        if duplicate_of is not None:
            return None
        self.unjudged[completion.index] = candidate
        return candidate

    def _candidate(self, completion: Completion) -> Candidate:
        """The candidate that a completion makes. Completions of a group are often equal, and each text is read once."""
        this, key = self.round, (completion.text, completion.finish, completion.is_filtered)
        if key in self._made:
            return written_again(self._made[key], completion)
        made = make_candidate(completion, this.context, this.version)
        candidate = repaired(made, this.context, this.around.imports, beside=this.request.adds_imports)
        self._made[key] = candidate
        return candidate

    async def _judge(self, candidate: Candidate, screened: asyncio.Task[None]) -> Judged:
        await screened
        this = self.round
        judged = await self.ladder.add(candidate)
        tell_late_tests(this, self.ladder)
        self.unjudged.pop(candidate.completion.index, None)
        this.telling.tell(self.ladder.judge, judged)
        if judged.tier is Tier.VERIFIED:
            self._stages.reach("first_verified")
        ends_early = self._options.ends_at_first_verified
        is_line = judged.goes_on and this.request.trigger is not Trigger.INVOKED
        is_enough = (self.ladder.trial is not None or is_line) and judged.tier is Tier.CHECKED
        unwanted = this.unwanted_of(self.ladder.group.members)
        if ends_early and is_enough and candidate.fingerprint not in unwanted:
            self._answer_early(CLEAR)  # what it notices is found out while it is on the screen
        if ends_early and not self.unjudged and self.ladder.is_clear(unwanted):
            self._answer_early(CLEAR)
        self._answer_if_enough()
        return judged

    async def _hurry(self) -> None:
        """Answer the group when enough of it stands: first the number that says something, later any."""
        for seconds, standing_min in self.round.plan.patience:
            await asyncio.sleep(max(0.0, self.round.began + seconds - self._clock.now()))
            self._standing_min = standing_min
            self._answer_if_enough()

    def _answer_if_enough(self) -> None:
        if self._standing_min and standing_count(self.round, self.ladder) >= self._standing_min:
            self._answer_early(ENOUGH)

    def _answer_early(self, stage: str) -> None:
        """The group can be answered now. `stage` says why. Only the first call counts."""
        if not self._early.is_set():
            self._early_stage = stage
            self._early.set()

    async def _ask(self) -> None:
        """Let the policy write tests while it writes candidates."""
        this, options = self.round, self._options
        template = options.template_for(this.version)
        self._asked = await ask_for_tests(
            this.policy, this.context, options.sampling, template, deadline=this.request.deadline
        )
