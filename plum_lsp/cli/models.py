"""`plum-lsp model …`: lists and recommends the models, and fetches, finds and checks their files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from plum_lsp.config import Settings, cache_dir, load_settings
from plum_lsp.domain.errors import PolicyError
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.hosting.trial import writing_speed
from plum_lsp.policy.models import catalogue as models
from plum_lsp.policy.models import fetch as fetching
from plum_lsp.policy.models.recommend import Choice, Machine, choices, estimated, free_memory, loop_speed, recommended
from plum_lsp.report.printing import console, say

MODEL_SECONDS, LOOP_SECONDS = 8.0, 3.0
"""How long a model writes, or the loop runs, to be timed. Loading the model takes about a second more."""


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


@model.command("recommend")
@_with_folder
def recommend_model(folder: Path | None) -> None:
    """Measure this machine for about ten seconds, and say which model to take and why."""
    where = _where(folder)
    say(f"{os.cpu_count() or 1} cores, {free_memory() / 1e9:.1f} GB of memory free. Measuring …")
    machine = asyncio.run(_measured(where))
    speed = f"{machine.tokens_per_second:.0f} tokens a second"
    if machine.is_estimate:
        say(f"Measured with a matrix loop, not with a model: {machine.timed.name} would write about {speed}.")
    else:
        say(f"Measured with {machine.timed.name}: it writes {speed}.")
    if os.getloadavg()[0] > machine.cores:
        say("Other programs keep the machine busy. Measure again when it is idle.")
    found = choices(machine)
    table = Table("name", "tokens a second", "a line", "", box=None, pad_edge=False)
    for one in found:
        columns = (f"{one.tokens_per_second:.0f}", f"{one.line_seconds:.1f} s")
        table.add_row(one.entry.name, *columns, one.problem or "fits")
    console().print(table)
    best = recommended(found)
    _advise(best, is_here=models.locate(best.entry, cache_dir=where.cache_dir, folder=where.folder) is not None)


def _advise(best: Choice, *, is_here: bool) -> None:
    """Say which model to take, why, and how."""
    why = f"no other fits, and this is the smallest ({best.problem})" if best.problem else "it is the largest that fits"
    say(f"Take {best.entry.name}: {why}.")
    if not is_here:
        say(f"  Run: plum-lsp model fetch {best.entry.name}")
    if best.entry != models.default_entry():
        say(f'  Set: policy.model = "{best.entry.name}"')


async def _measured(where: _Where) -> Machine:
    """The machine, timed with the smallest model that is here, or else with a loop."""
    cores, memory_bytes = os.cpu_count() or 1, free_memory()
    here = [
        entry
        for entry in models.catalogue().values()
        if models.locate(entry, cache_dir=where.cache_dir, folder=where.folder) is not None
    ]
    if not here:
        return await _by_loop(cores, memory_bytes)
    timed = min(here, key=lambda entry: (entry.fim is None, entry.bytes))
    options = policy_options(where.settings)
    options = replace(options, url="", model=timed.name, model_folder=where.folder, data_dir=None)
    policy = open_policy(options)
    try:
        speed = await writing_speed(policy, seconds=MODEL_SECONDS)
    except PolicyError as error:
        say(f"{timed.name} cannot be timed: {error}")
        return await _by_loop(cores, memory_bytes)
    finally:
        await policy.close()
    return Machine(cores=cores, memory_bytes=memory_bytes, tokens_per_second=speed, timed=timed, is_estimate=False)


async def _by_loop(cores: int, memory_bytes: int) -> Machine:
    speed = await asyncio.to_thread(loop_speed, seconds=LOOP_SECONDS)
    return estimated(cores=cores, memory_bytes=memory_bytes, loop_per_second=speed)


@model.command("fetch")
@click.argument("name", required=False)
@_with_folder
@click.option("--offline", is_flag=True, help="Only look on this machine.")
def fetch_model(name: str | None, folder: Path | None, offline: bool) -> None:
    """Fetch the model NAME, or that of your settings, if it is not on this machine. Prints its path."""
    where = _where(folder)
    chosen = name or where.settings.policy.model or models.default_entry().name
    say(
        fetch_shown(
            models.find_entry(chosen),
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
    settings: Settings


def _where(folder: Path | None) -> _Where:
    """The combination of the settings and the command's option."""
    settings = load_settings(environ=os.environ).settings
    configured = settings.policy.model_folder
    return _Where(
        cache_dir=cache_dir(settings),
        folder=folder or (Path(configured) if configured else None),
        is_offline=settings.policy.offline,
        settings=settings,
    )


def _progress() -> Progress:
    """A progress bar on stderr: the current step, bytes, speed and time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console(stderr=True), transient=True)
