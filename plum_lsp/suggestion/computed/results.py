"""The missing result of an example in a docstring, or a new example, computed in the sandbox. No model is asked.

It says what the function gives now, and never that this is right. An example whose result is not the same each time has
no offer.
"""

from __future__ import annotations

import asyncio
import builtins
import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from plum_lsp.domain.display import hidden_characters
from plum_lsp.domain.errors import SandboxError, told
from plum_lsp.domain.events import Event, Prompted, Sampled, Synthesized, Verified
from plum_lsp.domain.place import Place
from plum_lsp.domain.ports import Recorder, Sandbox
from plum_lsp.domain.suggestion import (
    Abstention,
    AbstentionReason,
    Block,
    Candidate,
    CandidateId,
    Completion,
    Context,
    FimPrompt,
    HoleKind,
    Judged,
    Offer,
    OfferId,
    PolicyVersion,
    SamplingOptions,
    SuggestionRequest,
    Tier,
)
from plum_lsp.domain.verification import (
    Call,
    Ending,
    Limits,
    Node,
    Observation,
    Origin,
    Program,
    Shows,
    TestCase,
    TestId,
    Value,
    Verdict,
    VerdictStatus,
)
from plum_lsp.project.roots import path_of
from plum_lsp.python.effects import effects_at_import, effects_of
from plum_lsp.python.reading.lines import parses
from plum_lsp.python.reading.quiet import quieted
from plum_lsp.python.slips import surprise_in
from plum_lsp.python.specification.session import SHOWN, Session, shown_text, unfit
from plum_lsp.verification.judge import LOADS, shown
from plum_lsp.verification.whole import in_module

