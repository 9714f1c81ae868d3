"""`plum-lsp policy replica`: the replicas on other machines that `policy serve --replicas` uses."""

from __future__ import annotations

import asyncio
import getpass
import re
import sys

import click

from plum_lsp.config import data_dir
from plum_lsp.config.folder import replicas_file
from plum_lsp.policy.hosting.engines import served_engine
from plum_lsp.policy.hosting.replicas.addresses import add_address, read_addresses, remove_address
from plum_lsp.policy.hosting.serving import ServingState
from plum_lsp.report.printing import say
from plum_lsp.wiring import load_for_command

_USED = re.compile(r'^plum_replica_used\{replica="([^"]+)"\} ([01])$', re.MULTILINE)


@click.group()
def replica() -> None:
    """Name the model servers on other machines that this one uses (policy serve --replicas)."""


@replica.command()
@click.argument("url")
def add(url: str) -> None:
    """Use the server at URL, too. Its key is read from the terminal or from the input, never from the command line."""
    key = getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline()
    added = add_address(replicas_file(data_dir(load_for_command({}))), url, key.strip())
    say(f"added {added.name}. A front that runs uses it as soon as it answers and has the active version.")


@replica.command("list")
def list_replicas() -> None:
    """Show the addresses. The keys are not shown."""
    addresses = read_addresses(replicas_file(data_dir(load_for_command({}))))
    if not addresses:
        say("There are no replicas on other machines. Add one with: plum-lsp policy replica add URL")
    for one in addresses:
        say(f"{one.name}  {one.url}")


@replica.command()
@click.argument("name")
def remove(name: str) -> None:
    """Use the replica of that name or address no longer. Its requests are finished."""
    remove_address(replicas_file(data_dir(load_for_command({}))), name)
    say(f"removed {name}")


def used_replicas(state: ServingState) -> list[str]:
    """A line for each replica behind the running server. None if it is a single server."""
    found = _USED.findall(asyncio.run(_metrics(state)))
    return [f"replica {name}: {'used' if is_used == '1' else 'not used now'}" for name, is_used in found]


async def _metrics(state: ServingState) -> str:
    engine = served_engine(state)
    try:
        return await engine.metrics()
    finally:
        await engine.close()
