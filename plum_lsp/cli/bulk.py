"""What `verify --rows` and `eval --rows` share: lines are done once, here or on a Ray cluster, and reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from plum_lsp.evaluation.bulk.on_ray import LOCAL, RayWorkers
from plum_lsp.evaluation.bulk.run import BulkRun, InThisProcess, Workers, left_of
from plum_lsp.evaluation.bulk.work import Batch, Line
from plum_lsp.report.printing import say
from plum_lsp.store.judgements import BulkRows, Counts
from plum_lsp.suggestion.clock import MonotonicClock

_Command = TypeVar("_Command", bound=Callable[..., Any])
_ADDRESS = re.compile(r"[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


def ray_option(what: str) -> Callable[[_Command], _Command]:
    """`--ray`. `what` says what is done there."""
    text = f"{what} on this Ray cluster, or on one of this machine. Needs --rows."
    return click.option("--ray", metavar="[HOST:PORT]", is_flag=False, flag_value=LOCAL, help=text)


def batch_option(what: str) -> Callable[[_Command], _Command]:
    """`--batch`. `what` is counted in it."""
    text = f"{what} for each sandbox (--rows)."
    return click.option("--batch", type=click.IntRange(1, 1000), default=8, show_default=True, help=text)


def check_address(ray: str | None) -> None:
    """Refuse an address that cannot be one of a cluster.

    Raises:
        click.BadParameter: it is not HOST:PORT.
    """
    if ray is not None and ray != LOCAL and not _ADDRESS.fullmatch(ray):
        raise click.BadParameter(f"{ray} is not HOST:PORT", param_hint="--ray")


def work_off(lines: Sequence[Line], like: Batch, store: BulkRows, *, ray: str | None, size: int) -> int:
    """Do the lines that have no rows yet, in batches of `size` like `like`. Returns how many could not be done.

    `ray` is the address of a cluster, `LOCAL` for one of our own, or None for this process.
    """

    def tell(text: str) -> None:
        say(text, err=True)

    left = left_of(lines, like, store)
    tell(f"{len(lines) - len(left)} of {len(lines)} lines are judged already")
    if not left:
        return 0
    workers: Workers = InThisProcess() if ray is None else RayWorkers(ray, tell, reaches=like.reaches)
    run = BulkRun(store=store, workers=workers, like=like, size=size, clock=MonotonicClock(), tell=tell)
    try:
        run.judge(left)
    finally:
        workers.close()
    return run.problems


def report(counts: Counts) -> None:
    """Say how many rows are stored, and how often lines were handed out for them."""
    say(f"{counts.rows} rows stored. Lines handed out: {counts.asks}", err=True)
    if counts.unanswered or counts.rows_ignored:
        say(
            f"  never answered: {counts.unanswered}. Rows that came again and were ignored: {counts.rows_ignored}",
            err=True,
        )
