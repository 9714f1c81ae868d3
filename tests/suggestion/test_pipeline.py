"""The pipeline with a scripted policy server, over real HTTP, and the real sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config import Settings
from plum_lsp.domain.errors import SandboxUnavailable
from plum_lsp.domain.events import Appraised, Ended, Event, Prompted, Sampled, Supported, Verified
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.project import Project, TestFile
from plum_lsp.domain.suggestion import (
    Abstention,
    AbstentionReason,
    Offer,
    RequestId,
    SuggestionRequest,
    Tier,
    Trigger,
)
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Origin
from plum_lsp.policy.client.health import GROUPS_MIN, Pace
from plum_lsp.policy.client.watched import WatchedPolicy
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.python.ruff import RuffReader
from plum_lsp.sandbox.opening import NoSandbox, open_sandbox
from plum_lsp.suggestion import plan as plan_module
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.suggestion.pipeline import Pipeline
from plum_lsp.suggestion.round import afterwards as afterwards_module
from plum_lsp.suggestion.round import turns as turns_module

pytestmark = pytest.mark.slow

ADD = 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    >>> add(2, 2)\n    4\n    """\n    ‸'
RIGHT, WRONG = "return a + b\n", "return a - b\n"


class Told:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        """Keep one event."""
        self.events.append(event)


PROJECT = Project(
    root=Path("/project"), top=Path("/project"), environment=None, import_roots=(Path("/project"),), tests=()
)


class Desk:
    """Asks the pipeline for suggestions in the user's terms."""

    def __init__(self, policy: ScriptedPolicy, sandbox: Sandbox, cache_dir: Path) -> None:
        self.policy = policy
        self.told = Told()
        self.sandbox = sandbox
        self.options = replace(pipeline_options(Settings()), stop_early=False)
        self.test_files: dict[str, str] = {}
        self.is_trusted = True
        self.pace = Pace()
        self._cache_dir = cache_dir

    async def suggest(self, marked: str, *, seconds: float = 30.0, finishes: bool = False) -> Offer | Abstention:
        """What is offered at the mark ‸; with `finishes`, the record is complete."""
        async with self.pipeline() as pipeline:
            request = replace(request_for(marked, seconds=seconds), project=PROJECT if self.is_trusted else None)
            result = await pipeline.suggest(request)
            if finishes:
                await pipeline.finish()
            return result

    async def strengths_after(self, *names: str) -> list[str]:
        """Requests in these documents, one at once after the other: those whose record was completed."""
        documents: dict[str, str] = {}
        async with self.pipeline() as pipeline:
            for number, name in enumerate(names):
                request = replace(request_for(ADD), id=RequestId(f"{number}"))
                document = replace(request.document, uri=f"file:///project/{name}")
                documents[request.id] = f"{name} {number}"
                assert isinstance(await pipeline.suggest(replace(request, document=document)), Offer)
            await pipeline.finish()
        told = [event for event in self.told.events if isinstance(event, Verified)]
        return [documents[event.request_id] for event in told if event.judged.strength is not None]

    @asynccontextmanager
    async def pipeline(self) -> AsyncIterator[Pipeline]:
        """A pipeline with the desk's parts."""
        policy = open_policy(PolicyOptions(url=self.policy.url, api_key=self.policy.api_key, cache_dir=self._cache_dir))
        assert isinstance(policy, WatchedPolicy)
        policy.pace = self.pace
        files = tuple(TestFile(path=path, text=text) for path, text in self.test_files.items())
        pipeline = Pipeline(
            policy=policy,
            sandbox=self.sandbox,
            clock=MonotonicClock(),
            recorder=self.told,
            options=self.options,
            inspector=RuffReader(),
            test_files=lambda uri, name, folders: files,
        )
        try:
            yield pipeline
        finally:
            await pipeline.close()
            await policy.close()


def request_for(marked: str, *, seconds: float = 30.0) -> SuggestionRequest:
    """The question at the mark ‸."""
    return SuggestionRequest(
        id=RequestId("request"),
        document=Document(uri="file:///project/module.py", version=1, text=marked.replace("‸", "")),
        offset=marked.index("‸"),
        trigger=Trigger.INVOKED,
        deadline=MonotonicClock().now() + seconds,
    )


@pytest.fixture
def policy() -> Iterator[ScriptedPolicy]:
    """A scripted policy server."""
    with ScriptedPolicy() as server:
        yield server


