"""The replicas, which of them are in use, and which versions each has. `front` is the HTTP side.

A replica is used once it answers, has every version that requests may go to, and has written a token with each. It is
used no longer as soon as it breaks off. It returns in the same way as it came. No replica comes while a publication
goes on, because that holds the lock of the versions. A publication therefore proves every replica that is used when the
pointer moves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from plum_lsp.domain.errors import AdapterError, PlumError, PolicyError, PolicyUnavailable
from plum_lsp.policy.client.cards import model_names
from plum_lsp.policy.client.connection import Connection
from plum_lsp.policy.hosting.replicas.routing import chosen
from plum_lsp.policy.versions.folders import PublishedVersion, VersionStore
from plum_lsp.policy.versions.publish import PROBES

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""The time between two looks at a replica."""
ANSWER_SECONDS = 5.0
"""Time limit for a look. An engine may answer between two batches of a long prompt only."""
MISSES_MAX = 3
"""So many looks in a row may go without an answer in time. A connection that is refused counts at once."""
CHANGE_SECONDS = 120.0
"""As long as a client waits for an adapter."""
PROOF_SECONDS = 120.0
"""Time limit for the first token of a replica that comes."""
UNWELL = frozenset({500, 502, 503, 504})
"""What a replica answers whose engine has died. Some engines answer so to a request that they cannot do, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where a replica answers now (`root` is without `/v1`), and with which key."""

    root: str
    key: str = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Replica:
    """One server. `names` is what it answers to. `why` says why it is not used. `changes` counts loads by us."""

    name: str
    reach: Reach | None = None
    http: httpx.AsyncClient | None = None
    names: frozenset[str] = frozenset()
    is_used: bool = False
    has_served: bool = False
    why: str = "it does not run"
    in_flight: int = 0
    misses: int = 0
    changes: int = 0


Sources = Callable[[], Mapping[str, Reach | None]]
"""Every replica that should be, by its name. None: it does not run now."""


