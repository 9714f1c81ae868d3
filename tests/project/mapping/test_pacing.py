"""When the background run of a suite may go on."""

from __future__ import annotations

from plum_lsp.project.mapping.pacing import BUDGET_SECONDS, QUIET_SECONDS, SHARE_MAX, WINDOW_SECONDS, Pacing


def test_it_waits_while_requests_are_served_and_some_time_after() -> None:
    """A request that comes meanwhile makes it wait again."""
    pace = Pacing()
    assert pace.wait_seconds(100.0, is_busy=False) == 0
    assert pace.wait_seconds(100.0, is_busy=True) > 0
    pace.requested(100.0)
    assert pace.wait_seconds(100.0 + QUIET_SECONDS / 2, is_busy=False) == QUIET_SECONDS / 2
    assert pace.wait_seconds(100.0 + QUIET_SECONDS, is_busy=False) == 0


def test_it_uses_a_share_of_a_core() -> None:
    """After a test it rests in proportion to the time that the test took."""
    pace, now, worked = Pacing(), 0.0, 0.0
    for _ in range(100):
        now += pace.wait_seconds(now, is_busy=False) + 0.5
        worked += 0.5
        pace.spent(now, 0.5)
    now += pace.wait_seconds(now, is_busy=False)
    assert worked / now <= SHARE_MAX + 1e-9


def test_it_ends_with_its_budget() -> None:
    """A later window has its own."""
    pace = Pacing()
    pace.spent(10.0, BUDGET_SECONDS - 1)
    assert not pace.is_over(10.0)
    pace.spent(20.0, 1.0)
    assert pace.is_over(20.0)
    pace.spent(20.0 + WINDOW_SECONDS, 1.0)
    assert not pace.is_over(20.0 + WINDOW_SECONDS)
