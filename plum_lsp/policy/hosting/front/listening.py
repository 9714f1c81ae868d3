"""Opens the address of a server of ours, with the keys of the data folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from plum_lsp.config.folder import keys_file
from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.policy.hosting.front.front import Front
from plum_lsp.policy.hosting.front.gate import Gate
from plum_lsp.policy.hosting.front.keys import KeyBook
from plum_lsp.policy.hosting.http_server import serve_http
from plum_lsp.policy.hosting.serving import ServeOptions


def gate_of(data_dir: Path, api_key: str, *, capacity: int, context_tokens: int) -> Gate:
    """The gate for the server's own key and the people's keys in a data folder."""
    book = KeyBook(keys_file(data_dir), owner_key=api_key)
    return Gate(book, capacity=capacity, context_tokens=context_tokens)


@asynccontextmanager
async def listening(front: Front, options: ServeOptions) -> AsyncIterator[None]:
    """Answer at the address that the user asked for.

    Raises:
        PolicyUnavailable: the address is taken.
    """
    host, port = options.host, options.port
    async with AsyncExitStack() as stack:
        stack.push_async_callback(front.close)
        try:
            await stack.enter_async_context(serve_http(front.handle, admit=front.gate.admit, host=host, port=port))
        except OSError as error:
            told = f"{host}:{port} cannot be listened at: {error.strerror or error}"
            raise PolicyUnavailable(told, remedy="Choose another with --port.") from error
        yield