COMPUTED = PolicyVersion(number=0, model="computed in the sandbox", model_sha256="")
"""Stands where the store and the evidence name the policy that wrote a candidate."""
NOW = "computed in the sandbox: what the code gives now"
_NOT_SAMPLED = SamplingOptions(temperatures=(), top_p=1.0, max_tokens=1, seed=0)
OFFERED_MAX = 3
"""The most new examples that are offered at one place: one is shown, and the user can turn to the others."""
WAVE = 4
"""New examples are computed so many at a time, until there are enough, or none of the first ones ended."""
NEW_SECONDS_MAX = 1.0
"""Time limit for a new example. There are others, and a slow one is no good example."""
_ENDS_IN = "it ends in "
_ENDLESS = f"{_ENDS_IN}{Ending.TIMED_OUT.value.replace('_', ' ')}"
_UNORDERED = frozenset({"set", "frozenset"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Computes results in one sandbox."""

    sandbox: Sandbox
    limits: Limits
    recorder: Recorder
    tiers: tuple[Tier, ...]

    async def answer(
        self, request: SuggestionRequest, sessions: Sequence[Session], *, seconds: float
    ) -> Offer | Abstention:
        """The offer of the results of these `sessions`, or why there is none. It takes at most this many `seconds`.

        They are one example that lacks its result, or new examples, the best first.
        """
        if self.sandbox.problem:
            return _none(request, self.sandbox.problem, AbstentionReason.SANDBOX_UNAVAILABLE)
        if Tier.CHECKED not in self.tiers:
            return _none(request, "A computed result counts as checked, which is not offered.", _NOT_OFFERED)
        try:
            async with asyncio.timeout(seconds):
                computed = await self._computed(request, sessions)
        except SandboxError as error:
            return _none(request, told(error), AbstentionReason.SANDBOX_FAILED)
        except TimeoutError:
            return _none(request, "The result was not computed before the deadline.", AbstentionReason.DEADLINE)
        made = (_candidate(one.text) for one in computed)
        known = request.unwanted.among(made, request.document.text, sessions[0].hole)
        found = [one for one in computed if not one.why_not and _candidate(one.text).fingerprint not in known]
        if found:
            return self._offer(request, _varied(found)[:OFFERED_MAX])
        if known:
            return _none(request, "There is no other result.", AbstentionReason.NOTHING_TO_COMPLETE)
        first = computed[0]
        line = first.session.source.splitlines()[0]
        return _none(request, f"No result of {line} is offered: {first.why_not}.", _INVALID)

    async def _computed(self, request: SuggestionRequest, sessions: Sequence[Session]) -> list[_Computed]:
        """Each session with its result, or with why it has none."""
        program = Program(source=sessions[0].before + sessions[0].after)
        if not parses(program.source):
            return [_Computed(session=one, why_not="the file does not parse") for one in sessions]
        names = frozenset().union(*(one.names for one in sessions))
        effects = (*effects_at_import(program), *effects_of(program, *names))
        if effects:
            why_not = f"it depends on {effects[0].effect.value} ({effects[0].reason})"
            return [_Computed(session=one, why_not=why_not) for one in sessions]
        program = in_module(quieted(program), _context(sessions[0]), self.sandbox, path_of(request.document.uri))
        computed: list[_Computed] = []
        for first in range(0, len(sessions), WAVE):
            wave = sessions[first : first + WAVE]
            computed += await asyncio.gather(*(self._one(program, session) for session in wave))
            usable = sum(not one.why_not for one in computed)
            if usable >= OFFERED_MAX or all(one.why_not.startswith(_ENDLESS) for one in computed):
                break
        return computed

    async def _one(self, program: Program, session: Session) -> _Computed:
        result, why_not = await self._result(program, session)
        return _Computed(session=session, result=result, why_not=why_not)

    async def _result(self, program: Program, session: Session) -> tuple[str, str]:
        """The result as an interpreter shows it, or why there is none. A new example must not raise."""
        limits = self.limits
        if session.is_new:
            limits = replace(limits, wall_seconds=min(limits.wall_seconds, NEW_SECONDS_MAX))
        ready = Call(expression="None", setup=session.setup)
        once, again = await asyncio.gather(
            self.sandbox.observe(program, (LOADS, ready, _asked(session)), limits),
            self.sandbox.observe(program, (_value_of(session), _asked(session)), limits),
        )
        loads, prepared, first = once
        value, second = again
        if loads.ending is not Ending.RETURNED:
            return "", f"the file itself does not run: {shown(loads)}"
        if prepared.ending is not Ending.RETURNED:
            return "", f"the lines above it end in {shown(prepared)}"
        if session.is_new and first.ending is not Ending.RETURNED:
            return "", f"{_ENDS_IN}{shown(first)}"
        result, why_not = _written(first)
        if not why_not and (result, "") != _written(second):
            return "", "it gives another result each time"
        if not why_not and any(_is_unordered(node) for node in _nodes(value.value)):
            return "", "the order of a set is not the same each time"
        return result, why_not or unfit(session, result) or _hidden(session, result)

    def _offer(self, request: SuggestionRequest, found: Sequence[_Computed]) -> Offer:
        """The offer of results, the first of them chosen. The recorder is told as of any other candidates."""
        session = found[0].session
        tests = tuple(_evidence(one, place) for place, one in enumerate(found))
        judged = tuple(_judged(one, test) for one, test in zip(found, tests, strict=True))
        context = _context(session)
        text = f"{session.setup}\n{session.source}".strip()
        prompt = FimPrompt(text=text, stop=(), restored="", block=context.block, suffix="")
        events: tuple[Event, ...] = (
            Prompted(request=request, context=context, prompt=prompt, options=_NOT_SAMPLED),
            Synthesized(request_id=request.id, tests=tests),
            *(Sampled(request_id=request.id, candidate=one.candidate, duplicate_of=None) for one in judged),
            *(Verified(request_id=request.id, judged=one, isolation=self.sandbox.tier) for one in judged),
        )
        for event in events:
            self.recorder.record(event)
        return Offer(
            id=OfferId(uuid.uuid4().hex),
            request_id=request.id,
            hole=session.hole,
            chosen=judged[0],
            alternatives=judged[1:],
            tests=tests,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Computed:
    """A session with its result, or with the reason why it has none."""

    session: Session
    result: str = ""
    why_not: str = ""

    @property
    def text(self) -> str:
        """The text to insert."""
        return shown_text(self.session, self.result)


def _varied(found: Sequence[_Computed]) -> list[_Computed]:
    """Those first whose result no example above them shows. An example that shows something new says more."""
    above = {line.strip() for line in found[0].session.before.rpartition(found[0].session.quote)[2].split("\n")}
    new: list[_Computed] = []
    repeated: list[_Computed] = []
    for one in found:
        (repeated if one.result.strip() in above else new).append(one)
        above.add(one.result.strip())
    return new + repeated


_NOT_OFFERED, _INVALID = AbstentionReason.TIER_NOT_OFFERED, AbstentionReason.NO_VALID_CANDIDATE


def _none(request: SuggestionRequest, detail: str, reason: AbstentionReason) -> Abstention:
    return Abstention(request_id=request.id, reason=reason, detail=detail)


def _context(session: Session) -> Context:
    """The place of the result, as the store keeps it."""
    return Context(
        function=None,
        block=Block(kind=HoleKind.LINE, indent=session.indent, line_head=session.indent),
        prefix=session.before,
        suffix=session.after,
        before=session.before,
        after=session.after,
        hole=session.hole,
        is_excerpt=False,
        place=Place.DOCSTRING,
        quote=session.quote,
    )


def _candidate(text: str) -> Candidate:
    return Candidate(
        id=CandidateId(uuid.uuid4().hex),
        completion=Completion.written(text),
        text=text,
        fingerprint="computed:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        problem="",
        mean_logprob=None,
        policy_version=COMPUTED,
    )


def _evidence(computed: _Computed, place: int) -> TestCase:
    """The run of the example, as evidence of its own kind."""
    session = computed.session
    return TestCase(
        id=TestId(f"computed-{place}"),
        call=Call(expression=session.expression, setup=session.setup),
        expectation=Shows(text=computed.result),
        origin=Origin.COMPUTED,
        quote=f">>> {session.source}",
    )


def _judged(computed: _Computed, test: TestCase) -> Judged:
    verdict = Verdict(test_id=test.id, status=VerdictStatus.PASSED, shown=computed.result.strip(), wall_ms=0.0)
    candidate = _candidate(computed.text)
    return Judged(candidate=candidate, verdicts=(verdict,), tier=Tier.CHECKED, score=1.0, reason=NOW, has_run=True)


def _asked(session: Session) -> Call:
    """The call that gives what an interpreter shows."""
    if session.expression:
        return Call(expression=SHOWN.format(session.expression), setup=session.setup)
    return Call(expression="(True, '')", setup=f"{session.setup}\n{session.source}".strip())


def _value_of(session: Session) -> Call:
    return Call(expression=session.expression or "None", setup=session.setup)


def _written(seen: Observation) -> tuple[str, str]:
    """What an interpreter shows for a call, or why there is no offer for it."""
    if seen.ending is Ending.RAISED and seen.raised is not None:
        name, message = seen.raised.type_names[0], seen.raised.message
        if not hasattr(builtins, name) or "\n" in message or surprise_in((seen,)) is not None:
            return "", f"it raises {name}"
        last = f"{name}: {message}" if message else name
        return f"Traceback (most recent call last):\n    ...\n{last}", ""
    value = seen.value
    if seen.ending is not Ending.RETURNED or not isinstance(value, Node) or len(value.items) != 2:
        return "", f"it ended otherwise: {shown(seen)}"
    is_nothing, text = value.items
    return seen.printed + ("" if is_nothing else str(text)), ""


def _nodes(value: Value) -> Iterator[Node]:
    """A value's parts that are containers or objects."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, Node):
            yield one
            pending += one.items


def _is_unordered(node: Node) -> bool:
    """Whether a set is shown in an order that changes from process to process."""
    return node.kind in _UNORDERED and len(node.items) > 1 and not all(isinstance(one, int) for one in node.items)


def _hidden(session: Session, result: str) -> str:
    """Why a result with invisible characters is not offered. Empty if it has none that the file has not."""
    added = hidden_characters(result) - hidden_characters(session.before + session.after)
    return "its result holds invisible characters" if added else ""
