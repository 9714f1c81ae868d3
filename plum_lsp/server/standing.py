"""Remembers the last answer for each document, for as long as it fits the text, and takes what is learned of it later.

An editor that says `offerChanges` is told at once what the rest of a group says of an offer that was made early. Others
see it in the answer to the next request. The module sends no request and makes no decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from plum_lsp.domain.events import Revised
from plum_lsp.domain.suggestion import Abstention, Offer, RequestId, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document, Span
from plum_lsp.report.evidence import explanation
from plum_lsp.server.outcomes import OutcomeDesk
from plum_lsp.server.status import StatusBar, ended_status
from plum_lsp.server.unwanted import UnwantedTexts

CHANGED = "plum/didChangeOffer"
"""Tells an editor that says `offerChanges` that the label of an offer changed, or that the offer is withdrawn."""


def as_params(event: Revised) -> dict[str, object]:
    """The parameters of the notification. docs/protocol.md documents them."""
    kind = "label" if isinstance(event.result, Offer) else "withdrawn"
    explained = explanation(event.result)
    return {"offer": event.offer.id, "kind": kind, "again": event.has_better, "explanation": explained}


_LINE_END = re.compile(r"\r\n|\r")
"""An offer has plain line ends. The document has those of its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The offers, with earlier offers for this place first, and the snapshot they were made for.

    With `is_news`, a label has changed since the editor got it.
    """

    offers: tuple[Offer, ...]
    document: Document
    offset: int
    is_news: bool = False

    @property
    def offer(self) -> Offer:
        """The one offer for an editor that shows no alternatives."""
        return self.offers[0]


class StandingAnswers:
    """The last answer for each document. An answer no longer stands when its offer has an outcome."""

    def __init__(self, outcomes: OutcomeDesk) -> None:
        self._outcomes = outcomes
        self._answers: dict[str, Answer] = {}

    def keep(self, answer: Answer) -> None:
        """Remember the answer for its document."""
        self._answers[answer.document.uri] = answer

    def forget(self, uri: str) -> None:
        """Forget the answer for a document, if there is one."""
        self._answers.pop(uri, None)

    def of(self, uri: str) -> Answer | None:
        """The last answer for a document."""
        return self._answers.get(uri)

    def news(self, request: SuggestionRequest) -> Answer | None:
        """The answer for this very request, if a label in it has changed since it was given. It is told once."""
        answer = self.at(request.document, request.offset)
        if answer is None or not answer.is_news or _is_excluded(answer.offers[-1], request):
            return None
        self.keep(replace(answer, is_news=False))
        return answer

    def typed_into(self, request: SuggestionRequest) -> Answer | None:
        """The rest of an offer that still stands, if the user has typed its beginning."""
        standing = self._answers.get(request.document.uri)
        if (
            standing is None
            or request.trigger is Trigger.INVOKED
            or standing.document.version == request.document.version
        ):
            return None
        for offer in standing.offers:
            rest = typed_through(offer, standing.document, request.document, request.offset)
            if rest is None or not self._outcomes.stands(offer.id):
                continue
            if not _is_excluded(rest, request):
                return Answer(offers=(rest,), document=request.document, offset=request.offset)
        return None

    def at(self, document: Document, offset: int) -> Answer | None:
        """The answer for this very snapshot and place, if it still stands."""
        standing = self._answers.get(document.uri)
        if standing is None or (standing.document.version, standing.offset) != (document.version, offset):
            return None
        return standing if self._outcomes.stands(standing.offers[-1].id) else None


class Revisions:
    """The changes of offers on one connection."""

    def __init__(
        self,
        outcomes: OutcomeDesk,
        standing: StandingAnswers,
        unwanted: UnwantedTexts,
        status: StatusBar,
        tell: Callable[[Revised], None],
    ) -> None:
        self._outcomes = outcomes
        self._standing = standing
        self._unwanted = unwanted
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
        """Forget an offer. It is not made again at its place, also after the user typed some of it."""
        assert isinstance(event.result, Abstention), "a new label is not a withdrawal"
        uri = self._outcomes.uri_of(event.offer.id)
        self._standing.forget(uri)
        self._unwanted.refuted(uri, self._outcomes.with_alternatives(event.offer.id)[:1])
        if self.editor_hears:
            self._outcomes.withdrawn(event.offer.id)


def _is_excluded(offer: Offer, request: SuggestionRequest) -> bool:
    """Whether an offer, or a candidate that was seen, is not to be offered for this request."""
    return bool(request.unwanted.among([offer.chosen.candidate], request.document.text, offer.hole))


def typed_through(offer: Offer, asked: Document, now: Document, offset: int) -> Offer | None:
    """The rest of `offer`, made for `asked`, after the user typed its beginning. None if anything else changed.

    The offer keeps its id, so it still has one outcome.
    """
    start = offer.hole.start
    typed = _LINE_END.sub("\n", now.text[start:offset])
    is_same = now.text[:start] == asked.text[:start] and now.text[offset:] == asked.text[start:]
    if offset < start or not is_same or not offer.text.startswith(typed) or typed == offer.text:
        return None
    rest = replace(offer.chosen.candidate, text=offer.text[len(typed) :])
    hole = Span(start=offset, end=offset + offer.hole.end - start)
    return replace(offer, hole=hole, chosen=replace(offer.chosen, candidate=rest), alternatives=())
