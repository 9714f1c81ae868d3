"""Whether a predicate can be asked about a value in a child without the candidate, and what its answer means."""

from __future__ import annotations

from plum_lsp.domain.verification import Ending, Observation, VerdictStatus
from plum_lsp.sandbox import literals, values


def can_be_asked_about(observation: Observation) -> bool:
    """Whether there is a value, and one that can be rebuilt for a predicate."""
    try:
        values.encode(observation.value)
    except literals.UnknownLiteral:
        return False
    return observation.ending is Ending.RETURNED


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
