"""Offers that are shown before their group is complete, in the real editors.

The policy holds the rest of each group back until the early offer is on the screen.
"""

from __future__ import annotations

import pytest
from support.editing import Desk, RealEditor, until
from support.stories import ADD, shown

pytestmark = [pytest.mark.slow, pytest.mark.editors]

SUSPECT = "return a * b + 1"
OTHERS = ("return a + b", "return sum((a, b))", "return b + a", "return a - -b")
"""The suspect passes the example. The others pass it, too, and agree on every other input."""
TWICE = "def twice(n: int) -> int:\n    "
AGREEING = ("return n * 2", "return n + n", "return 2 * n")
LATE = ("return n << 1", "return sum((n, n))")


def test_an_offer_that_turns_out_wrong_is_replaced(desk: Desk, editor: RealEditor) -> None:
    """It is wiped without a key, a better one is asked for, and the store says that the server took it back."""
    desk.policy.will_complete(f"{SUSPECT}\n")
    for text in OTHERS:
        desk.policy.will_complete(f"{text}\n", is_held=True)
    editor.open(desk.write(ADD))
    desk.wait_for_ghost(SUSPECT)
    desk.policy.release()
    until(lambda: editor.ghost() in OTHERS, lambda: f"a better offer, there is {editor.ghost()!r}")
    better = editor.ghost()
    editor.press("accept")
    until(lambda: editor.content() == ADD + better, editor.content)
    first, second = desk.wait_for_fates("withdrawn", "accepted")
    assert (first.text, second.text) == (SUSPECT, better)


def test_the_evidence_of_an_offer_grows_in_place(desk: Desk, editor: RealEditor) -> None:
    """Three candidates are enough to show one. When two more agree, the status says so, and nothing is asked again."""
    shown(desk)  # server and sandbox have started: a request without tests has a limit of eight seconds
    desk.policy.release()
    editor.press("accept")
    desk.wait_for_fates("accepted")
    desk.policy.forget()
    desk.begin()
    for text in AGREEING:
        desk.policy.will_complete(f"{text}\n")
    for text in LATE:
        desk.policy.will_complete(f"{text}\n", is_held=True)
    editor.open(desk.write(TWICE))
    until(lambda: editor.ghost() in AGREEING, lambda: f"an offer, there is {editor.ghost()!r}")
    desk.wait_for_status("different")
    assert "5 different" not in editor.status()
    offered, asked = editor.ghost(), len(desk.policy.completions)
    desk.policy.release()
    desk.wait_for_status("5 different")
    assert editor.ghost() == offered
    editor.press("accept")
    until(lambda: editor.content() == TWICE + offered, editor.content)
    (fate,) = desk.wait_for_fates("accepted")
    assert fate.text == offered
    assert len(desk.policy.completions) == asked