class Rotation:
    """Follows the replicas. Belongs to one event loop."""

    def __init__(
        self,
        *,
        base_name: str,
        model_sha256: str,
        store: VersionStore,
        sources: Sources,
        tell: Callable[[str], None] = logger.info,
        look_seconds: float = LOOK_SECONDS,
        changed: Callable[[int], None] = lambda count: None,
    ) -> None:
        """`changed` is told how many replicas are used, at each change."""
        self.base_name = base_name
        self._model_sha256 = model_sha256
        self._store = store
        self._sources = sources
        self._tell = tell
        self._look_seconds = look_seconds
        self.changed = changed
        self._replicas: dict[str, Replica] = {}
        self._clients: list[httpx.AsyncClient] = []  # one for each start of a replica, as requests may still run on it

    # What the front asks

    def all(self) -> tuple[Replica, ...]:
        """Every replica, used or not."""
        return tuple(self._replicas.values())

    def used(self) -> tuple[Replica, ...]:
        """The replicas that requests go to."""
        return tuple(one for one in self._replicas.values() if one.is_used)

    def called(self, name: str) -> Replica | None:
        """The replica of that name, if it is used."""
        replica = self._replicas.get(name)
        return replica if replica is not None and replica.is_used else None

    def names(self) -> tuple[str, ...]:
        """What every replica answers to, the base model first."""
        sets = [one.names for one in self.used()]
        common = frozenset.intersection(*sets) if sets else frozenset()
        return (self.base_name, *sorted(common - {self.base_name}))

    def choose(self, key: str, name: str, *, tried: frozenset[str] = frozenset()) -> Replica | None:
        """The replica for a request, of those that have the version. None if there is none besides those tried."""
        able = {one.name: one.in_flight for one in self.used() if name in one.names and one.name not in tried}
        return self._replicas[chosen(key, able)] if able else None

    def lose(self, replica: Replica, why: str) -> None:
        """Use a replica no longer, until it has shown that it is well."""
        was_used, was_why = replica.is_used, replica.why
        replica.is_used, replica.why = False, why
        if was_used or was_why != why:
            self._tell(f"replica {replica.name} is not used: {why}")
        if was_used:
            self.changed(len(self.used()))

    async def examine(self, replica: Replica) -> None:
        """Look at once whether a replica that failed is well, and use it no longer if not."""
        with contextlib.suppress(PolicyUnavailable, TimeoutError):
            health = await self._ask(replica, "GET", "/health", seconds=ANSWER_SECONDS)
            if not health.is_success:
                self.lose(replica, f"it is not well (status {health.status_code})")

    async def change(self, replica: Replica, path: str, body: Mapping[str, str]) -> httpx.Response:
        """Load or unload an adapter, or what else changes a replica.

        Raises:
            PolicyUnavailable: it does not answer. It is not used from now on.
        """
        replica.changes += 1  # twice: what a look lists that began before or during the change may be older
        try:
            return await self._ask(replica, "POST", path, body, seconds=CHANGE_SECONDS)
        finally:
            replica.changes += 1

    # Following

    async def follow(self) -> None:
        """Look at every replica, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    wanted = self._sources()
                except PolicyError as error:
                    logger.warning("the replicas stay as they are: %s", error)
                    wanted = dict.fromkeys(self._replicas)
                for name in wanted:
                    if name not in self._replicas:
                        self._replicas[name] = Replica(name=name)
                        group.create_task(self._follow(self._replicas[name]))
                for name in self._replicas.keys() - wanted:
                    self.lose(self._replicas[name], "it was removed")
                    del self._replicas[name]
                await asyncio.sleep(self._look_seconds)

    async def close(self) -> None:
        """Close the connections to the replicas. They go on."""
        for client in self._clients:
            await client.aclose()

    async def _follow(self, replica: Replica) -> None:
        while self._replicas.get(replica.name) is replica:
            try:
                await self._look(replica)
            except PlumError as error:
                self.lose(replica, str(error))
            await asyncio.sleep(self._look_seconds)

    async def _look(self, replica: Replica) -> None:
        """See whether a replica is well, and use it if it is.

        Raises:
            PolicyError: it is not.
        """
        try:
            reach = self._sources().get(replica.name)
        except PolicyError:
            reach = replica.reach
        if reach is None or reach != replica.reach:
            if replica.is_used:
                self.lose(replica, "it was started again" if reach else "it does not run")
            replica.reach, replica.misses = reach, 0
            if reach is None:
                raise PolicyUnavailable("it does not run")
            replica.http = Connection(api_key=reach.key).client(reach.root)
            self._clients.append(replica.http)
        wanted, changes = self._wanted(), replica.changes
        names = await self._names(replica)
        if names is None or changes != replica.changes:  # what was listed may be older than what we loaded
            return
        replica.names = names
        if replica.is_used and not {one.name for one in wanted} <= names:
            self.lose(replica, "it has lost the active version")
        if not replica.is_used:
            await self._admit(replica, wanted)

    async def _names(self, replica: Replica) -> frozenset[str] | None:
        """What a replica answers to. None if it is too busy to say: a few times in a row, or while it is the only one.

        Raises:
            PolicyError: it is not well, or serves another model.
        """
        try:
            health = await self._ask(replica, "GET", "/health", seconds=ANSWER_SECONDS)
            listed = await self._ask(replica, "GET", "/v1/models", seconds=ANSWER_SECONDS)
        except TimeoutError:
            replica.misses += 1
            if replica.is_used and (replica.misses < MISSES_MAX or len(self.used()) == 1):
                return None  # without the last one, no request would be answered
            raise PolicyUnavailable("it does not answer in time") from None
        replica.misses = 0
        if not health.is_success or not listed.is_success:
            raise PolicyUnavailable(f"it is not well (status {health.status_code}, {listed.status_code})")
        names = model_names(listed.content)
        if self.base_name not in names:
            raise PolicyUnavailable(f"it does not serve {self.base_name}")
        return frozenset(names)

    async def _admit(self, replica: Replica, wanted: tuple[PublishedVersion, ...]) -> None:
        """Let a replica that answers load what it lacks, write a token with each version, and be used.

        Raises:
            PolicyError: it does not.
        """
        for version in wanted:
            if version.name not in replica.names:
                body = {"lora_name": version.name, "lora_path": str(version.folder.resolve())}
                response = await self.change(replica, "/v1/load_lora_adapter", body)
                if not response.is_success:
                    raise PolicyUnavailable(f"it does not load {version.name}: {response.text[:200]}")
                replica.names |= {version.name}
        for name in [one.name for one in wanted] or [self.base_name]:
            asked = {"model": name, "prompt": PROBES[0], "max_tokens": 1, "temperature": 0.0}
            response = await self._ask(replica, "POST", "/v1/completions", asked, seconds=PROOF_SECONDS)
            if not response.is_success:
                raise PolicyUnavailable(f"it does not write with {name} (status {response.status_code})")
        try:
            with self._store.locked(wait_seconds=0):
                if not {one.name for one in self._wanted()} <= replica.names:
                    return
                replica.is_used, replica.has_served, replica.why = True, True, ""
        except AdapterError:  # a publication goes on
            return
        self._tell(f"replica {replica.name} is used")
        self.changed(len(self.used()))

    def _wanted(self) -> tuple[PublishedVersion, ...]:
        """The versions that requests may go to."""
        canary = self._store.canary()
        versions = (self._store.active(), canary.previous if canary else None)
        return tuple(one for one in versions if one is not None and one.model_sha256 == self._model_sha256)

    async def _ask(
        self, replica: Replica, method: str, path: str, body: Mapping[str, Any] | None = None, *, seconds: float
    ) -> httpx.Response:
        """One exchange with a replica.

        Raises:
            PolicyUnavailable: it broke off, and is not used from now on.
            TimeoutError: a GET was not answered in time.
        """
        if replica.http is None or replica.reach is None:
            raise PolicyUnavailable("it does not run")
        try:
            return await replica.http.request(method, replica.reach.root + path, json=body, timeout=seconds)
        except httpx.TimeoutException as error:
            if method == "GET":
                raise TimeoutError from error
            self.lose(replica, "it does not answer in time")
            raise PolicyUnavailable("it does not answer in time") from error
        except httpx.TransportError as error:
            why = f"it broke off ({type(error).__name__})"
            self.lose(replica, why)
            raise PolicyUnavailable(why) from error
