"""`plum-lsp trust`: say which folders' code may be executed, in the sandbox, to test suggestions."""

from __future__ import annotations

from pathlib import Path

import click

from plum_lsp.config import data_dir
from plum_lsp.domain.display import visible_name
from plum_lsp.project.trust import TrustBook
from plum_lsp.report.printing import say
from plum_lsp.wiring import load_for_command


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--revoke", is_flag=True, help="Delete your answers for the folder and the folders below it.")
@click.option("--list", "is_listed", is_flag=True, help="Show the folders that are trusted.")
def trust(folder: Path, *, revoke: bool, is_listed: bool) -> None:
    """Trust the folder DIR and all folders below it. By default DIR is the working folder.

    The packages, modules and tests of a trusted project are executed in the sandbox to test suggestions. No code is
    executed now.
    """
    if revoke and is_listed:
        raise click.UsageError("--revoke and --list exclude each other.")
    book = TrustBook(data_dir(load_for_command({})))
    if is_listed:
        _list(book)
    elif revoke:
        _revoke(book, folder)
    else:
        say(f"Trusted: {visible_name(book.trust(folder))}")


def _list(book: TrustBook) -> None:
    answers = book.read()
    for folder in answers.trusted:
        say(visible_name(folder))
    for folder in answers.declined:
        say(f"{visible_name(folder)} (declined)")
    if not answers.trusted and not answers.declined:
        say("No folder is trusted.")


def _revoke(book: TrustBook, folder: Path) -> None:
    for gone in book.revoke(folder):
        say(f"No longer trusted: {visible_name(gone)}")
    covering = book.read().covering(folder.expanduser().resolve())
    if covering is not None:
        raise click.ClickException(f"{folder} is still trusted, because {covering} is. Revoke that one.")