@pytest.fixture
async def desk(policy: ScriptedPolicy, tmp_path: Path) -> AsyncIterator[Desk]:
    """A pipeline over the scripted policy and the real sandbox."""
    sandbox = await open_sandbox()
    yield Desk(policy, sandbox, tmp_path)
    await sandbox.close()


def reason_of(result: Offer | Abstention) -> AbstentionReason:
    """Why nothing was offered."""
    assert isinstance(result, Abstention), "something was offered"
    return result.reason


async def test_offers_the_candidate_that_passes(desk: Desk) -> None:
    """A candidate that passes its tests is offered ahead of a likelier one that fails them."""
    desk.policy.will_complete(WRONG, mean_logprob=-0.1)
    desk.policy.will_complete(RIGHT, mean_logprob=-2.0)

    result = await desk.suggest(ADD)

    assert isinstance(result, Offer)
    assert result.text.strip() == "return a + b"
    assert result.chosen.tier is Tier.VERIFIED
    assert [verdict.is_pass for verdict in result.chosen.verdicts] == [True, True]


async def test_a_group_ends_when_enough_of_it_stands(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the group has taken long, one that passes is offered, without those that are still being written."""
    monkeypatch.setattr(plan_module, "EXPLICIT_FACTOR", 0.0)
    desk.policy.will_complete(WRONG)
    desk.policy.will_complete(RIGHT)
    desk.policy.will_complete(RIGHT, is_held=True)

    result = await desk.suggest(ADD)

    assert isinstance(result, Offer)
    assert result.chosen.tier is Tier.VERIFIED
    ended = [event for event in desk.told.events if isinstance(event, Ended)]
    assert "enough" in ended[0].stages_ms


async def test_offers_nothing_when_every_candidate_fails(desk: Desk) -> None:
    """A wrong candidate is not offered for want of a better one."""
    desk.policy.will_complete(WRONG)

    result = await desk.suggest(ADD)

    assert reason_of(result) is AbstentionReason.ALL_FAILED


async def test_a_hanging_candidate_is_refuted_and_the_next_one_offered(desk: Desk) -> None:
    """A candidate that never returns loses its tests and takes nobody with it."""
    desk.policy.will_complete("while True: pass\n", mean_logprob=-0.1)
    desk.policy.will_complete(RIGHT, mean_logprob=-2.0)

    result = await desk.suggest(ADD)

    assert isinstance(result, Offer)
    assert result.text.strip() == "return a + b"


async def test_equal_candidates_are_judged_once(desk: Desk) -> None:
    """Candidates that differ in layout only share one judgement."""
    desk.policy.will_complete("return a + b\n")
    desk.policy.will_complete("return (a  +  b)  # sum\n")

    await desk.suggest(ADD)

    sampled = [event for event in desk.told.events if isinstance(event, Sampled)]
    verified = {event.judged.candidate.id for event in desk.told.events if isinstance(event, Verified)}
    assert len(sampled) == 5
    assert len(verified) == 1


async def test_the_first_verified_candidate_ends_the_request(desk: Desk) -> None:
    """Streams that are still running when the answer is clear are closed with the work on its record, at the latest."""
    desk.options = replace(desk.options, stop_early=True)
    desk.policy.will_complete(RIGHT, is_held=True)
    desk.policy.will_hang()

    result, _ = await asyncio.gather(desk.suggest(ADD), desk.policy.release_once(lambda: desk.policy.hanging))

    assert isinstance(result, Offer)
    assert desk.policy.hanging
    assert all(seen.ended.wait(10) and seen.closed_early for seen in desk.policy.hanging)


@pytest.mark.parametrize(
    "suspect",
    [
        "return {(1, 2): 3}.get((a, b), 4)\n",
        "return 3 if (a, b) == (1, 2) else 4\n",
        "return a + a + 1 if a == 1 else a + 2\n",
    ],
    ids=["a table", "a comparison", "an unread parameter"],
)
async def test_a_suspect_pass_does_not_end_the_request(desk: Desk, suspect: str) -> None:
    """A candidate that passes the examples, but fails what needs no other candidate, waits for the others."""
    desk.options = replace(desk.options, stop_early=True)
    desk.policy.will_complete(suspect, mean_logprob=-0.01)
    for text in (RIGHT, "return b + a\n", "return sum((a, b))\n", "return sum([a, b])\n"):
        desk.policy.will_complete(text, mean_logprob=-2.0, is_held=True)

    def passed() -> list[Verified]:
        return [event for event in desk.told.events if isinstance(event, Verified)]

    result, _ = await asyncio.gather(desk.suggest(ADD), desk.policy.release_once(passed))

    assert passed()[0].judged.tier is Tier.VERIFIED
    assert passed()[0].judged.candidate.text.strip() == suspect.strip()
    assert isinstance(result, Offer)
    assert result.text.strip() != suspect.strip()
    assert result.chosen.tier is Tier.VERIFIED


async def test_without_examples_the_majority_is_consistent(desk: Desk) -> None:
    """Where nothing says what is right, candidates that agree in different words are offered as consistent."""
    for text in ("return n * 2\n", "return n + n\n", "return 2 * n\n", "return n * 3\n", "return n * 2\n"):
        desk.policy.will_complete(text)

    result = await desk.suggest("def twice(n: int) -> int:\n    ‸")

    assert isinstance(result, Offer)
    assert result.chosen.tier is Tier.CONSISTENT
    assert "3" not in result.text


async def test_answers_learned_by_heart_are_found_out(desk: Desk) -> None:
    """Inputs that no example names tell them from those that compute."""
    desk.policy.will_complete("return {(1, 2): 3}.get((a, b), 4)\n", mean_logprob=-0.01)
    desk.policy.will_complete(RIGHT, mean_logprob=-2.0)
    desk.policy.will_complete("return b + a\n", mean_logprob=-2.0)

    result = await desk.suggest(ADD)

    assert isinstance(result, Offer)
    assert "+" in result.text
    reasons = [event.judged.reason for event in desk.told.events if isinstance(event, Verified)]
    assert any("where others give" in reason for reason in reasons)


async def test_an_example_that_everybody_contradicts_is_doubted(desk: Desk) -> None:
    """Several different candidates agree on everything but one example: the user is told that it may be wrong."""
    for text in ("return a + b\n", "return b + a\n", "return sum((a, b))\n", "return a - -b\n", "return 5\n"):
        desk.policy.will_complete(text)
    marked = ADD.replace("    4\n", "    4\n    >>> add(2, 3)\n    7\n")

    result = await desk.suggest(marked)

    assert isinstance(result, Offer)
    assert result.chosen.tier is Tier.CONSISTENT
    assert "add(2, 3)" in result.chosen.reason
    assert "may be wrong" in result.chosen.reason


async def test_a_candidate_that_uses_an_undefined_name_is_not_run(desk: Desk) -> None:
    """What is known to be broken is told as such."""
    desk.policy.will_complete("return undefined_helper(a, b)\n")

    result = await desk.suggest(ADD)

    assert reason_of(result) is AbstentionReason.NO_VALID_CANDIDATE
    assert isinstance(result, Abstention)
    assert "undefined_helper" in result.detail


async def test_without_a_sandbox_nothing_is_run_and_the_user_is_told(desk: Desk) -> None:
    """No isolation means no execution, no verdict and no offer. The policy is not asked in vain."""
    desk.sandbox = NoSandbox(SandboxUnavailable("there is no isolation here"))
    desk.policy.will_complete(RIGHT)

    result = await desk.suggest(ADD)

    assert reason_of(result) is AbstentionReason.SANDBOX_UNAVAILABLE
    assert desk.policy.completions == []


async def test_a_file_that_does_not_run_blames_no_candidate(desk: Desk) -> None:
    """A module that cannot be imported, and that the function needs, leaves candidates unjudged, not failed."""
    desk.policy.will_complete(RIGHT)

    result = await desk.suggest("import no_such_module_anywhere as gone\n\n\n@gone.traced\n" + ADD)

    assert isinstance(result, Abstention)
    assert "does not run" in result.detail
    assert all(not event.judged.verdicts for event in desk.told.events if isinstance(event, Verified))


async def test_an_offer_that_did_not_run_has_no_strength(desk: Desk) -> None:
    """Every mutant fails in a file that does not run. This says nothing about the tests."""
    desk.options = replace(desk.options, tiers=tuple(Tier))
    desk.policy.will_complete(RIGHT)

    result = await desk.suggest("import no_such_module_anywhere as gone\n\n\n@gone.traced\n" + ADD, finishes=True)

    assert isinstance(result, Offer)
    assert all(event.judged.strength is None for event in desk.told.events if isinstance(event, Verified))


async def test_a_function_that_is_called_while_the_file_loads_is_verified(desk: Desk) -> None:
    """Only a candidate can make such a file load; the unfilled hole is not the file's fault."""
    desk.policy.will_complete(WRONG)
    desk.policy.will_complete(RIGHT)

    result = await desk.suggest(ADD + "\n\nLIMIT = add(1, 2)\n")

    assert isinstance(result, Offer)
    assert result.text.strip() == "return a + b"
    assert result.chosen.tier is Tier.VERIFIED


async def test_a_test_that_the_empty_body_passes_is_no_evidence(desk: Desk) -> None:
    """A vacuous example does not make a candidate verified."""
    desk.policy.will_complete("return 5\n")
    trace = "Traceback (most recent call last):\n    NotImplementedError"
    text = f'def f():\n    """\n    >>> f()\n    {trace}\n    """\n    ‸'

    result = await desk.suggest(text)

    assert not isinstance(result, Offer) or result.chosen.tier is not Tier.VERIFIED


async def test_an_expected_value_that_cannot_be_computed_refutes_nobody(desk: Desk) -> None:
    """Prose that looks like an example is dropped instead of failing every candidate."""
    desk.policy.will_complete(RIGHT)
    text = 'def add(a, b):\n    """\n    add(1, 2) == the_sum\n    >>> add(1, 2)\n    3\n    """\n    ‸'

    result = await desk.suggest(text)

    assert isinstance(result, Offer)
    assert result.chosen.tier is Tier.VERIFIED


async def test_a_policy_that_has_become_slow_is_told(desk: Desk) -> None:
    """Silence until the deadline from a policy that has been quick is its trouble, told before the deadline ends it."""
    desk.pace.times_ms.extend([10.0] * GROUPS_MIN)
    desk.policy.will_hang()
    result = await desk.suggest(ADD, seconds=4.0)
    assert isinstance(result, Abstention)
    assert (result.reason, "the model is slow" in result.detail) == (AbstentionReason.POLICY_UNAVAILABLE, True)


async def test_the_deadline_ends_a_silent_policy(desk: Desk) -> None:
    """A policy that never answers costs no more than the deadline."""
    desk.policy.will_hang()

    result = await desk.suggest(ADD, seconds=1.0)

    assert reason_of(result) is AbstentionReason.DEADLINE


async def test_a_policy_that_fails_is_named(desk: Desk) -> None:
    """A server error is the policy's fault and nobody else's."""
    desk.policy.will_fail(500)

    result = await desk.suggest(ADD)

    assert reason_of(result) is AbstentionReason.POLICY_UNAVAILABLE


async def test_a_cancelled_request_is_recorded_as_superseded(desk: Desk) -> None:
    """Cancelling leaves a record of the request's end and no stream behind."""
    desk.policy.will_hang()
    task = asyncio.create_task(desk.suggest(ADD))
    while not desk.policy.requests:
        await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    ended = [event for event in desk.told.events if isinstance(event, Ended)]
    assert [reason_of(event.result) for event in ended] == [AbstentionReason.SUPERSEDED]


async def test_a_file_that_is_too_large_is_left_alone(desk: Desk) -> None:
    """Files beyond the bound are refused at once, with the reason."""
    result = await desk.suggest("x = 1\n" * 100_001 + ADD)

    assert isinstance(result, Abstention)
    assert "too large" in result.detail
    assert not desk.policy.requests


async def test_a_line_that_is_too_long_is_left_alone(desk: Desk) -> None:
    """The cursor's line is read again with every completion, so it has a bound of its own. Other lines do not."""
    long = "x = [" + "1, " * 10_000 + "]"
    result = await desk.suggest(f"{long}; y = ‸\n")

    assert isinstance(result, Abstention)
    assert "line of the cursor is too long" in result.detail
    assert not desk.policy.requests
    await desk.suggest(f"{long}\n{ADD}")
    assert desk.policy.requests


async def test_nothing_is_asked_inside_a_string(desk: Desk) -> None:
    """Where there is neither code nor text for people to complete, the policy is left alone."""
    result = await desk.suggest("x = 'a text ‸'\n")

    assert reason_of(result) is AbstentionReason.NOTHING_TO_COMPLETE
    assert not desk.policy.requests


async def test_a_projects_own_tests_are_specification(policy: ScriptedPolicy, desk: Desk) -> None:
    """A function without any example is verified by the tests that the project has of it."""
    for text in (WRONG, RIGHT):
        policy.will_complete(text)
    desk.test_files["tests/test_module.py"] = (
        "from project.module import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
    )
    offer = await desk.suggest("def add(a, b):\n    ‸")
    assert isinstance(offer, Offer)
    assert (offer.text.strip(), offer.chosen.tier) == (RIGHT.strip(), Tier.VERIFIED)
    assert [test.quote for test in offer.tests] == ["tests/test_module.py::test_add: assert add(2, 3) == 5"]


async def test_tests_of_a_project_that_is_not_trusted_are_not_run(policy: ScriptedPolicy, desk: Desk) -> None:
    """They are code of the project, and only shown to the policy."""
    policy.will_complete(RIGHT)
    desk.test_files["tests/test_module.py"] = (
        "from project.module import add\ndef test_add():\n    assert add(2, 3) == 5\n"
    )
    desk.is_trusted = False
    offer = await desk.suggest("def add(a, b):\n    ‸")
    assert isinstance(offer, Offer)
    assert offer.tests == ()


async def test_candidates_are_looked_at_beside_their_tests(policy: ScriptedPolicy, desk: Desk) -> None:
    """The offer says what was seen, and the recorder hears of the whole group."""
    for text in (RIGHT, "return eval('a + b')\n"):
        policy.will_complete(text)
    offer = await desk.suggest(ADD)
    assert isinstance(offer, Offer)
    (appraised,) = [event for event in desk.told.events if isinstance(event, Appraised)]
    assert offer.chosen.quality is not None
    assert sorted(len(quality.security) for _, quality in appraised.qualities) == [0, 1]


async def test_the_policys_own_tests_support_and_never_refute(policy: ScriptedPolicy, desk: Desk) -> None:
    """What its samples and some candidates agree on is shown as such; its inputs are run like any other."""
    policy.will_complete("4, 9)\n>>> add(2, 5)\n", when="# Calls of add")
    policy.will_complete("13\n>>> add(2, 5)\n7\n", when="# What these calls give")
    for text in (WRONG, RIGHT, "return sum((a, b))\n"):
        policy.will_complete(text)
    desk.options = replace(desk.options, asks_for_tests=True)
    offer = await desk.suggest("def add(a, b):\n    ‸")
    assert isinstance(offer, Offer)
    assert offer.text.strip() in (RIGHT.strip(), "return sum((a, b))")
    assert offer.chosen.tier is Tier.CONSISTENT
    sampled = [test for test in offer.tests if test.origin is Origin.SAMPLED]
    assert [test.call.expression for test in sampled] == ["add(4, 9)", "add(2, 5)"]
    assert {verdict.test_id for verdict in offer.chosen.verdicts} == {test.id for test in sampled}
    (told,) = [event for event in desk.told.events if isinstance(event, Supported)]
    assert told.tests == offer.tests
    assert {judged.candidate.text: judged.score for judged in told.judged}[offer.text] == offer.chosen.score


async def test_a_policy_that_fails_at_tests_still_has_its_candidates_offered(
    policy: ScriptedPolicy, desk: Desk
) -> None:
    """The tests are lost and nothing else."""
    policy.will_fail(when="# Calls of add")
    policy.will_fail(when="# Calls of add")
    policy.will_complete(RIGHT)
    desk.options = replace(desk.options, asks_for_tests=True)
    offer = await desk.suggest(ADD)
    assert isinstance(offer, Offer)
    assert offer.chosen.tier is Tier.VERIFIED


async def test_what_an_early_end_left_is_judged_for_the_record(policy: ScriptedPolicy, desk: Desk) -> None:
    """The offer does not wait for it, and the next request would end it."""
    for text in (RIGHT, "return b + a\n", "return sum((a, b))\n", WRONG):
        policy.will_complete(text)
    desk.options = replace(desk.options, stop_early=True)
    offer = await desk.suggest(ADD, finishes=True)
    assert isinstance(offer, Offer)
    verified = [event for event in desk.told.events if isinstance(event, Verified)]
    sampled = {
        event.candidate.id for event in desk.told.events if isinstance(event, Sampled) if event.duplicate_of is None
    }
    assert {event.judged.candidate.id for event in verified} == sampled
    assert [event.judged.candidate.id for event in verified if event.judged.strength is not None] == [
        offer.chosen.candidate.id
    ]


async def test_no_prompt_holds_a_secret_if_the_settings_say_so(desk: Desk) -> None:
    """Neither the completion's nor those for tests; the program that is run keeps it."""
    desk.options = replace(desk.options, redacts_prompts=True, asks_for_tests=True)
    desk.policy.will_complete(RIGHT)
    secret = "river-" + "47-stone!"
    await desk.suggest(f'PASSWORD = "{secret}"\n\n\n{ADD}')
    assert desk.policy.completions
    assert not any(secret in str(request.payload) for request in desk.policy.completions)
    told = [event for event in desk.told.events if isinstance(event, Prompted)]
    assert secret in told[0].context.before


async def test_a_request_ends_the_record_of_its_own_document_only(desk: Desk) -> None:
    """The work for another document goes on."""
    desk.policy.will_complete(RIGHT)
    assert await desk.strengths_after("a.py", "b.py") == ["a.py 0", "b.py 1"]


async def test_a_request_ends_the_record_of_the_one_before_in_its_document(desk: Desk) -> None:
    """The user waits for the later one."""
    desk.policy.will_complete(RIGHT)
    assert await desk.strengths_after("a.py", "a.py") == ["a.py 1"]


async def test_an_announced_request_ends_the_record_of_the_one_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of its own document, and of no other."""

    async def blocked(*_: object) -> None:
        await asyncio.Event().wait()

    desk.policy.will_complete(RIGHT)
    monkeypatch.setattr(afterwards_module, "strength_of", blocked)
    async with desk.pipeline() as pipeline:
        for name in ("a", "b"):
            request = request_for(ADD)
            await pipeline.suggest(replace(request, document=replace(request.document, uri=f"file:///{name}.py")))
        pipeline.make_way("file:///a.py")
        assert list(pipeline._afterwards.turns.tasks) == ["file:///b.py"]


async def test_records_of_few_documents_are_completed_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest gives way, so that many documents neither hold memory nor occupy the sandbox."""
    monkeypatch.setattr(turns_module, "DOCUMENTS_MAX", 2)
    entered = asyncio.Event()

    async def blocked(*_: object) -> None:
        await entered.wait()

    desk.policy.will_complete(RIGHT)
    monkeypatch.setattr(afterwards_module, "strength_of", blocked)
    async with desk.pipeline() as pipeline:
        for name in ("a", "b", "c", "d"):
            request = request_for(ADD)
            await pipeline.suggest(replace(request, document=replace(request.document, uri=f"file:///{name}.py")))
        assert list(pipeline._afterwards.turns.tasks) == ["file:///c.py", "file:///d.py"]
        entered.set()
        await pipeline.finish()
        assert pipeline._afterwards.turns.tasks == {}


async def test_a_record_is_completed_after_a_pause(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that follows at once has the processor. Who waits for the end does not wait for the pause."""
    order: list[str] = []
    quiet = turns_module.Turns.quiet

    async def paused(turns: turns_module.Turns) -> None:
        await quiet(turns)
        order.append("pause")

    async def measured(*_: object) -> None:
        order.append("strength")

    desk.policy.will_complete(RIGHT)
    monkeypatch.setattr(turns_module, "QUIET_SECONDS", 600.0)
    monkeypatch.setattr(turns_module.Turns, "quiet", paused)
    monkeypatch.setattr(afterwards_module, "strength_of", measured)
    async with desk.pipeline() as pipeline:
        await pipeline.suggest(request_for(ADD))
        assert order == []
        await pipeline.finish()
        assert order == ["pause", "strength"]


async def test_closing_ends_the_work_on_records(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox and the store are closed next."""
    entered, ended = asyncio.Event(), asyncio.Event()

    async def blocked(*_: object) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    desk.policy.will_complete(RIGHT)
    monkeypatch.setattr(afterwards_module, "strength_of", blocked)
    async with desk.pipeline() as pipeline:
        await pipeline.suggest(request_for(ADD))
        await entered.wait()
        await pipeline.close()
        assert ended.is_set()


async def test_a_guess_without_evidence_is_offered_if_it_was_asked_for(desk: Desk) -> None:
    """While the user types, nothing is claimed of a body that no test tells and that is likely wrong."""
    question = request_for("def spin(world):\n    ‸\n")
    offered = []
    for trigger in (Trigger.INVOKED, Trigger.AUTOMATIC):
        desk.policy.will_complete("return world.turn(world)\n", mean_logprob=-0.1)
        async with desk.pipeline() as pipeline:
            result = await pipeline.suggest(replace(question, trigger=trigger))
        offered.append(isinstance(result, Offer))
    assert offered == [True, False]
    assert reason_of(result) is AbstentionReason.TIER_NOT_OFFERED
