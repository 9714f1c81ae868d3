"""What of a project's other files a real server sends to the policy, and what it never does."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.editor import Editor
from support.scripted_policy import ScriptedPolicy

pytestmark = pytest.mark.slow

MAIN = "from helpers import convert\n\n\ndef run(value):\n    ‸\n"


def lay_out(folder: Path) -> Path:
    """A project in the editor's workspace with a module that a document imports."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    (work / "pyproject.toml").touch()
    (work / "helpers.py").write_text('def convert(amount, *, unit="m"):\n    """In metres."""\n    return amount\n')
    return work


async def test_prompt_holds_what_is_imported(editor: Editor, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """From the disk, then from the buffer that the editor has of it, and no bodies."""
    work = lay_out(tmp_path)
    policy.will_complete("return convert(value)\n")
    await editor.open(MAIN, path="main.py")
    await editor.ask()
    prompt = policy.completions[-1].prompt
    assert prompt.startswith('# helpers.py\ndef convert(amount, *, unit="m"):\n    """In metres."""\n')
    assert "return amount" not in prompt
    main = editor.uri
    await editor.open("def convert(amount, *, unsaved): ...\n", path="helpers.py")
    editor.uri = main
    await editor.ask()
    assert "unsaved" in policy.completions[-1].prompt
    assert 'unit="m"' in (work / "helpers.py").read_text()


async def test_nothing_outside_the_workspace_is_sent(editor: Editor, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """A document that is opened from elsewhere is completed without the files beside it, tests included."""
    policy.will_complete("return convert(value)\n")
    lay_out(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "work").rename(elsewhere)
    (elsewhere / "test_main.py").write_text("from main import run\n\n\ndef test_run():\n    assert run(1) == 2\n")
    await editor.open(MAIN, uri=(elsewhere / "main.py").as_uri())
    await editor.ask()
    prompt = policy.completions[-1].prompt
    assert "def run(value)" in prompt
    assert "def convert" not in prompt
    assert "assert run(1)" not in prompt


async def test_nothing_hidden_is_sent(editor: Editor, policy: ScriptedPolicy, tmp_path: Path) -> None:
    """A pattern that is set while the server runs counts at once, and so does an ignore file that appears."""
    work = lay_out(tmp_path)
    policy.will_complete("return convert(value)\n")
    await editor.open(MAIN, path="main.py")
    await editor.ask()
    assert "def convert" in policy.completions[-1].prompt
    editor.configure({"privacy": {"exclude": ["helpers.py"]}})
    await editor.until_ready()
    await editor.ask()
    assert "def convert" not in policy.completions[-1].prompt
    editor.configure({"privacy": {"exclude": []}})
    (work / ".gitignore").write_text("/helpers.py\n")
    await editor.until_ready()
    await editor.ask()
    assert "def convert" not in policy.completions[-1].prompt
    (work / ".gitignore").unlink()
    await editor.ask()
    assert "def convert" in policy.completions[-1].prompt


async def test_neighbours_can_be_switched_off(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """With no tokens for them the prompt is the document's alone."""
    lay_out(tmp_path)
    policy.will_complete("return convert(value)\n")
    settings = {"sampling": {"neighbour_tokens": 0}}
    async with Editor.running(
        folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, settings=settings
    ) as editor:
        await editor.open(MAIN, path="main.py")
        await editor.ask()
        assert policy.completions[-1].prompt.startswith("from helpers import convert")
