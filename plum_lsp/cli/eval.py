"""`plum-lsp eval`: measures the policy on benchmark tasks, without and with verification."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click

from plum_lsp.cli.bulk import batch_option, check_address, ray_option, report, work_off
from plum_lsp.config import Settings
from plum_lsp.domain.errors import SandboxError
from plum_lsp.evaluation.bulk.sampling import SampledBatch
from plum_lsp.evaluation.bulk.work import named
from plum_lsp.evaluation.figures import figures
from plum_lsp.evaluation.rows import MalformedResult, TaskResult, evaluate_row, result_of, trial_of
from plum_lsp.evaluation.tasks import MalformedTask, Task, task_of
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.report.figures import seconds
from plum_lsp.report.printing import say
from plum_lsp.report.shares import quantile
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.store.judgements import Results
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.verification.options import sandbox_options
from plum_lsp.wiring import load_for_command


@click.command("eval")
@click.argument("tasks", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--samples", type=click.IntRange(1, 64), help="Candidates for each task (sampling.candidates).")
@click.option(
    "--temperature", type=click.FloatRange(0, 2), help="One temperature for all candidates. By default they are spread."
)
@click.option("--deadline-ms", type=click.IntRange(50, 600_000), default=600_000, show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Only this many tasks from the start.")
@click.option("--pick", type=click.IntRange(1), help="Only this many tasks, chosen at random.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the choice.")
@click.option("--resume", is_flag=True, help="Keep the results in OUTPUT and run the other tasks.")
@click.option(
    "--rows",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the results in this SQLite file, too, and run only what is not in it yet. Needs policy.url.",
)
@ray_option("Sample and judge")
@batch_option("Tasks")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def eval(
    tasks: Path,
    *,
    samples: int | None,
    temperature: float | None,
    deadline_ms: int,
    limit: int | None,
    pick: int | None,
    seed: int,
    resume: bool,
    rows: Path | None,
    ray: str | None,
    batch: int,
    output: Path,
) -> None:
    """Run the model on the tasks of a JSON-lines file. OUTPUT gets the results, standard output the figures.

    Gold tests (`tests`) are used for scoring only. Exits with 1 if a line is not a task or the sandbox broke on it.
    With --rows the command goes on where it was stopped. Each result is stored once, under the version of the model.
    """
    check_address(ray)
    sampling: dict[str, object] = {}
    if samples is not None:
        sampling["candidates"] = samples
    if temperature is not None:
        sampling |= {"temperature_min": temperature, "temperature_max": temperature}
    settings = load_for_command({"sampling": sampling})
    if ray is not None and rows is None:
        raise click.UsageError("--ray needs --rows.")
    if rows is not None and (resume or not settings.policy.url):
        raise click.UsageError("--rows goes on by itself without --resume, and needs a policy server (policy.url).")
    found, problems = _rows(tasks)
    found = found[:limit]
    if pick is not None and pick < len(found):
        found = random.Random(seed).sample(found, pick)  # noqa: S311 - selects tasks, not a secret
    if rows is not None:
        how = _Bulk(file=rows, ray=ray, size=batch, seconds=deadline_ms / 1000)
        results, broken = _in_bulk(found, settings, how)
        output.write_text("".join(json.dumps(result.line()) + "\n" for result in results), encoding="utf-8")
    else:
        results = _earlier(output, {row.id for row in found}) if resume else []
        broken = _one_by_one(found, settings, output, deadline_ms / 1000, results)
    _report(results, settings.offers.deadline_ms)
    if problems + broken:
        raise SystemExit(1)


def _one_by_one(rows: list[Task], settings: Settings, output: Path, seconds: float, results: list[TaskResult]) -> int:
    """Evaluate the tasks without a result, and add it to `results` and the file. Returns how many broke."""
    done = {result.task_id for result in results}
    with output.open("w", encoding="utf-8") as out:
        for result in results:
            _write(result, out)
        left = [row for row in rows if row.id not in done]
        return asyncio.run(_evaluate(left, settings, out, seconds, results)) if left else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bulk:
    """How tasks are run in bulk: the file of results, the cluster, the tasks of a batch and the time for each."""

    file: Path
    ray: str | None
    size: int
    seconds: float


def _in_bulk(rows: list[Task], settings: Settings, how: _Bulk) -> tuple[list[TaskResult], int]:
    """The results in the file, after the tasks without one are done. Also returns how many could not be done."""
    version, seed, jail = asyncio.run(_version(settings)), settings.sampling.seed, settings.sandbox
    lines = [named(row, version=version, seed=seed) for row in {row.id: row for row in rows}.values()]
    like = SampledBatch(
        lines=(),
        limits=pipeline_options(settings).limits,
        interpreter=jail.interpreter,
        jobs=jail.jobs,
        settings=settings,
        seconds=how.seconds,
    )
    with Results(how.file) as store:
        broken = work_off(lines, like, store, ray=how.ray, size=how.size)
        found = [store.result(line.key) for line in lines]
        report(store.counts())
    return [result_of(text) for text in found if text], broken


async def _version(settings: Settings) -> str:
    """The name of the version that the policy server answers with."""
    policy = open_policy(policy_options(settings))
    try:
        return (await policy.version()).served_name
    finally:
        await policy.close()


def _rows(tasks: Path) -> tuple[list[Task], int]:
    rows, problems = [], 0
    for number, line in enumerate(tasks.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(task_of(line, needs=("tests",)))
        except MalformedTask as error:
            problems += 1
            say(f"line {number}: {error}", err=True)
    return rows, problems


def _earlier(output: Path, wanted: set[str]) -> list[TaskResult]:
    """The results of an earlier run. If it was stopped inside a line, that line is done again."""
    found: dict[str, TaskResult] = {}
    if output.exists():
        for line in filter(None, output.read_text(encoding="utf-8").split("\n")):
            with suppress(MalformedResult):
                result = result_of(line)
                found[result.task_id] = result
    return [result for name, result in found.items() if name in wanted]


def _write(result: TaskResult, out: TextIO) -> None:
    out.write(json.dumps(result.line()) + "\n")
    out.flush()


async def _evaluate(
    rows: list[Task], settings: Settings, out: TextIO, seconds: float, results: list[TaskResult]
) -> int:
    """Evaluate the tasks in order, write each result, and add it to `results`. Returns how many broke."""
    sandbox = await open_sandbox(sandbox_options(settings))
    policy = open_policy(policy_options(settings))
    trial = trial_of(settings, policy, sandbox, seconds=seconds)
    broken = 0
    try:
        for number, row in enumerate(rows, start=1):
            try:
                result = await evaluate_row(row, trial)
            except SandboxError as error:
                broken += 1
                say(f"{row.id}: the sandbox broke: {error}", err=True)
                continue
            results.append(result)
            _write(result, out)
            say(f"{number}/{len(rows)} {row.id}: {_end(result)}", err=True)
    finally:
        await policy.close()
        await sandbox.close()
    return broken


def _end(result: TaskResult) -> str:
    right = sum(sample.is_right for sample in result.samples)
    group = f"{right} of {len(result.samples)} samples right"
    if result.offered is None:
        return f"{group}; nothing offered ({result.reason})"
    return f"{group}; offered {result.offered.tier}, {'right' if result.offered.is_right else 'wrong'}"


def _report(results: list[TaskResult], deadline_ms: int) -> None:
    for figure in figures(results, deadline_ms=deadline_ms):
        interval = f"[{figure.low:.3f}, {figure.high:.3f}]"
        say(f"{figure.name:46s} {figure.value:.3f}  {interval}  n = {figure.count}")
    times: dict[str, list[float | None]] = {
        "seconds to the first sample": [result.first_ms for result in results],
        "seconds to the offer": [result.offered_ms for result in results],
        "seconds for the whole group": [result.total_ms for result in results],
    }
    for name, found in times.items():
        if known := [(str(place), time) for place, time in enumerate(found) if time is not None]:
            say(f"{name:46s} {_spread(known)}  n = {len(known)}")


def _spread(times: list[tuple[str, float]]) -> str:
    """The median and the 95th percentile of times in ms `(task, time)`, each with its interval of 95 %."""
    found = ((name, quantile(times, part)) for name, part in (("median", 0.5), ("p95", 0.95)))
    told = ((name, seconds(one)) for name, one in found if one is not None)
    return ", ".join(f"{name} {value} [{interval}]" for name, (value, interval) in told)
