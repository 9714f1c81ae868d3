"""`plum-lsp setup`: from an empty home to a completion that one has seen work, by the steps of other commands."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import click

from plum_lsp.cli.complete import complete
from plum_lsp.cli.doctor import examine, show
from plum_lsp.cli.doctor.finding import State
from plum_lsp.cli.editor import neovim, vscode
from plum_lsp.cli.editor.clients import NoClient
from plum_lsp.cli.models import fetch_shown
from plum_lsp.config import Settings, cache_dir, config_file
from plum_lsp.domain.errors import ConfigError
from plum_lsp.files.pages import page
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.models.catalogue import ModelEntry, catalogue, locate
from plum_lsp.policy.models.recommend import free_memory, model_for
from plum_lsp.report.discretion import discreet
from plum_lsp.report.printing import ask, say
from plum_lsp.wiring import load_for_command, load_for_server

SAMPLE = '''\
def is_even(number: int) -> bool:
    """Whether a number is even.

    >>> is_even(4)
    True
    >>> is_even(7)
    False
    """

'''


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--print", "--dry-run", "only_prints", is_flag=True, help="Only say what would be done.")
def setup(*, yes: bool, only_prints: bool) -> None:
    """Fetch a model, install the clients of your editors, check every part, and complete a sample function.

    You can run it again at any time. It asks before each step. Exits with 1 if a part does not work.
    """
    say("1. Model")
    _set_up_model(load_for_command({}), yes=yes, only_prints=only_prints)
    say("\n2. Editors")
    _set_up_editors(yes=yes, only_prints=only_prints)
    if only_prints:
        say("\n3. Checks every part (plum-lsp doctor)\n4. Completes a sample function")
        return
    say("\n3. Check")
    findings = asyncio.run(examine(load_for_server({})))
    show(findings)
    say("\n4. A sample")
    if any(finding.state is State.FAILED for finding in findings):
        raise ConfigError("not every part works yet", remedy="Cure it as said above. Then: plum-lsp setup")
    _show_a_sample()
    say("\nplum-lsp works. In the folder of your project, run: plum-lsp trust")


def _set_up_model(settings: Settings, *, yes: bool, only_prints: bool) -> None:
    """Fetch the model that the user chose, or else one that suits the machine."""
    policy, model = settings.policy, policy_options(settings).model
    if policy.url:
        return say(f"Not needed: {discreet(policy.url)} has one.")
    entry = catalogue().get(model) if policy.model else model_for(free_memory())
    if entry is None:
        return say(f"Your own: {model}")
    folder = Path(policy.model_folder) if policy.model_folder else None
    if locate(entry, cache_dir=cache_dir(settings), folder=folder) is not None:
        say(f"{entry.name} is here.")
    else:
        what = f"{entry.name}, {entry.bytes / 1e6:.0f} MB, {entry.licence}, into {cache_dir(settings) / 'models'}"
        say(f"Fetches {what}")
        if not only_prints and (yes or ask("Fetch it?")):
            say(fetch_shown(entry, cache_dir=cache_dir(settings), folder=folder, is_offline=policy.offline))
    if entry.name != model:
        _choose(entry, yes=yes, only_prints=only_prints)
    return None


def _choose(entry: ModelEntry, *, yes: bool, only_prints: bool) -> None:
    """Name a model that is not the default in the user's file. A file that is there is the user's to change."""
    file, text = config_file(os.environ), f'[policy]\nmodel = "{entry.name}"\n'
    say(f"There is too little free memory for the default model. {file} must say:\n\n{text}")
    if file.exists() or only_prints or not (yes or ask("Write the file?")):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("x", encoding="utf-8") as opened:
        opened.write(text)


def _set_up_editors(*, yes: bool, only_prints: bool) -> None:
    """Install the client of each editor that is found. One that fails does not stop the others."""
    found = [client for client in (neovim, vscode) if client.programs()]
    if not found:
        others = f"Other editors run the server themselves: {page('editors.md')}"
        say(f"There is no Neovim and no VS Code on the PATH. {others}")
    for client in found:
        try:
            plan = client.plan()
            for line in plan.told:
                say(line)
            if only_prints:
                continue
            question = f"Go on, and replace {plan.overwrites}?" if plan.overwrites else "Go on?"
            if yes or ask(question):
                plan.act()
                say(plan.next)
        except NoClient as error:
            say(f"{error}\n  {error.remedy}")


def _show_a_sample() -> None:
    """Complete a function with the real model and sandbox, as an editor would have it done.

    Raises:
        ConfigError: there was no suggestion.
    """
    with tempfile.TemporaryDirectory(prefix="plum-lsp-") as folder:
        file = Path(folder) / "sample.py"
        file.write_text(SAMPLE, encoding="utf-8")
        line = SAMPLE.count("\n") + 1
        try:
            complete.main([str(file), "--line", str(line)], standalone_mode=False)
        except SystemExit as end:
            if end.code:
                raise ConfigError("the sample was not completed", remedy="The lines above say why.") from end
