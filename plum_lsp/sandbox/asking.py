"""How a predicate or an expected value is asked for in a child without the candidate, and what its answers mean."""

from __future__ import annotations

from collections.abc import Sequence

from plum_lsp.domain.verification import Call, Ending, Observation, Value, VerdictStatus
from plum_lsp.sandbox import literals, values
from plum_lsp.sandbox.conversation import Answer, Ask


def with_and_without_setup(call: Call, value: tuple[Value] | None) -> list[Ask]:
    """The call as it is and, because a setup may need the candidate, without its setup."""
    bare = Call(expression=call.expression)
    return [Ask(call=each, value=value) for each in ([call, bare] if call.setup else [call])]


def can_be_asked_about(observation: Observation) -> bool:
    """Whether there is a value, and one that can be rebuilt for a predicate."""
    try:
        values.encode(observation.value)
    except literals.UnknownLiteral:
        return False
    return observation.ending is Ending.RETURNED


def first_returned(answers: Sequence[Answer]) -> Observation:
    """The first answer that is a value, else the first."""
    observations = [answer.observation for answer in answers]
    return next((seen for seen in observations if seen.ending is Ending.RETURNED), observations[0])


def predicate_status(observation: Observation) -> VerdictStatus:
    """A predicate that is true passes; one that is false or raises fails; one that hangs says so."""
    if observation.ending is Ending.RETURNED:
        return VerdictStatus.PASSED if observation.value is True else VerdictStatus.FAILED
    raised = observation.raised
    if raised is not None and observation.detail and raised.type_names[:1] == ("CannotRebuild",):
        return VerdictStatus.ERRORED
    if observation.ending is Ending.RAISED:
        return VerdictStatus.FAILED
    return VerdictStatus.TIMED_OUT if observation.ending is Ending.TIMED_OUT else VerdictStatus.ERRORED
