"""`plum-lsp policy key`: the keys of the people who use this server, and what they have used."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict

import click

from plum_lsp.config import data_dir
from plum_lsp.config.folder import keys_file
from plum_lsp.policy.hosting.engines import served_engine
from plum_lsp.policy.hosting.front.keys import IN_FLIGHT, TOKENS_A_MINUTE, Key, add_key, read_keys, revoke_key
from plum_lsp.policy.hosting.serving import ServingState
from plum_lsp.report.printing import say
from plum_lsp.wiring import load_for_command

_FIGURE = re.compile(r'^plum_key_(\w+)\{key="([\w.-]+)"\} (\d+)$', re.MULTILINE)


@click.group()
def key() -> None:
    """Give people keys of their own for the model server."""


@key.command()
@click.argument("name")
@click.option("--publish", is_flag=True, help="It may load and unload adapters, too.")
@click.option("--watch", is_flag=True, help="It may read the use of all keys in /metrics.")
@click.option("--in-flight", default=IN_FLIGHT, show_default=True, type=click.IntRange(0, 10_000))
@click.option("--tokens-a-minute", default=TOKENS_A_MINUTE, show_default=True, type=click.IntRange(0, 10**9))
def add(name: str, *, publish: bool, watch: bool, in_flight: int, tokens_a_minute: int) -> None:
    """Make a key for a person and show it, once. A limit of 0 means that there is none."""
    wanted = Key(
        name=name,
        sha256="",
        can_publish=publish,
        can_watch=watch,
        in_flight=in_flight,
        tokens_a_minute=tokens_a_minute,
    )
    text = add_key(keys_file(data_dir(load_for_command({}))), wanted)
    say(text)
    say(f"This is the key of {name}. It is not kept and cannot be shown again.", err=True)


@key.command("list")
def list_keys() -> None:
    """Show the names, rights and limits of all keys."""
    keys = read_keys(keys_file(data_dir(load_for_command({}))))
    if not keys:
        say("There are no keys of people. Add one with: plum-lsp policy key add NAME")
    for one in keys:
        rights = ", ".join(["complete", *["publish"] * one.can_publish, *["watch"] * one.can_watch])
        limits = f"{one.in_flight or 'any number'} at once, {one.tokens_a_minute or 'any'} tokens a minute"
        since = f"revoked {one.revoked_at}" if one.revoked_at else f"since {one.added_at}"
        say(f"{one.name}  {rights}  {limits}  {since}")


@key.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Let the key of a person count no more. A server that runs refuses its next request."""
    revoke_key(keys_file(data_dir(load_for_command({}))), name)
    say(f"revoked the key of {name}")


def use(state: ServingState) -> list[str]:
    """What each key has used since the server started, one line each."""
    rows: dict[str, dict[str, str]] = defaultdict(dict)
    for figure, name, value in _FIGURE.findall(asyncio.run(_metrics(state))):
        rows[name][figure] = value
    return [
        f"{name}: {row.get('requests_total', 0)} requests, {row.get('in_flight', 0)} in flight, "
        f"{row.get('refused_total', 0)} refused, {row.get('tokens_read_total', 0)} tokens read, "
        f"{row.get('tokens_written_total', 0)} written"
        for name, row in sorted(rows.items())
    ]


async def _metrics(state: ServingState) -> str:
    engine = served_engine(state)
    try:
        return await engine.metrics()
    finally:
        await engine.close()
