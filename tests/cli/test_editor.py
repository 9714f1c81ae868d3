"""`plum-lsp editor`: the Neovim plug-in is installed without a clone, and nothing of the user's is lost."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from support.command_line import CommandLine

PLACE = ".local/share/nvim/site/pack/plum-lsp/start/plum"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def user(tmp_path: Path) -> CommandLine:
    """A user with an empty home and no editor on the PATH."""
    return CommandLine(folder=tmp_path, environ={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})


def test_the_plug_in_is_copied_whole(user: CommandLine) -> None:
    """With an index of its help page, and with the command of the server."""
    ran = user.here("editor", "install", "neovim")
    assert ran.code == 0
    assert 'return { tab = true, cmd = { "/' in (user.folder / PLACE / "lua/plum/installed.lua").read_text()
    source = ROOT / "editor-clients" / "neovim"
    for name in ("lua/plum/init.lua", "plugin/plum.lua", "doc/plum.txt"):
        assert (user.folder / PLACE / name).read_bytes() == (source / name).read_bytes()
    assert "plum-options\tplum.txt\t/*plum-options*\n" in (user.folder / PLACE / "doc/tags").read_text()


def test_it_can_be_run_again(user: CommandLine) -> None:
    """What Neovim writes there itself (the index) is no change of the user's, and files of an older version go."""
    user.here("editor", "install", "neovim")
    old = user.write(f"{PLACE}/lua/plum/old.lua", "return {}")
    receipt = user.folder / PLACE / ".plum-lsp.json"
    digest = hashlib.sha256(old.read_bytes()).hexdigest()
    receipt.write_text(json.dumps({**json.loads(receipt.read_text()), "lua/plum/old.lua": digest}))
    user.write(f"{PLACE}/doc/tags", "written by :helptags")
    assert user.here("editor", "install", "neovim").code == 0
    assert not old.exists()
    assert [path.name for path in (user.folder / PLACE).parent.iterdir()] == ["plum"]


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_file_of_the_users_is_not_lost_without_a_word(user: CommandLine, is_ours: bool) -> None:
    """It is named and asked for. Without an answer it stays, and with `--yes` it is replaced."""
    if is_ours:
        user.here("editor", "install", "neovim")
    mine = user.write(f"{PLACE}/plugin/plum.lua", "-- mine")
    ran = user.here("editor", "install", "neovim")
    assert (ran.code, mine.read_text()) == (1, "-- mine")
    assert "Replace " in ran.out
    assert user.here("editor", "install", "neovim", "--yes").code == 0
    assert mine.read_text() != "-- mine"


def test_a_link_to_a_checkout_is_asked_for(user: CommandLine) -> None:
    """And what it leads to is left alone."""
    checkout = user.write("checkout/plugin/plum.lua", "-- of a developer")
    place = user.folder / PLACE
    place.parent.mkdir(parents=True)
    place.symlink_to(user.folder / "checkout")
    assert user.here("editor", "install", "neovim").code == 1
    assert place.is_symlink()
    assert user.here("editor", "install", "neovim", "--yes").code == 0
    assert (place.is_symlink(), checkout.read_text()) == (False, "-- of a developer")


def test_nothing_is_done_if_it_is_only_printed(user: CommandLine) -> None:
    """The folder is named all the same."""
    ran = user.here("editor", "install", "neovim", "--print")
    assert (ran.code, PLACE in ran.out, (user.folder / ".local").exists()) == (0, True, False)


def test_a_machine_without_editors(user: CommandLine) -> None:
    """`list` says what was looked for."""
    assert "no Neovim" in user.here("editor", "list").said


@pytest.mark.slow
def test_the_settings_of_another_place_are_respected(user: CommandLine) -> None:
    """`XDG_DATA_HOME` and `NVIM_APPNAME` move Neovim's folders. A folder that takes no file is named with a cure."""
    moved = {"XDG_DATA_HOME": str(user.folder / "data"), "NVIM_APPNAME": "second"}
    assert user.run("editor", "install", "neovim", environ=moved).code == 0
    assert (user.folder / "data/second/site/pack/plum-lsp/start/plum/plugin/plum.lua").is_file()
    ran = user.run("editor", "install", "neovim", environ={"XDG_DATA_HOME": "/proc/nowhere"})
    assert (ran.code, "XDG_DATA_HOME" in ran.err) == (1, True)
