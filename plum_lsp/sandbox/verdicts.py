"""Verdicts on the tests of one program, from the answers of its child: the judge's verdict and a line for people.

Answers that are the same byte for byte are judged once, because most candidates of a group give the same answers. The
module runs no code.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from plum_lsp.domain.values import clean, show
from plum_lsp.domain.verification import (
    Ending,
    Equals,
    Expectation,
    Holds,
    Observation,
    Passes,
    TestCase,
    Value,
    Verdict,
    VerdictStatus,
)
from plum_lsp.sandbox import asking, judge, kinship, values
from plum_lsp.sandbox.conversation import Answer

_log = logging.getLogger(__name__)
_REMEMBERED_MAX = 512
"""Number of verdicts and literals that are kept."""


class _Beside(NamedTuple):
    """The answers of a child without the candidate about one test."""

    held: VerdictStatus
    known: frozenset[kinship.Chain]
    foreign: asking.Foreign


def verdicts(
    tests: Sequence[TestCase],
    answers: Sequence[Answer],
    expected: Sequence[Observation | None],
    held: Mapping[int, VerdictStatus],
    known: Mapping[int, frozenset[kinship.Chain]],
    foreign: Mapping[int, asking.Foreign] = MappingProxyType({}),
) -> tuple[Verdict, ...]:
    """One verdict for each test.

    By index of the test, `held` has the results of the predicates, `known` the exceptions, and `foreign` what the
    candidate's own value holds that is no data.
    """
    found = []
    for index, (test, answer, wanted) in enumerate(zip(tests, answers, expected, strict=True)):
        beside = _Beside(
            held.get(index, VerdictStatus.ERRORED), known.get(index, frozenset()), foreign.get(index, asking.KNOWN)
        )
        try:
            status, text = _remembered(test, answer, wanted, beside)
        except Exception as error:  # noqa: BLE001 (one candidate's odd value must not cost the others their verdicts)
            _log.error("a value could not be judged: %s", type(error).__name__)
            status, text = VerdictStatus.ERRORED, f"the value cannot be judged: {type(error).__name__}"
        found.append(Verdict(test_id=test.id, status=status, shown=text, wall_ms=answer.observation.wall_ms))
    return tuple(found)


@functools.lru_cache(maxsize=_REMEMBERED_MAX)
def literal(source: str) -> Observation | None:
    """The expected value, if it is a literal. None if it has to be evaluated."""
    try:
        return Observation(ending=Ending.RETURNED, value=values.literal(source))
    except values.NotLiteral:
        return None


_judgements: OrderedDict[object, tuple[VerdictStatus, str]] = OrderedDict()


def _remembered(
    test: TestCase, answer: Answer, wanted: Observation | None, beside: _Beside
) -> tuple[VerdictStatus, str]:
    """`_judged`, called once for equal answers if the test's text alone decides the expected value."""
    is_fixed = wanted is None or wanted is literal(getattr(test.expectation, "expected", ""))
    if not answer.frame or not is_fixed:
        return _judged(test, answer, wanted, beside)
    key = (test.expectation, answer.frame, beside)
    known = _judgements.get(key)
    if known is None:
        known = _judgements[key] = _judged(test, answer, wanted, beside)
        if len(_judgements) > _REMEMBERED_MAX:
            with contextlib.suppress(KeyError):  # Verdicts on large answers are computed in threads.
                _judgements.popitem(last=False)
    return known


def _judged(test: TestCase, answer: Answer, wanted: Observation | None, beside: _Beside) -> tuple[VerdictStatus, str]:
    """The verdict on one test, and a text of the observation."""
    seen = answer.observation
    if isinstance(test.expectation, Passes):
        return VerdictStatus.ERRORED, "such a test is run whole"
    if wanted is not None and wanted.ending is not Ending.RETURNED:
        return VerdictStatus.ERRORED, clean(f"the expected value cannot be evaluated: {describe(wanted)}")
    expected = None if wanted is None else wanted.value
    status = judge.status_of(
        test.expectation, seen, expected=expected, shown=answer.shown, held=beside.held, known=beside.known
    )
    text = describe(seen)
    if status is not VerdictStatus.PASSED and _is_undecided(test.expectation, beside.foreign, expected):
        return VerdictStatus.UNDECIDED, clean(f"{text}, which cannot be judged")
    if isinstance(test.expectation, Holds) and status is VerdictStatus.ERRORED and seen.ending is Ending.RETURNED:
        text = clean(f"the predicate cannot be asked about it: {text}")
    return status, text


def _is_undecided(expectation: Expectation, foreign: asking.Foreign, expected: Value) -> bool:
    """Whether a test that was not passed could be passed by a value of this class, as far as is known here.

    A value that is compared as it is does not decide if its class is new, or if both sides hide what they hold.
    """
    if isinstance(expectation, Holds) or (isinstance(expectation, Equals) and expectation.derived):
        return foreign.is_any
    if not isinstance(expectation, Equals):
        return False
    wanted = list(asking.objects_in(expected))
    hidden = {part.type_name for part in wanted if not part.items}
    return bool(foreign.classes - {part.type_name for part in wanted} or foreign.hidden & hidden)


def describe(observation: Observation) -> str:
    """The observation, in one bounded line for people."""
    if observation.ending is Ending.RETURNED:
        return show(observation.value)
    if observation.raised is not None:
        name = observation.raised.type_names[0] if observation.raised.type_names else "an exception"
        return clean(f"{name}: {observation.raised.message}")
    return clean(observation.detail)
