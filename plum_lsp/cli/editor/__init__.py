"""`plum-lsp editor …`: finds the editors of this machine, and installs the clients that come with plum-lsp."""

from __future__ import annotations

import click
from rich.table import Table

from plum_lsp.cli.editor import neovim, vscode
from plum_lsp.report.printing import ask_to_go_on, console, say


@click.group("editor")
def editor() -> None:
    """Find editors, and install the clients that come with plum-lsp."""


@editor.command("list")
def list_editors() -> None:
    """Show the editors on the PATH, and whether plum's client is installed there."""
    table = Table("editor", "program", "client", box=None, pad_edge=False)
    for program in neovim.programs():
        table.add_row("neovim", program, str(neovim.target()) if neovim.is_installed() else "not installed")
    for program in vscode.programs():
        table.add_row("vscode", program, "installed" if vscode.is_installed(program) else "not installed")
    if not table.rows:
        say("There is no Neovim (nvim) and no VS Code (code, codium, code-server) on the PATH.")
    else:
        console().print(table)


@editor.command("install")
@click.argument("name", type=click.Choice(["neovim", "vscode"]))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--print", "only_prints", is_flag=True, help="Only say what would be done.")
def install(name: str, *, yes: bool, only_prints: bool) -> None:
    """Install the client for NAME. The editor then needs no configuration.

    You can run it again, for example after an upgrade. It asks before it replaces a file that you changed.
    """
    client = neovim if name == "neovim" else vscode
    steps = client.plan()
    for line in steps.told:
        say(line)
    if only_prints:
        return
    if steps.overwrites and not yes:
        ask_to_go_on(f"Replace {steps.overwrites}?")
    steps.act()
    say("Installed.")
    say(steps.next)
