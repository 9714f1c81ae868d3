"""Builds the events of one suggestion, for tests of what is kept. Holds no tests."""

from __future__ import annotations

from dataclasses import replace

from plum_lsp.domain.events import Ended, Event, Prompted, Sampled, Supported, Synthesized, Verified
from plum_lsp.domain.learning import Outcome, OutcomeKind, OutcomeSource
from plum_lsp.domain.suggestion import (
    Abstention,
    AbstentionReason,
    Block,
    Candidate,
    CandidateId,
    Completion,
    Context,
    FimPrompt,
    Finish,
    HoleKind,
    Judged,
    Offer,
    OfferId,
    PolicyVersion,
    RequestId,
    SamplingOptions,
    SuggestionRequest,
    Tier,
    Trigger,
)
from plum_lsp.domain.text import Document, Span
from plum_lsp.domain.verification import (
    Call,
    Equals,
    Origin,
    SandboxTier,
    TestCase,
    TestId,
    Verdict,
    VerdictStatus,
)

PROMPT = "<|fim_prefix|>def add(a, b):\n<|fim_suffix|><|fim_middle|>"
VERSION = PolicyVersion(number=1, model="tiny", model_sha256="ab" * 32)
ISOLATION = SandboxTier(name="namespaces", layers=("bwrap", "seccomp"), python_version="3.12.1")
OPTIONS = SamplingOptions(temperatures=(0.2, 1.0), top_p=0.95, max_tokens=64, seed=7)
TESTS = tuple(
    TestCase(
        id=TestId(f"t{number}"),
        call=Call(expression=f"add({number}, 1)"),
        expectation=Equals(expected=str(number + 1)),
        origin=Origin.DOCTEST,
        quote=f">>> add({number}, 1)",
    )
    for number in range(2)
)


def prompted(request: str = "r1", *, prompt: str = PROMPT) -> Prompted:
    """The request was prompted."""
    block = Block(kind=HoleKind.BODY, indent="    ", line_head="")
    document = Document(uri="file:///p/a.py", version=3, text="def add(a, b):\n")
    return Prompted(
        request=SuggestionRequest(
            id=RequestId(request), document=document, offset=15, trigger=Trigger.INVOKED, deadline=1.0
        ),
        context=Context(
            function=None,
            block=block,
            prefix=document.text,
            suffix="",
            before=document.text,
            after="",
            hole=Span(start=15, end=15),
            is_excerpt=False,
        ),
        prompt=FimPrompt(text=prompt, stop=("<|endoftext|>",), restored="    ", block=block, suffix=""),
        options=OPTIONS,
    )


def candidate(index: int = 0, *, text: str = "return a + b\n", version: PolicyVersion = VERSION) -> Candidate:
    """The `index`-th candidate of a group."""
    return Candidate(
        id=CandidateId(f"c{index}"),
        completion=Completion(
            index=index,
            text=text + "\n\n",
            finish=Finish.CUT,
            temperature=OPTIONS.temperatures[index % 2],
            seed=OPTIONS.seed + index,
            token_logprobs=(-0.25, -0.5),
            first_token_ms=10.0,
            ended_ms=20.0,
        ),
        text=text,
        fingerprint=text,
        problem="",
        mean_logprob=-0.375,
        policy_version=version,
    )


def judged(index: int = 0, *, passes: bool, tier: Tier | None = None, version: PolicyVersion = VERSION) -> Judged:
    """A candidate that passes every test, or all but the first."""
    verdicts = tuple(
        Verdict(
            test_id=test.id,
            status=VerdictStatus.PASSED if passes or number else VerdictStatus.FAILED,
            shown=str(number + 1 if passes or number else -1),
            wall_ms=0.5,
        )
        for number, test in enumerate(TESTS)
    )
    return Judged(
        candidate=candidate(index, text="return a + b\n" if passes else "return a - b\n", version=version),
        verdicts=verdicts,
        tier=tier or (Tier.VERIFIED if passes else Tier.UNVERIFIED),
        score=1.0 if passes else 0.0,
        reason=f"passes {2 if passes else 1} of 2 tests",
    )


def suggestion(request: str = "r1", *, version: PolicyVersion = VERSION) -> list[Event]:
    """Every event of a request with one failing and one passing candidate, which is offered as `<request>-offer`."""
    identity = RequestId(request)
    group = [judged(0, passes=False, version=version), judged(1, passes=True, version=version)]
    offer = Offer(
        id=OfferId(f"{request}-offer"),
        request_id=identity,
        hole=Span(start=15, end=15),
        chosen=group[1],
        alternatives=(),
        tests=TESTS,
    )
    return [
        prompted(request),
        Synthesized(request_id=identity, tests=TESTS),
        *(Sampled(request_id=identity, candidate=one.candidate, duplicate_of=None) for one in group),
        *(Verified(request_id=identity, judged=one, isolation=ISOLATION) for one in group),
        Ended(request_id=identity, result=offer, stages_ms={"context": 1.5, "ended": 30.0}),
    ]


def supported(request: str = "r1", *, index: int = 0, score: float = 0.75) -> Supported:
    """A test that the policy wrote supports a candidate that failed a doctest."""
    test = TestCase(
        id=TestId("sampled-1"),
        call=Call(expression="add(4, 9)"),
        expectation=Equals(expected="13"),
        origin=Origin.SAMPLED,
        quote="add(4, 9) == 13 (2 of 2 samples)",
    )
    verdict = Verdict(test_id=test.id, status=VerdictStatus.PASSED, shown="13", wall_ms=0.5)
    before = judged(index, passes=index > 0)
    now = replace(before, verdicts=(*before.verdicts, verdict), score=score)
    return Supported(request_id=RequestId(request), tests=(*TESTS, test), judged=(now,), isolation=ISOLATION)


def abstention(request: str, reason: AbstentionReason = AbstentionReason.ALL_FAILED) -> Ended:
    """The request ended in nothing."""
    result = Abstention(request_id=RequestId(request), reason=reason, detail="Nothing fits.")
    return Ended(request_id=RequestId(request), result=result, stages_ms={"ended": 3.0})


def outcome(
    offer: str = "r1-offer", kind: OutcomeKind = OutcomeKind.ACCEPTED, *, at: float = 1_700_000_000.0
) -> Outcome:
    """An outcome the editor's command reported."""
    return Outcome(offer_id=OfferId(offer), kind=kind, at=at, source=OutcomeSource.COMMAND, visible_ms=900.0)
