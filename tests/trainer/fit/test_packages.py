"""Which packages a fit needs."""

from __future__ import annotations

from plum_lsp.cli.doctor.learning import PACKAGES
from plum_trainer.fit.packages import NEEDED


def test_the_doctor_looks_for_what_a_fit_needs() -> None:
    """It does not import the trainer, so it has a list of its own."""
    assert PACKAGES == NEEDED
