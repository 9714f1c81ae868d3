"""Folders, windows and buffers of other kinds, in the real editors."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

import pytest
from support.code_server import UNTRUSTING
from support.editing import Desk, until
from support.scripted_policy import ScriptedPolicy
from support.stories import ADD, RIGHT, knows_add
from support.vscode import VSCode, unfinished

from plum_lsp.config.folder import store_file

pytestmark = [pytest.mark.slow, pytest.mark.editors]


def test_two_windows_share_one_store(make_neovim: Callable[..., Desk]) -> None:
    """Each window has a server of its own; nothing that either of them does is lost."""
    first, second = make_neovim("neovim-0.11"), make_neovim("neovim-0.11")
    knows_add(first.policy)
    second.number = 1
    for desk in (first, second):
        desk.editor.open(desk.write(ADD))
        desk.wait_for_ghost(RIGHT)
    for desk in (first, second):
        desk.editor.press("accept")
    first.wait_for_fates("accepted", "accepted")


def test_a_project_may_pause_itself_and_no_other(make_neovim: Callable[..., Desk]) -> None:
    """Two folders in one window: in the one whose `.plum.toml` pauses nothing is asked, in the other all is well."""
    desk = make_neovim("neovim-0.11")
    knows_add(desk.policy)
    (desk.folder / "work" / "quiet").mkdir(parents=True)
    (desk.folder / "work" / "quiet" / ".plum.toml").write_text("[privacy]\npaused = true\n")
    for name in ("quiet", "loud"):
        (desk.folder / "work" / name).mkdir(exist_ok=True)
        (desk.folder / "work" / name / "pyproject.toml").touch()
    desk.editor.open(desk.write(ADD, "quiet/module.py"))
    desk.wait_for_status("paused")
    assert (desk.editor.ghost(), desk.policy.completions) == ("", [])
    desk.editor.open(desk.write(ADD, "loud/module.py"))
    desk.wait_for_ghost(RIGHT)


def test_a_project_cannot_choose_where_it_is_sent(make_neovim: Callable[..., Desk]) -> None:
    """A `.plum.toml` that names a policy server is told off and not obeyed."""
    desk = make_neovim("neovim-0.11")
    knows_add(desk.policy)
    with ScriptedPolicy() as stranger:
        desk.write(f'[policy]\nurl = "{stranger.url}"\n', ".plum.toml")
        desk.write("", "pyproject.toml")
        desk.editor.open(desk.write(ADD))
        desk.editor.press("newline")
        until(lambda: desk.policy.completions, lambda: "the user's own policy to be asked")
        assert stranger.requests == []


def test_an_unsaved_buffer_is_served(make_neovim: Callable[..., Desk]) -> None:
    """A buffer without a file gets offers like any other."""
    desk = make_neovim("neovim-0.11")
    knows_add(desk.policy)
    editor = desk.editor
    editor.lua("vim.cmd.enew() vim.bo.filetype = 'python'")  # type: ignore[attr-defined]
    text = json.dumps(ADD.split("\n"))
    editor.lua(f"vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.json.decode([==[{text}]==]))")  # type: ignore[attr-defined]
    editor.type("G$A")
    desk.wait_for_ghost(RIGHT)
    editor.press("accept")
    desk.wait_for_fates("accepted")


def test_nothing_is_started_in_a_workspace_that_is_not_trusted(make_vscode: Callable[..., Desk]) -> None:
    """No server, no store, no request; and the status says why. A workspace's settings choose no program either."""
    desk = make_vscode(settings=UNTRUSTING)
    knows_add(desk.policy)
    marker = desk.folder / "started"
    desk.write(json.dumps({"plum.server.command": ["/usr/bin/touch", str(marker)]}), ".vscode/settings.json")
    desk.editor.open(desk.write(ADD))
    desk.wait_for_status("not trusted")
    assert not marker.exists()
    assert not store_file(desk.folder / "data").exists()
    assert desk.policy.requests == []


def test_cells_of_a_notebook_are_served(vscode: Desk) -> None:
    """A cell is a document: ghost text stands in it, and accepting it is remembered."""
    knows_add(vscode.policy)
    source, last_key = unfinished(ADD)
    cell = {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {}, "outputs": [], "source": source}
    metadata = {"language_info": {"name": "python"}}
    notebook = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path = vscode.write(json.dumps(notebook), f"notebook{vscode.number}.ipynb")
    editor = vscode.editor
    assert isinstance(editor, VSCode)
    editor.open_notebook(path, last_key)
    vscode.wait_for_ghost(RIGHT)
    editor.screenshot("notebook")
    editor.press("accept")
    vscode.wait_for_fates("accepted")
    with sqlite3.connect(store_file(vscode.folder / "data")) as db:
        (uri,) = db.execute("SELECT document_uri FROM requests ORDER BY rowid DESC LIMIT 1").fetchone()
    assert str(uri).startswith("vscode-notebook-cell:")
