"""One suggestion, from the cursor to an offer or an abstention, under one deadline.

The ladder: static checks, then the specification's examples, then (where there are none) whether the program
loads and the candidates agree on generated inputs. Each candidate is judged as soon as its own stream ends.
It does I/O only through the ports. It does not know LSP, HTTP or SQL.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from plum_lsp.domain.errors import PolicyError, SandboxError, told
from plum_lsp.domain.events import Ended, Prompted, Revised, Sampled, Synthesized
from plum_lsp.domain.pilot import Arm
from plum_lsp.domain.ports import Clock, Inspector, Policy, ProjectSandboxes, Recorder, Sandbox
from plum_lsp.domain.project import Neighbourhood
from plum_lsp.domain.suggestion import (
    Abstention,
    AbstentionReason,
    Candidate,
    Completion,
    Context,
    Offer,
    SuggestionRequest,
    Tier,
)
from plum_lsp.domain.verification import TestCase
from plum_lsp.project.roots import path_of
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.fitting.repairing import KnownImports, repaired
from plum_lsp.python.reading.window import nothing_at
from plum_lsp.python.specification.session import session_at
from plum_lsp.suggestion.asking import ask_for_tests
from plum_lsp.suggestion.choosing import abstained, chosen, revised
from plum_lsp.suggestion.clock import Stages
from plum_lsp.suggestion.computed.results import Results
from plum_lsp.suggestion.options import PipelineOptions
from plum_lsp.suggestion.plan import one_sample, plan_of
from plum_lsp.suggestion.prompt import build_prompt
from plum_lsp.suggestion.redacting import RedactingPolicy
from plum_lsp.suggestion.round import CLEAR, ENOUGH, Afterwards, Round
from plum_lsp.suggestion.sandboxes import RequestSandboxes
from plum_lsp.suggestion.settling import Settling
from plum_lsp.suggestion.survey import (
    FindImports,
    FindNeighbours,
    FindTests,
    FindWholeTests,
    Survey,
    survey,
    too_large,
)
from plum_lsp.verification.compare import strength_of
from plum_lsp.verification.excerpts import Endless
from plum_lsp.verification.group import Ladder
from plum_lsp.verification.judge import Judge

_log = logging.getLogger(__name__)
GOES_ON_SECONDS_MAX = 15.0
"""The longest that a group goes on after an early offer. An edit or the document's next request end it before."""
ASKING_SECONDS_MAX = 1.0
"""The longest wait for the policy's own tests once all its candidates have arrived."""

SHADOW_SECONDS_MAX = 60.0
"""The longest wait for the sandbox of a project where nobody waits for the answer."""


