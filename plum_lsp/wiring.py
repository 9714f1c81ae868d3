"""Creates the real parts from the settings and connects them.

Only this module knows every part. It makes no decisions.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from plum_lsp.config import Loaded, Settings, cache_dir, data_dir, data_dir_if_any, load_settings
from plum_lsp.config.folder import share_file, store_file, test_maps_folder
from plum_lsp.domain.errors import ConfigError, StoreError
from plum_lsp.domain.events import Event
from plum_lsp.domain.pilot import Assignment, assignment
from plum_lsp.domain.ports import Recorder
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Context, SuggestionRequest, Trigger
from plum_lsp.domain.verification import TestCase
from plum_lsp.feedback.redaction import Redactor
from plum_lsp.feedback.sharing import Sharer
from plum_lsp.policy.client.connection import sends_in_clear
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.project import facts
from plum_lsp.project.around.importing import ImportFinder
from plum_lsp.project.around.modules import NeighbourFiles
from plum_lsp.project.mapping.known import KnownTests
from plum_lsp.project.mapping.running import TestMapper
from plum_lsp.project.roots import placed
from plum_lsp.project.test_index import TestIndex
from plum_lsp.project.tests import ProjectFiles
from plum_lsp.project.trust import TrustBook
from plum_lsp.project.workspace import Opened, Workspace
from plum_lsp.python.ruff import RuffReader
from plum_lsp.report.discretion import discreet, keep_out_of_logs
from plum_lsp.sandbox.by_project import ProjectSandboxes
from plum_lsp.sandbox.opening import open_or_absent
from plum_lsp.store import Store, StoreRecorder, open_recorder, open_store
from plum_lsp.store.people.sharing import shared_store
from plum_lsp.store.pilots import running_pilot
from plum_lsp.store.records import instant
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.suggestion.pipeline import Pipeline
from plum_lsp.suggestion.services import Services
from plum_lsp.suggestion.survey import FindTests
from plum_lsp.verification.options import sandbox_options

_log = logging.getLogger(__name__)
READ_AHEAD_SECONDS = 0.3
"""The longest that a request waits for files that are read ahead. On a busy machine it is longer."""


class Recorders:
    """One recorder that passes each event to several."""

    def __init__(self, *recorders: Recorder) -> None:
        self._recorders = recorders

    def record(self, event: Event) -> None:
        """Pass the event to each in turn."""
        for recorder in self._recorders:
            recorder.record(event)


def load_for_server(editor: Mapping[str, object]) -> Loaded:
    """The settings below the editor's layer. Mistakes are reported and never stop the server from starting."""
    loaded = load_settings(environ=os.environ, editor=editor, strict=False)
    keep_out_of_logs(loaded.settings)
    return loaded


def load_for_tcp(editor: Mapping[str, object]) -> Loaded:
    """The same for an editor on a TCP connection, which must not set any program, file or address."""
    loaded = load_settings(environ=os.environ, editor=editor, strict=False, is_editor_remote=True)
    keep_out_of_logs(loaded.settings)
    return loaded


def load_for_command(overrides: Mapping[str, object]) -> Settings:
    """The settings below a command's own options.

    Raises:
        ConfigError: the user's file, the environment or an option is wrong.
    """
    loaded = load_settings(environ=os.environ, editor=overrides)
    if loaded.problems:
        raise ConfigError("\n".join(loaded.problems))
    keep_out_of_logs(loaded.settings)
    return loaded.settings


async def open_services(settings: Settings, recorder: Recorder) -> Services:
    """Open store, sandbox and policy. A missing store or sandbox is reported and does not stop the others.

    Raises:
        PlumError: there can be no policy (an unknown model, a wrong setting).
    """
    problems: list[str] = []
    async with AsyncExitStack() as opened:
        store = await asyncio.to_thread(_open_recorder, settings, problems.append)  # it may wait for a lock
        opened.push_async_callback(asyncio.to_thread, store.close)
        sandbox = await open_or_absent(sandbox_options(settings))
        opened.push_async_callback(sandbox.close)
        sandboxes: ProjectSandboxes | None = None
        if sandbox.problem:
            problems.append(f"Suggestions cannot be tested: {sandbox.problem}")
        else:
            sandboxes = ProjectSandboxes(sandbox_options(settings), sandbox)
            opened.push_async_callback(sandboxes.close)
        if sends_in_clear(settings.policy.url):
            problems.append(in_clear(settings))
            _log.warning("%s", problems[-1])
        policy = open_policy(policy_options(settings))
        opened.push_async_callback(policy.close)
        imports = ImportFinder(exclude=settings.privacy.exclude)
        index = _index(settings) if settings.verification.project_tests else None
        find_whole = index.tests_of if index is not None else _no_tests
        if sandboxes is not None and index is not None and settings.verification.test_map:
            mapper = TestMapper(index, sandboxes, _maps_folder(settings))
            opened.push_async_callback(mapper.close)
            find_whole = mapper.tests_of
        pipeline = Pipeline(
            policy=policy,
            sandbox=sandbox,
            project_sandboxes=sandboxes,
            clock=MonotonicClock(),
            recorder=Recorders(recorder, store),
            options=pipeline_options(settings),
            inspector=RuffReader(),
            test_files=test_files(settings),
            neighbours=NeighbourFiles(exclude=settings.privacy.exclude).near,
            imports=imports.imports,
            whole_tests=find_whole,
        )
        opened.push_async_callback(pipeline.close)
        close = opened.pop_all().aclose  # only after the last step that can fail
    return Services(
        pipeline=pipeline,
        store=store.store,
        problems=tuple(problems),
        close=close,
        read_ahead=partial(_read_ahead, imports, index),
        assign=partial(_assigned, store.path) if store.store is not None else _unassigned,
    )


