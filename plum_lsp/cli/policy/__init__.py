"""`plum-lsp policy`: runs a policy server and publishes adapters to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import click

from plum_lsp.cli.policy.keys import key, use
from plum_lsp.cli.policy.replicas import replica, used_replicas
from plum_lsp.config import Settings, cache_dir, data_dir
from plum_lsp.config.folder import versions_folder
from plum_lsp.domain.display import visible_name
from plum_lsp.domain.errors import ConfigError, PolicyError, PolicyUnavailable
from plum_lsp.policy.hosting.engines import ENGINES, Supervise, Supervisor, publication_engine, served_engine
from plum_lsp.policy.hosting.llama.settings import LLAMA_CPP
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.hosting.replicas.opening import replica_supervisor
from plum_lsp.policy.hosting.serving import ServeOptions, ServingState, read_state
from plum_lsp.policy.hosting.sources import find_model
from plum_lsp.policy.hosting.unit import UNIT_NAME, unit_path, unit_text
from plum_lsp.policy.models.weights import RANK_MAX, BaseModel, read_base
from plum_lsp.policy.versions.engines import Engine
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.policy.versions.publish import Publication
from plum_lsp.policy.versions.publish import publish as publish_adapter
from plum_lsp.policy.versions.publish import rollback as roll_back
from plum_lsp.report.printing import say, say_over
from plum_lsp.wiring import load_for_command

STOP_SECONDS = 40.0
"""Time for vLLM to end its workers before it ends itself."""


@click.group()
def policy() -> None:
    """Run a model server, and publish adapters to it."""


policy.add_command(key)
policy.add_command(replica)


@policy.command(context_settings={"ignore_unknown_options": True})
@click.option("--engine", type=click.Choice(list(ENGINES)), help="Default: what the model is made for.")
@click.option("--model", default="", help="A catalogue name, a GGUF file, a Hugging Face folder or id.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--lora-rank", default=RANK_MAX, show_default=True, help="Largest rank of an adapter (vLLM).")
@click.option("--ngram", default=0, show_default=True, help="Tokens to guess from the prompt (vLLM). 0 means none.")
@click.option(
    "--slots", default=1, show_default=True, type=click.IntRange(1, 64), help="Requests at the same time (llama.cpp)."
)
@click.option("--context-tokens", default=4096, show_default=True)
@click.option(
    "--replicas",
    type=click.IntRange(0, 64),
    help="Serve so many replicas on this machine, and those of `policy replica add`, at one address.",
)
@click.argument("passed", nargs=-1, type=click.UNPROCESSED)
def serve(
    *,
    engine: str | None,
    model: str,
    host: str,
    port: int,
    lora_rank: int,
    ngram: int,
    slots: int,
    context_tokens: int,
    replicas: int | None,
    passed: tuple[str, ...],
) -> None:
    """Serve a model until stopped. Options after -- go to vLLM, as in: -- --tensor-parallel-size 2."""
    settings = load_for_command({})
    folder = data_dir(settings)
    if (running := read_state(folder)) is not None:
        raise PolicyUnavailable(f"a model server already runs at {running.url}", remedy="Run: plum-lsp policy stop")
    options = policy_options(settings)
    source = find_model(
        model or options.model, cache_dir=options.cache_dir, folder=options.model_folder, engine=engine or ""
    )
    if not source.engine.takes_arguments and (passed or ngram):
        raise ConfigError(
            f"{source.engine.title} takes no options of vLLM", remedy="Leave out --ngram and the options after --."
        )
    say(f"Serving {source.name} with {source.engine.name}")
    wanted = ServeOptions(
        model=source.path,
        name=source.name,
        host=host,
        port=port,
        context_tokens=context_tokens,
        lora_rank=lora_rank,
        ngram_tokens=ngram,
        slots=slots,
        threads=options.threads,
        passed=passed,
    )
    folder.mkdir(parents=True, exist_ok=True)
    base = read_base(source.path, cache_dir=options.cache_dir, name=source.name)
    make: Supervise = ENGINES[source.engine.name].supervise
    if replicas is not None:
        make = partial(replica_supervisor, replicas, spec=ENGINES[source.engine.name], model=model or options.model)
    supervisor = make(
        options=wanted,
        base=base,
        store=VersionStore(versions_folder(folder)),
        data_dir=folder,
        tell=_tell,
        progress=_progress,
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_until_signal(supervisor))


@policy.command()
def status() -> None:
    """Show the running server, its versions, and the active one."""
    settings = load_for_command({})
    state = read_state(data_dir(settings))
    store = VersionStore(versions_folder(data_dir(settings)))
    active = store.active()
    for version in store.versions():
        mark = "*" if active and version.number == active.number else " "
        on = f"rank {version.rank}  on {visible_name(version.model)}"
        say(f"{mark} {version.name}  {on}  {version.adapter_sha256[:12]}")
    if state is None:
        say("You have no running model server. Start one with: plum-lsp policy serve")
        return
    say(f"{state.engine} serves {visible_name(state.model)} at {state.url}, process {state.pid}")
    say(f"active: {active.name if active else visible_name(state.model)}")
    try:
        say(f"answers to: {', '.join(map(visible_name, asyncio.run(_models(state))))}")
        for line in (*used_replicas(state), *use(state)):
            say(f"  {line}")
    except PolicyError as error:
        raise PolicyUnavailable(f"it does not answer: {error}", remedy="Run: plum-lsp policy stop") from error


@policy.command()
def stop() -> None:
    """End the server."""
    state = read_state(data_dir(load_for_command({})))
    if state is None:
        say("You have no running model server.")
        return
    os.kill(state.pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while _is_alive(state.pid):
        if time.monotonic() > until:
            raise PolicyUnavailable(f"process {state.pid} does not end", remedy=f"Run: kill -9 {state.pid}")
        time.sleep(0.2)
    say("stopped")


@policy.command()
@click.argument("adapter", type=click.Path(exists=True, file_okay=False, path_type=Path))
def publish(adapter: Path) -> None:
    """Check the LoRA adapter in a folder and make it the active version, without disturbing requests."""
    asyncio.run(_publish(load_for_command({}), adapter))


@policy.command()
@click.argument("version")
def rollback(version: str) -> None:
    """Make an earlier version active again."""
    asyncio.run(_rollback(load_for_command({}), version))


@policy.command("install-unit")
@click.option("--print", "is_printed", is_flag=True, help="Only show it.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def install_unit(*, is_printed: bool, arguments: tuple[str, ...]) -> None:
    """Install a systemd user unit that serves the model. Options after -- go to `policy serve`."""
    text = unit_text(sys.executable, arguments)
    if is_printed:
        say(text, nl=False)
        return
    path = unit_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    say(f"wrote {path}\nStart it with: systemctl --user daemon-reload && systemctl --user enable --now {UNIT_NAME}")


async def _publish(settings: Settings, adapter: Path) -> None:
    async with _engine(settings) as (engine, base, rank_max):
        store = VersionStore(versions_folder(data_dir(settings)))
        done = await publish_adapter(adapter, store=store, engine=engine, base=base, rank_max=rank_max, tell=say)
    _show(done)


async def _rollback(settings: Settings, name: str) -> None:
    async with _engine(settings) as (engine, _, _):
        done = await roll_back(name, store=VersionStore(versions_folder(data_dir(settings))), engine=engine)
    _show(done)


def _show(done: Publication) -> None:
    after = done.previous or "the base model"
    say(f"{done.version.name} is active, after {after}; swapped in {done.swap_ms:.0f} ms")


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[tuple[Engine | None, BaseModel, int]]:
    """The engine for publications: the running server, or else llama.cpp with the configured model."""
    state = read_state(data_dir(settings))
    options = policy_options(settings)
    if state is not None:
        path, name = Path(state.model_path), state.model
    else:
        found = find_model(
            options.model, cache_dir=options.cache_dir, folder=options.model_folder, engine=LLAMA_CPP.name
        )
        path, name = found.path, found.name
    base = read_base(path, cache_dir=cache_dir(settings), name=name)
    async with publication_engine(state, path, options, name=name) as (engine, rank_max):
        yield engine, base, rank_max


async def _models(state: ServingState) -> tuple[str, ...]:
    engine = served_engine(state)
    try:
        return await engine.models()
    finally:
        await engine.close()


async def _until_signal(supervisor: Supervisor) -> None:
    """Serve until SIGTERM or SIGINT. Both signals end the server's processes."""
    serving = asyncio.create_task(supervisor.run())
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _tell(line: str) -> None:
    say_over("")
    say(line)


def _progress(line: str) -> None:
    """Show one line that the next one overwrites. Only on a terminal."""
    say_over(line)
