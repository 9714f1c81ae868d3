"""From what the editor tells to what the store keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from support.bench import make_offer

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.learning import Outcome, OutcomeKind, OutcomeSource, Survival
from plum_lsp.domain.suggestion import OfferId, Tier
from plum_lsp.domain.text import Document, Span
from plum_lsp.server.outcomes import OFFERS_REMEMBERED_MAX, OutcomeDesk
from plum_lsp.store import Store

BEFORE = "def f():\n    "
DOCUMENT = Document(uri="file:///a.py", version=1, text=BEFORE)
OFFER = make_offer("return 1\n    # 😀", hole=Span(start=len(BEFORE), end=len(BEFORE)))


class Book:
    """A store that keeps outcomes in a list, or fails."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome | Survival] = []
        self.error: StoreError | None = None
        self.now = 1000.0

    async def record_outcome(self, outcome: Outcome | Survival) -> None:
        if self.error is not None:
            raise self.error
        self.outcomes.append(outcome)

    @property
    def kinds(self) -> list[tuple[OutcomeKind, OutcomeSource]]:
        return [(outcome.kind, outcome.source) for outcome in self.outcomes if isinstance(outcome, Outcome)]


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def desk(book: Book) -> OutcomeDesk:
    return OutcomeDesk(lambda: cast(Store, book), now=lambda: book.now)


def edited(text: str) -> Document:
    return Document(uri=DOCUMENT.uri, version=2, text=text)


async def test_a_command_is_written_before_it_is_answered(desk: OutcomeDesk, book: Book) -> None:
    """The outcome stands when the reply goes out."""
    desk.offered(OFFER, DOCUMENT)
    assert await desk.accepted(OFFER.id) == ""
    assert book.kinds == [(OutcomeKind.ACCEPTED, OutcomeSource.COMMAND)]
    await desk.finish()


async def test_the_edit_before_the_command_counts_once(desk: OutcomeDesk, book: Book) -> None:
    """Editors insert first and run the command after; both tell the same thing."""
    desk.offered(OFFER, DOCUMENT)
    desk.edited(edited(BEFORE + OFFER.text))
    assert await desk.accepted(OFFER.id) == ""
    assert book.kinds == [(OutcomeKind.ACCEPTED, OutcomeSource.INFERRED)]


async def test_what_could_not_be_written_is_told(desk: OutcomeDesk, book: Book) -> None:
    """Also if it was the edit that told first."""
    book.error = StoreError("the store is full")
    desk.offered(OFFER, DOCUMENT)
    desk.edited(edited(BEFORE + OFFER.text))
    assert await desk.accepted(OFFER.id) == "the store is full"


async def test_parts_are_counted_in_code_points(desk: OutcomeDesk, book: Book) -> None:
    """Of the offer's own text, whatever line ends were inserted."""
    desk.editor_tells_shown = True
    desk.offered(OFFER, Document(uri=DOCUMENT.uri, version=1, text="x = 1\r\n" + BEFORE))
    desk.shown(OFFER.id)
    desk.partly_accepted(OFFER.id, len("return 1\r\n    # "))
    await desk.finish()
    assert book.outcomes[0].accepted_length == len("return 1\n    # ")


async def test_an_offer_left_standing_is_ignored(desk: OutcomeDesk, book: Book) -> None:
    """After ten seconds of silence, by a timer."""
    desk.offered(OFFER, DOCUMENT)
    book.now += 10.0
    (followed,) = desk._offers.values()
    desk._expire(followed)
    await desk.finish()
    assert book.kinds == [(OutcomeKind.IGNORED, OutcomeSource.INFERRED)]


async def test_an_ignored_offer_may_still_be_taken(desk: OutcomeDesk, book: Book) -> None:
    """From a menu that stood open for long; no timer waits for it meanwhile, and one measures it afterwards."""
    desk.offered(OFFER, DOCUMENT)
    book.now += 25.0
    (followed,) = desk._offers.values()
    desk._expire(followed)
    assert followed.timer is None
    assert not desk.stands(OFFER.id)  # what was verified long ago is not offered again
    desk.edited(edited(BEFORE + OFFER.text))
    assert followed.timer is not None
    await desk.finish()
    assert [kind for kind, _ in book.kinds] == [OutcomeKind.IGNORED, OutcomeKind.ACCEPTED]


