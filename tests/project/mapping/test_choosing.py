"""Which tests come first, by what the last run of the suite showed."""

from __future__ import annotations

import pytest

from plum_lsp.domain.verification import Passes, RunOutcome, TestCase
from plum_lsp.project.mapping.choosing import chosen
from plum_lsp.project.mapping.stored import MappedTest
from plum_lsp.python.specification.whole_tests import case_of, is_complete

PLACE = ("pkg/core.py", "Shop.total")
OTHERS = [("pkg/core.py", f"f{number}") for number in range(9)]


def ran(name: str, *, ms: float = 1.0, outcome: RunOutcome = RunOutcome.PASSED, others: int = 0) -> MappedTest:
    """A test that called the function and some others."""
    called = frozenset([PLACE, *OTHERS[:others]])
    return MappedTest(name=f"tests/test_a.py::{name}", wall_ms=ms, outcome=outcome, called=called)


def static(*names: str) -> list[TestCase]:
    """Tests that were found by names."""
    return [case_of(f"tests/test_a.py::{name}", "names total") for name in names]


def names(tests: tuple[TestCase, ...]) -> list[str]:
    """Their names in the file."""
    return [test.expectation.test.rpartition("::")[2] for test in tests if isinstance(test.expectation, Passes)]


def test_quick_and_telling_tests_come_first() -> None:
    """Then slower ones, then those of which nothing is known."""
    known = [ran("test_slow", ms=500), ran("test_broad", others=9), ran("test_narrow", ms=5)]
    found = chosen(static("test_new", "test_slow"), known, PLACE, is_complete=True, limit=9)
    assert names(found) == ["test_narrow", "test_broad", "test_slow", "test_new"]


def test_what_did_not_call_the_function_is_left_out() -> None:
    """Though its names say otherwise."""
    other = MappedTest(name="tests/test_a.py::test_b", wall_ms=1, outcome=RunOutcome.PASSED, called=frozenset(OTHERS))
    assert chosen(static("test_b"), [other], PLACE, is_complete=True, limit=9) == ()


@pytest.mark.parametrize(
    ("outcome", "is_whole", "is_kept"),
    [
        (RunOutcome.FAILED, True, False),
        (RunOutcome.FAILED, False, True),
        (RunOutcome.ERRORED, False, True),
        (RunOutcome.NOT_RUN, False, False),
        (RunOutcome.TIMED_OUT, False, False),
    ],
)
def test_a_test_that_fails_as_saved_is_no_evidence(outcome: RunOutcome, is_whole: bool, is_kept: bool) -> None:
    """Unless the saved function is not written yet."""
    found = chosen(static("test_b"), [ran("test_b", outcome=outcome)], PLACE, is_complete=is_whole, limit=9)
    assert bool(found) is is_kept


@pytest.mark.parametrize(
    ("body", "is_whole"),
    [
        ("return 1", True),
        ("pass", False),
        ("...", False),
        ('"""Says what it does."""', False),
        ('"""Says it."""\n        raise NotImplementedError("later")', False),
        ("raise ValueError", True),
    ],
)
def test_an_empty_body_is_not_complete(body: str, is_whole: bool) -> None:
    """Placeholders and docstrings are none."""
    assert is_complete(f"class Shop:\n    def total(self):\n        {body}\n", "Shop.total") is is_whole
    assert not is_complete("def total(self):\n    return 1\n", "Shop.total")


def test_a_method_is_not_the_function_of_its_name() -> None:
    """A qualified name says which of both is meant."""
    method = "class Shop:\n    def total(self):\n        pass\n"
    assert is_complete(f"def total():\n    return 1\n{method}", "total")
    assert not is_complete(method.replace("pass", "return 1"), "total")
