"""Questions to a child without the candidate about the candidate's values: predicates, and values derived from them.

The module decides on decoded values. It runs no code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from plum_lsp.domain.verification import Call, Ending, Equals, Holds, Observation, Raises, TestCase, VerdictStatus
from plum_lsp.sandbox import literals, values
from plum_lsp.sandbox.conversation import Answer, Ask

_TRUTH = "(lambda _truth: _truth is not NotImplemented and bool(_truth))(({}\n))"
"""Asks a predicate. A comparison that neither side supports gives `NotImplemented`, which would count as true."""
_SEARCH = "__import__('re').search({!r}, _) is not None"


def about_predicates(tests: Sequence[TestCase], answers: Sequence[Answer]) -> dict[int, Ask]:
    """The questions whether predicates hold and whether the texts of exceptions match, by index of the test."""
    asks: dict[int, Ask] = {}
    for index, (test, answer) in enumerate(zip(tests, answers, strict=True)):
        expectation, raised = test.expectation, answer.observation.raised
        if isinstance(expectation, Holds) and can_be_asked_about(answer.observation):
            call = Call(expression=_TRUTH.format(expectation.predicate), setup=expectation.setup)
            asks[index] = Ask(call=call, value=(answer.observation.value,))
        elif isinstance(expectation, Raises) and expectation.pattern is not None and raised is not None:
            call = Call(expression=_SEARCH.format(expectation.pattern))
            asks[index] = Ask(call=call, value=(raised.message,))
    return asks


def about_derivations(tests: Sequence[TestCase], answers: Sequence[Answer]) -> dict[int, Ask]:
    """The questions that derive a value to compare from the value of a call, by index of the test."""
    asks: dict[int, Ask] = {}
    for index, (test, answer) in enumerate(zip(tests, answers, strict=True)):
        expectation = test.expectation
        is_derived = isinstance(expectation, Equals) and bool(expectation.derived)
        if isinstance(expectation, Equals) and is_derived and can_be_asked_about(answer.observation):
            call = Call(expression=expectation.derived, setup=expectation.setup)
            asks[index] = Ask(call=call, value=(answer.observation.value,))
    return asks


def with_derived(answers: Sequence[Answer], made: Mapping[int, Answer]) -> list[Answer]:
    """The answers, where derived values replace the original ones. The printed output stays."""
    found = list(answers)
    for place, one in made.items():
        printed = answers[place].observation.printed
        found[place] = replace(one, observation=replace(one.observation, printed=printed))
    return found


def can_be_asked_about(observation: Observation) -> bool:
    """Whether there is a value that can be rebuilt for a predicate."""
    try:
        values.encode(observation.value)
    except literals.UnknownLiteral:
        return False
    return observation.ending is Ending.RETURNED


def predicate_status(observation: Observation) -> VerdictStatus:
    """A true predicate passes. One that is false or raises fails. One that hangs gets the status for a time limit."""
    if observation.ending is Ending.RETURNED:
        return VerdictStatus.PASSED if observation.value is True else VerdictStatus.FAILED
    raised = observation.raised
    if raised is not None and observation.detail and raised.type_names[:1] == ("CannotRebuild",):
        return VerdictStatus.ERRORED
    if observation.ending is Ending.RAISED:
        return VerdictStatus.FAILED
    return VerdictStatus.TIMED_OUT if observation.ending is Ending.TIMED_OUT else VerdictStatus.ERRORED
