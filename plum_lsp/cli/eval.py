"""`plum-lsp eval`: how good the policy is on benchmark tasks, and what verification makes of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import click

from plum_lsp.config import Settings
from plum_lsp.domain.errors import SandboxError
from plum_lsp.evaluating import (
    SCORE_SECONDS,
    GroupRecorder,
    MalformedRow,
    Row,
    TaskResult,
    evaluate_row,
    figures,
    percentile,
    row_of,
)
from plum_lsp.pipeline import Pipeline
from plum_lsp.policy.client import open_policy
from plum_lsp.sandbox.host import open_sandbox
from plum_lsp.wiring import MonotonicClock, load_for_command, pipeline_options, policy_options, sandbox_options


@click.command("eval")
@click.argument("tasks", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--samples", type=click.IntRange(1, 64), help="Candidates for each task (sampling.candidates).")
@click.option("--temperature", type=click.FloatRange(0, 2), help="One temperature for all; default: the ladder.")
@click.option("--deadline-ms", type=click.IntRange(50, 600_000), default=600_000, show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Only the first tasks.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def eval(
    tasks: Path, *, samples: int | None, temperature: float | None, deadline_ms: int, limit: int | None, output: Path
) -> None:
    """Run the policy on the tasks of a JSON-lines file; one result a line in OUTPUT, the figures on standard output.

    Gold tests (`tests`) are used for scoring only. Exits with 1 if a line was no task or the sandbox broke on it.
    """
    sampling: dict[str, object] = {}
    if samples is not None:
        sampling["candidates"] = samples
    if temperature is not None:
        sampling |= {"temperature_min": temperature, "temperature_max": temperature}
    settings = load_for_command({"sampling": sampling, "offers": {"stop_early": False}})
    rows, problems = _rows(tasks, limit)
    with output.open("w", encoding="utf-8") as out:
        results, broken = asyncio.run(_evaluate(rows, settings, out, deadline_ms / 1000))
    _report(results)
    if problems + broken:
        raise SystemExit(1)


def _rows(tasks: Path, limit: int | None) -> tuple[list[Row], int]:
    rows, problems = [], 0
    for number, line in enumerate(tasks.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(row_of(line))
        except MalformedRow as error:
            problems += 1
            click.echo(f"line {number}: {error}", err=True)
    return rows[:limit], problems


async def _evaluate(rows: list[Row], settings: Settings, out: TextIO, seconds: float) -> tuple[list[TaskResult], int]:
    """Evaluate one task after another, and write each result as it comes."""
    clock, seen = MonotonicClock(), GroupRecorder()
    options = pipeline_options(settings)
    limits = replace(options.limits, wall_seconds=SCORE_SECONDS, cpu_seconds=SCORE_SECONDS)
    sandbox = await open_sandbox(sandbox_options(settings))
    policy = open_policy(policy_options(settings))
    results, broken = [], 0
    try:
        pipeline = Pipeline(policy=policy, sandbox=sandbox, clock=clock, recorder=seen, options=options)
        for number, row in enumerate(rows, start=1):
            try:
                result = await evaluate_row(row, pipeline, sandbox, seen, clock, limits=limits, seconds=seconds)
            except SandboxError as error:
                broken += 1
                click.echo(f"{row.id}: the sandbox broke: {error}", err=True)
                continue
            results.append(result)
            out.write(json.dumps(result.line()) + "\n")
            out.flush()
            click.echo(f"{number}/{len(rows)} {row.id}: {_end(result)}", err=True)
    finally:
        await policy.close()
        await sandbox.close()
    return results, broken


def _end(result: TaskResult) -> str:
    right = sum(sample.is_right for sample in result.samples)
    group = f"{right} of {len(result.samples)} samples right"
    if result.offered is None:
        return f"{group}; nothing offered ({result.reason})"
    return f"{group}; offered {result.offered.tier}, {'right' if result.offered.is_right else 'wrong'}"


def _report(results: list[TaskResult]) -> None:
    for figure in figures(results):
        interval = f"[{figure.low:.3f}, {figure.high:.3f}]"
        click.echo(f"{figure.name:38s} {figure.value:.3f}  {interval}  n = {figure.count}")
    times = [result.total_ms / 1000 for result in results]
    if times:
        click.echo(f"{'seconds a task':38s} median {percentile(times, 0.5):.1f}, p95 {percentile(times, 0.95):.1f}")
