"""With the real embedded model: what is offered as verified passes its examples when somebody else runs them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types
from support.editor import Editor, capabilities
from support.functions import Case
from support.processes import descendants, until_gone

from plum_lsp.config import cache_dir, load_settings

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]

SUBSET = (
    "asynchronous",
    "class_method",
    "class_with_helpers",
    "crlf",
    "dataclass_method",
    "decorated",
    "emoji",
    "end_of_line",
    "exceptions",
    "mid_line",
    "static_method",
)
"""A sample of every kind of place; a request takes some seconds on two cores."""
OFFERED_MIN = 5
"""About half: fewer would mean that the loop no longer works, not that the model had a bad day."""
ENVIRON = {"PLUM_CACHE_DIR": str(cache_dir(load_settings(environ=os.environ).settings)), "PLUM_POLICY_OFFLINE": "1"}
SETTINGS = {"offers": {"deadlineMs": 20_000}, "policy": {"model": "qwen2.5-coder-0.5b-instruct"}}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    """One editor whose server has the model."""
    folder, able = tmp_path_factory.mktemp("model"), capabilities(progress=True)
    async with Editor.running(folder=folder, settings=SETTINGS, environ=ENVIRON, able=able) as editor:
        yield editor


async def passes_its_examples(text: str, folder: Path) -> bool:
    """Whether doctest, in a process of its own, finds nothing wrong with a file."""
    file = folder / "accepted.py"
    file.write_text(text, newline="")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", "doctest", "-o", "NORMALIZE_WHITESPACE", str(file), stdout=asyncio.subprocess.PIPE
    )
    await asyncio.wait_for(process.communicate(), 20)
    return process.returncode == 0


async def test_what_is_verified_passes_its_examples(editor: Editor, tmp_path: Path) -> None:
    """Offers may be missing, but none that says `verified` is wrong about it."""
    verified, silent = [], {}
    for name in SUBSET:
        offer = await editor.suggest(Case.named(name).text)
        if offer is None:
            silent[name] = (await editor.explain())["text"]
            continue
        await editor.accept(offer)
        if offer.is_verified:
            verified.append(name)
            assert await passes_its_examples(editor.text, tmp_path), f"{name}: {offer.text!r}"
    assert len(verified) >= OFFERED_MIN, silent
    begun = [reports[0] for reports in editor.client.progress_reports.values() if reports]
    assert any(isinstance(first, types.WorkDoneProgressBegin) and "loading" in first.title for first in begun)


async def test_a_killed_server_takes_the_model_with_it(tmp_path: Path) -> None:
    """Half a gigabyte of model must not stay behind a server that was killed while it generated."""
    async with Editor.running(folder=tmp_path, settings=SETTINGS, environ=ENVIRON) as editor:
        await editor.open(Case.named("plain").text)
        asked = asyncio.create_task(editor.ask())
        await editor.until(lambda: editor.statuses and editor.status["message"].startswith(("sampling", "testing")))
        assert editor.process is not None
        left = descendants(editor.process.pid) | {editor.process.pid}
        os.kill(editor.process.pid, signal.SIGKILL)
        assert await until_gone(left) == set()
        await asyncio.wait([asked])
        asked.exception()
        await editor.process.wait()
