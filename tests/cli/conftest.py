"""What the tests of the command line share: a scripted policy, and a user who asks it about a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command_line import ADD, CommandLine
from support.scripted_policy import ScriptedPolicy


@pytest.fixture
def policy() -> Iterator[ScriptedPolicy]:
    """A policy that says what it is told."""
    with ScriptedPolicy() as policy:
        yield policy


@pytest.fixture
def user(policy: ScriptedPolicy, tmp_path: Path) -> CommandLine:
    """A user in a folder with `add.py`."""
    user = CommandLine.asking(policy, tmp_path)
    user.write("add.py", ADD)
    return user
