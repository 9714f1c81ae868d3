"""The one ladder that every caller climbs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.contexts import context_at
from support.documents import UNFILLED, context_of, marked_context
from support.group import judged

import plum_lsp
from plum_lsp.domain.errors import SandboxUnavailable
from plum_lsp.domain.suggestion import Candidate, Tier
from plum_lsp.domain.verification import Ending, Limits, Observation, TestCase, Verdict, VerdictStatus
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import NoSandbox, open_sandbox
from plum_lsp.verification.compare import Comparison, strength_of
from plum_lsp.verification.group import Group, Ladder
from plum_lsp.verification.judge import Evidence, Judge

ANSWER = (Observation(ending=Ending.RETURNED),)


def candidate(text: str, index: int) -> Candidate:
    return judged(text, tier=Tier.CHECKED, index=index).candidate


def passing(tests: Sequence[TestCase]) -> tuple[Verdict, ...]:
    return tuple(Verdict(test_id=test.id, status=VerdictStatus.PASSED, shown="", wall_ms=0.1) for test in tests)


def test_a_group_keeps_what_each_member_did() -> None:
    """A member that was not run has no observations."""
    ran, refused = judged("return 1", tier=Tier.CHECKED, index=3), judged("return", tier=Tier.UNVERIFIED, index=1)

    group = Group().joined(ran, ANSWER).joined(refused, ())

    assert group.members == (ran, refused)
    assert group.first == {3: ANSWER}


def test_a_group_tells_which_members_changed() -> None:
    """The others are not told again."""
    first, second = judged("return 1", tier=Tier.CHECKED, index=0), judged("return 2", tier=Tier.CHECKED, index=1)
    risen = judged("return 2", tier=Tier.CONSISTENT, index=1)

    group, changed = Group(members=(first, second)).changed([first, risen])

    assert (group.members, changed) == ((first, risen), (risen,))


async def test_the_ladder_ends_without_a_sandbox() -> None:
    """Each step is taken. No candidate rises, and each says why."""
    sandbox = NoSandbox(SandboxUnavailable("nothing runs here"))
    ladder = Ladder(Judge.of(context_at("def f(n):\n    ‸\n"), sandbox, Limits()))

    await ladder.screen()
    for index, text in enumerate(("return n\n", "return n + 1\n")):
        await ladder.add(candidate(text, index))
    await ladder.reconsider()
    await ladder.compare()
    ladder.settle()

    assert [one.tier for one in ladder.group.members] == [Tier.UNVERIFIED] * 2
    assert all("nothing runs here" in one.reason for one in ladder.group.members)
    assert ladder.group.comparison.observed == {}


async def test_tests_that_do_not_judge_a_candidate_say_nothing_of_its_variants() -> None:
    """Its variants fail them, too, so it looked as if all were noticed. Nothing is run for it."""
    sandbox = NoSandbox(SandboxUnavailable("nothing runs here"))
    judge = Judge.of(marked_context('def f(n):\n    """>>> f(1)\n    2"""\n    m = ‸\n'), sandbox, Limits())
    line = replace(judged("n + 1", tier=Tier.CHECKED), has_run=True, goes_on=True)
    evidence = Evidence(specification=judge.tests)
    assert judge.tests
    assert await strength_of(line, judge, evidence, Comparison(observed={})) is None
    with pytest.raises(SandboxUnavailable):
        await strength_of(replace(line, verdicts=passing(judge.tests)), judge, evidence, Comparison(observed={}))


@pytest.mark.slow
async def test_a_function_that_the_file_does_not_define_here_blames_no_candidate(tmp_path: Path) -> None:
    """Its branch needs a package that is missing."""
    path = tmp_path / "core.py"
    path.write_text(
        f"try:\n    import missing\n\n    def f() -> str:\n        {UNFILLED}\n\nexcept ImportError:\n    pass\n"
    )
    sandbox = await open_sandbox(SandboxOptions(checks_itself=False))
    try:
        ladder = Ladder(Judge.of(context_of(path), sandbox, Limits()))
        await ladder.screen()
        found = await ladder.add(candidate("return missing.name()\n", 0))
    finally:
        await sandbox.close()
    assert found.tier is Tier.CHECKED
    assert found.reason == "it loads, but the file does not define the function here"


def test_only_the_ladder_takes_its_steps() -> None:
    """A caller that joined the steps itself would drift away from the others."""
    root = Path(plum_lsp.__file__).parent
    steps = re.compile(r"import .*\b(?:reconsidered|settled|compare)\b(?!\.)")
    callers = {str(path.relative_to(root)) for path in root.rglob("*.py") if steps.search(path.read_text())}
    assert callers == {"verification/group.py"}
