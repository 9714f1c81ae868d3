"""How much of an accepted text is left after some editing, and where it stands by then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.domain.learning import Survival
from plum_lsp.domain.suggestion import OfferId
from plum_lsp.domain.text import Span
from plum_lsp.feedback.survival import MEASURED_AFTER_MS, AcceptedText, moved

BEFORE, TEXT, AFTER = "def add(a, b):\n    ", "return a + b", "\n\nprint(add(1, 2))\n"


def accepted() -> AcceptedText:
    """The text, accepted at 0.0."""
    return AcceptedText.start(OfferId("o"), TEXT, before=BEFORE, after=AFTER, at=0.0)


def measure(text: AcceptedText, at: float = 30.0) -> Survival:
    """The measurement that is due by then."""
    _, survival = text.measured(at=at)
    assert survival is not None
    return survival


def test_three_measurements_are_taken() -> None:
    """After half a minute, two and ten; none before its time, none twice."""
    text, taken = accepted(), []
    for at in (10.0, 30.0, 60.0, 120.0, 599.0, 600.0, 9_999.0):
        text, survival = text.measured(at=at)
        if survival is not None:
            taken.append(survival.after_ms)
    assert tuple(taken) == MEASURED_AFTER_MS
    assert text.due_at is None


def test_what_was_left_alone_survives_whole() -> None:
    """Edits elsewhere move it and change nothing."""
    text = accepted().after_change("import os\n" + BEFORE + TEXT + AFTER)
    text = text.after_change("import os\n" + BEFORE + TEXT + AFTER + "print(2)\n")
    assert measure(text).share == 1.0
    assert measure(text).text == TEXT


def test_a_correction_is_kept_with_its_share() -> None:
    """One letter of twelve was changed."""
    survival = measure(accepted().after_change(BEFORE + "return a * b" + AFTER))
    assert survival.share == pytest.approx(11 / 12)
    assert survival.text == "return a * b"


def test_what_was_taken_back_does_not_survive() -> None:
    """Undo."""
    assert measure(accepted().after_change(BEFORE + AFTER)).share == 0.0


@pytest.mark.parametrize(("seconds", "is_undone"), [(29.0, True), (30.0, False)])
def test_an_undo_is_one_for_half_a_minute(seconds: float, is_undone: bool) -> None:
    """Later it is an edit, which the first measurement sees. A text of which something stands is not undone."""
    undone = accepted().after_change(BEFORE + AFTER)
    assert undone.is_undone("", at=undone.accepted_at + seconds) is is_undone
    part = accepted().after_change(BEFORE + "return" + AFTER)
    assert not part.is_undone("", at=part.accepted_at)
    assert part.is_undone("return ", at=part.accepted_at)


@given(st.text("ab\n", max_size=30), st.text("ab\n", max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_a_span_stays_inside_its_document(old: str, new: str, one: int, other: int) -> None:
    """Whatever replaces whatever."""
    start, end = sorted((min(one, len(old)), min(other, len(old))))
    span = moved(Span(start=start, end=end), old, new)
    assert 0 <= span.start <= span.end <= len(new)


@given(st.text("abc", max_size=10), st.text("xyz", min_size=1, max_size=10), st.text("abc", max_size=10), st.text("ab"))
def test_text_before_and_after_does_not_matter(before: str, text: str, after: str, more: str) -> None:
    """What is put at either end of the document leaves the text as it was."""
    span = Span(start=len(before), end=len(before) + len(text))
    old = before + text + after
    for new in (more + old, old + more):
        found = moved(span, old, new)
        assert new[found.start : found.end] == text
