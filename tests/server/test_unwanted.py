"""What was just turned down or deleted does not come back: the texts that are remembered, and what brings one back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from support.bench import Bench
from support.editor import Editor

from plum_lsp.domain.suggestion import Trigger
from plum_lsp.domain.text import Document, Span
from plum_lsp.domain.unwanted import TurnedDown, Unwanted
from plum_lsp.server.unwanted import AT_ONCE_SECONDS, JUST_SECONDS, TEXTS_MAX, UnwantedTexts

URI = "file:///a.py"
AUTOMATIC, INVOKED = Trigger.AUTOMATIC, Trigger.INVOKED
ABOVE, BELOW = "def f(a):\n    ", "\n\nprint(f(1))\n"
REFUTED = TurnedDown(whole=ABOVE + "return a * b" + BELOW, fingerprint="ast:1", after=BELOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A candidate of its text alone."""

    text: str
    fingerprint: str = "other"


@dataclass
class Hands:
    """A document under somebody's hands, and the texts that are remembered of it."""

    text: str
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.texts = UnwantedTexts(lambda: self.seconds)

    def become(self, *texts: str) -> None:
        """Change the document in so many steps."""
        for text in texts:
            before, self.text = self.text, text
            self.texts.changed(Document(uri=URI, version=0, text=before), Document(uri=URI, version=1, text=text))

    def refuses(self, text: str, *, trigger: Trigger = AUTOMATIC, fingerprint: str = "other") -> bool:
        """Whether this text would not be offered at the `‸` of the document's text, or at its end."""
        document, _, after = self.text.partition("‸")
        unwanted = Unwanted(texts=self.texts.of(URI, trigger))
        made = Written(text=text, fingerprint=fingerprint)
        return bool(unwanted.among([made], document + after, Span(start=len(document), end=len(document))))


def cut(text: str, *, keep: int) -> list[str]:
    """The steps of a user who deletes the end of a text with single keys until so much is left."""
    return [text[:length] for length in range(len(text) - 1, keep - 1, -1)]


@pytest.mark.parametrize(
    ("typed", "rest"),
    [("", "return a * b"), ("ret", "urn a * b"), ("return a", " * b"), ("return a * ", "b")],
)
def test_a_refuted_text_is_refused_however_much_of_it_is_typed(typed: str, rest: str) -> None:
    """At each key it would be the same text of the document, whether the user asks or not."""
    hands = Hands(ABOVE + typed + "‸" + BELOW)
    hands.texts.refuted(URI, (REFUTED,))
    hands.seconds = 1e6
    assert hands.refuses(rest)
    assert hands.refuses(rest, trigger=INVOKED)
    assert hands.refuses("other layout", fingerprint="ast:1")
    assert not hands.refuses(rest + " + 1")


@pytest.mark.parametrize(
    "document",
    [f"x = 1\n{ABOVE}‸{BELOW}", f"{ABOVE}‸\n", f"{ABOVE}s‸{BELOW}", f"‸{ABOVE}{BELOW}"],
    ids=["above", "below", "typed other", "elsewhere"],
)
def test_at_another_place_it_is_not_refused(document: str) -> None:
    """The evidence and the user's judgement were about that text."""
    hands = Hands(document)
    hands.texts.refuted(URI, (REFUTED,))
    assert not hands.refuses("return a * b", fingerprint="ast:1")


def test_what_was_closed_may_come_back_later_or_when_asked_for() -> None:
    """To close an offer is no judgement. To reject one is, also for a user who asks."""
    hands = Hands(ABOVE + "‸" + BELOW)
    text = replace(REFUTED, whole=ABOVE + "return a" + BELOW)
    hands.texts.closed(URI, (text,))
    assert hands.refuses("return a")
    assert not hands.refuses("return a", trigger=INVOKED)
    hands.seconds = AT_ONCE_SECONDS
    assert not hands.refuses("return a")
    hands.texts.rejected(URI, (text,))
    assert hands.refuses("return a", trigger=INVOKED)
    hands.seconds += JUST_SECONDS
    assert not hands.refuses("return a", trigger=INVOKED)


