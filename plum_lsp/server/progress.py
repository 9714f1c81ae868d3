"""`$/progress` for long work, if the editor shows it. It says that work is going on, not how far it is."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from plum_lsp.domain.display import message

logger = logging.getLogger(__name__)

CREATE_SECONDS_MAX = 1.0
"""The longest wait for the editor's answer on whether it will show progress."""


@asynccontextmanager
async def shown_progress(server: LanguageServer, title: str) -> AsyncIterator[None]:
    """Show that work is going on as long as the body runs."""
    token = await _token(server)
    if token is None:
        yield
        return
    server.work_done_progress.begin(
        token, types.WorkDoneProgressBegin(title=f"plum: {message(title)}", cancellable=False)
    )
    try:
        yield
    finally:
        server.work_done_progress.end(token, types.WorkDoneProgressEnd())
        server.work_done_progress.tokens.pop(token, None)


async def _token(server: LanguageServer) -> str | None:
    """A token that the editor agreed to. None if it cannot or will not show progress."""
    window = server.client_capabilities.window
    if window is None or not window.work_done_progress:
        return None
    token = f"plum-{uuid.uuid4().hex}"
    try:
        async with asyncio.timeout(CREATE_SECONDS_MAX):
            await server.work_done_progress.create_async(token)
    except (TimeoutError, JsonRpcException) as error:
        logger.debug("no progress is shown: %s", type(error).__name__)
        return None
    return token
