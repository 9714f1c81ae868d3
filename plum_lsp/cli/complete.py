"""`plum-lsp complete`: one suggestion at a position of a file, shown as it happens, logged like an editor's."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import click

from plum_lsp.cli.terminal import TerminalRecorder, expectation_text
from plum_lsp.config import Settings
from plum_lsp.config.settings import RANGES
from plum_lsp.domain.display import one_line
from plum_lsp.domain.events import Ended, Event, Sampled, Supported, Verified
from plum_lsp.domain.ports import Recorder
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Abstention, Judged, Offer, RequestId, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document, Position, PositionEncoding, number_of_lines
from plum_lsp.project.privacy import refusal
from plum_lsp.report.printing import console, say
from plum_lsp.server.settings import narrowed
from plum_lsp.wiring import load_for_command, open_services, workspace_of

NOTHING_OFFERED = 3
"""Exit status of an abstention. The command worked, but there is no text to insert."""
SEED_MAX = int(RANGES["sampling.seed"][1])


class _Collector:
    """Keeps the facts about every candidate for the JSON report."""

    def __init__(self) -> None:
        self.sampled: list[Sampled] = []
        self.judged: dict[int, Judged] = {}

    def record(self, event: Event) -> None:
        if isinstance(event, Sampled):
            self.sampled.append(event)
        elif isinstance(event, Verified):
            self.judged[event.judged.candidate.completion.index] = event.judged
        elif isinstance(event, Supported):
            self.judged.update((judged.candidate.completion.index, judged) for judged in event.judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """The result of the request, and the problems that were found."""

    result: Offer | Abstention
    problems: tuple[str, ...]
    is_recorded: bool


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--line", type=click.IntRange(min=1), required=True, help="Line of the cursor, counted from 1.")
@click.option("--column", type=click.IntRange(min=1), default=1, show_default=True, help="Column, counted from 1.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the progress.")
@click.option("--all", "judge_all", is_flag=True, help="Judge all candidates, even after one is verified.")
@click.option("--candidates", type=click.IntRange(1, 64), help="How many to sample (sampling.candidates).")
@click.option("--deadline-ms", type=click.IntRange(50, 600_000), default=120_000, show_default=True)
@click.option("--seed", type=click.IntRange(0, SEED_MAX), help="Seed of the group (sampling.seed).")
def complete(
    file: Path,
    line: int,
    column: int,
    *,
    as_json: bool,
    judge_all: bool,
    candidates: int | None,
    deadline_ms: int,
    seed: int | None,
) -> None:
    """Complete FILE at a position, and show candidates, tests and results as they arrive.

    Exits with 0 for a suggestion. Exits with 3 and a reason if there is none.
    """
    overrides: dict[str, dict[str, object]] = {"offers": {"deadline_ms": deadline_ms}, "sampling": {}}
    if judge_all:
        overrides["offers"]["stop_early"] = False
    if candidates is not None:
        overrides["sampling"]["candidates"] = candidates
    if seed is not None:
        overrides["sampling"]["seed"] = seed
    settings, complaints = narrowed(load_for_command(overrides), _folders_above(file))
    for complaint in complaints:
        say(one_line(complaint), err=True)
    collector, terminal = _Collector(), TerminalRecorder(console())
    listener: Recorder = collector if as_json else terminal
    request_id = RequestId(uuid.uuid4().hex)
    refused = refusal(request_id, file.absolute().as_uri(), settings.privacy)
    if refused is not None:
        listener.record(Ended(request_id=request_id, result=refused, stages_ms={}))
        answer = _Answer(result=refused, problems=(), is_recorded=False)
    else:
        position = Position(line=line - 1, character=column - 1)
        answer = asyncio.run(_answer(settings, request_id, _document(file, line), position, listener))
    if terminal.failure is not None:
        raise terminal.failure
    for problem in answer.problems:
        say(problem, err=True)
    if as_json:
        say(json.dumps(_report(answer.result, collector), indent=2))
    elif isinstance(answer.result, Offer) and answer.is_recorded:
        say(f"Logged. See it with: plum-lsp explain {answer.result.id}")
    sys.exit(0 if isinstance(answer.result, Offer) else NOTHING_OFFERED)


def _folders_above(file: Path) -> tuple[Path, ...]:
    """Every folder that may hold a project's settings: the folders above the file and above the target of a link."""
    return tuple(dict.fromkeys((*file.absolute().parents, *file.resolve().parents)))


