"""Makes the real parts from the settings and joins them. The only module that knows every part; decides nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from plum_lsp.config import Loaded, Settings, cache_dir, data_dir, load_settings
from plum_lsp.config.patterns import is_excluded
from plum_lsp.domain.errors import ConfigError, SandboxError, SandboxUnavailable, StoreError
from plum_lsp.domain.events import Event
from plum_lsp.domain.ports import Recorder, Sandbox
from plum_lsp.domain.suggestion import FimTemplate, PolicyVersion, SamplingOptions
from plum_lsp.domain.verification import Limits
from plum_lsp.feedback.exploration import EXPLORATION, Exploration, exploration_of
from plum_lsp.feedback.redaction import Redactor
from plum_lsp.policy.client.connection import is_loopback
from plum_lsp.policy.client.ladder import temperature_ladder
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.policy.models.catalogue import catalogue, entry_like
from plum_lsp.policy.models.families import family_of
from plum_lsp.project.modules import NeighbourFiles
from plum_lsp.project.test_index import TestIndex
from plum_lsp.project.tests import ProjectFiles
from plum_lsp.python.ruff import RuffReader
from plum_lsp.sandbox.host import SandboxOptions, open_sandbox
from plum_lsp.server.services import Services
from plum_lsp.store import StoreRecorder, open_recorder, store_file
from plum_lsp.suggestion.pipeline import Pipeline, PipelineOptions
from plum_lsp.suggestion.showing import ShowRule
from plum_lsp.suggestion.survey import FindTests, FindWholeTests
from plum_lsp.verification.judge import told

MEGABYTE = 1024 * 1024


class MonotonicClock:
    """The clock of the deadlines."""

    def now(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        return time.monotonic()


class Recorders:
    """One recorder that tells several."""

    def __init__(self, *recorders: Recorder) -> None:
        self._recorders = recorders

    def record(self, event: Event) -> None:
        """Tell each in turn."""
        for recorder in self._recorders:
            recorder.record(event)


def load_for_server(editor: Mapping[str, object]) -> Loaded:
    """The settings under an editor's: mistakes are reported and never keep the server from coming up."""
    return load_settings(environ=os.environ, editor=editor, strict=False)


def load_for_tcp(editor: Mapping[str, object]) -> Loaded:
    """The same for an editor at the other end of a TCP connection, which names no program, file or address."""
    return load_settings(environ=os.environ, editor=editor, strict=False, is_editor_remote=True)


def load_for_command(overrides: Mapping[str, object]) -> Settings:
    """The settings under a command's own options.

    Raises:
        ConfigError: the user's file, the environment or an option is wrong.
    """
    loaded = load_settings(environ=os.environ, editor=overrides)
    if loaded.problems:
        raise ConfigError("\n".join(loaded.problems))
    return loaded.settings


async def open_services(settings: Settings, recorder: Recorder) -> Services:
    """Open store, sandbox and policy. A store or sandbox that cannot be had is a problem to tell, not an end.

    Raises:
        PlumError: no policy can be had at all (an unknown model, a wrong setting).
    """
    problems: list[str] = []
    async with AsyncExitStack() as opened:
        store = await asyncio.to_thread(_open_recorder, settings, problems.append)  # a lock may keep it waiting
        opened.push_async_callback(asyncio.to_thread, store.close)
        sandbox = await try_sandbox(settings)
        if isinstance(sandbox, SandboxUnavailable):
            problems.append(f"Nothing can be verified: {told(sandbox)}")
        else:
            opened.push_async_callback(sandbox.close)
        policy = open_policy(policy_options(settings))
        opened.push_async_callback(policy.close)
        pipeline = Pipeline(
            policy=policy,
            sandbox=sandbox,
            clock=MonotonicClock(),
            recorder=Recorders(recorder, store),
            options=pipeline_options(settings),
            inspector=RuffReader(),
            test_files=test_files(settings),
            neighbours=NeighbourFiles(exclude=settings.privacy.exclude).near,
            whole_tests=whole_tests(settings),
        )
        close = opened.pop_all().aclose  # only now that nothing can fail any more
    return Services(pipeline=pipeline, store=store.store, problems=tuple(problems), close=close)


def _open_recorder(settings: Settings, report: Callable[[str], None]) -> StoreRecorder:
    """The store's recorder; one that records nothing where there is no store, or no folder for it."""
    try:
        path = store_file(data_dir(settings))
    except ConfigError as error:
        missing = StoreError(str(error), remedy=error.remedy)
        return StoreRecorder(store_file(Path(settings.data_dir)), missing, report=report)
    return open_recorder(path, report=report, clean=Redactor())


