"""Settles the candidates of a group that have come: compares them, estimates each, and tells what changed."""

from __future__ import annotations

import logging

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.events import Appraised, Supported
from plum_lsp.domain.ports import Inspector
from plum_lsp.suggestion.asking import with_sampled_tests
from plum_lsp.suggestion.clock import Stages
from plum_lsp.suggestion.round.judges import tell_late_tests
from plum_lsp.suggestion.round.values import Gathered
from plum_lsp.verification.quality import appraised

_log = logging.getLogger(__name__)


async def settle_group(answer: Gathered, inspector: Inspector | None, stages: Stages, *, is_clear: bool) -> None:
    """Take the group up the last steps of its ladder, as far as they can say more.

    After a step that is interrupted, the ladder is as the last complete step left it.
    """
    if is_clear:
        await _compare(answer) if answer.ladder.has_rivals else _settle(answer)
    elif not answer.round.plan.is_alone:
        await _compare(answer)
        stages.reach("compared")
        _hear(answer)
        await _appraise(answer, inspector)
        stages.reach("appraised")


async def _compare(answer: Gathered) -> None:
    """Compare the candidates with one another."""
    try:
        await answer.ladder.reconsider()
        await answer.ladder.compare(named=answer.asked.calls)
    except SandboxError as error:
        _log.warning("the candidates could not be compared: %s", error)
    _settle(answer)


def _settle(answer: Gathered) -> None:
    """Estimate each candidate with the evidence of the whole group."""
    changed = answer.ladder.settle()
    tell_late_tests(answer.round, answer.ladder)
    for judged in changed:
        answer.round.telling.tell(answer.judge, judged)


def _hear(answer: Gathered) -> None:
    """Add the policy's own tests to the scores of the candidates that pass them."""
    ladder = answer.ladder
    comparison = ladder.group.comparison
    members, tests = with_sampled_tests(ladder.group.members, answer.asked.pairs, comparison.calls, comparison.observed)
    ladder.group, supported = ladder.group.supported(members, tests)
    if supported:
        answer.round.telling.record(
            Supported(
                request_id=answer.request.id,
                tests=(*answer.judge.tests, *tests),
                judged=supported,
                isolation=answer.judge.sandbox.tier,
            )
        )


async def _appraise(answer: Gathered, inspector: Inspector | None) -> None:
    """Inspect the quality of the candidates. A late request is answered without it."""
    group = answer.ladder.group
    members = await appraised(group.members, answer.context, group.first, inspector)
    answer.ladder.group, _ = group.changed(members)
    found = tuple((one.candidate.id, one.quality) for one in members if one.quality is not None)
    if found:
        answer.round.telling.record(Appraised(request_id=answer.request.id, qualities=found))
