"""Every command and message is documented. Settings are compared with their table in `tests/config`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.golden import messages

from plum_lsp.cli import plum_lsp
from plum_trainer.cli import main as trainer

ROOT = Path(__file__).parents[2]
DOCUMENTS = "\n".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
SPOKEN = re.compile(r'"(plum[./][a-z][A-Za-z/]*|textDocument/did(?:Show|PartiallyAccept)Completion)"')


def spoken() -> list[str]:
    """Commands and notifications of ours that the server's source names."""
    sources = (path.read_text() for path in sorted((ROOT / "plum_lsp" / "server").glob("*.py")))
    return sorted({name for source in sources for name in SPOKEN.findall(source)})


@pytest.mark.parametrize("command", plum_lsp.list_commands(None))  # type: ignore[arg-type]
def test_every_command_is_documented(command: str) -> None:
    """The README or a page of the documents shows it."""
    assert f"plum-lsp {command}" in DOCUMENTS


@pytest.mark.parametrize("command", list(trainer.commands))
def test_every_trainer_command_is_documented(command: str) -> None:
    """A page of the documents shows it."""
    assert f"plum-trainer {command}" in DOCUMENTS


@pytest.mark.parametrize("name", spoken())
def test_every_message_is_documented(name: str) -> None:
    """An editor's author finds each command and notification in the documents."""
    assert f"`{name}`" in DOCUMENTS


@pytest.mark.parametrize("name", spoken())
def test_every_message_has_a_golden_example(name: str) -> None:
    """The suites of the editor clients read the same example."""
    golden = messages()
    assert name.replace("/", ".").rpartition(".")[2] in golden | golden["executeCommand"]


CLIENTS = ROOT / "editor-clients"
SOURCES = {
    "neovim": ([CLIENTS / "neovim" / "lua" / "plum" / "report.lua"], CLIENTS / "neovim" / "tests" / "golden.lua"),
    "vscode": ([CLIENTS / "vscode" / "src" / "wire.ts"], CLIENTS / "vscode" / "test" / "golden.test.ts"),
}
"""Where each client names the commands that it sends, and the program that compares them with the examples."""


@pytest.mark.parametrize("client", SOURCES)
def test_a_client_compares_each_command_that_it_sends(client: str) -> None:
    """Its golden program reads the examples of the commands that its source names, and no others."""
    sources, program = SOURCES[client]
    text = "\n".join(path.read_text() for path in sources)
    sent = {name for name in messages()["executeCommand"] if re.search(rf"\bplum\.{name}['\"]", text)}
    compared = set(re.findall(r"golden\.executeCommand\.(\w+)", program.read_text()))
    assert sent == compared
