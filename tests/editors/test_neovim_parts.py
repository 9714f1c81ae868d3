"""What Neovim users have besides offers: health, help, commands, and options that are checked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.editing import PLUM_LSP, Desk, until
from support.neovim import Neovim
from support.stories import ADD, knows_add

pytestmark = [pytest.mark.slow, pytest.mark.editors]


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
    neovim.lua("vim.cmd('helptags ' .. vim.api.nvim_get_runtime_file('doc/plum.txt', false)[1]:gsub('plum.txt$', ''))")
    names = neovim.lua("return table.concat(vim.fn.getcompletion('Plum ', 'cmdline'), ' ')").split()
    neovim.lua("vim.cmd('help plum')")
    help_text = neovim.content()
    assert len(names) >= 13
    assert [name for name in names if f":Plum {name}" not in help_text] == []


def test_options_that_do_not_exist_are_errors(neovim: Neovim) -> None:
    """A misspelt option is named."""
    said = neovim.lua("return select(2, pcall(require('plum').setup, {engin = 'own'}))")
    assert "there is no option" in said
    assert "engin" in said


def test_no_key_is_taken(neovim: Neovim) -> None:
    """<Tab> is as it was, unless asked for."""
    assert "plum" not in neovim.lua("return vim.inspect(vim.fn.maparg('<Tab>', 'i', false, true))")
