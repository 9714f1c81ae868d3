"""`plum-lsp share`: writes redacted facts into a folder that the trainer of a team reads, if the user asks for it."""

from __future__ import annotations

import time
from pathlib import Path

import click

from plum_lsp.config import data_dir
from plum_lsp.config.folder import share_file
from plum_lsp.domain.errors import StoreError
from plum_lsp.report.printing import ask_to_go_on, say
from plum_lsp.store.people.sharing import begin_sharing, end_sharing, shared_folder, withdraw
from plum_lsp.store.records import instant
from plum_lsp.wiring import load_for_command

WHAT = """From the next session on, plum-lsp writes the code around each request, the candidates, their tests and
what became of them into {folder}. Secrets, your home folder and paths outside the project are taken out, and a random
id stands for you. The code stays readable, with all names that are in it, for everyone who may read the folder."""

NEW = """This folder does not exist yet. It is made for you alone. For a team, its members' group needs access:
chgrp GROUP {folder} && chmod 2770 {folder}"""


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--stop", "is_stopped", is_flag=True, help="Share no further facts. What is in the folder stays.")
@click.option("--withdraw", "is_withdrawn", is_flag=True, help="Also take your facts out of the folder.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def share(*, folder: Path | None, is_stopped: bool, is_withdrawn: bool, yes: bool) -> None:
    """Share what is recorded with the trainer of a team, through a folder. Without options: show what is shared."""
    record = share_file(data_dir(load_for_command({})))
    known = shared_folder(record)
    if is_withdrawn:
        _withdraw(record, folder or known)
    elif is_stopped:
        end_sharing(record)
        say("You share no further facts.")
    elif folder is not None:
        _begin(record, folder.resolve(), yes=yes)
        say("You share from the next start of your editor on. Undo it with: plum-lsp share --withdraw")
    else:
        say(f"You share facts in {known}." if known else "You do not share facts. Begin with: plum-lsp share DIR")


def _begin(record: Path, folder: Path, *, yes: bool) -> None:
    say(WHAT.format(folder=folder))
    if not folder.exists():
        say(NEW.format(folder=folder))
    if not yes:
        ask_to_go_on("Share?")
    begin_sharing(record, folder)


def _withdraw(record: Path, folder: Path | None) -> None:
    if folder is None:
        raise StoreError("you share nothing", remedy="Name the folder: plum-lsp share DIR --withdraw")
    files, versions = withdraw(record, folder, now=instant(time.time()))
    deleted = "1 file is" if files == 1 else f"{files} files are"
    say(f"Withdrawn: {deleted} deleted from {folder}. The next training round has no rows of yours.")
    if versions:
        say(f"These versions were trained on your facts, and keep what they learned: {', '.join(versions)}")
        say("On the machine of the trainer you can go back to an earlier one: plum-trainer rollback VERSION")
    else:
        say("No published version is known to be trained on your facts.")
    say("An editor that is open shares until it is closed.")
