"""Tests that the policy writes: read without trust, and believed only where samples and candidates agree."""

from __future__ import annotations

import pytest

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Call, Ending, Equals, Observation, Origin, TestId, Value
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.sampled import (
    INPUTS_MAX,
    SampledPair,
    input_prompt,
    output_prompt,
    passed_by,
    read_inputs,
    read_outputs,
    screened,
    support_of,
)

ADD = 'import math\n\n\ndef add(a, b):\n    """Add."""\n    '


def context_of(before: str = ADD) -> Context:
    """The context of a cursor at the end."""
    document = Document(uri="file:///a.py", version=0, text=before)
    context = read_context(document, len(before), prefix_tokens=4000, suffix_tokens=1000)
    assert context is not None
    return context


def calls(*expressions: str) -> list[Call]:
    """Calls without setup."""
    return [Call(expression=expression) for expression in expressions]


def gave(*values: Value) -> list[Observation]:
    """Calls that returned."""
    return [Observation(ending=Ending.RETURNED, value=value) for value in values]


def pair(expression: str, expected: str, votes: int = 2, asked: int = 3) -> SampledPair:
    """What samples expect."""
    return SampledPair(call=Call(expression=expression), expected=expected, votes=votes, asked=asked)


def test_inputs_and_outputs_are_asked_for_apart() -> None:
    """The first prompt shows no result, the second lists the calls; both show the function and no body."""
    first, second = input_prompt(context_of()), output_prompt(context_of(), calls("add(1, 2)", "add(0, 0)"))
    assert first is not None
    assert first.text.endswith(
        '"""Add."""\n    ...\n\n# Calls of add with typical, extreme and unusual arguments:\n>>> add('
    )
    assert second is not None
    assert second.text.endswith("in this order:\n#   add(1, 2)\n#   add(0, 0)\n>>> add(1, 2)\n")
    assert output_prompt(context_of(), []) is None


def test_a_method_is_not_asked_about() -> None:
    """Nobody knows an object to call it on."""
    assert input_prompt(context_of("class A:\n    def f(self):\n        ")) is None


def test_inputs_are_read_from_whatever_the_policy_writes() -> None:
    """Sessions, lists, assertions, comments; the most frequent first, and nothing but literals."""
    first = "1, 2)\n3\n>>> add(0, 0)\n>>> add(x, 1)\n>>> sub(1, 2)\nassert add(-1, 5) == 4\n- add(7,8)  # more\n"
    second = "0, 0)\nadd(open('f'), 1)\nadd(__import__('os'), 1)\nadd('a', 'b'\nadd(1, 2)\n"
    found = [call.expression for call in read_inputs(context_of(), [first, second])]
    assert found[:2] == ["add(0, 0)", "add(1, 2)"] or found[:2] == ["add(1, 2)", "add(0, 0)"]
    assert set(found) == {"add(1, 2)", "add(0, 0)", "add(-1, 5)", "add(7, 8)", "add('a', 'b')"}


def test_a_babbling_policy_gives_a_bounded_number_of_inputs() -> None:
    """And none that are longer than any sensible one."""
    babble = (
        "1, 1)\n" + "\n".join(f"add({number}, 1)" for number in range(500)) + f"\nadd({'1' * 1000}, 1)\n" + "add(" * 50
    )
    assert len(read_inputs(context_of(), [babble])) == INPUTS_MAX


def test_outputs_are_what_most_samples_expect() -> None:
    """Each sample has one vote a call; prose, errors and names are no expectation."""
    asked = calls("add(1, 2)", "add(0, 0)", "add(5, 5)")
    samples = [
        "3\n>>> add(0, 0)\n0\n>>> add(5,5)\nten\n",
        "3\n>>> add(0, 0)\n1\n>>> add(0, 0)\n0\n",
        "4\n>>> add(0, 0)\nTraceback (most recent call last):\n",
    ]
    assert read_outputs(context_of(), asked, samples) == (
        pair("add(1, 2)", "3", votes=2, asked=3),
        pair("add(0, 0)", "0", votes=1, asked=2),
    )


def test_only_what_samples_and_candidates_agree_on_is_a_test() -> None:
    """One sample is no agreement, nor is a tie; a result that no candidate gives, or every one, tells nothing."""
    asked = calls("add(1, 2)", "add(0, 0)", "add(5, 5)", "add(6, 6)", "add(7, 7)")
    observed = {0: gave(3, 0, 10, 12, 14), 1: gave(4, 0, 11, 13, 15)}
    pairs = [
        pair("add(1, 2)", "3"),
        pair("add(0, 0)", "0"),
        pair("add(5, 5)", "99"),
        pair("add(6, 6)", "12", votes=1, asked=1),
        pair("add(7, 7)", "14", votes=2, asked=4),
        pair("add(8, 8)", "16"),
    ]
    (test,) = screened(pairs, asked, observed)
    assert (test.call.expression, test.expectation, test.origin) == ("add(1, 2)", Equals(expected="3"), Origin.SAMPLED)
    assert not test.origin.is_specification
    assert test.quote == "add(1, 2) == 3 (2 of 3 samples)"
    assert passed_by([test], asked, observed[0]) == {test.id}
    assert passed_by([test], asked, observed[1]) == set()


@pytest.mark.parametrize(
    ("passed", "support"),
    [
        ({0: "ab", 1: "ab", 2: "a"}, {0: 1.0, 1: 1.0, 2: pytest.approx(1 / (2 * 2**0.5))}),
        ({0: "", 1: ""}, {0: 0.0, 1: 0.0}),
        ({}, {}),
    ],
)
def test_support_grows_with_the_tests_passed_and_with_those_who_pass_the_same(
    passed: dict[int, str], support: dict[int, float]
) -> None:
    """After CodeT's dual agreement, scaled to the best of the group."""
    named = {index: frozenset(TestId(name) for name in names) for index, names in passed.items()}
    assert support_of(named) == support
