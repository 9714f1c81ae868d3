"""VS Code with several folders in a window, with a selected Python environment, and with files that have no name yet.

code-server's windows are remote windows: the extension and its server run where the files are, not where the screen is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.code_server import CLIENT, PLUM_SETTINGS
from support.documented import ROOT
from support.editing import PLUM_LSP, Desk, servers, until
from support.stories import ADD, RIGHT, knows_add, shown
from support.vscode import VSCode

pytestmark = [pytest.mark.slow, pytest.mark.editors]

PYTHON_EXTENSION = """
exports.activate = () => ({ environments: { getActiveEnvironmentPath: () => ({ path: %s }) } });
"""


@pytest.fixture(scope="module")
def python_extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fake of the Python extension: the part of its public interface that tells the selected interpreter."""
    folder = tmp_path_factory.mktemp("python-extension")
    manifest = {"publisher": "ms-python", "name": "python", "version": "1.0.0", "engines": {"vscode": "^1.101.0"}}
    (folder / "package.json").write_text(json.dumps({**manifest, "main": "./main.js", "activationEvents": ["*"]}))
    (folder / "README.md").write_text("A fake.\n")
    interpreter = str(Path(PLUM_LSP).with_name("python"))
    (folder / "main.js").write_text(PYTHON_EXTENSION % json.dumps(interpreter))
    package = ["package", "--no-dependencies", "--allow-missing-repository", "--skip-license", "--out", "python.vsix"]
    vsce = str(CLIENT / "node_modules" / ".bin" / "vsce")
    subprocess.run([vsce, *package], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder / "python.vsix"


@pytest.fixture
def choosing(make_vscode: Callable[..., Desk], python_extension: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """VS Code with no server in its settings or on its PATH, and with an environment selected that has one."""
    others = [one for one in os.environ["PATH"].split(":") if not (Path(one) / "plum-lsp").exists()]
    monkeypatch.setenv("PATH", ":".join(others))
    return make_vscode(more_extensions=[python_extension], plum_settings={})


def test_the_server_of_the_selected_environment_serves_several_folders(choosing: Desk) -> None:
    """It is found beside the selected interpreter; both folders of one window get offers, from one server."""
    knows_add(choosing.policy)
    first, second = choosing.write(ADD, "first/module.py"), choosing.write(ADD, "second/other.py")
    workspace = choosing.folder / "both.code-workspace"
    workspace.write_text(json.dumps({"folders": [{"path": "work/first"}, {"path": "work/second"}]}))
    editor = choosing.editor
    assert isinstance(editor, VSCode)
    for path in (first, second):
        editor.open(path, workspace=workspace)
        choosing.wait_for_ghost(RIGHT)
        editor.press("accept")
    choosing.wait_for_fates("accepted", "accepted")


def test_a_server_that_lies_in_the_workspace_is_not_started(choosing: Desk) -> None:
    """The same environment, in a window on the folder that holds it: who wrote the folder may have put it there."""
    editor = choosing.editor
    assert isinstance(editor, VSCode)
    assert Path(PLUM_LSP).is_relative_to(ROOT)
    editor.open(ROOT / "examples" / "durations.py", workspace=ROOT, is_to_be_written=False)
    until(lambda: "was not found" in editor.status(), editor.status)
    assert choosing.policy.requests == []


def test_a_file_without_a_name_is_served(vscode: Desk) -> None:
    """An untitled document gets offers like any other, and what became of them is kept."""
    vscode.policy.will_complete(" + 1000\n", when="number = 1")
    vscode.policy.will_complete("", when="number = 1 + 1000")  # VS Code asks again once it is accepted.
    editor = vscode.editor
    assert isinstance(editor, VSCode)
    editor.open(vscode.write(""))
    editor.open_untitled()
    vscode.written.add("Untitled-1")
    editor.insert("number = 1")
    vscode.wait_for_ghost("+ 1000")
    editor.press("accept")
    vscode.wait_for_fates("accepted")
    editor.discard()


def test_a_server_whose_setting_is_forgotten_runs_on_and_is_restarted(make_vscode: Callable[..., Desk]) -> None:
    """A task makes a remote window drop what stands in the user's file; the command that ran is kept."""
    desk = make_vscode(is_misplaced=True)
    shown(desk)
    editor = desk.editor
    assert isinstance(editor, VSCode)
    (before,) = servers(desk.folder)
    editor.command("report")
    until(lambda: "plum: explain" in editor.task() and editor.task().endswith("done"), editor.task)
    editor.command("restart")
    another_server(desk, {before})
    desk.number += 1
    editor.open(desk.write(ADD))
    desk.wait_for_ghost(RIGHT)


def test_a_restart_works_while_the_server_is_starting(vscode: Desk) -> None:
    """A server that hangs in its start is waited for, and ended; one server is left, and it answers."""
    shown(vscode)
    editor = vscode.editor
    (first,) = servers(vscode.folder)
    editor.command("restart")
    second = another_server(vscode, {first})
    os.kill(second, signal.SIGSTOP)
    editor.command("restart")
    os.kill(second, signal.SIGCONT)
    third = another_server(vscode, {first, second})
    until(lambda: servers(vscode.folder) == [third], lambda: f"one server, there are {servers(vscode.folder)}")
    vscode.number += 1000
    editor.open(vscode.write(ADD))
    vscode.wait_for_ghost(RIGHT)


def test_a_restart_works_after_a_start_that_failed(make_vscode: Callable[..., Desk], tmp_path: Path) -> None:
    """The program that the setting names is not there at first; what was written meanwhile gets its offer."""
    program = tmp_path / "plum-lsp"
    desk = make_vscode(plum_settings={"plum.server.command": [str(program)]})
    knows_add(desk.policy)
    desk.editor.open(desk.write(ADD))
    desk.wait_for_status("did not start")
    program.symlink_to(PLUM_LSP)
    desk.editor.command("restart")
    desk.wait_for_ghost(RIGHT)


def test_settings_that_the_extension_does_not_list_are_sent(make_vscode: Callable[..., Desk]) -> None:
    """The user's own ones. The server knows more settings than the extension's page lists."""
    desk = make_vscode(plum_settings={**PLUM_SETTINGS, "plum.policy.apiKey": "another"})
    knows_add(desk.policy)
    desk.editor.open(desk.write(ADD))
    until(lambda: any(not one.is_authorized for one in desk.policy.requests), desk.editor.status)


def test_a_workspace_sets_none_of_them(make_vscode: Callable[..., Desk]) -> None:
    """Listed or not: VS Code merges a workspace's settings over the user's, and the extension does not read them."""
    desk = make_vscode()
    knows_add(desk.policy)
    desk.write(json.dumps({"plum.policy.apiKey": "another", "plum.sampling.candidates": 1}), ".vscode/settings.json")
    desk.editor.open(desk.write(ADD))
    desk.wait_for_ghost(RIGHT)
    assert [one for one in desk.policy.requests if not one.is_authorized] == []


def another_server(desk: Desk, known: set[int]) -> int:
    """Wait for a server that was started now."""
    found: set[int] = set()

    def is_there() -> bool:
        found.update(set(servers(desk.folder)) - known)
        return bool(found)

    until(is_there, lambda: f"a fresh server, there is {desk.editor.status()!r}")
    return found.pop()
