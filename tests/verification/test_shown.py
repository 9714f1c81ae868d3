"""How a run that ended is told to people."""

from __future__ import annotations

import pytest

from plum_lsp.domain.verification import DID_NOT_LOAD, Ending, Observation, Raised
from plum_lsp.verification.judge import shown


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (
            Observation(ending=Ending.CRASHED, detail=f"{DID_NOT_LOAD}ModuleNotFoundError: No module named 'flask'"),
            "ModuleNotFoundError: No module named 'flask'",
        ),
        (Observation(ending=Ending.CRASHED, detail="died of SIGSEGV"), "crashed died of SIGSEGV"),
        (Observation(ending=Ending.RAISED, raised=Raised(type_names=("KeyError",), message="1")), "KeyError: 1"),
        (Observation(ending=Ending.TIMED_OUT, detail="ran longer than 1 s"), "timed out ran longer than 1 s"),
    ],
)
def test_the_true_reason_is_told(seen: Observation, text: str) -> None:
    """An error while the program loads, such as a module that is missing, is no crash."""
    assert shown(seen) == text
