"""What the trainer reads of its own history."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from support.learning import fill, group

from plum_lsp.config.folder import store_file
from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.events import Synthesized
from plum_lsp.domain.verification import Call, Equals, Origin, Passes, TestCase, TestId
from plum_lsp.store import open_store
from plum_lsp.store.learning import TrainingEvent, open_learning

EVENT = TrainingEvent(
    id=1,
    round=3,
    step="decided",
    detail={"report": {"champion": {"diversity": 0.5}}},
    happened_at="",
)


def test_a_number_of_a_report_is_found_by_the_names_that_lead_to_it() -> None:
    """Reports are nested as the gate wrote them."""
    assert EVENT.number("report", "champion", "diversity") == 0.5


@pytest.mark.parametrize("names", [("version",), ("report", "challenger", "diversity"), ("report",)])
def test_a_number_that_a_report_lacks_is_named(names: tuple[str, ...]) -> None:
    """The error names the step, the round and the number."""
    with pytest.raises(StoreError, match=f"step 'decided' of training round 3 has no number '{'.'.join(names)}'"):
        EVENT.number(*names)


def test_requests_are_told_one_by_one(tmp_path: Path) -> None:
    """With what passed of what ran, and nothing from before the instant asked for."""
    fill(tmp_path, functions=3)
    fill(tmp_path, functions=2, version=1, is_poisoned=True)
    with open_learning(store_file(tmp_path)) as store:
        found = store.served(since="")
        assert store.served(since="2100-01-01") == ()
    assert sorted(one.policy_number for one in found) == [0, 0, 0, 1, 1]
    assert {(one.candidates_run, one.candidates_passing, one.first_token_ms) for one in found} == {(2, 1, 10.0)}
    assert {one.characters_offered for one in found} == {0}, "an offer that was not shown says nothing"


def test_project_tests_are_told_by_prompt(tmp_path: Path) -> None:
    """Without those that need their project or a value that is computed beside the candidate."""
    call = Call(expression="add0(1, 2)")
    test = TestCase(id=TestId("a"), call=call, expectation=Equals(expected="3"), origin=Origin.PROJECT, quote="q")
    whole = dataclasses.replace(test, id=TestId("b"), expectation=Passes(test="test_a.py::test_a"))
    given = dataclasses.replace(test, id=TestId("c"), call=Call(expression="add0(_)", given="[1]"))
    store = open_store(store_file(tmp_path))
    for event in group(0):
        is_synthesis = isinstance(event, Synthesized)
        store.record(dataclasses.replace(event, tests=(*event.tests, test, whole, given)) if is_synthesis else event)
    store.close()
    with open_learning(store_file(tmp_path)) as learning:
        assert list(learning.project_tests().values()) == [(test,)]
