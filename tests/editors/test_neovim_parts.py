"""What Neovim users have besides offers: health, help, commands, and options that are checked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from support.editing import PLUM_LSP, Desk, until
from support.neovim import Neovim
from support.stories import ADD, LOOP, OTHER, RIGHT, TOTAL, WRONG, knows_add, shown

pytestmark = [pytest.mark.slow, pytest.mark.editors]


NATIVE_ASKS_SECONDS = 0.5
"""Neovim 0.12 asks, and draws, 200 ms after a key."""


@pytest.fixture
def neovim(make_neovim: Callable[..., Desk]) -> Neovim:
    """Neovim 0.11 with a Python file open."""
    desk = make_neovim("neovim-0.11")
    knows_add(desk.policy)
    desk.editor.open(desk.write(ADD))
    assert isinstance(desk.editor, Neovim)
    return desk.editor


def test_health_names_the_server_and_what_is_amiss(neovim: Neovim) -> None:
    """`:checkhealth plum` asks the server's own doctor."""
    neovim.lua("vim.cmd('checkhealth plum')")
    until(lambda: "plum-lsp doctor" in neovim.content(), neovim.content)
    report = neovim.content()
    assert PLUM_LSP in report
    assert "engine: own" in report
    assert "runs for 1 buffer" in report


def test_help_and_commands_are_there(neovim: Neovim) -> None:
    """Each subcommand is completed and described in the help file."""
    names = neovim.lua("return table.concat(vim.fn.getcompletion('Plum ', 'cmdline'), ' ')").split()
    neovim.lua("vim.cmd('help plum')")
    help_text = neovim.content()
    assert len(names) >= 13
    assert [name for name in names if f":Plum {name}" not in help_text] == []


def test_the_model_is_fetched_from_within(neovim: Neovim) -> None:
    """The command runs in a terminal below, with the program that the client starts."""
    neovim.lua("vim.fn.jobstart = function(command) vim.g.ran = table.concat(command, ' ') end")
    neovim.command("fetch")
    assert neovim.lua("return vim.g.ran") == f"{PLUM_LSP} model fetch"


def test_the_status_is_told_in_full(neovim: Neovim) -> None:
    """The status line cuts a long message. `:Plum status` shows its end, where the cure stands."""
    message = (
        "the model tiny is not on this machine, " + "as the settings want. " * 3 + "Run: plum-lsp model fetch tiny"
    )
    shown = neovim.lua(
        f"local status, told = require('plum.status'), nil "
        f"status.take({{ busy = false, kind = 'Error', message = '{message}' }}) "
        "vim.notify = function(text) told = text end "
        "vim.cmd('Plum status') "
        "return status.text() .. vim.fn.nr2char(10) .. told"  # in one step, or the server's own status comes between
    )
    short, _, told = shown.partition("\n")
    assert short.endswith("…")
    assert message in told


@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_an_untrusted_project_takes_no_keys(name: str, make_neovim: Callable[..., Desk]) -> None:
    """The question is a hint, offers come all the same, and `:Plum trust` answers it, also where the path is long."""
    desk = make_neovim(name)
    knows_add(desk.policy)
    root = desk.write("[project]\nname = 'shop'\n", f"{'long-' * 30}name/pyproject.toml").parent
    neovim = desk.editor
    assert isinstance(neovim, Neovim)
    neovim.open(desk.write(ADD, f"{root.name}/module.py"))
    desk.wait_for_ghost(RIGHT)
    asked = "return table.concat(require('plum.status').messages, ' ')"
    until(lambda: "do you trust" in neovim.lua(asked), neovim.content)
    assert neovim.content() == ADD
    neovim.command("trust")
    until(lambda: "plum: trusted" in neovim.messages(), neovim.messages)
    assert str(root) in (desk.folder / "data" / "trusted-folders.json").read_text()


