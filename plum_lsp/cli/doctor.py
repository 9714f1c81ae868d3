"""`plum-lsp doctor`: checks whether each part works on this machine. If a part fails, it says what to do."""

from __future__ import annotations

import asyncio
import json
import platform
import shutil
import sys
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from plum_lsp import __version__
from plum_lsp.cli.finding import Finding, State
from plum_lsp.cli.this_project import PART, project_finding
from plum_lsp.config import Settings, cache_dir, data_dir
from plum_lsp.config.folder import store_file
from plum_lsp.domain.errors import PlumError
from plum_lsp.policy.client.connection import is_loopback, sends_in_clear
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.hosting.sources import find_model
from plum_lsp.policy.hosting.trial import try_out
from plum_lsp.policy.models.catalogue import damage
from plum_lsp.project.trust import TrustBook
from plum_lsp.report.discretion import discreet
from plum_lsp.report.marks import BAD, GOOD, WARNING
from plum_lsp.report.printing import console, say
from plum_lsp.sandbox.isolation import quota
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.store import open_store
from plum_lsp.verification.options import sandbox_options
from plum_lsp.wiring import in_clear, load_for_command, workspace_of

READY_SECONDS_MAX = 120.0
"""The embedded server reads half a gigabyte at its first start. A server by URL should answer far sooner."""
DISK_BYTES_MIN = 1_000_000_000
"""Space for the default model and the records of a year."""


Check = Callable[[Settings], Coroutine[Any, Any, Finding]]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(*, as_json: bool) -> None:
    """Check every part. If one does not work, say what to do.

    Exits with 1 if a part failed.
    """
    findings = asyncio.run(_examine())
    if as_json:
        report = [{**asdict(finding), "state": finding.state.value} for finding in findings]
        say(json.dumps({"version": __version__, "findings": report}, indent=2))
    else:
        _show(findings)
    sys.exit(1 if any(finding.state is State.FAILED for finding in findings) else 0)


async def _examine() -> list[Finding]:
    try:
        settings = load_for_command({})
    except PlumError as error:
        return [Finding(part="settings", state=State.FAILED, detail=str(error), remedy=error.remedy)]
    findings = [_settings(settings)]
    checks: dict[str, Check] = {
        "python": _python,
        "model": _model,
        "policy server": _policy,
        "sandbox": _sandbox,
        "store": _store,
        "disk": _disk,
        "trust": _trust,
        PART: _project,
    }
    for part, check in checks.items():
        try:
            findings.append(await check(settings))
        except PlumError as error:
            findings.append(Finding(part=part, state=State.FAILED, detail=str(error), remedy=error.remedy))
        except OSError as error:
            findings.append(Finding(part=part, state=State.FAILED, detail=str(error)))
    return findings


def _settings(settings: Settings) -> Finding:
    """The finding for settings that were read, with the data that they let leave the machine."""
    url, detail = settings.policy.url, "read without problems"
    if not url or is_loopback(url):
        return Finding(part="settings", state=State.OK, detail=f"{detail}. Prompts stay on this machine")
    redacts = settings.privacy.redact_prompts
    what = "without what looks like a secret" if redacts else "with any secrets in them"
    detail += f". Prompts (code of your files) go to {discreet(url)} {what}"
    remedy = "" if redacts else "To hide what looks like a secret, set privacy.redact_prompts."
    if not sends_in_clear(url):
        return Finding(part="settings", state=State.OK, detail=detail, remedy=remedy)
    return Finding(part="settings", state=State.WARNING, detail=detail, remedy=f"{in_clear(settings)} {remedy}".strip())


async def _python(settings: Settings) -> Finding:
    interpreter = settings.sandbox.interpreter or sys.executable
    if shutil.which(interpreter) is None:
        remedy = "Correct sandbox.interpreter, or leave it empty."
        return Finding(
            part="python", state=State.FAILED, detail=f"{interpreter} cannot be run as a program", remedy=remedy
        )
    detail = f"plum-lsp runs on {platform.python_version()}. Candidates outside a project run on {interpreter}"
    return Finding(part="python", state=State.OK, detail=detail)


async def _trust(settings: Settings) -> Finding:
    answers = TrustBook(data_dir(settings)).read()
    trusted = ", ".join(map(str, answers.trusted)) or "no folder"
    return Finding(part="trust", state=State.OK, detail=f"{trusted} (see: plum-lsp trust --list)")


