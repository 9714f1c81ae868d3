"""The editors that the stories are lived through in. One that is not to be had is said, never skipped in silence."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.code_server import UNTRUSTING
from support.editing import Desk, RealEditor, server_environment
from support.neovim import Neovim, neovim_command
from support.scripted_policy import ScriptedPolicy
from support.shared_vscode import SharedVSCode, open_vscode

NEOVIMS = ("neovim-0.11", "neovim-0.12")
EDITORS = (*NEOVIMS, "vscode")

HAS_FAILED = pytest.StashKey[bool]()

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


@pytest.fixture
def make_vscode(policy: ScriptedPolicy, tmp_path: Path) -> Iterator[MakeDesk]:
    """Opens VS Code for one story, with what is special about it; ends it with the story."""
    with ExitStack() as opened:
        yield lambda **more: open_vscode(opened, policy, tmp_path, **more)


@pytest.fixture(scope="session")
def shared_vscode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedVSCode]:
    """VS Code for the stories that need nothing special."""
    shared = SharedVSCode(lambda: tmp_path_factory.mktemp("vscode"))
    yield shared
    shared.end()


@pytest.fixture
def vscode(request: pytest.FixtureRequest, shared_vscode: SharedVSCode) -> Iterator[Desk]:
    """A window, as if nothing had happened before. One that a story broke is not used again."""
    yield shared_vscode.desk()
    left = "the story failed" if request.node.stash.get(HAS_FAILED, False) else shared_vscode.tidy()
    if left:
        request.node.add_report_section("teardown", "window", f"VS Code is opened anew for the next story: {left}")
        shared_vscode.end()


@pytest.fixture(params=EDITORS)
def desk(request: pytest.FixtureRequest) -> Desk:
    """Each editor in its turn."""
    if request.param == "vscode":
        window: Desk = request.getfixturevalue("vscode")
        return window
    make: MakeDesk = request.getfixturevalue("make_neovim")
    return make(request.param)


@pytest.fixture(params=EDITORS)
def untrusting(request: pytest.FixtureRequest) -> Desk:
    """Each editor in its turn, with nothing trusted."""
    if request.param == "vscode":
        make: MakeDesk = request.getfixturevalue("make_vscode")
        return make(settings=UNTRUSTING)
    make = request.getfixturevalue("make_neovim")
    return make(request.param)


@pytest.fixture
def editor(desk: Desk) -> RealEditor:
    """The desk's editor."""
    return desk.editor


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories that share a window stay in one process; the others are spread over the processes."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        editor = callspec.params.get("desk") if callspec else None
        if editor == "vscode" or "vscode" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("shared window"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A picture of the screen as it was when a story failed."""
    report = yield
    if report.when == "call" and report.failed:
        item.stash[HAS_FAILED] = True
        given = getattr(item, "funcargs", {}).values()
        desks = {id(one.editor): one.editor for one in given if isinstance(one, Desk)}
        report.sections += [("picture", _picture(editor, item.name)) for editor in desks.values()]
    return report


def _picture(editor: RealEditor, story: str) -> str:
    """The file with the picture, or why there is none: the story may have failed because the editor is gone."""
    try:
        return str(editor.screenshot(f"failed-{story.partition('[')[0]}"))
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        return f"none: {error}"
