"""The editors that the stories are lived through in. One that is not to be had is said, never skipped in silence."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support import editor_parts
from support.editing import Desk, RealEditor, server_environment
from support.neovim import Neovim, neovim_command
from support.scripted_policy import ScriptedPolicy
from support.vscode import Host, VSCode

from plum_lsp.store import store_file

NEOVIMS = ("neovim-0.11", "neovim-0.12")
EDITORS = (*NEOVIMS, "vscode")

MakeDesk = Callable[..., Desk]


@pytest.fixture
def policy() -> Iterator[ScriptedPolicy]:
    """A policy that says what it is told."""
    with ScriptedPolicy() as policy:
        yield policy


@pytest.fixture
def make_neovim(policy: ScriptedPolicy, tmp_path: Path) -> Iterator[MakeDesk]:
    """Opens Neovim windows on one store."""
    with ExitStack() as opened:
        number = 0

        def make(name: str, **more: Any) -> Desk:
            nonlocal number
            number += 1
            command, env = neovim_command(name)
            folder = tmp_path / f"window{number}"
            folder.mkdir()
            env = {**server_environment(tmp_path, policy), **env}
            editor = Neovim(name, command, env, folder=folder, **more)
            opened.callback(editor.close)
            return Desk(editor=editor, policy=policy, folder=tmp_path)

        yield make


@pytest.fixture(scope="session")
def vscode_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One window of VS Code for the whole session: it takes ten seconds to open. Each test has a file of its own."""
    folder = tmp_path_factory.mktemp("vscode")
    (folder / "work").mkdir()
    with ScriptedPolicy() as policy:
        server_environment(folder, policy)
        host = Host(editor_parts.vscode(), folder)
        editor = VSCode(host)
        try:
            yield Desk(editor=editor, policy=policy, folder=folder)
        finally:
            editor.close()
            host.close()


@pytest.fixture
def vscode(vscode_desk: Desk) -> Iterator[Desk]:
    """The window, as if nothing had happened before."""
    desk = vscode_desk
    desk.policy.forget()
    desk.number += 1
    desk.earlier = 0
    desk.earlier = len(desk.fates()) if store_file(desk.folder / "data").exists() else 0
    yield desk
    desk.editor.press("close")


@pytest.fixture(params=EDITORS)
def desk(request: pytest.FixtureRequest) -> Desk:
    """Each editor in its turn."""
    if request.param == "vscode":
        window: Desk = request.getfixturevalue("vscode")
        return window
    make: MakeDesk = request.getfixturevalue("make_neovim")
    return make(request.param)


@pytest.fixture
def editor(desk: Desk) -> RealEditor:
    """The desk's editor."""
    return desk.editor


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A picture of the screen as it was when a story failed."""
    report = yield
    given = getattr(item, "funcargs", {})
    desk = given.get("desk") or given.get("vscode")
    if report.when == "call" and report.failed and desk is not None:
        report.sections.append(("picture", str(desk.editor.screenshot(f"failed-{item.name.partition('[')[0]}"))))
    return report
