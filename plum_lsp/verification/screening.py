"""Drops tests that cannot separate right from wrong candidates, and tells which failures the jail may have caused.

It works on verdicts that the caller obtained.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence

from plum_lsp.domain.suggestion import FunctionSymbol
from plum_lsp.domain.verification import (
    Call,
    Ending,
    Equals,
    Holds,
    Observation,
    Origin,
    Program,
    TestCase,
    Verdict,
    VerdictStatus,
    is_plain,
)
from plum_lsp.python.effects import EffectFound, may_hide_errors, undecidable
from plum_lsp.verification.whole import is_whole

_MISTAKES = frozenset(
    {"NameError", "UnboundLocalError", "TypeError", "IndexError", "KeyError", "ZeroDivisionError", "RecursionError"}
    | {"NotImplementedError", "UnicodeDecodeError", "UnicodeEncodeError"}
)
"""Exceptions that no missing part of the world causes."""
_JUDGEMENTS = frozenset({"AssertionError", "Failed"})
"""What a test raises that gets another result than it expects."""
_UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined")


def telling(
    tests: Sequence[TestCase], reference_verdicts: Sequence[Verdict], function: FunctionSymbol | None = None
) -> tuple[TestCase, ...]:
    """The tests that count as specification, in order.

    `reference_verdicts` are the verdicts on the program without a candidate. A test that it passes already is vacuous.
    An assertion of the project that uses a name which only its own file has was split wrongly. No example can call
    `function` if the file does not define it here (`is_absent`).
    """
    paired = zip(tests, reference_verdicts, strict=True)
    own = _defined_name(function) if function is not None else ""
    return tuple(
        test
        for test, verdict in paired
        if test.origin.is_specification and not verdict.is_pass and not _lacks_a_name(test, verdict, own)
    )


def is_literal(test: TestCase) -> bool:
    """Whether the test can be judged without running the program for its expected value."""
    if test.call.given:
        return False
    if not isinstance(test.expectation, Equals):
        return test.origin.is_specification and not isinstance(test.expectation, Holds)
    try:
        ast.literal_eval(test.expectation.expected)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return test.origin.is_specification


def _lacks_a_name(test: TestCase, verdict: Verdict, own: str) -> bool:
    """Whether a test ended because its text uses a name that is not there: `own`, or any one in a project's test."""
    found = _UNDEFINED.match(verdict.shown) if verdict.status is VerdictStatus.ERRORED else None
    if found is None or (test.origin is not Origin.PROJECT and found[1] != own):
        return False
    return re.search(rf"\b{found[1]}\b", f"{test.call.setup}\n{test.call.expression}") is not None


def beside_calls(test: TestCase) -> tuple[Call, ...]:
    """The calls that must work without a candidate so that the test can be judged. Often there are none."""
    expectation, calls = test.expectation, list[Call]()
    if test.call.given:
        calls.append(Call(expression=test.call.given, setup=test.call.given_setup))
    if isinstance(expectation, Equals):
        calls.append(Call(expression=expectation.expected, setup="" if expectation.derived else expectation.setup))
    elif isinstance(expectation, Holds) and expectation.setup and not re.search(r"\b_\b", expectation.setup):
        calls.append(Call(expression="None", setup=expectation.setup))
    return tuple(calls)


def judgeable(tests: Sequence[TestCase], seen: Sequence[Observation]) -> tuple[TestCase, ...]:
    """The tests whose expected values could be computed, without misread prose. `seen` follows the calls."""
    rest = iter(seen)
    kept = []
    for test in tests:
        found = [next(rest) for _ in beside_calls(test)]
        is_sent = not test.call.given or is_plain(found[0].value)
        if is_sent and all(each.ending is Ending.RETURNED for each in found):
            kept.append(test)
    return tuple(kept)


def out_of_reach_of(
    effects: Collection[EffectFound],
    program: Program,
    failed: Sequence[tuple[TestCase, Verdict]],
    names: Sequence[str],
) -> str:
    """Why the failures may all come from what is missing in the jail. Empty if one of them has another cause.

    A missing network raises an error of its own. Another result shows it only if a function that is reached from
    `names` may hide that error.
    """
    missing = undecidable(effects) if failed else ""
    if not missing:
        return ""
    hides = may_hide_errors(program, *names)
    return missing if all(_may_be_missing(*one, hides=hides) for one in failed) else ""


def _may_be_missing(test: TestCase, verdict: Verdict, *, hides: bool) -> bool:
    """Whether a test may have failed because a part of the world is missing."""
    if verdict.status is VerdictStatus.TIMED_OUT:
        return True
    is_raised = verdict.status is VerdictStatus.ERRORED or is_whole(test)
    name = verdict.shown.partition(":")[0].rpartition(".")[2]
    return name not in _MISTAKES if is_raised and name not in _JUDGEMENTS else hides


def is_absent(function: FunctionSymbol | None, seen: Sequence[Observation]) -> bool:
    """Whether the file does not define the function here, as in a branch for another system or a missing package.

    Every call of it then raises a NameError about its own name or its class's. No candidate is to blame.
    """
    if function is None or not seen:
        return False
    name = _defined_name(function)
    raised = [one.raised for one in seen]
    return all(
        one and "NameError" in one.type_names and one.message == f"name {name!r} is not defined" for one in raised
    )


def _defined_name(function: FunctionSymbol) -> str:
    """The name that the file defines so that the function can be called: its own, or that of its outermost class."""
    return (function.class_name or function.name).partition(".")[0]
