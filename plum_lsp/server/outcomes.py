"""Records the outcomes of the offers of one connection, from commands, notifications and edits.

An `OfferTracker` follows each offer and decides. The store keeps its decisions. This module decides no outcome.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.learning import Outcome, OutcomeKind, OutcomeSource, Survival
from plum_lsp.domain.suggestion import Offer, OfferId, Tier
from plum_lsp.domain.text import Document, plain
from plum_lsp.domain.unwanted import TurnedDown
from plum_lsp.feedback.infer import OfferTracker
from plum_lsp.feedback.outcomes import OfferEvent, OfferState, UnlistedTransition
from plum_lsp.feedback.survival import AcceptedText
from plum_lsp.server.convert import code_points_of, inserted_text
from plum_lsp.store import Store

logger = logging.getLogger(__name__)

OFFERS_REMEMBERED_MAX = 64
"""A late command names one of the last few offers. Older offers are in the store, and their outcomes are final."""

REJECTIONS_SECONDS = 60.0
"""A rejection within this time says that the user does not want to be interrupted."""


@dataclass(slots=True, kw_only=True)
class _Followed:
    """A followed offer, the text that the editor may insert, and why its last outcome was not written.

    `offer` has the newest evidence. `label` is the one on the screen.
    """

    offer: Offer
    uri: str
    inserted: str
    tracker: OfferTracker
    label: Tier
    problem: str = ""
    timer: asyncio.TimerHandle | None = None
    accepted: AcceptedText | None = None

    @property
    def turned_down(self) -> TurnedDown:
        """The offer in its document, as a text that is not to come back."""
        tracker = self.tracker
        whole = tracker.before + tracker.text + tracker.after
        return TurnedDown(whole=whole, fingerprint=self.offer.chosen.candidate.fingerprint, after=tracker.after)


class OutcomeDesk:
    """Takes the editor's reports about offers. The store may appear, disappear or be missing at any time."""

    def __init__(self, store: Callable[[], Store | None], *, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._offers: dict[OfferId, _Followed] = {}
        self._writes: set[asyncio.Task[str]] = set()
        self._rejected_at: list[float] = []
        self.editor_tells_shown = False
        """Whether this editor reports which offers it shows. If it does not, every sent offer counts as shown."""

    @property
    def last(self) -> OfferId | None:
        """The latest offer. None if there was none."""
        return next(reversed(self._offers), None)

    def recent_rejections(self) -> int:
        """How many offers the user rejected in the last minute."""
        since = self._now() - REJECTIONS_SECONDS
        self._rejected_at = [at for at in self._rejected_at if at > since][-OFFERS_REMEMBERED_MAX:]
        return len(self._rejected_at)

    def offer(self, offer_id: OfferId) -> Offer | None:
        """One of the last offers. None if it is not among them."""
        followed = self._offers.get(offer_id)
        return followed.offer if followed else None

    def uri_of(self, offer_id: OfferId) -> str:
        """The document that one of the last offers was made for. Empty if it is not among them."""
        followed = self._offers.get(offer_id)
        return followed.uri if followed else ""

    def with_alternatives(self, offer_id: OfferId) -> tuple[TurnedDown, ...]:
        """One of the last offers, and others on the screen with it, as texts that may be turned down."""
        followed = self._offers.get(offer_id)
        if followed is None:
            return ()
        others = (one for one in self._open(followed.uri) if one is not followed)
        return tuple(one.turned_down for one in (followed, *others))

    def stands(self, offer_id: OfferId) -> bool:
        """Whether an offer is new enough to be offered again. An ignored offer is not."""
        followed = self._offers.get(offer_id)
        return followed is not None and followed.tracker.expires_at is not None

    def ends_accepted(self, document: Document, offset: int) -> bool:
        """Whether an offer that was just accepted ends at this place, and no key followed."""
        before, after = plain(document.text[:offset]), plain(document.text[offset:])
        return any(
            one.accepted is not None and before == one.tracker.before + one.tracker.text and after == one.tracker.after
            for one in self._offers.values()
            if one.uri == document.uri
        )

    def is_open(self, offer_id: OfferId) -> bool:
        """Whether an offer may still be on the screen."""
        followed = self._offers.get(offer_id)
        return followed is not None and followed.tracker.is_open

    def revised(self, offer: Offer) -> None:
        """There is new evidence for one of the last offers. Its label on the screen is still the old one."""
        if (followed := self._offers.get(offer.id)) is not None:
            followed.offer = offer

    def labelled(self, offer_id: OfferId, tier: Tier) -> None:
        """The editor has drawn an offer with this label, if the offer ever had it."""
        followed = self._offers.get(offer_id)
        if followed is not None and followed.offer.chosen.tier is tier:
            followed.label = tier

    def withdrawn(self, offer_id: OfferId) -> None:
        """The editor is told to wipe an offer."""
        self._told(offer_id, OfferEvent.WITHDRAW, OutcomeSource.INFERRED)

    def offered(self, offer: Offer, document: Document, *, is_alternative: bool = False) -> None:
        """An offer was sent for `document`. It ends earlier offers for the same document, unless it joins them."""
        if not is_alternative:
            self._superseded(document.uri)
        while len(self._offers) >= OFFERS_REMEMBERED_MAX:
            oldest = self._offers.pop(next(iter(self._offers)))
            if oldest.timer is not None:
                oldest.timer.cancel()
        tracker = OfferTracker.start(offer, document.text, at=self._now(), is_shown=not self.editor_tells_shown)
        inserted = inserted_text(offer, document)
        followed = _Followed(offer=offer, uri=document.uri, inserted=inserted, tracker=tracker, label=offer.chosen.tier)
        self._offers[offer.id] = followed
        self._await_silence(followed)

    def edited(self, document: Document) -> None:
        """A document changed. `document` is its new state."""
        for followed in self._offers.values():
            if followed.uri == document.uri and followed.accepted is not None:
                followed.accepted = followed.accepted.after_change(plain(document.text))
                self._take_undo(followed)
        for followed in self._open(document.uri):
            self._advance(followed, followed.tracker.after_change(document.text, at=self._now()))

    def closed(self, uri: str) -> None:
        """A document was closed, so its offers are no longer visible."""
        self._superseded(uri)
        for followed in self._offers.values():
            if followed.uri == uri:
                followed.accepted = None
                self._await_silence(followed)

    def _superseded(self, uri: str) -> None:
        for followed in self._open(uri):
            self._advance(followed, followed.tracker.superseded(at=self._now()))

    def shown(self, offer_id: OfferId) -> None:
        """The editor drew an offer."""
        self.editor_tells_shown = True
        self._told(offer_id, OfferEvent.SHOW, OutcomeSource.NOTIFICATION)

    def partly_accepted(self, offer_id: OfferId, utf16_units: int) -> None:
        """The user accepted the beginning of an offer, `utf16_units` in total so far."""
        followed = self._offers.get(offer_id)
        if followed is not None:
            taken = code_points_of(followed.inserted, utf16_units)
            self._told(offer_id, OfferEvent.ACCEPT_PART, OutcomeSource.NOTIFICATION, accepted_length=taken)

    async def accepted(self, offer_id: OfferId) -> str:
        """The editor inserted an offer. Returns once that is committed: an error text, or an empty text."""
        return await self._told_and_written(offer_id, OfferEvent.ACCEPT)

    async def rejected(self, offer_id: OfferId) -> str:
        """The user rejected an offer. Returns once that is committed: an error text, or an empty text.

        Its alternatives that were shown are dismissed.
        """
        self._close_alternatives(offer_id)
        return await self._told_and_written(offer_id, OfferEvent.REJECT)

    async def dismissed(self, offer_id: OfferId) -> str:
        """The user closed an offer, and its alternatives. Returns once that is committed, as `rejected` does."""
        self._close_alternatives(offer_id)
        return await self._told_and_written(offer_id, OfferEvent.DISMISS)

    def _close_alternatives(self, offer_id: OfferId) -> None:
        followed = self._offers.get(offer_id)
        for other in self._open(followed.uri) if followed else ():
            if other is not followed:
                was_shown = other.tracker.life.state is not OfferState.SENT
                event = OfferEvent.DISMISS if was_shown else OfferEvent.SUPERSEDE
                self._advance(other, other.tracker.told(event, at=self._now(), source=OutcomeSource.COMMAND))

    def _take_undo(self, followed: _Followed) -> None:
        """An acceptance that was undone at once is a rejection."""
        at, taken = self._now(), {OfferState.ACCEPTED, OfferState.EDITED}
        if followed.accepted is None or followed.tracker.life.state not in taken:
            return
        if followed.accepted.is_undone(followed.tracker.hole, at=at):
            followed.accepted = None
            self._advance(followed, followed.tracker.told(OfferEvent.UNDO, at=at, source=OutcomeSource.INFERRED))

    async def finish(self) -> None:
        """The connection ends. Open offers end, and all outcomes are written."""
        for followed in self._offers.values():
            self._advance(followed, followed.tracker.superseded(at=self._now()))
            if followed.timer is not None:
                followed.timer.cancel()
        if self._writes:
            await asyncio.wait(tuple(self._writes))

    def _open(self, uri: str) -> list[_Followed]:
        return [offer for offer in self._offers.values() if offer.uri == uri and offer.tracker.is_open]

    async def _told_and_written(self, offer_id: OfferId, event: OfferEvent) -> str:
        if offer_id not in self._offers:
            return f"no offer {offer_id} was made by this server"
        try:
            write = self._told(offer_id, event, OutcomeSource.COMMAND)
        except UnlistedTransition as error:
            return str(error)
        if write is not None:
            return await asyncio.shield(write)
        # The edits showed the same outcome before the command arrived. Its write may still be in progress.
        if self._writes:
            await asyncio.wait(tuple(self._writes))
        return self._offers[offer_id].problem if offer_id in self._offers else ""

    def _told(
        self, offer_id: OfferId, event: OfferEvent, source: OutcomeSource, *, accepted_length: int = 0
    ) -> asyncio.Task[str] | None:
        followed = self._offers.get(offer_id)
        if followed is None:
            return None
        step = followed.tracker.told(event, at=self._now(), source=source, accepted_length=accepted_length)
        return self._advance(followed, step)

    def _advance(self, followed: _Followed, step: tuple[OfferTracker, Outcome | None]) -> asyncio.Task[str] | None:
        """Take the tracker's decision, and write it if it is an outcome."""
        followed.tracker, outcome = step
        if outcome is not None and outcome.kind is OutcomeKind.ACCEPTED and followed.accepted is None:
            tracker = followed.tracker
            followed.accepted = AcceptedText.start(
                outcome.offer_id, tracker.text, before=tracker.before, after=tracker.after, at=outcome.at
            )
        self._await_silence(followed)
        if outcome is None:
            return None
        outcome = replace(outcome, tier=followed.label)
        if outcome.kind is OutcomeKind.REJECTED:
            self._rejected_at.append(outcome.at)
        return self._written(followed, outcome)

    def _written(self, followed: _Followed, outcome: Outcome | Survival) -> asyncio.Task[str]:
        write = asyncio.create_task(self._write(followed, outcome))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)
        return write

    def _await_silence(self, followed: _Followed) -> None:
        """Schedule the next check: when the offer counts as ignored, or when its survival is to be measured."""
        if followed.timer is not None:
            followed.timer.cancel()
        followed.timer = None
        if followed.tracker.expires_at is not None:
            delay = max(0.0, followed.tracker.expires_at - self._now())
            followed.timer = asyncio.get_running_loop().call_later(delay, self._expire, followed)
        elif followed.accepted is not None and followed.accepted.due_at is not None:
            delay = max(0.0, followed.accepted.due_at - self._now())
            followed.timer = asyncio.get_running_loop().call_later(delay, self._measure, followed)

    def _expire(self, followed: _Followed) -> None:
        self._advance(followed, followed.tracker.after_silence(at=self._now()))

    def _measure(self, followed: _Followed) -> None:
        """Write how much of an accepted text is left.

        The first time some of it is gone, also write that it was edited.
        """
        if followed.accepted is None:
            return
        at = self._now()
        followed.accepted, survival = followed.accepted.measured(at=at)
        if survival is not None:
            self._written(followed, survival)
            if survival.share < 1.0 and followed.tracker.life.state is OfferState.ACCEPTED:
                self._advance(followed, followed.tracker.told(OfferEvent.EDIT, at=at, source=OutcomeSource.INFERRED))
        self._await_silence(followed)

    async def _write(self, followed: _Followed, outcome: Outcome | Survival) -> str:
        """Write one outcome. Returns an error text, or an empty text."""
        problem = "there is no store"
        store = self._store()
        if store is not None:
            try:
                await store.record_outcome(outcome)
                problem = ""
            except StoreError as error:
                problem = str(error)
        logger.info(
            "offer=%s outcome=%s source=%s%s",
            outcome.offer_id,
            f"survived_{outcome.share:.2f}" if isinstance(outcome, Survival) else outcome.kind.value,
            "" if isinstance(outcome, Survival) else outcome.source.value,
            f" not written: {problem}" if problem else "",
        )
        followed.problem = problem
        return problem
