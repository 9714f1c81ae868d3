"""`plum-lsp model …`: lists the models, and fetches, finds and checks their files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from plum_lsp.config import cache_dir, load_settings
from plum_lsp.policy.models import catalogue as models
from plum_lsp.policy.models import fetch as fetching
from plum_lsp.report.printing import console, say


@click.group("model")
def model() -> None:
    """Fetch, find and check model files."""


def _with_folder(command: Callable[..., Any]) -> Callable[..., Any]:
    help_text = "A folder that may already hold the file."
    folder = click.Path(path_type=Path, exists=True, file_okay=False)
    return click.option("--folder", type=folder, default=None, help=help_text)(command)


@model.command("list")
@_with_folder
def list_models(folder: Path | None) -> None:
    """Show the models known by name and which of them are on this machine."""
    where = _where(folder)
    table = Table("name", "size", "memory", "licence", "fills in", "here", box=None, pad_edge=False)
    for entry in models.catalogue().values():
        path = models.locate(entry, cache_dir=where.cache_dir, folder=where.folder)
        row = (f"{entry.bytes / 1e6:.0f} MB", f"{entry.memory_bytes / 1e9:.2g} GB", entry.licence)
        table.add_row(entry.name, *row, "yes" if entry.fim else "no", "yes" if path else "no")
    console().print(table)


@model.command("fetch")
@click.argument("name")
@_with_folder
@click.option("--offline", is_flag=True, help="Only look on this machine.")
def fetch_model(name: str, folder: Path | None, offline: bool) -> None:
    """Fetch the model NAME if it is not on this machine. Prints its path."""
    where = _where(folder)
    say(
        fetch_shown(
            models.find_entry(name),
            cache_dir=where.cache_dir,
            folder=where.folder,
            is_offline=offline or where.is_offline,
        )
    )


def fetch_shown(entry: models.ModelEntry, *, cache_dir: Path, folder: Path | None, is_offline: bool) -> Path:
    """The model's file, fetched if it is not on this machine, with a progress bar."""
    with _progress() as bar:
        task = bar.add_task(entry.name, total=None)

        def show(progress: fetching.Progress) -> None:
            total = progress.bytes_total or None
            bar.update(task, description=f"{entry.name}: {progress.step}", completed=progress.bytes_done, total=total)

        return fetching.fetch(entry, cache_dir=cache_dir, folder=folder, is_offline=is_offline, on_progress=show)


@model.command("path")
@click.argument("name")
@_with_folder
def path_of_model(name: str, folder: Path | None) -> None:
    """Print where the model NAME is."""
    where = _where(folder)
    say(models.require(models.find_entry(name), cache_dir=where.cache_dir, folder=where.folder))


@model.command("verify")
@click.argument("name")
@_with_folder
def verify_model(name: str, folder: Path | None) -> None:
    """Hash the file of the model NAME again. A damaged file in the cache is removed."""
    where = _where(folder)
    path = fetching.verify(models.find_entry(name), cache_dir=where.cache_dir, folder=where.folder)
    say(f"{path} is intact")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    """The folder in which to look for models, and whether to look only there."""

    cache_dir: Path
    folder: Path | None
    is_offline: bool


def _where(folder: Path | None) -> _Where:
    """The combination of the settings and the command's option."""
    settings = load_settings(environ=os.environ).settings
    configured = settings.policy.model_folder
    return _Where(
        cache_dir=cache_dir(settings),
        folder=folder or (Path(configured) if configured else None),
        is_offline=settings.policy.offline,
    )


def _progress() -> Progress:
    """A progress bar on stderr: the current step, bytes, speed and time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console(stderr=True), transient=True)
