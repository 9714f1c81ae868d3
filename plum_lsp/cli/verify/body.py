"""Judges one body of a function in a project, and shows the tests that were run and why each was chosen."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click
from rich.text import Text

from plum_lsp.config import Settings
from plum_lsp.domain.display import one_line
from plum_lsp.domain.errors import PlumError, told
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Passes, TestCase, Verdict
from plum_lsp.evaluation.body import JudgedBody, NoBody, NoFunction, Place, judged_body, place_of
from plum_lsp.project.around.importing import ImportFinder
from plum_lsp.project.workspace import Standing
from plum_lsp.python.missing.resolving import KnownImports
from plum_lsp.python.specification.project_tests import project_tests_of, subject_of
from plum_lsp.report.marks import VERDICT
from plum_lsp.report.printing import console, say
from plum_lsp.sandbox.by_project import ProjectSandboxes
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.verification.options import sandbox_options
from plum_lsp.verification.whole import PASSES_IDLE
from plum_lsp.wiring import known_tests, load_for_command, test_files, workspace_of

VERIFIED, REFUTED, NOT_JUDGED = 0, 1, 3
"""Exit statuses. 2 is wrong usage, as for every command."""
_OUTCOMES = {VERIFIED: "verified", REFUTED: "refuted", NOT_JUDGED: "not judged"}


def judge_body(file: Path, qualname: str, body: Path | None, project: Path | None, *, as_json: bool) -> int:
    """Judge a body and print the result. Returns the exit status.

    Raises:
        click.BadParameter: the file has no such function.
    """
    try:
        settings = load_for_command({})
        path = file.resolve()
        home = _usable(settings, path, project)
        place = place_of(_text(path), qualname)
        text = place.body if body is None else place.fitted(_text(body))
        found = asyncio.run(_judged(settings, path, home, place, text))
    except NoFunction as error:
        raise click.BadParameter(told(error), param_hint="TARGET") from error
    except PlumError as error:
        _print_problem(told(error), as_json=as_json)
        return NOT_JUDGED
    status = REFUTED if found.judged.is_refuted else VERIFIED if found.is_verified else NOT_JUDGED
    if as_json:
        say(json.dumps(_report(found, status), indent=2))
    else:
        _print(found, status)
    return status


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoBody(f"{path} cannot be read as text: {error}") from error


def _usable(settings: Settings, path: Path, folder: Path | None) -> Project | None:
    """The file's project. None if it belongs to none.

    Raises:
        NoBody: the project is not trusted, or the file is not in it.
    """
    workspace = workspace_of(settings)
    standing: Standing | None
    if folder is not None:
        standing = workspace.standing_at(folder)
        if not path.is_relative_to(standing.project.root):
            raise NoBody(f"{path} is not in {standing.project.root}")
    else:
        standing = workspace.standing_of(path.as_uri())
    if standing is None or standing.usable is not None:
        return standing.usable if standing else None
    if folder is None and not standing.project.is_marked:
        return None
    top = standing.project.top
    raise NoBody(f"{top} is not trusted, so its code is not executed", remedy=f"If you trust it: plum-lsp trust {top}")


async def _judged(settings: Settings, path: Path, project: Project | None, place: Place, text: str) -> JudgedBody:
    """Judge the body in the sandbox of its project."""
    default = await open_sandbox(sandbox_options(settings))
    sandboxes = ProjectSandboxes(sandbox_options(settings), default)
    try:
        if project is not None and (problem := await sandboxes.prepare(project)):
            raise NoBody(problem)
        known, find_files = await asyncio.to_thread(known_tests, settings, project), test_files(settings)

        def assertions(context: Context) -> tuple[TestCase, ...]:
            name = subject_of(context)
            files = find_files(path.as_uri(), name, ()) if name and project is not None else ()
            return project_tests_of(context, path.as_uri(), files)

        return await judged_body(
            place,
            text,
            path,
            await sandboxes.of(project),
            pipeline_options(settings).limits,
            project_tests=assertions,
            whole_tests=lambda context: known.tests_of(project, path, context) if known and project else (),
            imports=_imports(settings, path, project),
        )
    finally:
        await sandboxes.close()
        await default.close()


def _imports(settings: Settings, path: Path, project: Project | None) -> KnownImports:
    """How the files beside the file import names, for a body that uses a name without its import."""
    if project is None:
        return KnownImports()
    document = Document(uri=path.as_uri(), version=0, text="")
    return ImportFinder(exclude=settings.privacy.exclude).imports(document, project)


def why(test: TestCase) -> str:
    """Why a test was chosen, in words."""
    if isinstance(test.expectation, Passes):
        return test.expectation.why + (f"; {PASSES_IDLE}" if test.expectation.passes_idle else "")
    return f"{test.origin.words} of the function"


def _name(test: TestCase) -> str:
    return one_line(test.quote or test.call.expression)


def _results(found: JudgedBody) -> list[tuple[TestCase, Verdict | None]]:
    """The tests that tell, each with its verdict. A test that was not run has none."""
    verdicts = {verdict.test_id: verdict for verdict in found.judged.verdicts}
    return [(test, verdicts.get(test.id)) for test in found.evidence.specification]


def _print_problem(problem: str, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps({"outcome": _OUTCOMES[NOT_JUDGED], "reason": problem, "tests": []}, indent=2))
    else:
        say(f"{_OUTCOMES[NOT_JUDGED]}: {problem}", err=True)


def _print(found: JudgedBody, status: int) -> None:
    """One line for the result, then one for each test."""
    out = console()
    say(f"{_OUTCOMES[status]}: {one_line(found.judged.reason)}")
    for test, verdict in _results(found):
        mark = VERDICT[verdict.status] if verdict is not None else None
        line = Text.assemble(
            "  ", (mark.sign, mark.style) if mark else "-", f" {_name(test)}", (f"  {why(test)}", "dim")
        )
        out.print(line, soft_wrap=True)
        if verdict is not None and not verdict.is_pass and verdict.shown:
            out.print(Text(f"      {one_line(verdict.shown)}", style="dim"), soft_wrap=True)
    if found.looked_at:
        ran = sum(isinstance(test.expectation, Passes) for test in found.evidence.specification)
        say(f"  Tests of the project that may reach the function: {found.looked_at}. Without a body, {ran} fail.")


def _report(found: JudgedBody, status: int) -> dict[str, object]:
    """The result as one JSON object."""
    judged = found.judged
    return {
        "outcome": _OUTCOMES[status],
        "tier": judged.tier.value,
        "reason": judged.reason,
        "looked_at": found.looked_at,
        "tests": [
            {
                "name": _name(test),
                "origin": test.origin.value,
                "run": "together" if isinstance(test.expectation, Passes) else "apart",
                "why": why(test),
                "status": verdict.status.value if verdict is not None else None,
                "shown": verdict.shown if verdict is not None else "",
                "wall_ms": round(verdict.wall_ms, 3) if verdict is not None else None,
            }
            for test, verdict in _results(found)
        ],
    }
