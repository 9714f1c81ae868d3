"""Which functions are given their lists in order, and values that keep to that."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.python.inputs.sortedness import in_order, is_given_in_order, is_in_order


@pytest.mark.parametrize(
    ("name", "docstring"),
    [
        ("find_in_sorted", ""),
        ("binary_search", ""),
        ("merge_sorted_lists", ""),
        ("f", "Find the first occurrence of x in a sorted array."),
        ("f", "Given two sorted lists, merge them."),
        ("f", "Takes an already sorted list of numbers."),
        ("f", "Insert x into the sorted sequence."),
    ],
)
def test_a_function_that_says_so_is_given_lists_in_order(name: str, docstring: str) -> None:
    """By its name or by its docstring, unless an example shows otherwise."""
    assert is_given_in_order(name, docstring, ["[1, 2, 2]", "3", "'ba'"])
    assert not is_given_in_order(name, docstring, ["[2, 1]"])


@pytest.mark.parametrize(
    ("name", "docstring"),
    [
        ("sort_numbers", "Return a sorted list."),
        ("is_sorted", "Whether the list is sorted."),
        ("f", "Returns the items in sorted order."),
        ("f", "Sort the list. The sorted list is returned."),
        ("merge_sort", "Returns a list of sorted array elements."),
        ("binary", "Given a list, return it sorted."),
    ],
)
def test_a_function_that_orders_its_list_is_not(name: str, docstring: str) -> None:
    """Of these, every candidate would pass that does nothing."""
    assert not is_given_in_order(name, docstring, [])


@given(st.lists(st.integers() | st.text(max_size=3), max_size=6))
def test_what_was_put_in_order_is_in_order(items: list[object]) -> None:
    """And holds the same items."""
    ordered = in_order(repr(items))
    assert is_in_order(ordered)
    assert sorted(ast.literal_eval(ordered), key=repr) == sorted(items, key=repr)


@pytest.mark.parametrize("source", ["3", "'ba'", "(2, 1)", "[2, 'a']", "[x, 1]", "f([2, 1])", "[", "{2: 1}"])
def test_what_is_no_list_stays_as_it_is(source: str) -> None:
    """Or cannot be ordered."""
    assert in_order(source) == source
    assert is_in_order(source)
