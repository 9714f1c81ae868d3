"""Orders the tests of a function by what is known of them from the last run of the suite. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plum_lsp.domain.verification import Passes, RunOutcome, TestCase
from plum_lsp.project.mapping.stored import MappedTest, Place
from plum_lsp.python.specification.whole_tests import case_of

MAPPED_MAX = 48
"""The most tests that are taken from the map. Those that follow from names alone come after them."""


def chosen(
    static: Sequence[TestCase], known: Iterable[MappedTest], place: Place, *, is_complete: bool, limit: int
) -> tuple[TestCase, ...]:
    """The tests of a function, quickest and most telling first, then unknown ones.

    A test tells most if it calls few other functions. A test that failed is left out if the saved function
    `is_complete`, because it is no evidence about a new body. Tests that did not call the function are left out.
    """
    by_name = {test.name: test for test in known}
    calling = sorted((test for test in by_name.values() if _calls(test, place)), key=_rank)
    usable = [test for test in calling if test.outcome is RunOutcome.PASSED or (_ran(test) and not is_complete)]
    mapped = [case_of(test.name, f"called it in the last run of the suite, {test.wall_ms:.0f} ms") for test in usable]
    unknown = [case for case in static if _name(case) not in by_name]
    return tuple([*mapped[:MAPPED_MAX], *unknown][:limit])


def _calls(test: MappedTest, place: Place) -> bool:
    """Whether a test called a function. Python before 3.11 tells names without their classes."""
    path, name = place
    return (path, name) in test.called or (path, name.rpartition(".")[2]) in test.called


def _ran(test: MappedTest) -> bool:
    return test.outcome in {RunOutcome.FAILED, RunOutcome.ERRORED}


def _rank(test: MappedTest) -> tuple[int, int, float, str]:
    """Steps of time first: under 20 ms a test is quick enough to be chosen by what it tells."""
    step = sum(test.wall_ms > limit for limit in (20, 100, 400))
    return step, len(test.called), test.wall_ms, test.name


def _name(case: TestCase) -> str:
    return case.expectation.test if isinstance(case.expectation, Passes) else ""