@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_the_label_stands_behind_what_is_left_of_the_offer(name: str, make_neovim: Callable[..., Desk]) -> None:
    """Also while the offer is typed out: the ghost text does not cover the label."""
    desk = make_neovim(name)
    knows_add(desk.policy)
    neovim = desk.editor
    assert isinstance(neovim, Neovim)
    neovim.open(desk.write(ADD))
    label = "✓ verified 1/1"
    until(lambda: label in neovim.terminal.text, lambda: neovim.terminal.text)
    for typed in ("return", " a"):
        neovim.type(typed)
        time.sleep(NATIVE_ASKS_SECONDS)
        desk.wait_for_ghost(RIGHT.partition(typed)[2].strip())
    behind = {rest.strip() for (rest,) in neovim.drawn(r"return a \+ b([^~]*)")}
    assert behind <= {"", label}


@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_a_computed_result_says_so(name: str, make_neovim: Callable[..., Desk]) -> None:
    """The label is no count of tests, because no test says that the result is right."""
    desk = make_neovim(name)
    neovim = desk.editor
    assert isinstance(neovim, Neovim)
    neovim.open(desk.write('def double(a):\n    """\n    >>> double(21)\n    """\n    return 2 * a\n'))
    neovim.type("\x1b3GA")
    neovim.press("trigger")
    until(lambda: "· computed" in neovim.terminal.text, lambda: neovim.terminal.text)
    assert "checked 1/1" not in neovim.terminal.text
    assert desk.policy.completions == []


@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_lines_that_have_no_room_are_counted(name: str, make_neovim: Callable[..., Desk]) -> None:
    """In the last line of a window, ghost text of several lines shows its first line and how many more there are."""
    desk = make_neovim(name)
    desk.policy.will_complete(f"{LOOP}\n")
    neovim = desk.editor
    assert isinstance(neovim, Neovim)
    neovim.open(desk.write("\n" * 40 + TOTAL))
    shown = r"result = 0 +✓ verified 1/1 +\+3 lines"
    until(lambda: re.search(shown, neovim.terminal.text), lambda: neovim.terminal.text)
    neovim.screenshot("no-room")
    neovim.type("\x1bzzA")
    neovim.press("trigger")
    until(
        lambda: "return result" in neovim.terminal.text and "+3 lines" not in neovim.terminal.text,
        lambda: neovim.terminal.text,
    )


@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_tab_accepts_or_does_what_it_did(name: str, make_neovim: Callable[..., Desk]) -> None:
    """Where no offer is drawn, <Tab> jumps in a snippet, as Neovim maps it, and else it indents."""
    desk = make_neovim(name, options={"tab": True})
    knows_add(desk.policy)
    neovim = desk.editor
    assert isinstance(neovim, Neovim)
    neovim.open(desk.write("\n"))
    neovim.lua("require('plum').setup(require('plum.config').options)")
    neovim.lua("vim.snippet.expand('add(${1:a}, ${2:b})')")
    until(lambda: neovim.mode() == "s", neovim.mode)
    neovim.type("1\t")
    until(lambda: "add(1" in neovim.content() and neovim.mode() == "s", neovim.content)
    neovim.type("2")
    until(lambda: "add(1, 2)" in neovim.content(), neovim.content)
    neovim.lua("vim.snippet.stop() vim.bo.expandtab = false vim.bo.softtabstop = 0")
    neovim.type("\t")
    until(lambda: "add(1, 2\t)" in neovim.content(), neovim.content)
    desk.number += 1
    neovim.open(desk.write(ADD))
    desk.wait_for_ghost(RIGHT)
    neovim.type("\t")
    until(lambda: neovim.content() == ADD + RIGHT, neovim.content)


def test_options_that_do_not_exist_are_errors(neovim: Neovim) -> None:
    """A misspelt option is named."""
    said = neovim.lua("return select(2, pcall(require('plum').setup, {engin = 'own'}))")
    assert "there is no option" in said
    assert "engin" in said


def test_no_key_is_taken(neovim: Neovim) -> None:
    """<Tab> is as it was, unless asked for."""
    assert "plum" not in neovim.lua("return vim.inspect(vim.fn.maparg('<Tab>', 'i', false, true))")


