"""An HTTP client that loses no connection to a task that is cancelled.

Two steps of httpx (0.28, httpcore 1.0) are safe against anyio's cancellation, but not against that of asyncio's tasks:
handing a fresh connection its request, and returning a connection to the pool. A task cancelled there leaves the
connection open, and the pool in the belief that it is in use, for as long as the client lives. A policy whose
candidates are cancelled as others end loses one in every few dozen requests so, until no descriptors are left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx

CONNECT_SECONDS_MAX = 1.0
"""A connection is awaited before its request is ended; one that takes longer is ended on the way, which is safe."""


class ClosingClient(httpx.AsyncClient):
    """`httpx.AsyncClient`, made safe to cancel. Belongs to one event loop."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request, as the base class does."""
        has_begun = asyncio.Event()
        told = request.extensions.get("trace")

        async def watch(event: str, info: object) -> None:
            if event.startswith("http11."):
                has_begun.set()
            if told is not None:
                await told(event, info)

        request.extensions = {**request.extensions, "trace": watch}
        sending = asyncio.create_task(super().send(request, **options))
        try:
            response = await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.create_task(_abandon(sending, has_begun)))
            raise
        if not response.is_closed:
            response.stream = _ClosingStream(cast(httpx.AsyncByteStream, response.stream))
        return response


async def _abandon(sending: asyncio.Task[httpx.Response], has_begun: asyncio.Event) -> None:
    """End a request that nobody waits for once it is on its way; if it was answered meanwhile, close the answer."""
    waiting = asyncio.create_task(has_begun.wait())
    await asyncio.wait({sending, waiting}, timeout=CONNECT_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    sending.cancel()
    await asyncio.wait({sending})
    if not sending.cancelled() and sending.exception() is None:
        await sending.result().aclose()


class _ClosingStream(httpx.AsyncByteStream):
    """Another stream, closed in a task of its own."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream
        self._closing: asyncio.Task[None] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        """Close it; a caller that is cancelled leaves at once, and the closing goes on."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._stream.aclose())
        await asyncio.shield(self._closing)
