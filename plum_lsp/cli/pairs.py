"""`plum-lsp pairs`: builds preference pairs from the facts, shows them, and exports them for a trainer."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import unquote, urlsplit

import click
from rich import box
from rich.table import Table

from plum_lsp.config import Settings, data_dir, load_settings
from plum_lsp.config.folder import store_file
from plum_lsp.domain.display import visible_name
from plum_lsp.domain.preferences import StoredPair
from plum_lsp.feedback.kept_out import exclusions
from plum_lsp.feedback.noise import GROUPS, expected
from plum_lsp.feedback.rebuild import rebuild as rebuild_pairs
from plum_lsp.project.privacy import private
from plum_lsp.report.printing import console, say, standard_output
from plum_lsp.report.shares import wilson
from plum_lsp.store.learning import LearningStore, open_learning
from plum_lsp.store.preferences import open_preferences

FORMATS = ("trl-dpo", "trl-kto", "jsonl")


@click.group()
def pairs() -> None:
    """Pairs and labels for training, derived from the recorded events by numbered rules."""


@pairs.command()
def rebuild() -> None:
    """Derive every pair and label again from the recorded events, and say what was left out."""
    settings = load_settings(environ=os.environ).settings
    path = _existing_store(settings)
    with open_preferences(path) as store:
        report = rebuild_pairs(
            store,
            now=datetime.now(UTC),
            wants_quality=settings.learning.quality_pairs,
            wants_unlikely=settings.learning.synthesized_negatives,
            exclusions=exclusions(settings),
            is_private=private(settings),
        )
    _show_report(report)


@pairs.command("list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Show this many, from the first.")
def list_pairs(limit: int) -> None:
    """The pairs of the latest build."""
    with _open() as store:
        build = store.latest_build()
        if build is None:
            raise click.ClickException("no pairs were built yet. Run: plum-lsp pairs rebuild")
        table = Table(box=box.SIMPLE)
        for heading in ("pair", "rule", "source", "version", "weight", "distance", "document"):
            table.add_column(heading)
        for pair in islice(store.pairs(), limit):
            table.add_row(*_row(pair))
        console().print(table)
        _show_report(build)


@pairs.command()
@click.argument("pair_id", type=int, metavar="PAIR")
def show(pair_id: int) -> None:
    """One pair: its prompt and both texts."""
    with _open() as store:
        pair = store.pair(pair_id)
    if pair is None:
        raise click.ClickException(f"the latest build has no pair {pair_id}")
    where = visible_name(pair.document_uri)
    say(f"pair {pair.id}: rule {pair.rule} ({pair.source.value}), weight {pair.weight:.3f}, {where}")
    for heading, text in (("prompt", pair.prompt), ("chosen", pair.chosen.middle), ("rejected", pair.rejected.middle)):
        say(f"\n--- {heading}\n{text}")


@pairs.command()
@click.option("--format", "form", type=click.Choice(FORMATS), default="jsonl", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output.")
def export(form: str, output: Path | None) -> None:
    """Write the latest build as JSON lines: TRL's rows for DPO or KTO, or all facts about each pair.

    TRL adds the end of text to every completion by itself. Texts without their own end are left out.
    """
    with _open() as store:
        rows = _rows(store, form)
        if output is None:
            count = _write(rows, standard_output())
        else:
            with output.open("w", encoding="utf-8") as file:
                output.chmod(0o600)
                count = _write(rows, file)
    say(f"{count} rows", err=True)


def _existing_store(settings: Settings) -> Path:
    path = store_file(data_dir(settings))
    if not path.is_file():
        raise click.ClickException(f"there is no store at {path}. The first suggestion creates it")
    return path


def _open() -> LearningStore:
    return open_learning(_existing_store(load_settings(environ=os.environ).settings))


def _row(pair: StoredPair) -> tuple[str, ...]:
    name = Path(unquote(urlsplit(pair.document_uri).path)).name
    version = str(pair.policy_number)
    return (
        str(pair.id),
        str(pair.rule),
        pair.source.value,
        version,
        f"{pair.weight:.3f}",
        f"{pair.distance:.3f}",
        visible_name(name),
    )


def _rows(store: LearningStore, form: str) -> Iterator[dict[str, Any]]:
    if form == "trl-kto":
        for label in store.labels():
            if label.written.ends:
                yield {"prompt": label.prompt, "completion": label.written.middle, "label": label.is_desirable}
        return
    for pair in store.pairs():
        if form == "jsonl":
            yield {**dataclasses.asdict(pair), "source": pair.source.value}
        elif pair.chosen.ends and pair.rejected.ends:
            yield {"prompt": pair.prompt, "chosen": pair.chosen.middle, "rejected": pair.rejected.middle}


def _write(rows: Iterator[dict[str, Any]], file: TextIO) -> int:
    return sum(1 for row in rows if file.write(json.dumps(row) + "\n"))


def _show_report(report: dict[str, Any]) -> None:
    for name, value in report.items():
        say(f"{name:32} {value}")
    grounds = list(expected(report))
    if grounds:
        say(f"Label noise was measured on {GROUPS} labelled groups, not on your code:")
    for one, labels, wrong in grounds:
        share = one.wrong / one.labels
        low, high = wilson(share, one.labels)
        say(f"{one.ground:46} {share:5.1%} wrong ({low:.1%} to {high:.1%}): about {wrong:.0f} of your {labels}")
