"""The report's page in a real browser."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.browser import take_picture
from support.command_line import RIGHT, CommandLine
from support.editing import ARTIFACTS
from support.editor_parts import chromium
from support.scripted_policy import ScriptedPolicy

pytestmark = [pytest.mark.editors, pytest.mark.slow]


def test_the_page_is_drawn(tmp_path: Path) -> None:
    """Its figures and its chart are there without a network. A picture is kept to be looked at."""
    with ScriptedPolicy() as policy:
        user = CommandLine.asking(policy, tmp_path)
        user.write("add.py", 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n\n')
        policy.will_complete(RIGHT)
        assert user.complete("add.py", line=7).code == 0
    page = tmp_path / "report.html"
    assert user.here("report", "-o", str(page)).code == 0
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    dom = subprocess.run(
        [str(chromium()), *flags, page.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    assert "<caption>Execution pass rate by model version</caption>" in dom.stdout
    assert "<svg" in dom.stdout
    taken = take_picture(page, ARTIFACTS / "report.png", profile=tmp_path / "profile", width=1000, height=1200)
    assert taken.stat().st_size > 10_000
