"""`plum-lsp serve`: the language server, over standard input and output or one TCP connection."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import click

from plum_lsp.cli.printing import set_up_log
from plum_lsp.server.app import create_server
from plum_lsp.server.transport import serve_stdio, serve_tcp
from plum_lsp.wiring import MonotonicClock, load_for_server, open_services

logger = logging.getLogger(__name__)

_LEVELS = ("debug", "info", "warning", "error")


@click.command()
@click.option("--stdio", is_flag=True, help="Speak over standard input and output; the default.")
@click.option("--tcp", is_flag=True, help="Wait for one TCP connection instead.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --tcp: the address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="With --tcp: the port; 0 takes a free one.")
@click.option("--log-level", type=click.Choice(_LEVELS), default="info", show_default=True)
@click.option("--log-file", type=click.Path(dir_okay=False, path_type=Path), help="Log here, not to standard error.")
def serve(*, stdio: bool, tcp: bool, host: str, port: int, log_level: str, log_file: Path | None) -> None:
    """Serve one editor until it leaves."""
    if stdio and tcp:
        raise click.UsageError("--stdio and --tcp exclude each other.")
    _set_up_log(log_level, log_file)
    sys.exit(asyncio.run(_serve(host=host, port=port) if tcp else _serve()))


def _log_stray(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Log what no task owned up to by its kind alone: its message may quote source text."""
    error = context.get("exception")
    logger.error("an error nobody waited for: %s", type(error).__name__ if error else context.get("message"))
    logger.debug("the same with its message: %s", context)


async def _serve(*, host: str = "", port: int = 0) -> int:
    asyncio.get_running_loop().set_exception_handler(_log_stray)
    server = create_server(load=load_for_server, open_services=open_services, clock=MonotonicClock())
    if host:
        return await serve_tcp(server.serve, host=host, port=port)
    return await serve_stdio(server.serve)


def _set_up_log(level: str, file: Path | None) -> None:
    """One log for everything. Libraries that quote messages (and so source text) are heard at `debug` only."""
    set_up_log(level, file)
    if level != "debug":
        logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("httpcore").setLevel(logging.WARNING)
