"""`plum-lsp report`: what the suggestions were worth, in the terminal, as JSON or as a page."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from enum import Enum
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from plum_lsp.cli.since import Since
from plum_lsp.config import data_dir, load_settings
from plum_lsp.config.folder import share_file, store_file
from plum_lsp.domain.errors import ConfigError
from plum_lsp.report.drawing import draw
from plum_lsp.report.ndjson import copilot_lines
from plum_lsp.report.page import page_of
from plum_lsp.report.printing import console, say, standard_output
from plum_lsp.report.shares import Share
from plum_lsp.report.tables import NOTES, heading, tables
from plum_lsp.report.usage import Report, report_of
from plum_lsp.store.people.sharing import sharing
from plum_lsp.store.queries import open_reader
from plum_lsp.store.records import instant

COPILOT = "copilot-ndjson"


@click.command()
@click.option(
    "--since", type=Since(), default="", help="Only requests since this time or age: 2026-11-24T15:00, 2h, 3d."
)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
@click.option(
    "--format",
    "form",
    type=click.Choice([COPILOT]),
    help="Print the counts of each day, with the names of Copilot's usage metrics, as lines of JSON.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file.")
@click.option(
    "--examples",
    default=0,
    type=click.IntRange(0, 50),
    help="Show so many wrong candidates in the page. They are source text of yours.",
)
@click.option("--watch", is_flag=True, help="Show the figures in the terminal, and keep them up to date.")
def report(*, since: str, as_json: bool, form: str | None, output: Path | None, examples: int, watch: bool) -> None:
    """Show what your suggestions were worth: passed tests, acceptance, waiting times and reasons for silence.

    The figures hold no source text and no file names, unless you ask for examples in a page. Each share stands with
    its count and its 95 % interval.
    """
    if examples and output is None:
        raise click.UsageError("--examples needs a page: give -o FILE, too.")
    if form and as_json:
        raise click.UsageError("--json and --format exclude each other.")
    if watch and (as_json or form or output is not None):
        raise click.UsageError("--watch goes with --since alone.")
    folder = data_dir(load_settings(environ=os.environ).settings)
    path = store_file(folder)
    if watch:
        _watch(folder, since)
        return
    with open_reader(path) as reader:
        usage = reader.usage(since=since)
        wrong = reader.wrong_examples(since=since, limit=examples)
    found = report_of(usage, now=instant(time.time()), sharing=sharing(share_file(folder)))
    if output is not None:
        output.write_text(page_of(found, wrong), encoding="utf-8")
        say(f"The report is in {output}.", err=True)
    if as_json:
        standard_output().write(json.dumps(_plain(found), indent=2) + "\n")
    elif form == COPILOT:
        standard_output().writelines(line + "\n" for line in copilot_lines(usage.offers))
    elif output is None:
        _show(found, console())


def _watch(folder: Path, since: str) -> None:
    """Show the report of a data folder until the user quits."""
    if not console().is_terminal:
        raise click.UsageError("--watch needs a terminal.")
    try:
        from plum_lsp.cli.reporting.watch import Watch
    except ModuleNotFoundError as error:
        raise ConfigError("--watch needs the package textual", remedy="pip install 'plum-lsp[report]'") from error

    def read() -> Report:
        with open_reader(store_file(folder)) as reader:
            usage = reader.usage(since=since)
        return report_of(usage, now=instant(time.time()), sharing=sharing(share_file(folder)))

    Watch(store_file(folder), read).run()


def _show(found: Report, console: Console) -> None:
    console.print(heading(found))
    draw(tables(found), console)
    console.print()
    for note in NOTES:
        console.print(note, style="dim")


def _plain(value: Any) -> Any:
    """Figures as JSON values. A share gets its value beside its counts."""
    if isinstance(value, Share):
        return {"value": value.value, **dataclasses.asdict(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {_plain(name): _plain(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.value if isinstance(value, Enum) else value
