"""The kind of place decides how much is asked of the policy, and how long the answer may take."""

from __future__ import annotations

import pytest

from plum_lsp.domain.place import Place
from plum_lsp.domain.suggestion import RequestId, SamplingOptions, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.suggestion.plan import LONG, ROWS, SECONDS_MAX, SHORT, TESTING, TRIES, Reach, plan_of, reach_at

SAMPLING = SamplingOptions(temperatures=(0.2, 0.4, 0.6, 0.8, 1.0), top_p=0.95, max_tokens=320, seed=7)


def _request(trigger: Trigger) -> SuggestionRequest:
    document = Document(uri="file:///a.py", version=0, text="")
    return SuggestionRequest(id=RequestId("1"), document=document, offset=0, trigger=trigger, deadline=0.0)


TYPING, ASKING = _request(Trigger.AUTOMATIC), _request(Trigger.INVOKED)
GROUPS = {Place.BODY: (5, 5), Place.TEST: (2, 2)}
WHOLE = Reach(prefix=1200, suffix=300, neighbours=400)
TESTED = {Place.REST, Place.ARGUMENT, Place.LITERAL, Place.LINE, Place.BLOCK}


def test_every_place_has_a_row() -> None:
    """No kind of place is forgotten."""
    assert set(ROWS) == set(Place)


@pytest.mark.parametrize("place", Place)
def test_while_typing_a_group_is_sampled_only_where_it_can_say_something(place: Place) -> None:
    """A few where the tests of the function can tell them apart. Elsewhere one, and further tries of code."""
    tested, alone = GROUPS.get(place, (3 if place in TESTED else 1, 1))
    assert len(plan_of(place, TYPING, SAMPLING, has_tests=True).sampling.temperatures) == tested
    plan = plan_of(place, TYPING, SAMPLING, has_tests=False)
    tries = TRIES if alone == 1 and not place.is_prose else alone
    assert plan.sampling.temperatures == SAMPLING.temperatures[:tries]
    assert plan.is_alone == (alone == 1)
    assert plan.seconds_max == SECONDS_MAX


@pytest.mark.parametrize("place", sorted(set(Place) - set(GROUPS), key=lambda place: place.value))
def test_short_places_have_short_limits(place: Place) -> None:
    """One statement of few tokens, from a short prompt where the policy reads slowly."""
    assert plan_of(place, TYPING, SAMPLING, has_tests=True).seconds_max == SECONDS_MAX
    plan = plan_of(place, TYPING, SAMPLING, has_tests=False)
    assert plan.statements_max == 1
    assert plan.sampling.max_tokens <= 128
    assert reach_at(place, Trigger.AUTOMATIC, WHOLE) == SHORT
    small = Reach(prefix=100, suffix=0)
    assert reach_at(place, Trigger.AUTOMATIC, small) == small


def test_a_body_has_no_limit() -> None:
    """A whole function needs its length, and other files in its prompt. With tests it may take its time."""
    plan = plan_of(Place.BODY, TYPING, SAMPLING, has_tests=True)
    assert (plan.statements_max, plan.seconds_max) == (0, None)
    assert reach_at(Place.BODY, Trigger.AUTOMATIC, WHOLE) == LONG
    assert reach_at(Place.BODY, Trigger.AUTOMATIC, Reach(prefix=500, suffix=300)) == Reach(prefix=500, suffix=120)


def test_a_test_ends_after_an_assertion() -> None:
    """Its prompt shows the code that it is about."""
    plan = plan_of(Place.TEST, TYPING, SAMPLING, has_tests=False)
    assert (plan.statements_max, plan.seconds_max) == (1, SECONDS_MAX)
    assert reach_at(Place.TEST, Trigger.AUTOMATIC, WHOLE) == TESTING


@pytest.mark.parametrize("place", [place for place in Place if not place.is_prose])
def test_an_explicit_request_samples_the_group(place: Place) -> None:
    """A user who asks wants to see what there is, and waits longer for it."""
    plan = plan_of(place, ASKING, SAMPLING, has_tests=False)
    assert plan.sampling == SAMPLING
    assert (plan.statements_max, plan.seconds_max, plan.is_alone) == (0, None, False)
    assert plan.patience[0][0] > plan_of(place, TYPING, SAMPLING, has_tests=False).patience[0][0]
    assert reach_at(place, Trigger.INVOKED, WHOLE) == WHOLE


def test_somebody_who_asks_for_text_gets_the_time_for_it() -> None:
    """Text is a single line for them, too, but it has no bound of its own."""
    plan = plan_of(Place.COMMENT, ASKING, SAMPLING, has_tests=False)
    assert (len(plan.sampling.temperatures), plan.statements_max, plan.seconds_max) == (1, 1, None)


def test_a_group_is_waited_for_until_enough_of_it_stands() -> None:
    """With tests one that passes is enough. Without tests a few are compared at first, and later any is taken."""
    assert [least for _, least in plan_of(Place.BODY, TYPING, SAMPLING, has_tests=True).patience] == [1, 1]
    patience = plan_of(Place.BODY, TYPING, SAMPLING, has_tests=False).patience
    assert [least for _, least in patience] == [3, 1]
    assert all(seconds < SECONDS_MAX for seconds, _ in patience)