class Pipeline:
    """Steps 2 to 7 of the path. One instance serves every document. It remembers which files never finish loading."""

    def __init__(
        self,
        *,
        policy: Policy,
        sandbox: Sandbox,
        clock: Clock,
        project_sandboxes: ProjectSandboxes | None = None,
        recorder: Recorder,
        options: PipelineOptions,
        inspector: Inspector | None = None,
        test_files: FindTests = lambda uri, name, folders: (),
        neighbours: FindNeighbours = lambda document, open_documents, folders: Neighbourhood(),
        imports: FindImports = lambda document, project: KnownImports(),
        whole_tests: FindWholeTests = lambda project, document, context: (),
    ) -> None:
        self.policy = policy
        self.sandboxes = RequestSandboxes(sandbox, project_sandboxes)
        self.clock = clock
        self.options = options
        self._recorder = recorder
        self._afterwards = Afterwards()
        self._settling = Settling(recorder, inspector)
        self._completing = asyncio.Lock()
        self._endless = Endless()
        self._test_files = test_files
        self._neighbours = neighbours
        self._imports = imports
        self._whole_tests = whole_tests

    async def suggest(self, request: SuggestionRequest) -> Offer | Abstention:
        """The best offer that is ready before the request's deadline, or an abstention with its reason.

        The recorder receives every step. Only `CancelledError` is raised.
        """
        self._afterwards.stop(request.document.uri)
        stages = Stages(self.clock)
        result: Offer | Abstention = Abstention(
            request_id=request.id, reason=AbstentionReason.SUPERSEDED, detail="A newer request took its place."
        )
        try:
            result = await self._suggest(request, stages)
        except PolicyError as error:
            result = abstained(result, AbstentionReason.POLICY_UNAVAILABLE, told(error))
        except TimeoutError:
            result = abstained(result, AbstentionReason.DEADLINE, "The policy was not ready before the deadline.")
        finally:
            stages.reach("ended")
            self._recorder.record(Ended(request_id=request.id, result=result, stages_ms=stages.reached_ms))
        return result

    async def _suggest(self, request: SuggestionRequest, stages: Stages) -> Offer | Abstention:
        options = self.options
        if detail := too_large(request.document):
            return Abstention(request_id=request.id, reason=AbstentionReason.NOTHING_TO_COMPLETE, detail=detail)
        around = await asyncio.to_thread(  # a long file takes a while, and edits and cancels must not wait for it
            survey, request, options.budget, self._test_files, self._neighbours, self._imports
        )
        if around is None:
            return await self._without_policy(request)
        context = around.context
        if request.assignment is not None and context.place.is_prose:  # such text never runs
            request = replace(request, assignment=replace(request.assignment, arm=Arm.OUTSIDE))
        stages.reach("context")
        sandbox = self.sandboxes.default
        if not request.is_control:
            sandbox = await self.sandboxes.of(request, seconds_max=self._left(request) / 2)
        with sandbox.held():
            judge = await self._judge_of(request, around, sandbox)
            stages.reach("synthesis")
            async with asyncio.timeout(self._left(request)):
                version = await self.policy.version(request.id)
            stages.reach("policy_ready")
            plan = plan_of(context.place, request, options.sampling, has_tests=bool(judge.tests or judge.whole))
            plan = one_sample(plan) if request.is_control else plan
            context = replace(context, block=replace(context.block, statements_max=plan.statements_max))
            began = self.clock.now()  # the first request may have waited for the policy to load
            if plan.seconds_max is not None:
                request = replace(request, deadline=min(request.deadline, began + plan.seconds_max))
            policy = RedactingPolicy(self.policy, request.document) if options.redacts_prompts else self.policy
            this = Round(
                request=request,
                policy=policy,
                context=context,
                plan=plan,
                began=began,
                ladder=Ladder(judge, self._endless),
                version=version,
                around=around,
            )
            try:
                answer = await self._answered(this, stages)
            except BaseException:
                await this.stop()
                raise
            result = chosen(answer, tiers=options.tiers, show=options.show)
            if request.is_untested_for_good:
                await this.stop()
            else:
                self._go_on(this, answer, result)
            return result

    async def _without_policy(self, request: SuggestionRequest) -> Offer | Abstention:
        """What is offered at a place that the policy does not write at: the result of an example in a docstring."""
        session = session_at(request.document, request.offset)
        if session is None or request.seen:
            detail = nothing_at(request.document, request.offset) if session is None else "There is no other result."
            return Abstention(request_id=request.id, reason=AbstentionReason.NOTHING_TO_COMPLETE, detail=detail)
        if request.assignment is not None:  # a pilot compares what the policy writes
            request = replace(request, assignment=replace(request.assignment, arm=Arm.OUTSIDE))
        sandbox, options = await self.sandboxes.of(request, seconds_max=self._left(request) / 2), self.options
        with sandbox.held():
            results = Results(sandbox=sandbox, limits=options.limits, recorder=self._recorder, tiers=options.tiers)
            return await results.answer(request, session, seconds=self._left(request))

    async def _answered(self, this: Round, stages: Stages) -> Round:
        """The group, settled as far as it has come by the deadline or by an early answer."""
        answer = this
        try:
            async with asyncio.timeout(self._left(this.request)):
                await self._await_answer(this, stages)
                answer = this.fork()
                await self._settling.settle_group(answer, stages, is_clear=this.early_stage == CLEAR)
        except TimeoutError:
            await this.stop()
            answer.end_late()
        return answer

    async def _judge_of(self, request: SuggestionRequest, around: Survey, sandbox: Sandbox) -> Judge:
        return Judge.of(
            around.context,
            sandbox,
            self.options.limits,
            project=around.tests,
            path=path_of(request.document.uri),
            whole=await self._tests_to_run_whole(request, around.context, sandbox),
        )

    async def _tests_to_run_whole(
        self, request: SuggestionRequest, context: Context, sandbox: Sandbox
    ) -> tuple[TestCase, ...]:
        """The project's tests that may reach the function, where the sandbox has the document's project."""
        project, path = sandbox.project, path_of(request.document.uri)
        if project is None or path is None:
            return ()
        return await asyncio.to_thread(self._whole_tests, project, path.resolve(), context)

    async def _screen(self, this: Round) -> None:
        """Find the evidence of the request. The project's tests that belong to it are recorded."""
        if this.context.place.is_prose:
            this.ladder.skip(f"text in a {this.context.place.value} cannot be checked")
            return
        if (assigned := this.request.assignment) is not None and assigned.is_control:
            this.ladder.skip(assigned.why_untested)
            return
        await self._find_evidence(this)

    async def _find_evidence(self, this: Round) -> None:
        await this.ladder.screen()
        self._settling.tell_tests(this)

    def make_way(self, uri: str) -> None:
        """A request for a document is about to come. The work on its last offer and record ends now."""
        self._afterwards.stop(uri)

    def leave(self, uri: str) -> None:
        """The text of a document changed. The last offer for it is not looked at again."""
        self._afterwards.leave(uri)

    def _go_on(self, this: Round, answer: Round, result: Offer | Abstention) -> None:
        """Look again at an early offer when its group is complete, and complete the record, after the answer."""
        look = None
        if isinstance(result, Offer) and this.early.is_set() and not this.request.is_control:
            look = partial(self._look_again, this, answer, result)
        complete = partial(self._complete_record, this, answer, result)
        self._afterwards.begin(this.request.document.uri, look=look, complete=complete, end=this.cancel)

    async def _look_again(self, this: Round, answer: Round, offer: Offer) -> None:
        """Wait for the rest of the group, and tell what it says of an offer that was made early."""
        assert this.sampling is not None, "the answer came from a group"
        await asyncio.wait([this.sampling], timeout=GOES_ON_SECONDS_MAX)
        await this.stop()
        if len(this.judged) == len(answer.judged) and answer.ladder.is_compared:
            return
        later = this.fork()
        try:
            with this.judge.sandbox.held():
                await self._settling.settle_group(later, Stages(self.clock))
        except SandboxError as error:
            _log.info("an early offer was not looked at again: %s", error)
            return
        result, has_better = revised(later, offer, tiers=self.options.tiers, show=self.options.show)
        if isinstance(result, Abstention) or result.chosen.label != offer.chosen.label:
            news = Revised(request_id=offer.request_id, offer=offer, result=result, has_better=has_better)
            self._recorder.record(news)

    async def _complete_record(self, this: Round, answer: Round, result: Offer | Abstention) -> None:
        """Judge the candidates that have no verdict yet, for one document at a time. The offer does not change."""
        await this.stop()
        try:
            if this.request.is_control:
                await self._judge_in_the_shadow(this)
                return
            with this.judge.sandbox.held():
                async with self._completing:
                    await self._judge_rest(answer, result)
        except SandboxError as error:
            _log.info("the record is not complete: %s", error)

    async def _judge_rest(self, this: Round, result: Offer | Abstention) -> None:
        """Judge the candidates that are left, then measure the strength of the offer's tests."""
        ladder = this.ladder
        if ladder.evidence is not None:
            for candidate in list(this.unjudged.values()):
                judged, _ = await ladder.late(candidate)
                self._settling.tell(this, judged)
        if isinstance(result, Offer):
            strength = await strength_of(result.chosen, ladder.judge, ladder.evidence, ladder.group.comparison)
            if strength is not None:
                self._settling.tell(this, replace(result.chosen, strength=strength))

    async def _judge_in_the_shadow(self, this: Round) -> None:
        """Test what a pilot has shown without tests. Only the store learns of it."""
        sandbox = await self.sandboxes.of(this.request, seconds_max=SHADOW_SECONDS_MAX)
        with sandbox.held():
            async with self._completing:
                shown = this.judged
                judge = await self._judge_of(this.request, this.around, sandbox)
                this.ladder = Ladder(judge, self._endless)
                await self._find_evidence(this)
                for judged in shown:
                    self._settling.tell(this, (await this.ladder.late(judged.candidate))[0])

    async def finish(self) -> None:
        """Wait until all records are complete."""
        await self._afterwards.finish()

    async def close(self) -> None:
        """End the work on records. Call it before the sandbox and the store are closed. Idempotent."""
        await self._afterwards.close()

    def _left(self, request: SuggestionRequest) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, request.deadline - self.clock.now())

    async def _await_answer(self, this: Round, stages: Stages) -> None:
        """Sample and judge until the answer is clear, the group is complete, or enough of it has come in time.

        After an early answer the group goes on. `Round.stop` ends it.
        """
        sampling = this.sampling = asyncio.create_task(self._judge_group(this, stages))
        early = asyncio.create_task(this.early.wait())
        try:
            await asyncio.wait([sampling, early], return_when=asyncio.FIRST_COMPLETED)
        finally:
            early.cancel()
        if sampling.done():
            sampling.result()
        if this.early_stage:
            stages.reach(this.early_stage)

    async def _judge_group(self, this: Round, stages: Stages) -> None:
        """Sample and judge the whole group."""
        async with asyncio.TaskGroup() as timing:
            hurry = timing.create_task(this.hurry(self.clock))
            async with asyncio.TaskGroup() as tasks:
                screened = tasks.create_task(self._screen(this))
                asks = self.options.asks_for_tests and not this.plan.is_alone and this.ladder.trial is None
                asking = tasks.create_task(self._ask(this)) if asks else None
                await self._sample(this, screened, tasks, stages)
                if asking is not None:  # with all candidates there, a long wait for tests only delays the answer
                    asyncio.get_running_loop().call_later(ASKING_SECONDS_MAX, asking.cancel)
            hurry.cancel()

    async def _sample(
        self, this: Round, screened: asyncio.Task[None], tasks: asyncio.TaskGroup, stages: Stages
    ) -> None:
        """Turn each completion into a candidate when its stream ends, and start to judge it."""
        sampling = this.plan.sampling
        template, around = self.options.template_for(this.version), this.around
        prompt = build_prompt(this.context, template, around.excerpts, path=around.path)
        self._recorder.record(Prompted(request=this.request, context=this.context, prompt=prompt, options=sampling))
        self._recorder.record(Synthesized(request_id=this.request.id, tests=this.judge.tests))
        try:
            sampled = this.policy.sample(prompt, sampling, deadline=this.request.deadline, version=this.version)
            async with aclosing(sampled) as stream:
                async for completion in stream:
                    stages.reach("first_candidate")
                    candidate = self._take(this, completion)
                    if candidate is not None:
                        tasks.create_task(self._judge(this, candidate, screened, stages))
        except PolicyError as error:
            this.policy_problem = told(error)
        stages.reach("sampled")

    def _take(self, this: Round, completion: Completion) -> Candidate | None:
        """The candidate to judge, or None if a candidate with the same fingerprint is already judged."""
        made = make_candidate(completion, this.context, this.version)
        candidate = repaired(made, this.context, this.around.imports, beside=this.request.adds_imports)
        earlier = this.fingerprints.setdefault(candidate.fingerprint, completion.index)
        duplicate_of = earlier if earlier != completion.index else None
        self._recorder.record(Sampled(request_id=this.request.id, candidate=candidate, duplicate_of=duplicate_of))
        if duplicate_of is None:
            this.unjudged[completion.index] = candidate
        return candidate if duplicate_of is None else None

    async def _judge(self, this: Round, candidate: Candidate, screened: asyncio.Task[None], stages: Stages) -> None:
        await screened
        judged = await this.ladder.add(candidate)
        this.unjudged.pop(candidate.completion.index, None)
        self._settling.tell(this, judged)
        if judged.tier is Tier.VERIFIED:
            stages.reach("first_verified")
        if self.options.ends_at_first_verified and not this.unjudged and this.ladder.is_clear(this.request.seen):
            this.answer_early(CLEAR)
        if this.standing_min and this.standing >= this.standing_min:
            this.answer_early(ENOUGH)

    async def _ask(self, this: Round) -> None:
        """Let the policy write tests while it writes candidates."""
        template = self.options.template_for(this.version)
        this.asked = await ask_for_tests(
            this.policy, this.context, self.options.sampling, template, deadline=this.request.deadline
        )
