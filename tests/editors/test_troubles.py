"""What goes wrong around an offer in the real editors, and what is seen of it."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from functools import partial

import pytest
from support.editing import Desk, RealEditor, servers, until
from support.stories import ADD, RIGHT, WRONG, knows_add, shown
from support.vscode import VSCode

pytestmark = [pytest.mark.slow, pytest.mark.editors]

KEYS_TYPED = 200
BURSTS_TO_AN_OFFER = 8
DIGITS = "123456789"


def _says(editor: RealEditor, part: str) -> bool:
    return part in re.sub(r"[│\s]+", " ", editor.evidence())


def test_the_evidence_is_seen(desk: Desk, editor: RealEditor) -> None:
    """The tests, where they come from, what the offered code gave, and the policy's version."""
    shown(desk)
    desk.wait_for_status("verified: passes 1 of 1 test")
    editor.press("explain")
    for part in ("✓ >>> add(1, 2) 3 gave 3 (doctest)", "version 0"):
        until(partial(_says, editor, part), lambda: f"the evidence, there is {editor.evidence()!r}")
    editor.screenshot("evidence")


def test_the_status_tells_what_goes_on(desk: Desk, editor: RealEditor) -> None:
    """It counts the candidates that were tested while the group is not complete, then says what came of it."""
    desk.policy.will_complete(f"{WRONG}\n")
    desk.policy.will_complete(f"{WRONG} - 1\n")
    desk.policy.will_complete(f"{RIGHT}\n", is_held=True)
    desk.policy.will_hang()
    desk.policy.will_hang()
    editor.open(desk.write(ADD))
    desk.wait_for_status("testing 2/5")
    editor.screenshot("testing")
    desk.policy.release()
    desk.wait_for_ghost(RIGHT)
    desk.wait_for_status("verified")


def test_a_server_that_was_killed_comes_back(desk: Desk, editor: RealEditor) -> None:
    """The editor goes on, a fresh server is started, and the next offer comes from it."""
    shown(desk)
    (before,) = servers(desk.folder)
    os.kill(before, signal.SIGKILL)
    until(lambda: set(servers(desk.folder)) - {before}, lambda: "a fresh server")
    _next_file_is_served(desk)
    editor.press("accept")
    until(lambda: [fate.kind for fate in desk.fates()[-1:]] == ["accepted"], lambda: f"{desk.fates()}")


def test_a_server_is_restarted_by_hand(desk: Desk, editor: RealEditor) -> None:
    """The command stops the one and starts another."""
    shown(desk)
    (before,) = servers(desk.folder)
    editor.command("restart")
    until(lambda: set(servers(desk.folder)) - {before}, lambda: "a fresh server")
    until(lambda: before not in servers(desk.folder), lambda: "the old server to end")
    _next_file_is_served(desk)


def test_the_last_request_is_shown_as_it_was_recorded(vscode: Desk) -> None:
    """In a terminal; the server runs on."""
    shown(vscode)
    editor = vscode.editor
    assert isinstance(editor, VSCode)
    (before,) = servers(vscode.folder)
    editor.command("report")
    until(lambda: "plum: explain" in editor.task() and editor.task().endswith("done"), editor.task)
    editor.screenshot("report")
    assert servers(vscode.folder) == [before]


def _next_file_is_served(desk: Desk) -> None:
    """Open another file and wait for its offer. The status may still be that of the server before."""
    desk.number += 1000
    desk.editor.open(desk.write(ADD))
    desk.wait_for_ghost(RIGHT)


def test_line_ends_stay_as_they_are(desk: Desk, editor: RealEditor) -> None:
    """In a file with CRLF an offer of several lines brings CRLF; characters beyond the BMP move nothing."""
    loop = "total = 0\n    for item in items:\n        total += item\n    return total"
    text = 'def total(items):\n    """😀 Sum up.\n\n    >>> total([1, 2])\n    3\n    """\n    '
    desk.policy.will_complete(f"{loop}\n")
    path = desk.write(text.replace("\n", "\r\n"))
    editor.open(path)
    until(lambda: "return total" in editor.ghost(), lambda: f"the ghost, there is {editor.ghost()!r}")
    editor.press("accept")
    until(lambda: editor.content() == text + loop, lambda: editor.content())
    editor.save()
    written = path.read_bytes()
    assert written.rstrip(b"\r\n") == (text + loop).replace("\n", "\r\n").encode()
    desk.wait_for_fates("accepted")