async def test_closing_ends_an_offer_without_a_judgement(desk: OutcomeDesk, book: Book) -> None:
    """A closed document says nothing about the offer."""
    desk.offered(OFFER, DOCUMENT)
    desk.closed(DOCUMENT.uri)
    await desk.finish()
    assert book.kinds == [(OutcomeKind.SUPERSEDED, OutcomeSource.INFERRED)]


async def test_dismissing_what_was_never_shown_is_refused(desk: OutcomeDesk) -> None:
    """An editor that reports what it shows cannot turn down what it did not."""
    desk.editor_tells_shown = True
    desk.offered(OFFER, DOCUMENT)
    assert "cannot be told" in await desk.rejected(OFFER.id)
    await desk.finish()


async def test_only_the_last_offers_are_remembered(desk: OutcomeDesk) -> None:
    """What is remembered is bounded, and a stranger's id is told so."""
    for number in range(OFFERS_REMEMBERED_MAX + 5):
        desk.offered(make_offer(offer_id=f"o{number}"), DOCUMENT)
    assert len(desk._offers) == OFFERS_REMEMBERED_MAX
    assert "no offer o0" in await desk.accepted(OfferId("o0"))
    await desk.finish()


async def test_what_survives_of_an_accepted_text_is_written(desk: OutcomeDesk, book: Book) -> None:
    """Half a minute after the acceptance; that it was edited is an outcome of its own, once."""
    desk.offered(OFFER, DOCUMENT)
    await desk.accepted(OFFER.id)
    desk.edited(edited(BEFORE + OFFER.text))
    desk.edited(edited(BEFORE + OFFER.text.replace("1", "2")))
    followed = desk._offers[OFFER.id]
    for seconds in (30.0, 120.0):
        book.now = 1000.0 + seconds
        desk._measure(followed)
    await desk.finish()
    kinds = [one.kind if isinstance(one, Outcome) else one.after_ms for one in book.outcomes]
    assert sorted(kinds, key=str) == [120_000, 30_000, OutcomeKind.ACCEPTED, OutcomeKind.EDITED]
    first, _ = (one for one in book.outcomes if not isinstance(one, Outcome))
    assert 0.9 < first.share < 1.0
    assert first.text == OFFER.text.replace("1", "2")


async def test_a_closed_document_is_not_measured(desk: OutcomeDesk, book: Book) -> None:
    """Nobody sees what becomes of the text."""
    desk.offered(OFFER, DOCUMENT)
    await desk.accepted(OFFER.id)
    desk.closed(DOCUMENT.uri)
    book.now = 2000.0
    desk._measure(desk._offers[OFFER.id])
    await desk.finish()
    assert len(book.outcomes) == 1


async def test_an_outcome_has_the_label_on_the_screen(desk: OutcomeDesk, book: Book) -> None:
    """New evidence alone changes nothing. The editor must have drawn the label, and only one that the offer had."""
    desk.offered(OFFER, DOCUMENT)
    desk.shown(OFFER.id)
    desk.revised(replace(OFFER, chosen=replace(OFFER.chosen, tier=Tier.CHECKED)))
    desk.labelled(OFFER.id, Tier.CONSISTENT)
    await desk.dismissed(OFFER.id)
    desk.labelled(OFFER.id, Tier.CHECKED)
    await desk.accepted(OFFER.id)
    assert [one.tier for one in book.outcomes if isinstance(one, Outcome)] == [Tier.VERIFIED, Tier.CHECKED]


async def test_a_withdrawn_offer_is_no_judgement_of_the_user(desk: OutcomeDesk, book: Book) -> None:
    """It counts neither as dismissed nor as ignored, however long it was read."""
    desk.offered(OFFER, DOCUMENT)
    desk.shown(OFFER.id)
    book.now += 5
    desk.withdrawn(OFFER.id)
    desk.edited(edited(BEFORE + "pass"))
    await desk.finish()
    assert book.kinds == [(OutcomeKind.WITHDRAWN, OutcomeSource.INFERRED)]
