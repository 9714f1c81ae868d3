"""Which literals a buffer is about."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contexts import context_at

from plum_lsp.python.inputs import vocabulary
from plum_lsp.python.inputs.vocabulary import TEXT_MAX, WORDS_MAX, words_of
from plum_lsp.python.reading.sources import module_or_none

EMPTY = "def f(x):\n    ‸\n"


def words(kind: str, *, docstring: str = "", candidates: Iterable[str] = (), buffer: str = EMPTY) -> list[str]:
    return list(words_of(context_at(buffer), docstring, candidates)[kind])


def test_a_limit_shows_itself_on_both_sides() -> None:
    """Comparisons go wrong at their edge, so each integer comes with its neighbours."""
    assert words("int", docstring="At most 100.") == ["100", "101", "99"]


def test_numbers_are_read_as_people_write_them() -> None:
    """With thousands' commas and decimals; digits in names and versions are no numbers."""
    assert words("int", docstring="From 1,500 on.")[0] == "1500"
    assert words("float", docstring="A rate of 0.25.") == ["0.25"]
    assert words("int", docstring="Of x2 and y3z.") == []


def test_quoted_words_are_values() -> None:
    """In any quotes; code in backticks only if it is a word, and an apostrophe is no quote."""
    docstring = "Colours are 'red', \"dark blue\" or `green`; see `f(x)`. Don't use the user's."
    assert words("str", docstring=docstring) == ["'red'", "'dark blue'", "'green'"]


def test_what_is_said_comes_before_what_is_written() -> None:
    """First the docstring, then the candidates, then the rest of the buffer."""
    buffer = "LIMIT = 700\n\n" + EMPTY
    found = words("int", docstring="At most 100.", candidates=["return x > 40"], buffer=buffer)
    assert found == ["100", "101", "99", "40", "41", "39", "700", "701", "699"]


def test_what_most_candidates_name_comes_first() -> None:
    """A literal counts once for each candidate, however often it stands there."""
    candidates = ["return x + 10 + 10 + 10", "return x + 50", "return x - 50"]
    assert words("int", candidates=candidates)[:2] == ["50", "51"]


def test_candidates_are_read_wherever_they_begin() -> None:
    """With the indentation of the block, or of a block within it."""
    assert words("str", candidates=["    return 'a'\n", "if x:\n        return 'b'\n"]) == ["'a'", "'b'"]


def test_the_first_line_of_a_candidate_may_lack_its_indentation() -> None:
    """A candidate begins at the cursor: what stands before its first line is in the buffer already."""
    assert words("str", candidates=["y = 'a'\n    return y + 'b'\n"]) == ["'a'", "'b'"]


def test_tables_around_the_hole_are_read() -> None:
    """Keys and values above and below it; docstrings and the parts of f-strings are no values."""
    buffer = (
        'COLOURS = {"red": "#f00"}\n\ndef f(x):\n    """Some text."""\n    ‸\n\n'
        'def g(x):\n    return f"made of {x}" + "blue"\n'
    )
    assert words("str", buffer=buffer) == ["'red'", "'#f00'", "'blue'"]


def test_a_buffer_that_does_not_parse_is_read_as_far_as_it_goes() -> None:
    """A broken line below the hole does not hide what is above it."""
    assert words("str", buffer="NAME = 'ada'\n\n" + EMPTY + "\ndef g(:\n") == ["'ada'"]


def test_messages_and_flags_are_no_inputs() -> None:
    """Long texts, lines, the empty text, True and None are left out."""
    long = "a" * (TEXT_MAX + 1)
    candidates = [f"return [{long!r}, 'a\\nb', '', True, None]"]
    assert words_of(context_at(EMPTY), "", candidates) == {"int": (), "float": (), "str": ()}


def test_a_huge_number_is_no_input() -> None:
    """It would take a loop for ever."""
    assert words("int", candidates=["return 10 ** 20 + 100000000000000000000"])[-3:] == ["20", "21", "19"]


def test_broken_candidates_say_nothing() -> None:
    """They are passed over, and the others are read."""
    assert words("str", candidates=["return ('", "return 'a'"]) == ["'a'"]


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.integers() | st.text(max_size=8) | st.floats(), max_size=40))
def test_any_text_gives_few_distinct_literals(docstring: str, values: list[object]) -> None:
    """Never more of a type than asked for, each once, and always the same ones."""
    candidates = [f"return {value!r}" for value in values]
    found = words_of(context_at(EMPTY), docstring, candidates)
    assert found == words_of(context_at(EMPTY), docstring, candidates)
    for kind in ("int", "float", "str"):
        assert len(found[kind]) == len(set(found[kind])) <= WORDS_MAX


def test_the_code_around_a_hole_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request asks three times, each time with other candidates. A long file takes a while to read."""
    read: list[str] = []

    def counted(source: str) -> ast.Module | None:
        read.append(source)
        return module_or_none(source)

    monkeypatch.setattr(vocabulary, "module_or_none", counted)
    buffer = "ODD = 70707\n\n" + EMPTY
    assert "70707" in words("int", buffer=buffer)
    assert "70707" in words("int", buffer=buffer, candidates=["return 9"])
    assert len(read) == len(set(read))