def test_an_offer_in_the_middle_of_a_line(desk: Desk, editor: RealEditor) -> None:
    """Positions count in the agreed units, also behind an emoji on the same line."""
    desk.policy.will_complete('str(number) + "!"\n')
    text = 'def label(number: int) -> str:\n    return "😀é" + '
    editor.open(desk.write(text))
    desk.wait_for_ghost('str(number) + "!"')
    editor.press("accept")
    until(lambda: editor.content() == f'{text}str(number) + "!"', lambda: editor.content())
    desk.wait_for_fates("accepted")


def _stands(editor: RealEditor, ghost: str) -> bool:
    """Whether this ghost text is on the screen, spaces and ends of screen lines aside."""
    return "".join(editor.ghost().split()) == ghost


def test_no_stale_reply_is_shown_to_a_fast_typist(desk: Desk, editor: RealEditor) -> None:
    """Two hundred keys with random pauses, some of them until an offer is drawn: each answers the text that stands."""
    source = random.Random(7)
    keys = "".join(source.choice(DIGITS) for _ in range(KEYS_TYPED))
    head = "number = "
    for count in range(1, KEYS_TYPED + 1):
        delay_s = source.choice((0.0, 0.05, 0.2))
        desk.policy.will_complete(f" + {1000 + count}\n", when=f"{head}{keys[:count]}", delay_s=delay_s)
    editor.open(desk.write(head))
    start = bursts = 0
    while start < KEYS_TYPED:
        burst = source.randint(1, 12)
        editor.type(keys[start : start + burst])
        start, bursts = min(start + burst, KEYS_TYPED), bursts + 1
        if bursts % BURSTS_TO_AN_OFFER == 0:
            until(partial(_stands, editor, f"+{1000 + start}"), editor.ghost)
        else:
            time.sleep(source.choice((0.0, 0.02, 0.1, 0.3, 0.45)))
    until(lambda: editor.content() == head + keys, editor.content)
    desk.wait_for_ghost(f"+ {1000 + KEYS_TYPED}")
    drawn = editor.drawn(r"number = (\d+) \+ 1(\d{3})")
    assert len(drawn) > 2
    assert [(typed, answered) for typed, answered in drawn if len(typed) != int(answered)] == []


def test_a_file_changed_under_the_editor(desk: Desk, editor: RealEditor) -> None:
    """Another program rewrites the file: the editor reads it again, and what is offered fits what stands there now."""
    knows_add(desk.policy)
    path = desk.write(ADD.replace("add", "plus"))
    editor.open(path)
    desk.wait_for_ghost(RIGHT)
    editor.press("escape")
    editor.save()
    changed = ADD.replace("(a, b)", "(c, d)")
    desk.policy.forget()
    desk.policy.will_complete("return c + d\n")
    path.write_text(changed)
    editor.reload()
    until(lambda: editor.content() == changed, lambda: editor.content())
    editor.open(path)
    desk.wait_for_ghost("return c + d")


def test_pausing_stops_offers_everywhere(desk: Desk, editor: RealEditor) -> None:
    """Nothing is sent to the policy while plum is paused, and offers come again afterwards."""
    knows_add(desk.policy)
    editor.open(desk.write(""))
    editor.command("pause_everywhere")
    desk.wait_for_status("paused")
    desk.number += 1000
    editor.open(desk.write(ADD))
    time.sleep(1.0)
    assert editor.ghost() == ""
    assert [one.prompt for one in desk.policy.completions if "def add" in one.prompt] == []
    editor.command("resume_everywhere")
    desk.wait_for_status("ready")
    desk.number += 1000
    editor.open(desk.write(ADD))
    desk.wait_for_ghost(RIGHT)


def test_a_policy_that_is_gone_is_an_error_in_the_status(desk: Desk, editor: RealEditor) -> None:
    """And no ghost text."""
    desk.policy.will_fail(500, "out of order")
    editor.open(desk.write(ADD))
    desk.wait_for_status("the policy server")
    assert editor.ghost() == ""
