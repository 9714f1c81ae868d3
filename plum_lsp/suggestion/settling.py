"""Settles the candidates of a round that have come: compares them, estimates each, and tells the recorder."""

from __future__ import annotations

import logging

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.events import Appraised, Supported, Synthesized, Verified
from plum_lsp.domain.ports import Inspector, Recorder
from plum_lsp.domain.suggestion import Judged
from plum_lsp.suggestion.asking import with_sampled_tests
from plum_lsp.suggestion.clock import Stages
from plum_lsp.suggestion.round import Round
from plum_lsp.verification.excerpts import labelled
from plum_lsp.verification.judge import index_of
from plum_lsp.verification.quality import appraised

_log = logging.getLogger(__name__)


class Settling:
    """The last steps of the ladder, for an answer and for what is learned after it."""

    def __init__(self, recorder: Recorder, inspector: Inspector | None) -> None:
        self._recorder = recorder
        self._inspector = inspector

    async def settle_group(self, this: Round, stages: Stages, *, is_clear: bool = False) -> None:
        """Compare the candidates that have come, as far as that can say more, and order them."""
        if is_clear:
            await self.compare(this) if this.ladder.has_rivals else self._settle(this)
        elif not this.plan.is_alone:
            await self.compare(this)
            stages.reach("compared")
            self._hear(this)
            await self._appraise(this)
            stages.reach("appraised")

    def _hear(self, this: Round) -> None:
        """Add the policy's own tests to the scores of the candidates that pass them."""
        group = this.ladder.group
        members, this.sampled_tests = with_sampled_tests(
            group.members, this.asked.pairs, group.comparison.calls, group.comparison.observed
        )
        this.ladder.group, supported = group.changed(members)
        if supported:
            tests = (*this.judge.tests, *this.sampled_tests)
            self._recorder.record(
                Supported(request_id=this.request.id, tests=tests, judged=supported, isolation=this.judge.sandbox.tier)
            )

    async def compare(self, this: Round) -> None:
        """Compare the candidates with one another, now that the whole group has run."""
        try:
            await this.ladder.reconsider()
            await this.ladder.compare(named=this.asked.calls)
        except SandboxError as error:
            _log.warning("the candidates could not be compared: %s", error)
        self._settle(this)

    def _settle(self, this: Round) -> None:
        """Estimate each candidate with the evidence of the whole group."""
        for judged in this.ladder.settle():
            self.tell(this, judged)

    async def _appraise(self, this: Round) -> None:
        """Inspect the quality of the candidates. A late request is answered without it."""
        group = this.ladder.group
        members = await appraised(group.members, this.context, group.first, self._inspector)
        this.ladder.group, _ = group.changed(members)
        found = tuple((one.candidate.id, one.quality) for one in members if one.quality is not None)
        if found:
            self._recorder.record(Appraised(request_id=this.request.id, qualities=found))

    def tell(self, this: Round, judged: Judged) -> None:
        """Tell the recorder what is known of a candidate, unless it was told already. New tests come first."""
        self.tell_tests(this)
        judged = labelled(this.judge, judged)
        if this.told.get(index_of(judged)) == judged:
            return
        this.told[index_of(judged)] = judged
        isolation = this.judge.sandbox.tier if judged.has_run else None
        self._recorder.record(Verified(request_id=this.request.id, judged=judged, isolation=isolation))

    def tell_tests(self, this: Round) -> None:
        """Tell the recorder of the tests that it may not know yet."""
        if tests := this.new_tests():
            self._recorder.record(Synthesized(request_id=this.request.id, tests=tests))
