"""Which inputs are made out of those that a person wrote."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.python.inputs.guesses import guessed_annotations
from plum_lsp.python.inputs.mutations import neighbours

LITERALS = st.recursive(
    st.integers() | st.text(max_size=6) | st.booleans() | st.none() | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3) | st.tuples(inner)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "source", ["7", "'abc'", "[3, 1, 2]", "(1, 'a')", "{1, 2}", "{'a': 1}", "2.5", "b'ab'", "True"]
)
def test_neighbours_are_new_and_of_the_same_type(source: str) -> None:
    """What a person wrote is not repeated, and its type stays."""
    value = ast.literal_eval(source)
    found = [ast.literal_eval(near) for near in neighbours(source) if near != "set()"]
    assert found
    assert value not in found
    assert {type(near) for near in found} == {type(value)}


def test_a_dictionary_gets_an_entry_with_another_value() -> None:
    """Two equal entries would not tell the largest from the smallest."""
    found = [ast.literal_eval(near) for near in neighbours("{'ab': 1}")]
    assert any(len(set(near.values())) == 2 for near in found)


def test_the_sign_and_the_alphabet_stay() -> None:
    """A function of natural numbers or of some letters is not asked about others."""
    assert all(int(near) >= 0 for near in neighbours("5"))
    assert all(float(near) <= 0 for near in neighbours("-5") if float(near) < 1)
    assert set("".join(neighbours("'ab'"))) <= set("'abAB")


@pytest.mark.parametrize("source", ["", "f(1)", "x", "[", "None", "''", "[]", "1 if"])
def test_what_has_no_neighbours(source: str) -> None:
    """Neither code nor what is empty."""
    assert neighbours(source) == []


@settings(max_examples=60, deadline=None)
@given(LITERALS)
def test_any_literal_gives_literals(value: object) -> None:
    """Always the same ones, each once."""
    found = neighbours(repr(value))
    assert found == neighbours(repr(value))
    assert len(found) == len(set(found))
    for near in found:
        assert near == "set()" or repr(ast.literal_eval(near)) == near


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("n", "", "int"),
        ("text", "", "str"),
        ("nums", "", "list[int]"),
        ("words", "", "list[str]"),
        ("thing", "thing (list of str): what to sort", "list[str]"),
        ("lst", "lst: a dictionary of counts", "dict[str, int]"),
        ("N", "@N integer", "int"),
        ("q", "Takes a string q.", "str"),
        ("zzz", "", "int"),
    ],
)
def test_names_and_words_tell_types(name: str, text: str, kind: str) -> None:
    """What the docstring says beside a name comes first, then the name itself, then everything else."""
    guesses = guessed_annotations(name, text)
    assert guesses[0] == kind
    assert len(guesses) == len(set(guesses))
    assert {"int", "str", "list[int]"} <= set(guesses)
