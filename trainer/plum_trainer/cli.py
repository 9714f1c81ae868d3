"""The command `plum-trainer`. In this version it only reports what there is to learn from; it does not train."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click
from rich import box
from rich.console import Console
from rich.table import Table

from plum_lsp import __version__
from plum_lsp.config import data_dir, load_settings
from plum_lsp.domain.errors import PlumError
from plum_lsp.store import VersionEvidence, open_reader, store_file

NOT_YET = "Training is not part of this version: plum-trainer only counts what it would learn from."


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=NOT_YET)
@click.version_option(__version__, prog_name="plum-trainer")
def main() -> None:
    """What plum-lsp could learn from what became of its offers."""


@main.command()
def status() -> None:
    """Report how much evidence the store holds, by policy version."""
    try:
        path = store_file(data_dir(load_settings(environ=os.environ).settings))
        with open_reader(path) as reader:
            evidence = reader.evidence()
    except PlumError as error:
        raise click.ClickException(f"{error}\n  {error.remedy}".rstrip()) from error
    console = Console(highlight=False)
    console.print(f"Store: {path}", soft_wrap=True)
    if evidence:
        console.print(_table(evidence))
        console.print(
            "A mixed group has candidates that pass and candidates that fail: preference pairs come from these."
        )
    else:
        console.print("No candidate has been sampled yet.")
    console.print(NOT_YET)


def _table(evidence: Sequence[VersionEvidence]) -> Table:
    """One row for each policy version."""
    table = Table(box=box.SIMPLE)
    table.add_column("policy version")
    for heading in ("requests", "candidates", "run", "passing", "mixed groups", "offers with outcome"):
        table.add_column(heading, justify="right")
    for version in evidence:
        adapter = f" + {version.adapter_sha256[:8]}" if version.adapter_sha256 else ""
        counts = (
            version.requests,
            version.candidates,
            version.candidates_run,
            version.candidates_passing,
            version.groups_mixed,
            version.outcomes,
        )
        table.add_row(f"{version.number} ({version.model}{adapter})", *(str(count) for count in counts))
    return table