DELETED = "x = 1\ny = x + 1"


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("is_at_once", [True, False], ids=["at once", "key by key"])
def test_deleted_text_is_not_brought_back(end: str, is_at_once: bool) -> None:
    """Neither by itself nor with more behind it. Other texts that share its first word may come."""
    whole = DELETED.replace("\n", end)
    hands = Hands(whole)
    hands.become(*([whole[:6]] if is_at_once else cut(whole, keep=6)))
    assert hands.text == "x = 1" + end[:1]
    hands.become("x = 1" + end)
    assert hands.refuses("y = x + 1")
    assert hands.refuses("y = x + 1\nz = y")
    assert not hands.refuses("y = x + 12")
    assert not hands.refuses("y = x")
    assert not hands.refuses("y = x + 1", trigger=INVOKED)
    hands.become(f"x = 1{end}y")
    assert hands.refuses(" = x + 1")
    hands.seconds = JUST_SECONDS
    assert not hands.refuses(" = x + 1")


def test_text_that_was_typed_over_is_not_brought_back() -> None:
    """A selection was replaced, and what replaced it was deleted again, or repeats its beginning."""
    hands = Hands("total = price * rate")
    hands.become("total = p")
    assert hands.refuses("rice * rate")
    hands.become("total = ")
    assert hands.refuses("price * rate")
    assert not hands.refuses("price * tax")


def test_a_deletion_below_the_cursor() -> None:
    """The keys that delete forwards leave the text above alone."""
    hands = Hands("f()\ng()\nh()\n")
    hands.become("f()\n()\nh()\n", "f()\n)\nh()\n", "f()\n\nh()\n")
    hands.text = "f()\n‸\nh()\n"
    assert hands.refuses("g()")
    assert not hands.refuses("k()")


def test_deleted_blanks_and_typing_are_no_texts() -> None:
    """An indentation that goes, and keys that only add, are remembered as nothing."""
    hands = Hands("x = 1\n    ")
    hands.become("x = 1\n", "x = 1\ny", "x = 1\ny ")
    assert hands.texts.of(URI, AUTOMATIC) == ()


def test_few_texts_are_kept_and_none_of_a_closed_document() -> None:
    """The last ones."""
    hands = Hands("0")
    for number in range(2 * TEXTS_MAX):
        hands.become(f"word{number}", "", f"{number}")
    assert len(hands.texts.of(URI, AUTOMATIC)) == TEXTS_MAX
    hands.texts.forget(URI)
    assert hands.texts.of(URI, AUTOMATIC) == ()


async def test_an_offer_that_is_typed_through_is_not_brought_back_after_a_deletion(bench: Bench) -> None:
    """Its rest begins with what was deleted, so the pipeline is asked, and told what is not wanted."""
    async with Editor.connected(bench.serve) as editor:
        assert await editor.suggest("def add(a, b):\n    ‸")
        await editor.type("return a")
        kept = await editor.suggest(automatic=True)
        assert kept is not None
        assert kept.text == " + b"
        cursor = editor.buffers[editor.uri].cursor
        await editor.replace(cursor - 1, cursor, "")
        await editor.suggest(automatic=True)
    assert len(bench.requests) == 2
    assert [text.whole[-1:] for text in bench.requests[1].unwanted.texts] == ["a"]


@pytest.mark.parametrize(("command", "is_for_all"), [("plum.close", False), ("plum.reject", True)])
async def test_the_pipeline_is_told_what_the_user_turned_down(bench: Bench, command: str, is_for_all: bool) -> None:
    """An automatic request at once, and only after a rejection one that the user makes."""
    async with Editor.connected(bench.serve) as editor:
        assert await editor.suggest("def add(a, b):\n    ‸")
        await editor.command(command)
        await editor.ask(automatic=True)
        await editor.ask()
    _, automatic, asked = (request.unwanted.texts for request in bench.requests)
    assert [text.whole for text in automatic] == ["def add(a, b):\n    return a + b"]
    assert bool(asked) is is_for_all
