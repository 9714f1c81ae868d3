"""An HTTP client that keeps no connection of a cancelled task.

Two steps of httpx (0.28, httpcore 1.0) are safe against anyio's cancellation, but not against that of asyncio's tasks:
assigning a request to a new connection, and returning a connection to the pool. If a task is cancelled in one of these
steps, the connection stays open and the pool counts it as used until the client is closed. The policy cancels
candidates often. It lost a connection every few dozen requests, until no descriptors were left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx

CONNECT_SECONDS_MAX = 1.0
"""The longest wait for a connection before its request is ended. After this the request is ended while it connects,
which is safe."""


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
    """End a cancelled request once it is sent. If the answer has arrived meanwhile, close the answer."""
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
        """Close the client. If the caller is cancelled, it returns at once and the closing continues."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._stream.aclose())
        await asyncio.shield(self._closing)
