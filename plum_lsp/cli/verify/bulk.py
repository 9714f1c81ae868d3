"""Judges many lines of candidates into a file of rows, here or on a Ray cluster, and goes on where it stopped."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import click

from plum_lsp.config import load_settings
from plum_lsp.evaluation.bulk.on_ray import LOCAL, RayWorkers
from plum_lsp.evaluation.bulk.run import BulkRun, InThisProcess, Workers, left_of
from plum_lsp.evaluation.bulk.work import Batch, Line, line_of
from plum_lsp.evaluation.tasks import MalformedTask
from plum_lsp.report.printing import say
from plum_lsp.store.judgements import Counts, Judgements, LineKey
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.suggestion.options import pipeline_options

_ADDRESS = re.compile(r"[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


def judge_in_bulk(inputs: Path, rows: Path, output: Path | None, *, ray: str | None, size: int) -> bool:
    """Judge the lines that have no rows in `rows` yet. Returns whether every line was a task that could be judged.

    `ray` is the address of a cluster, `LOCAL` for one of our own, or None for this process. `output` then gets all
    predictions of the file's lines, in their order.
    """
    if ray is not None and ray != LOCAL and not _ADDRESS.fullmatch(ray):
        raise click.BadParameter(f"{ray} is not HOST:PORT", param_hint="--ray")
    lines, problems = _lines(inputs)
    settings = load_settings(environ=os.environ).settings
    jail = settings.sandbox
    like = Batch(lines=(), limits=pipeline_options(settings).limits, interpreter=jail.interpreter, jobs=jail.jobs)
    with Judgements(rows) as store:
        left = left_of(lines, like, store)
        say(f"{len(lines) - len(left)} of {len(lines)} lines are judged already", err=True)
        if left:
            problems += _judged(left, like, store, ray, size)
        if output is not None:
            with output.open("w", encoding="utf-8") as out:
                for line in lines:
                    out.writelines(json.dumps(row) + "\n" for row in store.predictions(line.key))
        _report(store.counts())
    return not problems


def _lines(inputs: Path) -> tuple[list[Line], int]:
    """The lines of the file, and how many cannot be judged. Each of those is reported."""
    found: dict[LineKey, Line] = {}
    problems = 0
    for number, text in enumerate(inputs.read_text(encoding="utf-8", errors="surrogateescape").split("\n"), start=1):
        if not text.strip():
            continue
        try:
            line = line_of(text)
            if line.key in found:
                raise MalformedTask("an earlier line has the same `task_id`, `version` and `seed`")
            found[line.key] = line
        except MalformedTask as error:
            problems += 1
            say(f"line {number}: {error}", err=True)
    return list(found.values()), problems


def _judged(left: list[Line], like: Batch, store: Judgements, ray: str | None, size: int) -> int:
    """Judge the lines. Returns how many could not be judged."""

    def tell(text: str) -> None:
        say(text, err=True)

    workers: Workers = InThisProcess() if ray is None else RayWorkers(ray, tell)
    run = BulkRun(store=store, workers=workers, like=like, size=size, clock=MonotonicClock(), tell=tell)
    try:
        run.judge(left)
    finally:
        workers.close()
    return run.problems


def _report(counts: Counts) -> None:
    say(f"{counts.rows} rows stored. Lines handed out: {counts.asks}", err=True)
    if counts.unanswered or counts.rows_ignored:
        say(
            f"  never answered: {counts.unanswered}. Rows that came again and were ignored: {counts.rows_ignored}",
            err=True,
        )
