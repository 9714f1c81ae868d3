"""Promises read from words, names and annotations, and what breaks them."""

from __future__ import annotations

import pytest

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Call, Ending, Observation, Raised, Value
from plum_lsp.python.contracts.checks import breaches, violations
from plum_lsp.python.contracts.contract import Contract
from plum_lsp.python.contracts.finding import contracts_of
from plum_lsp.python.contracts.probes import probes_of
from plum_lsp.python.contracts.values import of_literal
from plum_lsp.python.contracts.words import ContractKind
from plum_lsp.python.reading.sources import expression_or_none
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import examples_of


def context_of(before: str) -> Context:
    """The context of a cursor at the end of `before`."""
    document = Document(uri="file:///t.py", version=0, text=before)
    context = read_context(document, len(before), prefix_tokens=4000, suffix_tokens=1000)
    assert context is not None
    return context


def function(docstring: str, header: str = "def solve(items):", above: str = "") -> Context:
    """The context of an unwritten function."""
    return context_of(f'{above}{header}\n    """{docstring}"""\n    ')


def value(source: str) -> Value:
    """The decoded value of a literal."""
    tree = expression_or_none(source)
    assert tree is not None
    return of_literal(tree)


def returned(source: str) -> Observation:
    """A call that returned the value of a literal."""
    return Observation(ending=Ending.RETURNED, value=value(source))


def raised(name: str) -> Observation:
    """A call that raised."""
    return Observation(ending=Ending.RAISED, raised=Raised(type_names=(name, "Exception"), message=""))


def only(context: Context, kind: ContractKind) -> Contract:
    """The one contract of this kind."""
    (found,) = [one for one in contracts_of(context) if one.kind is kind]
    return found


KEPT_AND_BROKEN = [
    ("Return a sorted list of the given numbers.", ContractKind.ASCENDING, "[3, 1]", "[1, 3]", "[3, 1]"),
    ("Sort the given list of numbers in descending order.", ContractKind.DESCENDING, "[1, 3]", "[3, 1]", "[1, 3]"),
    ("Sort the list.", ContractKind.PERMUTATION, "[3, 1, 1]", "[1, 1, 3]", "[1, 3]"),
    ("Return the number of vowels in the text.", ContractKind.NEVER_NEGATIVE, "'abc'", "1", "-1"),
    ("Return the unique items in order.", ContractKind.UNIQUE, "[1, 1, 2]", "[1, 2]", "[1, 1]"),
    ("Filter the items.\n\nReturns:\n    items that are even", ContractKind.SUBSET, "[1, 2]", "[2]", "[4]"),
    ("Return the largest element in the list.", ContractKind.EXTREME, "[1, 5, 2]", "5", "2"),
    ("Return the longest string in the list.", ContractKind.MEMBER, "['a', 'bc']", "'bc'", "'abc'"),
    ("Return a list of the same length as the input.", ContractKind.SAME_LENGTH, "[1, 2]", "[0, 0]", "[0]"),
    ("Do it.\n\n:return: bool", ContractKind.TYPE, "[1]", "True", "1"),
    ("Sum up. Return 0 for an empty list.", ContractKind.EMPTY_GIVES, "[]", "0", "None"),
]


@pytest.mark.parametrize(("docstring", "kind", "argument", "kept", "broken"), KEPT_AND_BROKEN)
def test_a_promise_in_words_is_kept_or_broken(
    docstring: str, kind: ContractKind, argument: str, kept: str, broken: str
) -> None:
    """One result that keeps it and one that breaks it, for each kind."""
    contract = only(function(docstring), kind)
    call = Call(expression=f"solve({argument})")
    assert violations(contract, call, returned(kept)) is False
    assert violations(contract, call, returned(broken)) is True


@pytest.mark.parametrize(
    "docstring",
    [
        "Return whether the list is sorted in ascending order.",
        "Sort the list by length.",
        "Given a sorted list of unique numbers, return what is missing.",
        "Return the largest element in the list, or -1 if there is none.",
        "Return the index of the number.",
        "Sort the words according to their last letter.",
        "Returns a list sorted, preconditions: no negative numbers.",
    ],
)
def test_words_that_hedge_or_speak_of_the_input_promise_nothing(docstring: str) -> None:
    """Silence is cheaper than a wrong promise."""
    kinds = {one.kind for one in contracts_of(function(docstring))}
    assert kinds <= {ContractKind.TYPE}


