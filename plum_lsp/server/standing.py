"""Remembers the last answer for each document, for as long as it fits the text. It asks for nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from plum_lsp.domain.suggestion import Offer, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.server.outcomes import OutcomeDesk
from plum_lsp.suggestion.typing_through import typed_through


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
        self._withdrawn: dict[str, tuple[tuple[int, int], frozenset[str]]] = {}

    def keep(self, answer: Answer) -> None:
        """Remember the answer for its document."""
        self._answers[answer.document.uri] = answer

    def forget(self, uri: str) -> None:
        """Forget the answer for a document, if there is one."""
        self._answers.pop(uri, None)

    def of(self, uri: str) -> Answer | None:
        """The last answer for a document."""
        return self._answers.get(uri)

    def withdraw(self, uri: str, offer: Offer) -> None:
        """Forget the answer, and remember that its offer is not to be made again at this place."""
        answer = self._answers.pop(uri)
        place = (answer.document.version, answer.offset)
        earlier = self.withdrawn_at(answer.document, answer.offset)
        self._withdrawn[uri] = (place, earlier | {offer.chosen.candidate.fingerprint})

    def withdrawn_at(self, document: Document, offset: int) -> frozenset[str]:
        """The fingerprints of the offers that were withdrawn for this very snapshot and place."""
        place, fingerprints = self._withdrawn.get(document.uri, ((-1, -1), frozenset()))
        return fingerprints if place == (document.version, offset) else frozenset()

    def news(self, request: SuggestionRequest) -> Answer | None:
        """The answer for this very request, if a label in it has changed since it was given. It is told once."""
        answer = self.at(request.document, request.offset)
        if answer is None or not answer.is_news:
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
            if rest is not None and self._outcomes.stands(offer.id):
                return Answer(offers=(rest,), document=request.document, offset=request.offset)
        return None

    def at(self, document: Document, offset: int) -> Answer | None:
        """The answer for this very snapshot and place, if it still stands."""
        standing = self._answers.get(document.uri)
        if standing is None or (standing.document.version, standing.offset) != (document.version, offset):
            return None
        return standing if self._outcomes.stands(standing.offers[-1].id) else None
