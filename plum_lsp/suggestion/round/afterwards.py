"""The work on a group after its answer: look again at an early offer, and complete the record of the store.

An edit of the document ends the first, and the document's next request ends both. The user waits for none of it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.events import Revised
from plum_lsp.domain.ports import Clock, Inspector
from plum_lsp.domain.suggestion import Abstention, Offer
from plum_lsp.suggestion.clock import Stages
from plum_lsp.suggestion.options import PipelineOptions
from plum_lsp.suggestion.round.choosing import revised
from plum_lsp.suggestion.round.gathering import Gathering
from plum_lsp.suggestion.round.judges import Judges, find_evidence, tell_late_tests
from plum_lsp.suggestion.round.settling import settle_group
from plum_lsp.suggestion.round.turns import Turns
from plum_lsp.suggestion.round.values import Gathered
from plum_lsp.suggestion.sandboxes import RequestSandboxes
from plum_lsp.verification.compare import strength_of

_log = logging.getLogger(__name__)
GOES_ON_SECONDS_MAX = 15.0
"""The longest that a group goes on after an early offer. An edit or the document's next request end it before."""
SHADOW_SECONDS_MAX = 60.0
"""The longest wait for the sandbox of a project while no user waits for the answer."""


class Afterwards:
    """What follows each answer. One record is completed at a time."""

    def __init__(
        self,
        *,
        sandboxes: RequestSandboxes,
        judges: Judges,
        inspector: Inspector | None,
        options: PipelineOptions,
        clock: Clock,
    ) -> None:
        self.turns = Turns()
        self._sandboxes = sandboxes
        self._judges = judges
        self._inspector = inspector
        self._options = options
        self._clock = clock
        self._completing = asyncio.Lock()

    def begin(self, gathering: Gathering, answer: Gathered, result: Offer | Abstention) -> None:
        """Look again at an early offer when its group is complete, and complete the record."""
        request = gathering.round.request
        look = None
        if isinstance(result, Offer) and gathering.is_early and not request.is_control:
            look = partial(self._look_again, gathering, answer, result)
        complete = partial(self._complete_record, gathering, answer, result)
        self.turns.begin(request.document.uri, look=look, complete=complete, end=gathering.cancel)

    async def _look_again(self, gathering: Gathering, answer: Gathered, offer: Offer) -> None:
        """Wait for the rest of the group, and tell what it says of an offer that was made early."""
        await gathering.wait_for_rest(seconds_max=GOES_ON_SECONDS_MAX)
        later = gathering.now()
        if len(later.judged) == len(answer.judged) and answer.ladder.is_compared:
            return
        try:
            with later.judge.sandbox.held():
                await settle_group(later, self._inspector, Stages(self._clock), is_clear=False)
        except SandboxError as error:
            _log.info("an early offer was not looked at again: %s", error)
            return
        result, has_better = revised(later, offer, tiers=self._options.tiers, show=self._options.show)
        if isinstance(result, Abstention) or result.chosen.label != offer.chosen.label:
            news = Revised(request_id=offer.request_id, offer=offer, result=result, has_better=has_better)
            later.round.telling.record(news)

    async def _complete_record(self, gathering: Gathering, answer: Gathered, result: Offer | Abstention) -> None:
        """Judge the candidates that have no verdict yet, for one document at a time. The offer does not change.

        It begins when the user pauses, because it takes more time than an answer.
        """
        await gathering.stop()
        await self.turns.quiet()
        try:
            if answer.request.is_control:
                await self._judge_in_the_shadow(gathering)
                return
            with answer.judge.sandbox.held():
                async with self._completing:
                    await _judge_rest(gathering, answer, result)
        except SandboxError as error:
            _log.info("the record is not complete: %s", error)

    async def _judge_in_the_shadow(self, gathering: Gathering) -> None:
        """Test what a pilot has shown without tests. Only the store learns of it."""
        this = gathering.round
        sandbox = await self._sandboxes.of(this.request, seconds_max=SHADOW_SECONDS_MAX)
        with sandbox.held():
            async with self._completing:
                ladder = await self._judges.ladder_of(this.request, this.around, sandbox)
                await find_evidence(this, ladder)
                for shown in gathering.ladder.group.members:
                    judged, _ = await ladder.late(shown.candidate)
                    tell_late_tests(this, ladder)
                    this.telling.tell(ladder.judge, judged)


async def _judge_rest(gathering: Gathering, answer: Gathered, result: Offer | Abstention) -> None:
    """Judge the candidates that are left, then measure the strength of the offer's tests."""
    ladder, telling = answer.ladder, answer.round.telling
    if ladder.evidence is not None:
        for candidate in list(gathering.unjudged.values()):
            judged, _ = await ladder.late(candidate)
            tell_late_tests(answer.round, ladder)
            telling.tell(ladder.judge, judged)
    if isinstance(result, Offer):
        strength = await strength_of(result.chosen, ladder.judge, ladder.evidence, ladder.group.comparison)
        if strength is not None:
            telling.tell(ladder.judge, replace(result.chosen, strength=strength))
