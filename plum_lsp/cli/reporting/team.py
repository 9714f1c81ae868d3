"""`plum-lsp pilot export` and `plum-lsp pilot report`: one pilot of several people, from a file of each."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from plum_lsp.config import data_dir, load_settings
from plum_lsp.config.folder import store_file
from plum_lsp.domain.errors import StoreError
from plum_lsp.report.drawing import draw
from plum_lsp.report.page import TEAM, team_page
from plum_lsp.report.pilot import team_figures
from plum_lsp.report.pilot_tables import pilot_tables
from plum_lsp.report.printing import console, say
from plum_lsp.store.people.pilot_files import SUFFIX, part_of, read_parts, write_part
from plum_lsp.store.queries import open_reader
from plum_lsp.store.records import instant


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", default="", help="The pilot's name. By default it is the latest pilot.")
def export(*, file: Path, name: str) -> None:
    """Write your pilot to FILE, for the report of a team.

    It holds the plan, your random id and answers, and what became of each request. It holds no code and no file names.
    """
    if not file.name.endswith(SUFFIX):
        raise click.UsageError(f"The name of the file must end with {SUFFIX}.")
    with open_reader(store_file(data_dir(load_settings(environ=os.environ).settings))) as reader:
        found = [one for one in reader.usage().pilots if name in {"", one[0].plan.name}]
    if not found:
        raise StoreError(
            f"there was no pilot {name}".rstrip(), remedy="`plum-lsp pilot status` shows those that there were."
        )
    part = part_of(found[-1])
    write_part(file, part)
    say(f"The pilot {part.plan.name} with {len(part.rows)} requests is in {file}.")


@click.command("report")
@click.argument("places", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file.")
def team_report(*, places: tuple[Path, ...], output: Path | None) -> None:
    """Show one pilot of several people, from files of `pilot export` or from a folder of them."""
    found = team_figures(read_parts(places), now=instant(time.time()))
    if output is not None:
        output.write_text(team_page(found), encoding="utf-8")
        say(f"The report is in {output}.", err=True)
        return
    say(TEAM)
    draw(pilot_tables(found), console())
