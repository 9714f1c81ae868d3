"""`plum-lsp serve`: the language server, over standard input and output, a Unix socket or one TCP connection."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import click

from plum_lsp.config import Settings, data_dir, load_settings
from plum_lsp.config.folder import tcp_token_file
from plum_lsp.domain.ports import Recorder
from plum_lsp.report.printing import set_up_log
from plum_lsp.server.app import create_server
from plum_lsp.server.connection.door import read_token
from plum_lsp.server.connection.transport import Serve, serve_socket, serve_stdio, serve_tcp
from plum_lsp.server.settings import Load
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.suggestion.services import Services
from plum_lsp.wiring import load_for_server, load_for_tcp, open_services

logger = logging.getLogger(__name__)

_LEVELS = ("debug", "info", "warning", "error")
_FILE_HELP = "With --tcp: the file with the token. Created if it is missing.  [default: tcp-token in the data folder]"


@click.command()
@click.option("--stdio", is_flag=True, help="Use standard input and output (the default).")
@click.option(
    "--socket", type=click.Path(path_type=Path), help="Wait for one connection at a new Unix socket with this path."
)
@click.option("--tcp", is_flag=True, help="Wait for one TCP connection that shows the token.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --tcp: the address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="With --tcp: the port. 0 means any free port.")
@click.option("--token-file", type=click.Path(dir_okay=False, path_type=Path), help=_FILE_HELP)
@click.option("--log-level", type=click.Choice(_LEVELS), default="info", show_default=True)
@click.option("--log-file", type=click.Path(dir_okay=False, path_type=Path), help="Log here, not to standard error.")
def serve(
    *,
    stdio: bool,
    socket: Path | None,
    tcp: bool,
    host: str,
    port: int,
    token_file: Path | None,
    log_level: str,
    log_file: Path | None,
) -> None:
    """Serve one editor until it leaves."""
    if stdio + (socket is not None) + tcp > 1:
        raise click.UsageError("--stdio, --socket and --tcp exclude each other.")
    if tcp and token_file is None and not _is_this_machine(host):
        raise click.UsageError(f"Other machines can reach {host}. Set --token-file.")
    set_up_log(log_level, log_file)
    _quiet_libraries(log_level)
    if tcp:
        file = (token_file or tcp_token_file(data_dir(load_settings(environ=os.environ).settings))).absolute()
        listening = partial(serve_tcp, host=host, port=port, token=read_token(file), told=f", token in {file}")
        sys.exit(asyncio.run(_serve(listening, load=load_for_tcp, is_remote=True)))
    listening_here = partial(serve_socket, path=socket.absolute()) if socket else serve_stdio
    sys.exit(asyncio.run(_serve(listening_here, load=load_for_server, is_child=socket is None)))


def _is_this_machine(host: str) -> bool:
    """Whether only this machine can reach an address. For any name but `localhost` the result is false."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _log_stray(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Log an error that no task handled by its type only, because its message may quote source text."""
    error = context.get("exception")
    logger.error("an error that no task handled: %s", type(error).__name__ if error else context.get("message"))
    logger.debug("the same with its message: %s", context)


async def _serve(
    listening: Callable[[Serve], Awaitable[int]], *, load: Load, is_remote: bool = False, is_child: bool = False
) -> int:
    asyncio.get_running_loop().set_exception_handler(_log_stray)
    server = create_server(
        load=load, open_services=_lasting_services, clock=MonotonicClock(), is_remote=is_remote, is_child=is_child
    )
    return await listening(server.serve)


async def _lasting_services(settings: Settings, recorder: Recorder) -> Services:
    """The services. What is there once they are open lasts, so the garbage collector does not look at it again.

    To look at all of it takes about 60 ms, and a request would wait for that every few dozen requests.
    """
    services = await open_services(settings, recorder)
    gc.freeze()
    return services


def _quiet_libraries(level: str) -> None:
    """Log libraries that quote messages (and so source text) at `debug` only."""
    if level != "debug":
        logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("httpcore").setLevel(logging.WARNING)
