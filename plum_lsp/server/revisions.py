"""Takes what the rest of a group says of an offer that was made early, and lets the editor know. It decides nothing.

An editor that says `offerChanges` is told at once. Others see it in the answer to the next request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from plum_lsp.domain.events import Revised
from plum_lsp.domain.suggestion import Abstention, Offer, RequestId
from plum_lsp.server.outcomes import OutcomeDesk
from plum_lsp.server.standing import StandingAnswers
from plum_lsp.server.status import StatusBar, ended_status


class Revisions:
    """The changes of offers on one connection."""

    def __init__(
        self, outcomes: OutcomeDesk, standing: StandingAnswers, status: StatusBar, tell: Callable[[Revised], None]
    ) -> None:
        self._outcomes = outcomes
        self._standing = standing
        self._status = status
        self._tell = tell
        self._unanswered: dict[RequestId, Revised | None] = {}
        self.editor_hears = False
        """Whether the editor is told of changes, and says when it has drawn them."""

    def expect(self, request_id: RequestId) -> None:
        """A request is being answered. A change of its offer waits for the answer."""
        self._unanswered[request_id] = None

    def latest(self, request_id: RequestId, result: Offer | Abstention | None) -> Offer | Abstention | None:
        """A request's result with the change that came before its answer. Later ones are no longer held back."""
        news = self._unanswered.pop(request_id, None)
        if news is None or result is None:
            return result
        self._status.show_idle(ended_status(news.result))
        return news.result

    def take(self, event: Revised, version: int | None) -> bool:
        """Take a change. Returns whether the offer still stands in the document, which is at `version`."""
        if event.request_id in self._unanswered:
            self._unanswered[event.request_id] = event
            return False
        answer = self._standing.of(self._outcomes.uri_of(event.offer.id))
        if answer is None or answer.document.version != version or not self._outcomes.is_open(event.offer.id):
            return False
        if all(offer.id != event.offer.id for offer in answer.offers):
            return False
        was_told = self._status.last == ended_status(event.offer)
        if isinstance(event.result, Offer):
            now = event.result
            self._outcomes.revised(now)
            offers = tuple(now if offer.id == now.id else offer for offer in answer.offers)
            self._standing.keep(replace(answer, offers=offers, is_news=not self.editor_hears))
        else:
            self._withdraw(event)
        if was_told:
            self._status.show_idle(ended_status(event.result))
        if self.editor_hears:
            self._tell(event)
        return True

    def _withdraw(self, event: Revised) -> None:
        """Forget an offer. It is not made again at its place as long as the text stays."""
        assert isinstance(event.result, Abstention), "a new label is not a withdrawal"
        self._standing.withdraw(self._outcomes.uri_of(event.offer.id), event.offer)
        if self.editor_hears:
            self._outcomes.withdrawn(event.offer.id)
