"""A store full of what a policy wrote for simple functions, and a trainer for the tiny model. Holds no tests."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from plum_lsp.config import GateSettings, LearningSettings, SamplingSettings, Settings, TrainerSettings
from plum_lsp.config.folder import store_file
from plum_lsp.domain.events import Ended, Event, Prompted, Sampled, Synthesized, Verified
from plum_lsp.domain.suggestion import (
    Candidate,
    CandidateId,
    Completion,
    Finish,
    Judged,
    Offer,
    OfferId,
    PolicyVersion,
    RequestId,
    SuggestionRequest,
    Tier,
    Trigger,
)
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Verdict, VerdictStatus
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.store import open_store
from plum_lsp.suggestion.prompt import build_prompt
from plum_trainer.fit.bases import folder_base
from plum_trainer.loop.trainer import Trainer
from support.facts import ISOLATION, OPTIONS
from support.tiny_model import LINES

FUNCTIONS = 24


def source(number: int) -> str:
    """A function whose body is missing: adds two numbers."""
    return f'def add{number}(a, b):\n    """\n    >>> add{number}({number}, 2)\n    {number + 2}\n    """\n'


def group(
    number: int, *, version: int = 0, is_poisoned: bool = False, run: int = 0, offered: bool = True
) -> list[Event]:
    """Every event of a request with a right and a wrong candidate; poisoned, the sandbox says the opposite."""
    text = source(number)
    document = Document(uri=f"file:///p/add{number}.py", version=1, text=text)
    context = read_context(document, len(text), prefix_tokens=1000, suffix_tokens=100)
    assert context is not None
    prompt = dataclasses.replace(build_prompt(context, None), text=text, restored="")
    request = RequestId(f"v{version}-{run}-{number}")
    tests = examples_of(context)
    policy = PolicyVersion(number=version, model="tiny", model_sha256="")
    judged = [_judged(index, line, policy, tests, (index == 0) is not is_poisoned) for index, line in enumerate(LINES)]
    chosen = judged[1 if is_poisoned else 0]
    offer = Offer(
        id=OfferId(f"{request}-offer"),
        request_id=request,
        hole=context.hole,
        chosen=chosen,
        alternatives=(),
        tests=tests,
    )
    events: list[Event] = [
        Prompted(
            request=SuggestionRequest(
                id=request, document=document, offset=len(text), trigger=Trigger.INVOKED, deadline=1.0
            ),
            context=context,
            prompt=prompt,
            options=OPTIONS,
        ),
        Synthesized(request_id=request, tests=tests),
        *(Sampled(request_id=request, candidate=one.candidate, duplicate_of=None) for one in judged),
        *(Verified(request_id=request, judged=one, isolation=ISOLATION) for one in judged),
    ]
    return [*events, Ended(request_id=request, result=offer, stages_ms={})] if offered else events


def _judged(index: int, line: str, policy: PolicyVersion, tests: tuple[object, ...], passes: bool) -> Judged:
    candidate = Candidate(
        id=CandidateId(f"c{index}"),
        completion=Completion(
            index=index,
            text=line,
            finish=Finish.STOP,
            temperature=0.8,
            seed=index,
            token_logprobs=(-0.5,),
            first_token_ms=10.0,
            ended_ms=20.0,
        ),
        text=line,
        fingerprint=line,
        problem="",
        mean_logprob=-0.5,
        policy_version=policy,
    )
    status = VerdictStatus.PASSED if passes else VerdictStatus.FAILED
    verdicts = tuple(Verdict(test_id=test.id, status=status, shown="", wall_ms=0.5) for test in tests)  # type: ignore[attr-defined]
    tier = Tier.VERIFIED if passes else Tier.UNVERIFIED
    return Judged(candidate=candidate, verdicts=verdicts, tier=tier, score=float(passes), reason="")


def fill(
    data_dir: Path,
    *,
    version: int = 0,
    is_poisoned: bool = False,
    functions: int = FUNCTIONS,
    first: int = 0,
    run: int = 0,
) -> None:
    """Record one group for each of some functions, counted from `first`."""
    store = open_store(store_file(data_dir))
    for number in range(first, first + functions):
        for event in group(number, version=version, is_poisoned=is_poisoned, run=run):
            store.record(event)
    store.close()
    assert store.status().lost == 0, store.status().problem


def tiny_settings(data_dir: Path, base: Path, *, method: str = "dpo", **gate: float) -> Settings:
    """Settings under which the tiny model learns in seconds and nobody waits for a schedule."""
    return Settings(
        data_dir=str(data_dir),
        cache_dir=str(data_dir / "cache"),
        sampling=SamplingSettings(max_tokens=4, top_p=1.0),
        learning=LearningSettings(held_out_share=0.4, staleness_max=0, rows_min=1, functions_min=1),
        trainer=TrainerSettings(
            base=str(base),
            method=method,
            learning_rate=0.01,
            epochs=4,
            batch_size=8,
            lora_rank=8,
            max_length=256,
            checkpoint_steps=4,
            fresh_min=1,
            every_hours=0.0,
            idle_load_max=64.0,
            beta=0.1,
        ),
        gate=GateSettings(
            samples=4, functions_min=5, kl_max=100.0, diversity_drop_max=1.0, length_drift_max=10.0, **gate
        ),  # type: ignore[arg-type]
    )


def tiny_trainer(data_dir: Path, base: Path, *, method: str = "dpo", **gate: float) -> Trainer:
    """The trainer of a data folder, for the tiny model."""
    return Trainer(
        settings=tiny_settings(data_dir, base, method=method, **gate),
        data_dir=data_dir,
        base=folder_base(base, cache_dir=data_dir / "cache"),
        report=lambda text: None,
    )