def _document(file: Path, line: int) -> Document:
    """The file as it is now. `line` counts from 1."""
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not UTF-8 text (byte {error.start}).") from error
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}.") from error
    lines = number_of_lines(text)
    if line > lines:
        raise click.ClickException(f"{file} has {lines} lines. There is no line {line}.")
    return Document(uri=file.resolve().as_uri(), version=0, text=text, encoding=PositionEncoding.UTF32)


async def _answer(
    settings: Settings, request_id: RequestId, document: Document, position: Position, listener: Recorder
) -> _Answer:
    """Run the request and close all parts. Only the close shows whether the request was recorded."""
    services = await open_services(settings, listener)
    try:
        clock = services.pipeline.clock
        request = SuggestionRequest(
            id=request_id,
            document=document,
            offset=document.offset_at(position),
            trigger=Trigger.INVOKED,
            deadline=clock.now() + settings.offers.deadline_ms / 1000,
            project=await asyncio.to_thread(_project, settings, document),
        )
        result = await services.pipeline.suggest(request)
        await services.pipeline.finish()
    finally:
        await services.close()
    problems = services.problems
    loss = services.store.status() if services.store is not None else None
    if loss is not None and loss.lost:
        problems += (f"plum-lsp could not keep a record of the request: {loss.problem}",)
    return _Answer(result=result, problems=problems, is_recorded=loss is not None and not loss.lost)


def _project(settings: Settings, document: Document) -> Project | None:
    """The document's project, if its code may be executed. Otherwise the user sees what to do about it."""
    workspace = workspace_of(settings)
    if workspace.problem:
        say(workspace.problem, err=True)
    standing = workspace.standing_of(document.uri)
    if standing is None or standing.usable is not None or not standing.project.is_marked:
        return standing.usable if standing else None
    top = standing.project.top
    say(f"Without the packages, modules and tests of {top}. If you trust it: plum-lsp trust {top}", err=True)
    return None


def _report(result: Offer | Abstention, collector: _Collector) -> dict[str, object]:
    """The request as one JSON object: the offer or abstention, and every candidate with its verdicts."""
    head: dict[str, object] = {"request": result.request_id}
    if isinstance(result, Offer):
        head["offer"] = {
            "id": result.id,
            "text": result.text,
            "tier": result.chosen.tier.value,
            "reason": result.chosen.reason,
            "candidate": result.chosen.candidate.completion.index,
            "tests": [
                {
                    "id": test.id,
                    "setup": test.call.setup,
                    "call": test.call.expression,
                    "expected": expectation_text(test.expectation),
                    "origin": test.origin.value,
                }
                for test in result.tests
            ],
        }
    else:
        head["abstention"] = {"reason": result.reason.value, "detail": result.detail}
    by_index = sorted(collector.sampled, key=lambda event: event.candidate.completion.index)
    head["candidates"] = [_candidate_report(event, collector) for event in by_index]
    return head


def _candidate_report(event: Sampled, collector: _Collector) -> dict[str, object]:
    candidate, completion = event.candidate, event.candidate.completion
    judged = collector.judged.get(completion.index)
    return {
        "index": completion.index,
        "text": candidate.text,
        "temperature": completion.temperature,
        "seed": completion.seed,
        "mean_logprob": candidate.mean_logprob,
        "duplicate_of": event.duplicate_of,
        "tier": judged.tier.value if judged else None,
        "reason": judged.reason if judged else candidate.problem,
        "verdicts": [
            {"test": verdict.test_id, "status": verdict.status.value, "shown": verdict.shown}
            for verdict in (judged.verdicts if judged else ())
        ],
    }
