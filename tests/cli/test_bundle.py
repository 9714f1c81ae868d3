"""`plum-lsp doctor --bundle`: what support needs, and nothing of the user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import RIGHT, CommandLine
from support.scripted_policy import ScriptedPolicy

from plum_lsp import __version__

pytestmark = pytest.mark.slow
QUOTED = "Xylophone_of_the_customer"


def bundled(user: CommandLine, folder: Path | None = None) -> str:
    """The text of the bundle that the doctor writes for this user, working in that folder."""
    place = user.folder / "bundle.json"
    CommandLine(folder=folder or user.folder, environ=user.environ).run("doctor", "--bundle", str(place))
    return place.read_text()


def test_support_sees_what_is_wrong(user: CommandLine) -> None:
    """Findings, versions, the settings that were changed and who set them, and counts of the store."""
    user.environ |= {"PLUM_SAMPLING_CANDIDATES": "3", "PLUM_SANDBOX_INTERPRETER": "/bin/ls"}
    told = json.loads(bundled(user))
    assert told["plum_lsp"]["version"] == __version__
    assert told["settings"]["sampling.candidates"] == {"value": "3", "from": "environment"}
    assert "does not answer as a Python does" in str(told["findings"])
    assert told["store"]["counts"]["requests"] == 0


def test_there_is_no_source_text(policy: ScriptedPolicy, user: CommandLine) -> None:
    """After a request, and in a trusted project whose import fails with a line of its source in the message."""
    policy.will_complete(RIGHT)
    assert user.complete().code == 0
    user.write("shop/pyproject.toml", "[project]\nname = 'shop'\nversion = '1'\n")
    user.write("shop/src/shop/__init__.py", f"raise ValueError('{QUOTED}')\n")
    assert user.run("trust", str(user.folder / "shop")).code == 0
    text = bundled(user, user.folder / "shop")
    assert json.loads(text)["store"]["counts"]["requests"] == 1
    for private in (QUOTED, "return a + b", "def add", "shop", str(user.folder), policy.api_key):
        assert private not in text, private


def test_a_file_that_is_there_stays(user: CommandLine) -> None:
    """It is named, and so is the way out. A new file is for the user's eyes only."""
    kept = user.write("kept.json", "mine")
    ran = user.run("doctor", "--bundle", str(kept))
    assert (ran.code, kept.read_text()) == (1, "mine")
    assert "Name a new file." in ran.err
    bundled(user)
    assert (user.folder / "bundle.json").stat().st_mode & 0o777 == 0o600
