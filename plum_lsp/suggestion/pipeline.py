"""One suggestion, from the cursor to an offer or an abstention, under one deadline.

The steps: survey the document, make the judge, get the policy ready, gather and settle the group, choose. `round/` has
the steps from the plan on. It does I/O only through the ports. It does not know LSP, HTTP or SQL.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from plum_lsp.domain.errors import PolicyError, told
from plum_lsp.domain.events import Ended
from plum_lsp.domain.pilot import Arm
from plum_lsp.domain.ports import Clock, Inspector, Policy, ProjectSandboxes, Recorder, Sandbox
from plum_lsp.domain.project import Neighbourhood
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, PolicyVersion, SuggestionRequest, Tier
from plum_lsp.python.inputs.new_examples import new_examples
from plum_lsp.python.missing.resolving import KnownImports
from plum_lsp.python.reading.window import nothing_at
from plum_lsp.python.specification.session import Session, session_at
from plum_lsp.suggestion.clock import Stages
from plum_lsp.suggestion.computed.results import Results
from plum_lsp.suggestion.options import PipelineOptions
from plum_lsp.suggestion.plan import one_sample, plan_of
from plum_lsp.suggestion.redacting import RedactingPolicy
from plum_lsp.suggestion.round.afterwards import Afterwards
from plum_lsp.suggestion.round.choosing import abstained, chosen
from plum_lsp.suggestion.round.gathering import Gathering
from plum_lsp.suggestion.round.judges import Judges
from plum_lsp.suggestion.round.settling import settle_group
from plum_lsp.suggestion.round.telling import Telling
from plum_lsp.suggestion.round.values import Gathered, Round
from plum_lsp.suggestion.sandboxes import RequestSandboxes
from plum_lsp.suggestion.survey import (
    FindImports,
    FindNeighbours,
    FindTests,
    FindWholeTests,
    Survey,
    foreign_cell,
    survey,
    too_large,
    without_body,
)
from plum_lsp.verification.group import Ladder


class Pipeline:
    """Steps 2 to 7 of the path. One instance serves every document."""

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
        self._inspector = inspector
        self._judges = Judges(options.limits, whole_tests)
        self._afterwards = Afterwards(
            sandboxes=self.sandboxes, judges=self._judges, inspector=inspector, options=options, clock=clock
        )
        self._test_files = test_files
        self._neighbours = neighbours
        self._imports = imports

    async def suggest(self, request: SuggestionRequest) -> Offer | Abstention:
        """The best offer that is ready before the request's deadline, or an abstention with its reason.

        The recorder receives every step.

        Raises:
            CancelledError: the request is no longer wanted. It is recorded as superseded.
            Exception: a bug. It is recorded as an internal error.
        """
        self.make_way(request.document.uri)
        stages = Stages(self.clock)
        result: Offer | Abstention = _superseded(request)
        try:
            result = await self._suggest(request, stages)
        except PolicyError as error:
            result = abstained(result, AbstentionReason.POLICY_UNAVAILABLE, told(error))
        except TimeoutError:
            result = abstained(result, AbstentionReason.DEADLINE, "The policy was not ready before the deadline.")
        except Exception as error:
            result = broken(request, error)
            raise
        finally:
            stages.reach("ended")
            self._recorder.record(Ended(request_id=request.id, result=result, stages_ms=stages.reached_ms))
        return result

    async def _suggest(self, request: SuggestionRequest, stages: Stages) -> Offer | Abstention:
        if detail := too_large(request.document, request.offset) or foreign_cell(request.document):
            return Abstention(request_id=request.id, reason=AbstentionReason.NOTHING_TO_COMPLETE, detail=detail)
        around = await asyncio.to_thread(  # a long file takes a while, and edits and cancels must not wait for it
            survey, request, self.options.budget, self._test_files, self._neighbours, self._imports
        )
        if around is None:
            return await self._without_policy(request)
        if detail := without_body(request.document, around.context):
            return Abstention(request_id=request.id, reason=AbstentionReason.NOTHING_TO_COMPLETE, detail=detail)
        if around.context.place.is_prose:  # such text never runs
            request = _outside_pilot(request)
        stages.reach("context")
        sandbox = self.sandboxes.default
        if not request.is_control:
            sandbox = await self.sandboxes.of(request, seconds_max=self._left(request) / 2)
        with sandbox.held():
            ladder = await self._judges.ladder_of(request, around, sandbox)
            stages.reach("synthesis")
            if sandbox.problem and self._needs_runs(request, around):
                return abstained(_superseded(request), AbstentionReason.SANDBOX_UNAVAILABLE, sandbox.problem)
            async with asyncio.timeout(self._left(request)):
                version = await self.policy.version(request.id)
            stages.reach("policy_ready")
            this = self._round(request, around, ladder, version)
            gathering = Gathering(this, ladder, options=self.options, clock=self.clock, stages=stages)
            return await self._answer(gathering, stages)

    def _needs_runs(self, request: SuggestionRequest, around: Survey) -> bool:
        """Whether only text that was run can be offered, so that the policy would be asked in vain."""
        is_untested = around.context.place.is_prose or request.is_control
        return not is_untested and Tier.UNVERIFIED not in self.options.tiers

    def _round(self, request: SuggestionRequest, around: Survey, ladder: Ladder, version: PolicyVersion) -> Round:
        """The round of a request. Its plan may bring the deadline forward."""
        options, context = self.options, around.context
        plan = plan_of(
            context.place, request, options.sampling, has_tests=bool(ladder.judge.tests or ladder.judge.whole)
        )
        plan = one_sample(plan) if request.is_control else plan
        began = self.clock.now()  # the first request may have waited for the policy to load
        if plan.seconds_max is not None:
            request = replace(request, deadline=min(request.deadline, began + plan.seconds_max))
        context = replace(context, block=replace(context.block, statements_max=plan.statements_max))
        ladder.judge = replace(ladder.judge, context=context)
        return Round(
            request=request,
            context=context,
            around=replace(around, context=context),
            plan=plan,
            policy=RedactingPolicy(self.policy, request.document) if options.redacts_prompts else self.policy,
            version=version,
            began=began,
            telling=Telling(self._recorder, request.id),
        )

    async def _answer(self, gathering: Gathering, stages: Stages) -> Offer | Abstention:
        """The answer that the group supports. The group may go on after it."""
        try:
            answer = await self._settled(gathering, stages)
        except BaseException:
            await gathering.stop()
            raise
        result = chosen(answer, tiers=self.options.tiers, show=self.options.show)
        if answer.request.is_untested_for_good:
            await gathering.stop()
        else:
            self._afterwards.begin(gathering, answer, result)
        return result

    async def _settled(self, gathering: Gathering, stages: Stages) -> Gathered:
        """The group, settled as far as it has come by the deadline or by an early answer."""
        answer: Gathered | None = None
        try:
            async with asyncio.timeout(self._left(gathering.round.request)):
                await gathering.wait_for_answer()
                answer = gathering.now()
                await settle_group(answer, self._inspector, stages, is_clear=gathering.is_clear)
        except TimeoutError:
            await gathering.stop()
            answer = (answer or gathering.now()).ended_late()
        return answer

    async def _without_policy(self, request: SuggestionRequest) -> Offer | Abstention:
        """What is offered at a place that the policy does not write at: examples in a docstring, and their results."""
        sessions = await asyncio.to_thread(_sessions_at, request)
        if not sessions:
            detail = nothing_at(request.document, request.offset)
            return Abstention(request_id=request.id, reason=AbstentionReason.NOTHING_TO_COMPLETE, detail=detail)
        request = _outside_pilot(request)  # a pilot compares what the policy writes
        sandbox, options = await self.sandboxes.of(request, seconds_max=self._left(request) / 2), self.options
        with sandbox.held():
            results = Results(sandbox=sandbox, limits=options.limits, recorder=self._recorder, tiers=options.tiers)
            return await results.answer(request, sessions, seconds=self._left(request))

    def make_way(self, uri: str) -> None:
        """A request for a document is about to come. The work on its last offer and record ends now."""
        self._afterwards.turns.stop(uri)

    def leave(self, uri: str) -> None:
        """The text of a document changed. The last offer for it is not looked at again."""
        self._afterwards.turns.leave(uri)

    async def finish(self) -> None:
        """Wait until all records are complete."""
        await self._afterwards.turns.finish()

    async def close(self) -> None:
        """End the work on records. Call it before the sandbox and the store are closed. Idempotent."""
        await self._afterwards.turns.close()

    def _left(self, request: SuggestionRequest) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, request.deadline - self.clock.now())


def _superseded(request: SuggestionRequest) -> Abstention:
    """The end of a request that is no longer wanted."""
    detail = "A newer request took its place."
    return Abstention(request_id=request.id, reason=AbstentionReason.SUPERSEDED, detail=detail)


def broken(request: SuggestionRequest, error: Exception) -> Abstention:
    """The end of a request that a bug broke. It names the kind of error, because the message may quote source text."""
    detail = f"plum-lsp failed ({error_name(error)}). See its log."
    return Abstention(request_id=request.id, reason=AbstentionReason.INTERNAL_ERROR, detail=detail)


def error_name(error: BaseException) -> str:
    """The type of an error. Of a group of errors, that of the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__


def _sessions_at(request: SuggestionRequest) -> tuple[Session, ...]:
    """The session that lacks its result at the cursor, or the new examples that can be written there."""
    session = session_at(request.document, request.offset)
    return (session,) if session is not None else new_examples(request.document, request.offset)


def _outside_pilot(request: SuggestionRequest) -> SuggestionRequest:
    """The request without the treatment of a pilot, if one runs."""
    if request.assignment is None:
        return request
    return replace(request, assignment=replace(request.assignment, arm=Arm.OUTSIDE))
