"""`plum-lsp forget`: deletes recorded data for good: of some files, since some time, or all of it."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from plum_lsp.cli.since import Since
from plum_lsp.config import cache_dir, data_dir, load_settings
from plum_lsp.config.folder import round_folders, store_file, test_maps_folder
from plum_lsp.domain.errors import ConfigError
from plum_lsp.project import facts
from plum_lsp.report.printing import ask_to_go_on, say
from plum_lsp.store.forgetting import forget as forget_in


@click.command()
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="This file, or all in this folder."
)
@click.option(
    "--since", type=Since(), default="", help="Only records since this time or age: 2026-11-24T15:00, 2h, 3d."
)
@click.option("--all", "everything", is_flag=True, help="The records of all files.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(*, paths: tuple[Path, ...], since: str, everything: bool, yes: bool) -> None:
    """Delete recorded requests and all data derived from them for good: rows, free pages and log.

    Pairs, labels and the trainer's own copies of rows go too. With --all, the maps of projects' tests go as well, and
    the names in projects' files. An adapter that was trained on the rows stays as it is.
    """
    if not (paths or since or everything) or (everything and paths):
        raise click.UsageError(
            "Give --path PATH, --since TIME or --all. If you combine --since with another, both must match."
        )
    settings = load_settings(environ=os.environ).settings
    folder = data_dir(settings)
    if not yes:
        ask_to_go_on("You cannot undo this. Continue?")
    wanted = tuple(path.expanduser().absolute() for path in paths)
    done = forget_in(store_file(folder), is_wanted=(lambda uri: _is_in(uri, wanted)) if wanted else None, since=since)
    rounds = _delete_training_copies(folder)
    if everything:
        shutil.rmtree(test_maps_folder(folder), ignore_errors=True)
        with contextlib.suppress(ConfigError):  # A cache folder that cannot be made is empty.
            shutil.rmtree(cache_dir(settings) / facts.FOLDER, ignore_errors=True)
    say(
        f"Forgotten: {done.requests} requests, {done.candidates} candidates, {done.prompts} prompts"
        f"{f', the rows of {rounds} training rounds' if rounds else ''}."
    )
    say(f"The store went from {done.bytes_before:,} to {done.bytes_after:,} bytes.")
    if rounds:
        say("Adapters were trained on such rows: `plum-trainer rollback 0` goes back to the base model.")


def _is_in(uri: str, wanted: tuple[Path, ...]) -> bool:
    """Whether a document is one of these files or lies in one of these folders, by name or by the target of a link."""
    document = Path(unquote(urlsplit(uri).path))
    return any(document.is_relative_to(path) or document.is_relative_to(path.resolve()) for path in wanted)


def _delete_training_copies(folder: Path) -> int:
    """Delete the trainer's files of frozen rows. All of them go, because their rows do not name their source."""
    copies = round_folders(folder)
    for copy in copies:
        shutil.rmtree(copy)
    return len(copies)
