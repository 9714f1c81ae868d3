"""Judges many lines of candidates into a file of rows, here or on a Ray cluster, and goes on where it stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path

from plum_lsp.cli.bulk import check_address, report, work_off
from plum_lsp.config import load_settings
from plum_lsp.evaluation.bulk.work import Batch, Line, line_of
from plum_lsp.evaluation.tasks import MalformedTask
from plum_lsp.report.printing import say
from plum_lsp.store.judgements import Judgements, LineKey
from plum_lsp.suggestion.options import pipeline_options


def judge_in_bulk(inputs: Path, rows: Path, output: Path | None, *, ray: str | None, size: int) -> bool:
    """Judge the lines that have no rows in `rows` yet. Returns whether every line was a task that could be judged.

    `ray` is the address of a cluster, `LOCAL` for one of our own, or None for this process. `output` then gets all
    predictions of the file's lines, in their order.
    """
    check_address(ray)
    lines, problems = _lines(inputs)
    settings = load_settings(environ=os.environ).settings
    jail = settings.sandbox
    like = Batch(lines=(), limits=pipeline_options(settings).limits, interpreter=jail.interpreter, jobs=jail.jobs)
    with Judgements(rows) as store:
        problems += work_off(lines, like, store, ray=ray, size=size)
        if output is not None:
            with output.open("w", encoding="utf-8") as out:
                for line in lines:
                    out.writelines(json.dumps(row) + "\n" for row in store.predictions(line.key))
        report(store.counts())
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