async def _project(settings: Settings) -> Finding:
    """The project of the working folder."""
    workspace = workspace_of(settings)
    if workspace.problem:
        return Finding(part=PART, state=State.FAILED, detail=workspace.problem)
    standing = await asyncio.to_thread(workspace.standing_of, (Path.cwd() / "_.py").as_uri())
    if standing is None:
        return Finding(part=PART, state=State.OK, detail=f"{Path.cwd()} is in no project")
    return await project_finding(settings, standing)


async def _model(settings: Settings) -> Finding:
    options = policy_options(settings)
    if options.url:
        return Finding(
            part="model", state=State.OK, detail=f"no model is needed here: {discreet(options.url)} has its own"
        )
    model = await asyncio.to_thread(find_model, options.model, cache_dir=options.cache_dir, folder=options.model_folder)
    if model.entry is None:
        return Finding(part="model", state=State.OK, detail=f"your own, {model.path}")
    entry, path = model.entry, model.path
    problem = await asyncio.to_thread(damage, path, entry, cache_dir=options.cache_dir)
    if problem:
        remedy = f"Run: plum-lsp model fetch {entry.name}"
        return Finding(part="model", state=State.FAILED, detail=f"{path}: {problem}", remedy=remedy)
    return Finding(part="model", state=State.OK, detail=f"{entry.name} at {path}, hash right")


async def _policy(settings: Settings) -> Finding:
    policy = open_policy(policy_options(settings))
    try:
        async with asyncio.timeout(READY_SECONDS_MAX):
            trial = await try_out(policy, seconds=READY_SECONDS_MAX)
    except TimeoutError:
        detail = f"no answer within {READY_SECONDS_MAX:.0f} s"
        return Finding(part="policy server", state=State.FAILED, detail=detail, remedy="Is the machine very busy?")
    finally:
        await policy.close()
    where = discreet(settings.policy.url) or "the embedded server"
    kind = f" ({trial.server})" if trial.server else ""
    detail = f"{where}{kind} answers with {trial.version.served_name}, and wrote a line in {trial.milliseconds:.0f} ms"
    if not trial.text.strip():
        remedy = "Look at the server's log. The model may be made for chat alone, or have no fill-in-the-middle."
        detail = f"{where}{kind} answers with {trial.version.served_name}, but its completion is empty"
        return Finding(part="policy server", state=State.WARNING, detail=detail, remedy=remedy)
    return Finding(part="policy server", state=State.OK, detail="; ".join([detail, *trial.habits]))


async def _sandbox(settings: Settings) -> Finding:
    sandbox = await open_sandbox(sandbox_options(settings))
    tier = sandbox.tier
    await sandbox.close()
    detail = f"tier {tier.name} ({', '.join(tier.layers)}), Python {tier.python_version}"
    missing = [*sandbox.passed_over, *_no_quota()]
    return Finding(part="sandbox", state=State.OK, detail="; without ".join([detail, *missing]))


def _no_quota() -> list[str]:
    """Why there are no limits for all children together. Empty if there are such limits."""
    try:
        quota.find()
    except quota.NoQuota as error:
        return [f"limits for all candidates together: {error}"]
    return []


async def _store(settings: Settings) -> Finding:
    path = store_file(data_dir(settings))
    store = await asyncio.to_thread(open_store, path)
    await asyncio.to_thread(store.close)
    return Finding(part="store", state=State.OK, detail=f"{path}, {path.stat().st_size / 1e6:.1f} MB")


async def _disk(settings: Settings) -> Finding:
    places = {"data": data_dir(settings), "cache": cache_dir(settings)}
    free = {name: shutil.disk_usage(path).free for name, path in places.items()}
    detail = ", ".join(f"{places[name]} has {count / 1e9:.1f} GB free" for name, count in free.items())
    if min(free.values()) < DISK_BYTES_MIN:
        remedy = "Free some space, or set PLUM_DATA_DIR and PLUM_CACHE_DIR to a larger disk."
        return Finding(part="disk", state=State.WARNING, detail=detail, remedy=remedy)
    return Finding(part="disk", state=State.OK, detail=detail)


def _show(findings: list[Finding]) -> None:
    marks = {State.OK: GOOD, State.WARNING: WARNING, State.FAILED: BAD}
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(Text(*marks[finding.state]), finding.part, finding.detail)
        if finding.remedy:
            table.add_row("", "", Text(f"→ {finding.remedy}", style="bold"))
    console().print(table)
