"""The life of an offer in the real editors: what the user does, sees, and finds in the store."""

from __future__ import annotations

import time
from functools import partial

import pytest
from support.editing import Desk, RealEditor, until
from support.stories import ADD, LOOP, OTHER, RIGHT, TOTAL, WRONG, shown

pytestmark = [pytest.mark.slow, pytest.mark.editors]


def _stands(editor: RealEditor, text: str) -> bool:
    return editor.content() == text


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_a_verified_offer_appears_and_is_accepted(desk: Desk, editor: RealEditor) -> None:
    """The candidate that passes is ghost text, one key inserts it, and the store knows that it was accepted."""
    shown(desk)
    desk.wait_for_status("verified")
    editor.screenshot("offer")
    editor.press("accept")
    until(lambda: editor.content() == ADD + RIGHT, lambda: f"the text, there is {editor.content()!r}")
    (fate,) = desk.wait_for_fates("accepted")
    assert fate.text == RIGHT


def test_a_wrong_candidate_is_never_shown(desk: Desk, editor: RealEditor) -> None:
    """However sure the policy is of it; and the status says why nothing is offered."""
    desk.policy.will_complete(f"{WRONG}\n", mean_logprob=-0.1)
    editor.open(desk.write(ADD))
    desk.wait_for_status("failed the tests")
    assert editor.ghost() == ""
    assert editor.seen_ghosts() == set()
    assert desk.fates() == []


def test_an_offer_is_accepted_in_part(desk: Desk, editor: RealEditor) -> None:
    """Word by word: the store keeps how much was taken, whatever becomes of the rest."""
    shown(desk)
    editor.press("accept_word")
    until(lambda: editor.content() == f"{ADD}return", lambda: editor.content())
    fates = [fate for fate in desk.wait_for_fates("partly_accepted") if fate.text == RIGHT]
    assert fates[0].accepted_length == len("return")
    editor.press("escape")
    time.sleep(0.3)
    assert [fate.kind for fate in desk.fates()] == ["partly_accepted"]


def test_alternatives_are_cycled_through(desk: Desk, editor: RealEditor) -> None:
    """The next offer takes the place of the first; taking it dismisses what was read and passed over."""
    shown(desk)
    desk.policy.release()
    desk.read()
    editor.press("next")
    desk.wait_for_ghost(OTHER)
    editor.press("previous")
    desk.wait_for_ghost(RIGHT)
    editor.press("next")
    desk.wait_for_ghost(OTHER)
    editor.press("accept")
    until(lambda: editor.content() == ADD + OTHER, lambda: editor.content())
    first, second = desk.wait_for_fates("dismissed", "accepted")
    assert (first.text, second.text) == (RIGHT, OTHER)


def test_escape_dismisses(desk: Desk, editor: RealEditor) -> None:
    """An offer that was read and sent away with Escape is dismissed, by the user's own word."""
    shown(desk)
    desk.read()
    editor.press("escape")
    (fate,) = desk.wait_for_fates("dismissed")
    assert fate.source == "command"
    until(lambda: editor.ghost() == "", lambda: f"no ghost, there is {editor.ghost()!r}")
    assert editor.content() == ADD


def test_an_offer_is_typed_through(desk: Desk, editor: RealEditor) -> None:
    """Typing what is offered keeps the offer, asks for no other, and is neither taking nor refusing it."""
    shown(desk)
    for part in ("return", "return a"):
        editor.type(part.removeprefix(editor.content().removeprefix(ADD)))
        until(partial(_stands, editor, ADD + part), editor.content)
        time.sleep(0.3)
    desk.wait_for_ghost("+ b")
    assert [one.prompt for one in desk.policy.completions if "return" in one.prompt] == []
    editor.type(" +")
    until(partial(_stands, editor, f"{ADD}return a +"), editor.content)
    time.sleep(0.5)
    editor.type(" b")
    (fate,) = desk.wait_for_fates("typed_through")[:1]
    assert (fate.text, fate.source) == (RIGHT, "inferred")


def test_an_offer_is_typed_away(desk: Desk, editor: RealEditor) -> None:
    """Typing something else wipes the offer at once and dismisses it."""
    shown(desk)
    desk.read()
    desk.policy.forget()
    editor.type("pass")
    until(lambda: [fate.kind for fate in desk.fates()[:1]] == ["dismissed"], lambda: f"{desk.fates()}")
    until(lambda: editor.ghost() == "", lambda: f"no ghost, there is {editor.ghost()!r}")
    assert desk.fates()[0].source == "inferred"


def test_an_offer_of_many_lines(desk: Desk, editor: RealEditor) -> None:
    """Every line of it is on the screen and comes into the buffer with its indentation."""
    desk.policy.will_complete(f"{LOOP}\n")
    editor.open(desk.write(TOTAL))
    expected = [line.strip() for line in LOOP.splitlines()]
    until(lambda: _lines(editor.ghost()) == expected, lambda: f"the ghost, there is {editor.ghost()!r}")
    editor.screenshot("many-lines")
    editor.press("accept")
    until(lambda: editor.content() == TOTAL + LOOP, lambda: editor.content())
    desk.wait_for_fates("accepted")


def test_nothing_is_asked_after_an_acceptance(desk: Desk, editor: RealEditor) -> None:
    """The editor asks again where the accepted text ends. Nothing is sampled for it, and the status is quiet."""
    shown(desk)
    editor.press("accept")
    until(lambda: editor.content() == ADD + RIGHT, editor.content)
    desk.wait_for_fates("accepted")
    desk.wait_for_status("ready")
    assert [one.prompt for one in desk.policy.completions if RIGHT in one.prompt] == []