def _assigned(store: Path, request: SuggestionRequest) -> Assignment | None:
    """The treatment of a request in the pilot that runs now, if one does."""
    now = instant(time.time())
    pilot = running_pilot(store, now=now)
    if pilot is None:
        return None
    return assignment(pilot, request.document.uri, now[:10], is_asked=request.trigger is Trigger.INVOKED)


def _unassigned(request: SuggestionRequest) -> None:
    """No pilot runs without a store, because its requests could not be recorded."""


async def _read_ahead(imports: ImportFinder, index: TestIndex | None, project: Project) -> None:
    """Read what a project's files say of names and tests, in steps that no request has to wait for long."""
    await asyncio.to_thread(imports.read_ahead, project)
    while index is not None and await asyncio.to_thread(index.read_ahead, project, seconds=READ_AHEAD_SECONDS):
        pass


def _no_tests(project: Project, document: Path, context: Context) -> tuple[TestCase, ...]:
    return ()


def in_clear(settings: Settings) -> str:
    """The warning about a policy server that is reached over a network without encryption."""
    what = "Prompts, with the API key," if settings.policy.api_key else "Prompts"
    return f"{what} go to {discreet(settings.policy.url)} without encryption. Use https:// or a tunnel to this machine."


def _open_recorder(settings: Settings, report: Callable[[str], None]) -> StoreRecorder:
    """The store's recorder, or one that drops every event if there is no store or no folder for it."""
    try:
        path = store_file(data_dir(settings))
    except ConfigError as error:
        missing = StoreError(str(error), remedy=error.remedy)
        return StoreRecorder(store_file(Path(settings.data_dir)), missing, report=report)
    return open_recorder(path, report=report, clean=Redactor(), mirror=_shared(path.parent, report))


def _shared(folder: Path, report: Callable[[str], None]) -> Store | None:
    """The store that the user shares facts in. None if the user does not share, or if it cannot be opened."""
    found = shared_store(share_file(folder))
    if found is None:
        return None
    path, identity = found
    try:
        return open_store(path, report=report, clean=Sharer(placed, home=str(Path.home())), shared_by=identity)
    except StoreError as error:
        report(f"plum-lsp shares no facts: {error}")
        return None


def workspace_of(settings: Settings) -> Workspace:
    """The projects for a command. There is no editor, so only stored trust counts."""
    folder = data_dir_if_any(settings)
    jail = settings.sandbox
    opened = Opened(project=jail.project, interpreter=jail.interpreter)
    return Workspace(opened, TrustBook(folder) if folder is not None else None)


def test_files(settings: Settings) -> FindTests:
    """The finder of a project's test files, or one that finds none if the settings say so."""
    if not settings.verification.project_tests:
        return lambda uri, name, folders: ()
    return ProjectFiles(exclude=settings.privacy.exclude).test_files


def _maps_folder(settings: Settings) -> Path | None:
    """Where maps of tests are kept. None if there is no data folder. They are then made anew in each session."""
    folder = data_dir_if_any(settings)
    return test_maps_folder(folder) if folder is not None else None


def _index(settings: Settings) -> TestIndex:
    return TestIndex(exclude=settings.privacy.exclude, cache=cache_dir(settings) / facts.FOLDER)


def known_tests(settings: Settings, project: Project | None) -> KnownTests | None:
    """The tests of a project for a command, all its files read. None if the settings say that they are not used.

    The map that the server has left is used. A command makes none. It blocks.
    """
    if not settings.verification.project_tests or project is None:
        return None
    index = _index(settings)
    index.read_ahead(project, seconds=math.inf)
    return KnownTests(index, _maps_folder(settings) if settings.verification.test_map else None)
