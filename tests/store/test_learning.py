"""What the trainer reads of its own history."""

from __future__ import annotations

import pytest

from plum_lsp.domain.errors import StoreError
from plum_lsp.store.learning import TrainingEvent

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
