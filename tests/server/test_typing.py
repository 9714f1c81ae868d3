"""No lag while typing: an offer that is typed out is kept, and questions in the middle of fast typing wait."""

from __future__ import annotations

import pytest
from support.group import judged

from plum_lsp.domain.suggestion import Offer, OfferId, RequestId, Tier
from plum_lsp.domain.text import Document, PositionEncoding, Span
from plum_lsp.server.standing import typed_through
from plum_lsp.suggestion.debounce import PAUSE_SECONDS_MAX, Debounce

BEFORE, AFTER = "def f(a):\n    ", "\n\nprint(f(1))\n"
TEXT = "return a + 1"


def document(typed: str, *, before: str = BEFORE, after: str = AFTER) -> Document:
    """The document once the user has typed something at the hole."""
    return Document(uri="file:///a.py", version=1, text=before + typed + after, encoding=PositionEncoding.UTF16)


def made() -> Offer:
    """The offer made for the empty hole."""
    hole = Span(start=len(BEFORE), end=len(BEFORE))
    chosen = judged(TEXT, tier=Tier.CHECKED)
    return Offer(id=OfferId("o"), request_id=RequestId("r"), hole=hole, chosen=chosen, alternatives=(), tests=())


@pytest.mark.parametrize("length", range(len(TEXT)))
def test_typed_beginning_leaves_the_rest(length: int) -> None:
    """At every key stroke the rest of the same offer stands at the cursor."""
    typed = TEXT[:length]
    kept = typed_through(made(), document(""), document(typed), len(BEFORE) + length)
    assert kept is not None
    assert (kept.id, kept.text) == ("o", TEXT[length:])
    assert kept.hole == Span(start=len(BEFORE) + length, end=len(BEFORE) + length)


@pytest.mark.parametrize(
    ("now", "offset"),
    [
        (document("return b"), len(BEFORE) + 8),
        (document(TEXT), len(BEFORE) + len(TEXT)),
        (document("ret", after="\n"), len(BEFORE) + 3),
        (document("ret", before="def g(a):\n    "), len(BEFORE) + 3),
        (document("ret"), len(BEFORE) + 2),
        (document("ret"), 0),
    ],
    ids=["other text", "all of it", "changed below", "changed above", "cursor moved back", "cursor elsewhere"],
)
def test_anything_else_asks_anew(now: Document, offset: int) -> None:
    """Whatever is not exactly the offer's beginning, typed at its place, ends it."""
    assert typed_through(made(), document(""), now, offset) is None


def test_first_and_slow_questions_never_wait() -> None:
    """Only a question that follows another closely may be withdrawn by the next key."""
    debounce = Debounce()
    debounce.latency_seconds = 5.0
    assert debounce.pause_seconds("a", 0.0) == 0.0
    assert debounce.pause_seconds("a", 1.0) == 0.0
    assert debounce.pause_seconds("b", 1.1) == 0.0


def test_fast_answers_need_no_pause() -> None:
    """Where answers come between two keys, waiting would be lag for nothing."""
    debounce = Debounce()
    for _ in range(50):
        debounce.answered(0.02)
    assert [debounce.pause_seconds("a", key / 8) for key in range(20)] == [0.0] * 20


def test_pause_follows_the_typing() -> None:
    """With slow answers the pause settles a little above this user's gap between keys, and is bounded."""
    debounce = Debounce()
    for _ in range(50):
        debounce.answered(2.0)
    fast = [debounce.pause_seconds("a", key * 0.08) for key in range(60)][-1]
    slow = [debounce.pause_seconds("b", key * 0.4) for key in range(60)][-1]
    assert 0.08 < fast < 0.12
    assert slow == PAUSE_SECONDS_MAX


BODIES = ("x = 1\nreturn x", "if a:\n    return 1\nreturn 2", "return a + 1\n", "\nreturn a", "for b in a:\n\tprint(b)")


@pytest.mark.parametrize("text", BODIES)
@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_the_line_ends_of_the_file_are_typed_through(text: str, end: str) -> None:
    """At every key stroke the rest stands, also where the user has typed line ends of the file's own kind."""
    before, after = BEFORE.replace("\n", end), AFTER.replace("\n", end)
    hole = Span(start=len(before), end=len(before))
    chosen = judged(text, tier=Tier.CHECKED)
    offer = Offer(id=OfferId("o"), request_id=RequestId("r"), hole=hole, chosen=chosen, alternatives=(), tests=())
    for length in range(len(text)):
        typed = text[:length].replace("\n", end)
        now = document(typed, before=before, after=after)
        kept = typed_through(offer, document("", before=before, after=after), now, len(before) + len(typed))
        assert kept is not None
        assert kept.text == text[length:]
        assert kept.hole.start == len(before) + len(typed)
