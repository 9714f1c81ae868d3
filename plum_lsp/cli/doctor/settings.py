"""The doctor's findings about the settings: mistakes in them, what leaves the machine, whether all is paused."""

from __future__ import annotations

import os
from pathlib import Path

from plum_lsp.cli.doctor.finding import Finding, State
from plum_lsp.config import Loaded, config_file, environment_name
from plum_lsp.config.loading import REMEDY
from plum_lsp.policy.client.connection import is_loopback, sends_in_clear
from plum_lsp.report.discretion import discreet
from plum_lsp.server.settings import PROJECT_FILE, narrowed
from plum_lsp.wiring import in_clear

_PAUSED = "privacy.paused"


def check_settings(loaded: Loaded) -> Finding:
    """Mistakes in the settings, or where prompts go under them."""
    if loaded.problems:
        detail = "; ".join((*loaded.problems, "the other checks use what could be read"))
        return Finding(part="settings", state=State.FAILED, detail=detail, remedy=REMEDY)
    settings, detail = loaded.settings, "read without problems"
    url = settings.policy.url
    if not url or is_loopback(url):
        return Finding(part="settings", state=State.OK, detail=f"{detail}. Prompts stay on this machine")
    redacts = settings.privacy.redact_prompts
    what = "without what looks like a secret" if redacts else "with any secrets in them"
    detail += f". Prompts (code of your files) go to {discreet(url)} {what}"
    remedy = "" if redacts else "To hide what looks like a secret, set privacy.redact_prompts."
    if not sends_in_clear(url):
        return Finding(part="settings", state=State.OK, detail=detail, remedy=remedy)
    return Finding(part="settings", state=State.WARNING, detail=detail, remedy=f"{in_clear(settings)} {remedy}".strip())


def check_pause(loaded: Loaded) -> Finding:
    """Whether the settings, or a file of the project of the working folder, stop all suggestions."""
    part = "pause"
    if loaded.settings.privacy.paused:
        source = loaded.sources[_PAUSED]
        name = environment_name(_PAUSED)
        remedy = (
            f"Unset {name}." if source == "environment" else f"Set {_PAUSED} to false in {config_file(os.environ)}."
        )
        detail = f"paused by the {source}: there are no suggestions"
        return Finding(part=part, state=State.WARNING, detail=detail, remedy=remedy)
    for folder in (Path.cwd(), *Path.cwd().parents):
        if narrowed(loaded.settings, [folder])[0].privacy.paused:
            file = folder / PROJECT_FILE
            detail = f"paused by {file}: there are no suggestions in this folder"
            return Finding(part=part, state=State.WARNING, detail=detail, remedy=f"Remove privacy.paused from {file}.")
    return Finding(part=part, state=State.OK, detail="not paused by a setting. Editors have their own switch")
