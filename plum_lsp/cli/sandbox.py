"""`plum-lsp sandbox`: attacks the sandbox of this machine, or runs files of cases in it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TextIO

import click

from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation import cases
from plum_lsp.report.printing import say, standard_output
from plum_lsp.sandbox import seatbelt
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.isolation import plans as isolation
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.sandbox.opening import selftest as run_selftest

_TIER = click.option(
    "--tier",
    type=click.Choice([tier.name for tier in (*isolation.TIERS, seatbelt.TIER)]),
    help="Use this isolation or fail.",
)


@click.group("sandbox")
def sandbox() -> None:
    """Run untrusted programs, and check that they cannot leave the sandbox."""


@sandbox.command()
@_TIER
def selftest(tier: str | None) -> None:
    """Attack the sandbox with real programs. Fails if one gets out."""
    try:
        report = asyncio.run(run_selftest(SandboxOptions(tier=tier)))
    except PlumError as error:
        raise _failure(error) from None
    say(f"tier {report.tier.name}: {', '.join(report.tier.layers)} (Python {report.tier.python_version})")
    for name, was_stopped in report.attacks:
        say(f"  {'ok' if was_stopped else 'FAILED'}  {name}")


@sandbox.command()
@click.argument("cases_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output.")
@_TIER
@click.option(
    "--jobs", type=click.IntRange(1, 64), help="Programs that run at the same time.  [default: half the cores]"
)
@click.option("--wall-seconds", type=float, default=Limits().wall_seconds, show_default=True, help="For each program.")
@click.option("--timings", is_flag=True, help="Print the times on standard error.")
def run(
    cases_file: Path, output: Path | None, tier: str | None, jobs: int | None, wall_seconds: float, timings: bool
) -> None:
    """Run the cases of a JSON-lines file. Prints one result per line, in the same order.

    Exits with 1 if a line is not a case or the sandbox failed. A case that fails does not change the exit status.
    """
    limits = Limits(wall_seconds=wall_seconds, cpu_seconds=max(1.0, wall_seconds))
    options = SandboxOptions(tier=tier, jobs=jobs or 0)
    lines = cases_file.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    try:
        if output is None:
            problems = asyncio.run(_run(lines, standard_output(), options, limits, timings))
        else:
            with output.open("w", encoding="utf-8") as results:
                problems = asyncio.run(_run(lines, results, options, limits, timings))
    except PlumError as error:
        raise _failure(error) from None
    if problems:
        raise SystemExit(1)


async def _run(lines: list[str], results: TextIO, options: SandboxOptions, limits: Limits, timings: bool) -> int:
    """Run every line. Returns how many gave no result."""
    loop = asyncio.get_running_loop()
    opened = loop.time()
    jail = await open_sandbox(options)
    started = loop.time()
    problems = 0
    walls: list[float] = []

    async def report(result: cases.CaseResult | cases.CaseProblem) -> None:
        nonlocal problems
        if isinstance(result, cases.CaseResult):
            walls.append(result.wall_ms)
            results.write(result.as_line() + "\n")
            return
        problems += 1
        say(f"line {result.line}: {result.text}", err=True)
        if result.id is not None:
            record = {"id": result.id, "status": "error", "passed": [], "wall_ms": 0.0, "error": result.text}
            results.write(json.dumps(record) + "\n")

    try:
        await cases.run_lines(jail, lines, limits, at_once=2 * options.jobs_or_default, report=report)
        if timings:
            _tell_timings(walls, opened, started, loop.time(), jail.tier.name)
    finally:
        await jail.close()
    return problems


def _tell_timings(walls: list[float], opened: float, started: float, ended: float, tier: str) -> None:
    median = sorted(walls)[len(walls) // 2] if walls else 0.0
    say(
        f"{len(walls)} cases in {ended - started:.2f} s after {started - opened:.2f} s to open tier {tier}; "
        f"median {median:.1f} ms",
        err=True,
    )


def _failure(error: PlumError) -> click.ClickException:
    return click.ClickException(f"{error}\n{error.remedy}".strip())
