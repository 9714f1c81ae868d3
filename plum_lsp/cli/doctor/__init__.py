"""`plum-lsp doctor`: checks whether each part works on this machine. If a part fails, it says what to do."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from plum_lsp import __version__
from plum_lsp.cli.doctor import learning, machine, serving, settings
from plum_lsp.cli.doctor.bundle import write_bundle
from plum_lsp.cli.doctor.finding import Finding, State
from plum_lsp.cli.doctor.this_project import PART, check_project
from plum_lsp.config import Loaded, Settings
from plum_lsp.domain.errors import PlumError
from plum_lsp.report.installation import as_typed_here
from plum_lsp.report.marks import BAD, GOOD, WARNING
from plum_lsp.report.printing import console, say, say_over
from plum_lsp.wiring import load_for_server

Check = Callable[[Settings], Coroutine[Any, Any, Finding]]
CHECKS: dict[str, Check] = {
    "python": machine.check_python,
    "model": serving.check_model,
    "policy server": serving.check_policy,
    "sandbox": machine.check_sandbox,
    "store": machine.check_store,
    "disk": machine.check_disk,
    "metrics": machine.check_metrics,
    "training": learning.check_training,
    "trust": machine.check_trust,
    PART: check_project,
}
_LONG = {
    "policy server": " (a real completion, up to a minute)",
    PART: " (imports its modules in the sandbox)",
}
"""The checks that take seconds, and why. A line with it is shorter than a terminal of 80 columns."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a new file for a report of a problem. It holds no source text, key or project name.",
)
def doctor(*, as_json: bool, bundle: Path | None) -> None:
    """Check every part. If one does not work, say what to do.

    Exits with 1 if a part failed.
    """
    loaded = load_for_server({})
    findings = asyncio.run(examine(loaded))
    if as_json:
        report = [{**asdict(finding), "state": finding.state.value} for finding in findings]
        say(json.dumps({"version": __version__, "findings": report}, indent=2))
    else:
        show(findings)
    if bundle is not None:
        write_bundle(bundle, loaded, findings)
        say(f"Written: {bundle}. Read it before you send it.", err=True)
    sys.exit(1 if any(finding.state is State.FAILED for finding in findings) else 0)


async def examine(loaded: Loaded) -> list[Finding]:
    """The findings of every part. A wrong setting is one of them, and the others are made with what could be read.

    A terminal shows which part is being checked, because some checks take seconds.
    """
    findings = [settings.check_settings(loaded), settings.check_pause(loaded)]
    for part, check in CHECKS.items():
        say_over(f"Checking {part}{_LONG.get(part, '')} …")
        try:
            findings.append(await check(loaded.settings))
        except PlumError as error:
            findings.append(Finding(part=part, state=State.FAILED, detail=str(error), remedy=error.remedy))
        except OSError as error:
            findings.append(Finding(part=part, state=State.FAILED, detail=str(error)))
    say_over("")
    return [replace(one, detail=as_typed_here(one.detail), remedy=as_typed_here(one.remedy)) for one in findings]


def show(findings: list[Finding]) -> None:
    """Print the findings, each remedy below what it is for. What fails comes last: a terminal shows the end."""
    marks = {State.OK: GOOD, State.WARNING: WARNING, State.FAILED: BAD}
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in sorted(findings, key=lambda one: list(State).index(one.state)):
        table.add_row(Text(*marks[finding.state]), finding.part, finding.detail)
        if finding.remedy:
            table.add_row("", "", Text(f"→ {finding.remedy}", style="bold"))
    console().print(table)
