"""The reason in words where a request has no answer in time."""

from __future__ import annotations

from plum_lsp.suggestion.round.choosing import why_late


def test_slow_tests_are_not_blamed_on_the_model() -> None:
    """A text that has come and is not checked yet is another cause than a text that has not come."""
    assert why_late(8.0, has_arrived=True).startswith("What the model wrote was not checked in 8 s.")
    assert why_late(8.0, has_arrived=False).startswith("The model wrote no complete text in 8 s.")
    assert why_late(None, has_arrived=True) == "No candidate was complete and tested before the deadline."
