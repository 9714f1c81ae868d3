"""Makes an adapter the active policy version while the server goes on serving.

    check → stage → load under a probe's name → probe → unload → commit → load → warm up → move the pointer → retire

After a crash between any two steps the previous version still serves, because the pointer moves last, by a rename. A
request keeps the version it began with. With several replicas, each one in use is loaded, probed and warmed up, or the
pointer does not move. Older versions are unloaded once they are idle and the grace period is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from plum_lsp.domain.errors import AdapterError, PolicyError
from plum_lsp.policy.models.weights import RANK_MAX, BaseModel, check_fit, read_adapter
from plum_lsp.policy.versions.engines import Engine, Sampled
from plum_lsp.policy.versions.folders import PublishedVersion, VersionStore

logger = logging.getLogger(__name__)
T = TypeVar("T")

PROBE_PREFIX = "probe-"
GRACE_SECONDS = 150.0
"""How long a version that is no longer active stays loaded: longer than a request may take by default (120 s)."""
HOUSEKEEPING_SECONDS = 1.0
"""The time between two checks of a supervisor for versions to unload."""
PROBE_TOKENS = 8
PROBES = (
    'def add(a, b):\n    """Return the sum of a and b."""\n',
    "def is_even(number):\n",
    "class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n",
)
"""Texts that every code model can continue. They are short, because the server answers them between requests of
editors."""
CHANGE_MIN = 1e-4
"""Smallest difference of a token's log-probability that counts as a change. A server that ignores the adapter gives
0."""
FALL_MAX = 4.0
"""An adapter under which the model finds its own greedy text this much less likely, in nats a token, is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What a publication did and how long it took. `swap_ms` is from loading the proven version to the pointer."""

    version: PublishedVersion
    previous: str
    probe_ms: float
    swap_ms: float


async def publish(
    adapter: Path,
    *,
    store: VersionStore,
    engine: Engine | None,
    base: BaseModel,
    rank_max: int = RANK_MAX,
    share: float = 1.0,
    tell: Callable[[str], None] = logger.info,
) -> Publication:
    """Test an adapter and make it the active version. The caller retires the one before (`retire`).

    With a `share` below 1 it answers only this share of the requests, until it is activated for all. Without an engine
    it is checked but not probed, and the next server that starts loads it.

    Raises:
        AdapterError: it is refused. The version before is still active.
        PolicyError: the server failed. The version before is still active.
    """
    with store.locked():
        store.clean()
        facts = read_adapter(adapter)
        check_fit(facts, base, rank_max=rank_max)
        known = [v for v in store.versions() if (v.adapter_sha256, v.model_sha256) == (facts.sha256, base.sha256)]
        if known:
            tell(f"the adapter is {known[-1].name} already")
            return await _serve(known[-1], store, engine, probe_ms=0.0, share=share)
        staged = await asyncio.to_thread(store.stage, adapter)
        try:
            if read_adapter(staged).sha256 != facts.sha256:
                raise AdapterError("the adapter changed while it was being copied")
            started = time.monotonic()
            if engine is not None:
                await _prove(staged, store, engine)
            probe_ms = (time.monotonic() - started) * 1000
            tell(
                f"probed in {probe_ms:.0f} ms: outputs changed and are sane"
                if engine is not None
                else "no server runs this base model now, so the adapter is checked but not probed"
            )
            version = store.commit(staged, facts, base)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        return await _serve(version, store, engine, probe_ms=probe_ms, share=share)


async def rollback(name: str, *, store: VersionStore, engine: Engine | None) -> Publication:
    """Make a previously published version active again. No version is deleted.

    Raises:
        AdapterError: there is no such version, or the server refuses it.
        PolicyError: the server failed. The version before is still active.
    """
    with store.locked():
        return await _serve(store.find(name), store, engine, probe_ms=0.0)


async def retire(store: VersionStore, engine: Engine, *, grace_seconds: float = GRACE_SECONDS) -> tuple[str, ...]:
    """Unload every inactive version and probe without running requests, and return their names.

    Unloading waits until the pointer has been unchanged for the grace period, and is not done during a publication. A
    busy version is left to the next call.

    Raises:
        AdapterError: a publication is going on.
        PolicyError: the server failed.
    """
    if time.time() - store.activated_at() < grace_seconds:
        return ()
    with store.locked(wait_seconds=0):
        keep = store.in_use()
        busy = await engine.busy()
        idle = [name for name in await engine.models() if is_ours(name) and name not in keep | busy]
        for name in idle:
            await engine.unload(name)
    return tuple(idle)


def is_ours(name: str) -> bool:
    """Whether a served name is a version or a probe of ours, and so ours to unload."""
    return name.startswith((PROBE_PREFIX, "plum-v"))


async def _prove(staged: Path, store: VersionStore, engine: Engine) -> None:
    """Load the adapter under a name of its own and compare what it writes with what the active version writes."""
    probe = PROBE_PREFIX + uuid.uuid4().hex[:12]
    names = await engine.models()
    active = store.active()
    before = active.name if active and active.name in names else names[0]
    await engine.load(probe, staged)

    async def problem_on(replica: Engine) -> str:
        old = await asyncio.gather(*(replica.complete(before, prompt, tokens=PROBE_TOKENS) for prompt in PROBES))
        new = await asyncio.gather(*(replica.complete(probe, prompt, tokens=PROBE_TOKENS) for prompt in PROBES))
        return fault(old, new)

    try:
        problems = await _of_each(engine, problem_on)
    finally:
        with contextlib.suppress(PolicyError):  # a server that died has unloaded it
            await engine.unload(probe)
    for name, problem in problems.items():
        if problem:
            raise AdapterError(f"the adapter is not published: {problem}{f' (replica {name})' if name else ''}")


async def _of_each(engine: Engine, ask: Callable[[Engine], Awaitable[T]]) -> dict[str, T]:
    """The answer of every replica. One that fails and is then in use no longer is left out.

    It loads the active version before it is used again.

    Raises:
        PolicyError: a replica failed that is still in use, or none is left.
    """
    replicas = await engine.replicas()
    answers = await asyncio.gather(*(ask(one) for one in replicas.values()), return_exceptions=True)
    failed = {name: one for name, one in zip(replicas, answers, strict=True) if isinstance(one, BaseException)}
    if failed:
        used = await engine.replicas()
        for name, error in failed.items():
            if name in used or len(failed) == len(replicas) or not isinstance(error, PolicyError):
                raise error
            logger.info("replica %s is left out: %s", name, error)
    return {name: one for name, one in zip(replicas, answers, strict=True) if not isinstance(one, BaseException)}


def fault(old: Sequence[Sampled], new: Sequence[Sampled]) -> str:
    """What is wrong with the answers of a new version to the probes, compared with the old version.

    Empty if they are sound.
    """
    if any(not answer.is_sane for answer in new):
        return "it writes no text"
    if not any(_differs(before, after) for before, after in zip(old, new, strict=True)):
        return "the server's outputs did not change"
    fall = _mean(old) - _mean(new)
    if fall > FALL_MAX:
        return f"the model is unsure of every token ({fall:.1f} nats less likely than before)"
    return ""


def _differs(before: Sampled, after: Sampled) -> bool:
    if before.text != after.text:
        return True
    pairs = zip(before.logprobs, after.logprobs, strict=False)
    return any(abs(one - other) > CHANGE_MIN for one, other in pairs)


def _mean(answers: Sequence[Sampled]) -> float:
    values = [value for answer in answers for value in answer.logprobs]
    return sum(values) / len(values) if values else 0.0


async def _serve(
    version: PublishedVersion, store: VersionStore, engine: Engine | None, *, probe_ms: float, share: float = 1.0
) -> Publication:
    """Load a proven version, warm it up and move the pointer."""
    active = store.active()
    started = time.monotonic()
    if engine is not None:
        if version.name not in await engine.models():
            await engine.load(version.name, version.folder)
        await _of_each(engine, lambda replica: replica.complete(version.name, PROBES[0], tokens=1))
    store.activate(version, share=share)
    swap_ms = (time.monotonic() - started) * 1000
    logger.info("%s is active, after %s", version.name, active.name if active else "the base model")
    return Publication(version=version, previous=active.name if active else "", probe_ms=probe_ms, swap_ms=swap_ms)