async def try_sandbox(settings: Settings) -> Sandbox | SandboxUnavailable:
    """The sandbox, or why there is none; one that breaks while it opens counts as none."""
    try:
        return await open_sandbox(sandbox_options(settings))
    except SandboxUnavailable as error:
        return error
    except SandboxError as error:
        return SandboxUnavailable(str(error), remedy=error.remedy)


def test_files(settings: Settings) -> FindTests:
    """What finds a project's test files, or nothing if the settings say so."""
    if not settings.verification.project_tests:
        return lambda uri, name, folders: ()
    return ProjectFiles(exclude=settings.privacy.exclude).test_files


def whole_tests(settings: Settings) -> FindWholeTests:
    """What finds the tests of a project that are run whole, or nothing if the settings say so."""
    if not settings.verification.project_tests:
        return lambda project, document, context: ()
    return TestIndex(exclude=settings.privacy.exclude).tests_of


def asks_for_tests(settings: Settings) -> bool:
    """Whether the policy writes tests too: by default where that takes nothing from its candidates.

    A server on this machine shares its cores, and often its one slot, with them; one elsewhere answers in batches.
    """
    wish = settings.verification.sampled_tests
    return wish == "always" or (wish == "auto" and bool(settings.policy.url) and not is_loopback(settings.policy.url))


def policy_options(settings: Settings) -> PolicyOptions:
    """What the policy package needs of the settings."""
    policy = settings.policy
    return PolicyOptions(
        url=policy.url,
        model=policy.model or ("" if policy.url else next(iter(catalogue()))),
        api_key=policy.api_key,
        model_folder=Path(policy.model_folder).expanduser() if policy.model_folder else None,
        offline=policy.offline,
        threads=policy.threads,
        context_tokens=policy.context_tokens,
        idle_seconds=policy.idle_seconds,
        cache_dir=cache_dir(settings),
        ca_file=policy.ca_file,
        proxy=policy.proxy,
        data_dir=_data_dir_if_any(settings),
    )


def _data_dir_if_any(settings: Settings) -> Path | None:
    """The data folder; None where there can be none, which the store reports."""
    try:
        return data_dir(settings)
    except ConfigError:
        return None


def sandbox_options(settings: Settings) -> SandboxOptions:
    """What the sandbox package needs of the settings."""
    jail = settings.sandbox
    exclude = settings.privacy.exclude
    return SandboxOptions(
        interpreter=jail.interpreter,
        project=jail.project,
        jobs=jail.jobs,
        hides=lambda path: is_excluded(path, exclude),
    )


def pipeline_options(settings: Settings) -> PipelineOptions:
    """What the pipeline needs of the settings."""
    sampling = settings.sampling
    exploration = _exploration(settings)
    novel = exploration.novel(sampling.candidates) if exploration else 0
    temperatures = temperature_ladder(sampling.candidates - novel, sampling.temperature_min, sampling.temperature_max)
    temperatures += (exploration.temperature if exploration else 0.0,) * novel
    return PipelineOptions(
        sampling=SamplingOptions(
            temperatures=temperatures, top_p=sampling.top_p, max_tokens=sampling.max_tokens, seed=sampling.seed
        ),
        limits=Limits(
            wall_seconds=settings.sandbox.wall_seconds,
            cpu_seconds=settings.sandbox.wall_seconds,
            memory_bytes=settings.sandbox.memory_mb * MEGABYTE,
        ),
        tiers=settings.offers.tiers,
        stop_early=settings.offers.stop_early,
        show=ShowRule(probability_min=settings.offers.probability_min, logprob_min=settings.offers.logprob_min),
        prefix_tokens=sampling.prefix_tokens,
        suffix_tokens=sampling.suffix_tokens,
        neighbour_tokens=min(sampling.neighbour_tokens, sampling.prefix_tokens // 2),
        template_for=template_for,
        asks_for_tests=asks_for_tests(settings),
    )


def _exploration(settings: Settings) -> Exploration | None:
    """How far the trainer wants samples to stray, if the settings let it; a damaged file changes nothing."""
    folder = _data_dir_if_any(settings) if settings.sampling.explores else None
    file = folder / "training" / EXPLORATION if folder else None
    return exploration_of(file.read_text(encoding="utf-8", errors="replace")) if file and file.is_file() else None


def template_for(version: PolicyVersion) -> FimTemplate | None:
    """The fill-in-the-middle tokens of a policy: its catalogue entry's or its family's; None if it has none."""
    entry = entry_like(version.model, sha256=version.model_sha256)
    family = family_of(version.model)
    return (entry.fim if entry else None) or (family.fim if family else None)