def test_a_restart_by_hand_is_no_death_and_sends_no_scratch_buffer(neovim: Neovim) -> None:
    """However long the old server takes to end; a preview or a diff view is nobody's document."""
    until(lambda: "verified" in neovim.status(), neovim.status)
    neovim.lua(
        "_G.told = {} vim.api.nvim_create_autocmd('User', {pattern = 'PlumStatus', callback = function(event)"
        " table.insert(_G.told, event.data.message) end})"
        " _G.scratch = vim.api.nvim_create_buf(true, true) vim.bo[_G.scratch].filetype = 'python'"
    )
    neovim.command("restart")
    told = "return table.concat(_G.told, ' | ')"
    # A server that is asked as soon as it is there may answer before it says that it is ready.
    until(lambda: re.search(r"restarting \|.*(ready|verified)", neovim.lua(told)), lambda: neovim.lua(told))
    neovim.lua("vim.wait(1500)")
    assert "died" not in neovim.lua(told)
    assert neovim.lua("return tostring(#vim.lsp.get_clients({bufnr = _G.scratch}))") == "0"


def test_an_answer_for_a_buffer_that_was_wiped_is_dropped(neovim: Neovim) -> None:
    """The native engine has it in hand before Neovim does."""
    got = neovim.lua(
        "local reply, got local rpc = require('plum.native').watched({request = function(_, _, callback)"
        " reply = callback return true, 1 end})"
        " local gone = vim.api.nvim_create_buf(true, false) vim.api.nvim_buf_set_name(gone, '/gone.py')"
        " vim.api.nvim_set_current_buf(gone)"
        " local document = {uri = vim.uri_from_bufnr(gone)}"
        " rpc.request('textDocument/inlineCompletion', {textDocument = document, context = {}}, function(_, result)"
        " got = #result.items end)"
        " vim.api.nvim_buf_delete(gone, {force = true}) reply(nil, {items = {{}}}) return tostring(got)"
    )
    assert got == "0"


def test_a_buffer_that_was_left_asks_nothing(neovim: Neovim) -> None:
    """Neovim 0.12 asks for it 200 ms after the last key there, at the place of the cursor in the next buffer."""
    seen = neovim.lua(
        "local asked, got = 0, nil local rpc = require('plum.native').watched({request = function()"
        " asked = asked + 1 return true, 1 end})"
        " local left = vim.api.nvim_create_buf(true, false) vim.api.nvim_buf_set_name(left, '/left.py')"
        " local document = {uri = vim.uri_from_bufnr(left)}"
        " rpc.request('textDocument/inlineCompletion', {textDocument = document, context = {}}, function(_, result)"
        " got = #result.items end)"
        " vim.wait(5000, function() return got ~= nil end) return asked .. ' asked, ' .. tostring(got) .. ' got'"
    )
    assert seen == "0 asked, 0 got"


@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_the_status_has_no_tick_where_nothing_is_offered(make_neovim: Callable[..., Desk], name: str) -> None:
    """It says why in words, and the evidence has no code either."""
    desk = make_neovim(name)
    desk.policy.will_complete(f"{WRONG}\n")
    desk.editor.open(desk.write(ADD))
    desk.wait_for_status("failed the tests")
    assert "✓" not in desk.editor.status()
    desk.editor.press("explain")
    until(lambda: "nothing offered" in desk.editor.evidence(), desk.editor.evidence)
    assert "all_failed" not in desk.editor.evidence()


@pytest.mark.parametrize("name", ["neovim-0.11", "neovim-0.12"])
def test_the_count_of_alternatives_is_drawn_once(make_neovim: Callable[..., Desk], name: str) -> None:
    """Neovim 0.12 draws it itself after another offer was selected."""
    desk = make_neovim(name)
    shown(desk)
    desk.policy.release()
    desk.read()
    desk.editor.press("next")
    desk.wait_for_ghost(OTHER)
    editor = desk.editor
    assert isinstance(editor, Neovim)
    editor.terminal.wait(lambda: "verified" in editor.terminal.text and "(2/2)" in editor.terminal.text, "the label")
    assert editor.terminal.text.count("(2/2)") == 1
