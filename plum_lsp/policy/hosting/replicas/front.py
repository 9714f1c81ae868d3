"""The address in front of several replicas. Each completion goes to one of them, each change of an adapter to all.

    POST /replicas/NAME/v1/completions   asks one replica. For a publication, with a key that may publish

A replica that breaks off before its first token is not used any more, and another one is asked. If it breaks off later,
the client sees a stream that ends early, and asks again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.policy.hosting.front.front import EngineUnwell, Front, fields_of, is_plain, unknown
from plum_lsp.policy.hosting.front.gate import LOAD, SLEEP, UNLOAD, WAKE, Gate
from plum_lsp.policy.hosting.front.limits import Person
from plum_lsp.policy.hosting.front.tokens import Written
from plum_lsp.policy.hosting.http_server import Refusal, Reply, Request
from plum_lsp.policy.hosting.replicas.rotation import UNWELL, Replica, Rotation
from plum_lsp.policy.hosting.replicas.routing import document_key

logger = logging.getLogger(__name__)

COMPLETIONS = "/v1/completions"
TRIES = 2
"""Replicas that are asked for one request. A request under which engines die must not reach them all."""
_ONE = re.compile(r"/replicas/([\w.:\[\]-]{1,300})/v1/completions", re.ASCII)


class ReplicaFront(Front):
    """In front of the replicas of a rotation. `versions` is the folder that adapters come from."""

    def __init__(self, gate: Gate, rotation: Rotation, *, versions: Path) -> None:
        super().__init__(gate)
        self._rotation = rotation
        self._versions = versions
        self._asked: Counter[str] = Counter()
        self._changing = asyncio.Lock()

    @property
    def base_name(self) -> str:
        """The name of the base model."""
        return self._rotation.base_name

    async def close(self) -> None:
        """Close the connections to the replicas."""
        await super().close()
        await self._rotation.close()

    async def _health(self, reply: Reply) -> None:
        await reply.whole(200 if self._rotation.used() else 503, b"{}")

    async def _models(self) -> list[dict[str, Any]]:
        base = self.base_name
        return [
            {"id": name, "object": "model", "owned_by": "plum-lsp", "parent": None if name == base else base}
            for name in self._rotation.names()
        ]

    async def _pass_on(self, person: Person, name: str, request: Request, reply: Reply, written: Written) -> None:
        key = document_key(person.key.name, fields_of(request).get("prompt"))
        tried: frozenset[str] = frozenset()
        self._asked[name] += 1
        try:
            async with self.gate.turn(person):
                while len(tried) < TRIES and (replica := self._rotation.choose(key, name, tried=tried)) is not None:
                    if await self._is_answered(replica, request, reply, written):
                        return
                    tried |= {replica.name}
        finally:
            self._asked[name] -= 1
            self._asked += Counter()  # drops the zeros, so that made-up names do not stay
        if tried or not self._rotation.used():
            raise PolicyUnavailable("no replica answers now")
        raise unknown(name)

    async def _is_answered(
        self, replica: Replica, request: Request, reply: Reply, written: Written, *, path: str = ""
    ) -> bool:
        """Whether a replica answered. If it did not, the client has got no answer, and the replica may be lost.

        Raises:
            PolicyUnavailable: it broke off in the middle of its answer.
        """
        reach, client = replica.reach, replica.http
        if reach is None or client is None:
            return False
        replica.in_flight += 1
        try:
            url = reach.root + (path or request.head.path)
            await self._relay(url, reach.key, request, reply, written, client=client, unwell=UNWELL)
        except httpx.TransportError as error:
            # A person can make a replica break off in mid-answer by reading slowly, and fail by a request that it
            # cannot do. That must not take it from the others.
            if isinstance(error, EngineUnwell | httpx.TimeoutException):
                await self._rotation.examine(replica)
            elif not reply.has_begun and replica.reach == reach:  # it may have come back already
                self._rotation.lose(replica, f"it broke off ({type(error).__name__}: {error})")
            if reply.has_begun:
                raise PolicyUnavailable(f"replica {replica.name} broke off: {type(error).__name__}") from error
            return False
        finally:
            replica.in_flight -= 1
        return True

    async def _load(self, name: str, path: Path, reply: Reply) -> None:
        """Load an adapter on every replica in use, or on none. A replica that dies meanwhile is used no longer."""
        if name == self.base_name:
            raise Refusal(400, f"{name[:80]!r} is the base model")
        folder = self._version(path)
        async with self._changing:
            lacking = [one for one in self._rotation.used() if name not in one.names]
            body = {"lora_name": name, "lora_path": str(folder)}
            answers = await self._change(lacking, LOAD[1], body)
            loaded = [replica for replica, answer in answers if answer is not None and answer.is_success]
            for replica in loaded:
                replica.names |= {name}
            refused = [(one, answer) for one, answer in answers if one.is_used and answer and not answer.is_success]
            if refused:
                await self._unload_from(loaded, name)
                replica, answer = refused[0]
                raise Refusal(400, f"replica {replica.name} refused {name}: {answer.text[:300]}")
        if not any(name in one.names for one in self._rotation.used()):
            raise PolicyUnavailable("no replica answers now")
        await reply.whole(200, b'"loaded"')

    def _version(self, path: Path) -> Path:
        """The folder of a version, under the name by which other machines find it, too."""
        folder = path.resolve()
        if folder.parent != self._versions.resolve():
            raise Refusal(400, f"the adapter is not in {self._versions}")
        return folder

    async def _unload(self, name: str, reply: Reply) -> None:
        if name == self.base_name or not is_plain(name):
            raise unknown(name)
        async with self._changing:
            having = [one for one in self._rotation.used() if name in one.names]
            await self._unload_from(having, name)
        if not having:
            raise Refusal(404, f"the adapter {name[:80]!r} is not loaded")
        await reply.whole(200, b'"unloaded"')

    async def _unload_from(self, replicas: Sequence[Replica], name: str) -> None:
        for replica in replicas:
            replica.names -= {name}  # before it is unloaded, so that no request is sent there
        await self._change(replicas, UNLOAD[1], {"lora_name": name})
        for replica in replicas:
            replica.names -= {name}  # a look may have listed it meanwhile

    async def _change(
        self, replicas: Sequence[Replica], path: str, body: dict[str, str]
    ) -> list[tuple[Replica, httpx.Response | None]]:
        """What each replica answers to a change. None if it broke off."""

        async def changed(replica: Replica) -> tuple[Replica, httpx.Response | None]:
            try:
                answer = await self._rotation.change(replica, path, body)
            except PolicyUnavailable as error:
                logger.info("replica %s: %s", replica.name, error)
                return replica, None
            if answer.status_code in UNWELL:
                await self._rotation.examine(replica)
            return replica, answer

        return list(await asyncio.gather(*(changed(one) for one in replicas)))

    async def _other(self, person: Person, request: Request, reply: Reply) -> None:
        """One replica for a publication, and the sleep mode of all for a trainer that shares their devices."""
        asked = request.head.method, request.head.path
        one = _ONE.fullmatch(asked[1])
        if asked in (SLEEP, WAKE):  # `gate` let only those pass who may publish
            await self._all(asked[1], reply)
        elif one and asked[0] == "POST" and person.key.can_publish:
            await self._ask_one(person, one.group(1), request, reply)
        else:
            await super()._other(person, request, reply)

    async def _ask_one(self, person: Person, name: str, request: Request, reply: Reply) -> None:
        async with self.gate.asking(person, request, fields_of(request)) as written, self.gate.turn(person):
            replica = self._rotation.called(name)
            if replica is None or not await self._is_answered(replica, request, reply, written, path=COMPLETIONS):
                raise PolicyUnavailable(f"replica {name[:80]} is not in use")

    async def _all(self, path: str, reply: Reply) -> None:
        for replica, answer in await self._change(self._rotation.used(), path, {}):
            if answer is None or not answer.is_success:
                status = answer.status_code if answer is not None else 503
                raise Refusal(status, f"replica {replica.name} does not do {path}")
        await reply.whole(200, b"{}")

    async def _metrics(self) -> list[str]:
        replicas = self._rotation.all()
        return [
            *(f'plum_requests{{model="{name}"}} {count}' for name, count in self._asked.items() if is_plain(name)),
            *(f'plum_replica_used{{replica="{one.name}"}} {int(one.is_used)}' for one in replicas),
            *(f'plum_replica_requests{{replica="{one.name}"}} {one.in_flight}' for one in replicas),
        ]
