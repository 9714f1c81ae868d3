"""The command line. Each command has its own module. This one only dispatches."""

from __future__ import annotations

import gc
import os
import sys

import click

from plum_lsp import __version__
from plum_lsp.domain.errors import PlumError
from plum_lsp.report.printing import Program, say

_MODULES = {
    "setup": "plum_lsp.cli.setup",
    "serve": "plum_lsp.cli.serve",
    "complete": "plum_lsp.cli.complete",
    "explain": "plum_lsp.cli.explain",
    "report": "plum_lsp.cli.reporting.report",
    "pilot": "plum_lsp.cli.reporting.pilot",
    "verify": "plum_lsp.cli.verify",
    "eval": "plum_lsp.cli.eval",
    "doctor": "plum_lsp.cli.doctor",
    "model": "plum_lsp.cli.models",
    "trust": "plum_lsp.cli.trust",
    "pairs": "plum_lsp.cli.pairs",
    "forget": "plum_lsp.cli.forget",
    "share": "plum_lsp.cli.share",
    "sandbox": "plum_lsp.cli.sandbox",
    "policy": "plum_lsp.cli.policy",
    "editor": "plum_lsp.cli.editor",
}


class _Commands(Program):
    """Loads a command's module when it is called, so that no command waits for another's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from importlib import import_module

        module = _MODULES.get(cmd_name)
        if module is None:
            return None
        gc.disable()  # a module that loads leaves hardly any garbage, and looking for it takes a fifth of the time
        try:
            command = getattr(import_module(module), cmd_name)
        finally:
            gc.enable()
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="plum-lsp")
def plum_lsp() -> None:
    """Code completions that were run before they are shown."""


def main() -> None:
    """Run the command line. A `PlumError` is shown with its remedy, without a traceback, and exits with 1."""
    try:
        plum_lsp()
    except PlumError as error:
        say(f"plum-lsp: {error}", err=True)
        if error.remedy:
            say(f"  {error.remedy}", err=True)
        sys.exit(1)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the exit does not try the failed write again
        say(f"plum-lsp: {error}", err=True)
        sys.exit(1)
