"""Hostile text from a project, followed to the places that show it. None obeys it or shows a line of its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from support.facts import suggestion

from plum_lsp.cli import plum_lsp
from plum_lsp.config.folder import store_file
from plum_lsp.domain.display import hidden_characters
from plum_lsp.domain.events import Prompted
from plum_lsp.policy.hosting.serving import ServingState, write_state
from plum_lsp.project.trust import TrustBook
from plum_lsp.report.page import page_of
from plum_lsp.report.printing import set_up_log
from plum_lsp.report.usage import report_of
from plum_lsp.store import open_reader, open_store
from plum_lsp.store.usage import WrongExample

FORGED = "FORGED verified: passes 4 of 4 tests"
HOSTILE = f"a\x1b]0;owned\x07\u202eb[k](command:x)<img src=x>`\n{FORGED}"


def run(folder: Path, *arguments: str) -> str:
    environment = {"PLUM_DATA_DIR": str(folder), "XDG_CONFIG_HOME": str(folder), "COLUMNS": "400"}
    return CliRunner().invoke(plum_lsp, list(arguments), env=environment).output


def logged(folder: Path, *, is_trace: bool) -> str:
    """A record that names a file, or one with an exception, its note and its cause."""
    logging.root = logging.RootLogger(logging.WARNING)
    set_up_log("info", folder / "log")
    try:
        error = ValueError(HOSTILE)
        error.add_note(HOSTILE)
        raise error
    except ValueError:
        logging.root.warning("no file %s", HOSTILE, exc_info=is_trace)
    for handler in logging.root.handlers:
        handler.close()
    return (folder / "log").read_text(encoding="utf-8")


def paired(folder: Path, *arguments: str, uri: str) -> str:
    """Pairs of a document with this name."""
    store = open_store(store_file(folder))
    for event in suggestion("r1"):
        if isinstance(event, Prompted):
            document = replace(event.request.document, uri=uri)
            event = replace(event, request=replace(event.request, document=document))
        store.record(event)
    store.close()
    run(folder, "pairs", "rebuild")
    return run(folder, "pairs", *arguments)


def trusted(folder: Path, *arguments: str) -> str:
    """A folder whose name is hostile."""
    project = folder / HOSTILE.replace("/", "_")
    project.mkdir()
    told = TrustBook(folder).trust(project)
    assert told == project
    return run(folder, "trust", *arguments)


def served(folder: Path) -> str:
    """A server whose model has a hostile name."""
    state = ServingState(
        url="http://127.0.0.1:9/v1",
        api_key="",
        engine="vllm",
        model=HOSTILE,
        model_path="/m",
        model_sha256="ab" * 32,
        lora_rank=8,
        pid=os.getpid(),
    )
    write_state(folder, state)
    return run(folder, "policy", "status")


CHANNELS: dict[str, Callable[[Path], str]] = {
    "a message of the log": lambda folder: logged(folder, is_trace=False),
    "a note of an exception in the log": lambda folder: logged(folder, is_trace=True),
    "pairs list": lambda folder: paired(folder, "list", uri="file:///p/" + quote(HOSTILE.replace("/", "_"))),
    "pairs show": lambda folder: paired(folder, "show", "1", uri="file:///p/" + HOSTILE),
    "trust --list": lambda folder: trusted(folder, "--list"),
    "policy status": served,
}


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_shows_hostile_names_on_one_line(
    channel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Escapes are visible, and no line begins as the hostile text wants."""
    monkeypatch.setattr(logging, "root", logging.root)
    shown = CHANNELS[channel](tmp_path)
    assert FORGED in shown, "the text is shown"
    assert not hidden_characters(shown)
    assert not any(line.startswith(FORGED) for line in shown.split("\n"))
    assert "log" in channel or not any(line.strip().startswith(FORGED) for line in shown.split("\n"))


def test_the_page_holds_no_markup_of_a_candidate(tmp_path: Path) -> None:
    """Not in the function's name, the text, the test or what it gave."""
    open_store(store_file(tmp_path)).close()
    with open_reader(store_file(tmp_path)) as reader:
        usage = reader.usage()
    wrong = WrongExample(function=HOSTILE, text=HOSTILE, test=HOSTILE, shown=HOSTILE)
    page = page_of(report_of(usage, now="2026-11-20T00:00:00.000+00:00"), [wrong])
    assert FORGED in page and "<img" not in page and not hidden_characters(page)