def test_an_annotation_is_a_contract() -> None:
    """Optional and nested types too; what cannot be told from data is not judged."""
    contract = only(function("Do.", "def solve(n: int) -> list[int] | None:"), ContractKind.TYPE)
    call = Call(expression="solve(1)")
    assert [violations(contract, call, returned(one)) for one in ("[1]", "None", "[]", "['a']", "(1,)")] == [
        *[False] * 3,
        *[True] * 2,
    ]
    protocol = only(function("Do.", "def solve(n: int) -> Walkable:"), ContractKind.TYPE)
    assert violations(protocol, call, returned("1")) is None


def test_an_exception_promised_for_a_condition_must_come() -> None:
    """And is asked for on such inputs only."""
    contract = only(function("Mean.\n\nRaises:\n    ValueError: if items is empty"), ContractKind.RAISES)
    empty, filled = Call(expression="solve([])"), Call(expression="solve([1])")
    assert violations(contract, empty, raised("ValueError")) is False
    assert violations(contract, empty, returned("0")) is True
    assert violations(contract, empty, raised("ZeroDivisionError")) is True
    assert violations(contract, filled, returned("1")) is None


def test_a_promise_that_an_example_contradicts_was_misread() -> None:
    """What a person shows outweighs what a pattern reads."""
    context = function("Return the sorted list of items.\n\n    >>> solve([1, 2])\n    [2, 1]\n    ")
    assert ContractKind.ASCENDING in {one.kind for one in contracts_of(context)}
    assert ContractKind.ASCENDING not in {one.kind for one in contracts_of(context, examples_of(context))}


def test_a_function_that_undoes_another_is_probed_with_both() -> None:
    """The probe shows what came out before and after going there and back."""
    above = "def encode_text(s):\n    return s[::-1]\n\n\n"
    contract = only(function("Undo.", "def decode_text(s):", above), ContractKind.INVERSE)
    (probe,) = probes_of([contract], [Call(expression="decode_text('ab')")])
    assert probe.expression == "[[_once, decode_text(encode_text(_once))] for _once in [decode_text('ab')]][0]"
    assert violations(contract, probe, returned("['ba', 'ba']")) is False
    assert violations(contract, probe, returned("['ba', 'ab']")) is True
    assert violations(contract, Call(expression="decode_text('ab')"), returned("'ba'")) is None


def test_arguments_that_must_not_change_are_looked_at() -> None:
    """The probe names them, so that what became of them can be seen."""
    contract = only(function("Return a sorted copy of the list."), ContractKind.UNCHANGED)
    (probe,) = probes_of([contract], [Call(expression="solve([2, 1])")])
    assert probe.setup == "_argument_0 = [2, 1]"
    assert violations(contract, probe, returned("[[[2, 1]], [[2, 1]]]")) is False
    assert violations(contract, probe, returned("[[[1, 2]], [[2, 1]]]")) is True


def test_an_input_on_which_all_break_a_contract_is_outside_of_it() -> None:
    """It is the reading that is wrong then, not every candidate."""
    contract = only(function("Return the number of holes."), ContractKind.NEVER_NEGATIVE)
    calls = [Call(expression="solve([1])"), Call(expression="solve([2])")]
    observed = {index: [returned("-1"), returned("-2" if index == 3 else "2")] for index in range(4)}
    assert breaches([contract], calls, observed) == {0: (), 1: (), 2: (), 3: ((contract, 1),)}


def test_huge_numbers_and_deep_values_are_judged_or_left_alone() -> None:
    """What a hostile candidate returns breaks nothing here."""
    contract = only(function("Return the number of holes."), ContractKind.NEVER_NEGATIVE)
    call = Call(expression="solve([1])")
    huge = Observation(ending=Ending.RETURNED, value=-(10**5000))
    assert violations(contract, call, huge) is True
    assert violations(contract, call, Observation(ending=Ending.RETURNED, value=float("nan"))) is None
    assert violations(contract, call, Observation(ending=Ending.CRASHED)) is None
