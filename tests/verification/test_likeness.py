"""Which texts are copies of one another, and how alike others are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.verification.likeness import form_of, grams_of, similarity

TEXT = "total = 0\nfor item in items:\n    total += item\nreturn total"


@pytest.mark.parametrize(
    "copy",
    [
        TEXT.replace("total", "result").replace("item ", "x ").replace("+= item", "+= x"),
        "".join(f"    {line}\n" for line in TEXT.splitlines()),
        TEXT.replace("= 0", "=  0  # nothing yet").replace("return", "\n\nreturn"),
        TEXT.replace("for item in items:\n    total", "for item in items: total"),
    ],
    ids=["names", "indentation", "comments and blank lines", "layout"],
)
def test_copies_have_one_form(copy: str) -> None:
    """Local names, indentation, comments and layout do not make another candidate."""
    assert form_of(copy) == form_of(TEXT)


@pytest.mark.parametrize(
    "other",
    [
        TEXT.replace("0", "1"),
        TEXT.replace("items", "others"),
        TEXT.replace("+=", "-="),
        TEXT.replace("return total", "return item"),
        "return sum(items)",
    ],
    ids=["constant", "parameter", "operator", "another of the names", "program"],
)
def test_different_programs_have_different_forms(other: str) -> None:
    """What is not bound in the candidate keeps its name."""
    assert form_of(other) != form_of(TEXT)


def test_names_of_comprehensions_are_local() -> None:
    """They are bound in the candidate like any other."""
    assert form_of("return [x * 2 for x in xs]") == form_of("return [y * 2 for y in xs]")
    assert form_of("return [x for y in xs for x in y]") != form_of("return [y for y in xs for x in y]")


@pytest.mark.parametrize("text", ["return (", "else:\n    return 1", ") + 1", "\x00", ""])
def test_what_is_no_statements_stays_as_it_is(text: str) -> None:
    """Candidates within a line are seldom whole statements."""
    assert form_of(text) == text


def test_the_first_line_may_lack_its_indentation() -> None:
    """A candidate begins at the cursor: what stands before its first line is in the buffer already."""
    body = "t = 0\n    for x in xs:\n        t += x\n    return t"
    assert form_of(body) == form_of(body.replace("t ", "s ").replace("return t", "return s"))


def test_parameters_of_a_lambda_are_local() -> None:
    """They are bound in the candidate like any other."""
    assert form_of("return max(xs, key=lambda x: x[1])") == form_of("return max(xs, key=lambda pair: pair[1])")


def test_a_slip_is_nearer_than_another_program() -> None:
    """One token exchanged leaves most pairs of neighbouring tokens as they were."""
    own, slip, other = (grams_of(form_of(text)) for text in (TEXT, TEXT.replace("0", "1"), "return sum(items)"))
    assert 1.0 > similarity(own, slip) > 0.8 > similarity(own, other) > 0.0


def test_repeated_tokens_count_as_often_as_they_stand() -> None:
    """Two texts of the same pairs in other numbers are not the same text."""
    assert similarity(grams_of("a a a a"), grams_of("a a")) < 1.0


@settings(deadline=None)
@given(st.text("ab1+ ()", max_size=12), st.text("ab1+ ()", max_size=12))
def test_similarity_is_mutual(left: str, right: str) -> None:
    """A share, the same from both sides, and whole for a text and itself."""
    one, other = grams_of(left), grams_of(right)
    assert 0.0 <= similarity(one, other) == similarity(other, one) <= 1.0
    assert similarity(one, one) == 1.0


@settings(deadline=None)
@given(st.lists(st.sampled_from(["x = 1", "y = x", "if x: return y", "return x + z", "z = x", "while y: x = y"])))
def test_a_form_has_itself_for_its_form(lines: list[str]) -> None:
    """Numbering names twice changes nothing more."""
    body = form_of("\n".join(lines) or "pass").split("\n", 1)[1]
    assert form_of(body).split("\n", 1)[1] == body
