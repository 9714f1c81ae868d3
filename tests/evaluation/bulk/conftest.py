"""What the tests of bulk verification share: lines of candidates, and a command line without a policy."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.command_line import CommandLine

PROMPT = 'def add{n}(a, b):\n    """Add.\n\n    >>> add{n}(1, {n})\n    {result}\n    """\n'
TEXTS = ("    return a + b\n", "    return a - b\n")


def row(number: int, **more: object) -> dict[str, Any]:
    """A line with a right candidate and a wrong one."""
    prompt = PROMPT.format(n=number, result=number + 1)
    return {"task_id": f"t{number}", "prompt": prompt, "candidates": [{"text": text} for text in TEXTS], **more}


def stored(path: Path) -> list[tuple[object, ...]]:
    """The rows of a file without their times, in the order of their keys."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'judgements'").fetchone():
            return []
        return db.execute(
            "SELECT task, version, seed, candidate, line_sha256, offered, score, probability, tier, tests_run,"
            " tests_passed, reason FROM judgements ORDER BY task, version, seed, candidate"
        ).fetchall()


def asks(path: Path) -> list[tuple[str, bool]]:
    """Each line that was handed out, and whether it was answered."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
        found = db.execute("SELECT task, answered_at IS NOT NULL FROM asks ORDER BY id").fetchall()
    return [(task, bool(answered)) for task, answered in found]


@pytest.fixture
def user(tmp_path: Path) -> CommandLine:
    """A user without a policy, whose candidates may take their time."""
    home = {"HOME": str(tmp_path), "PLUM_DATA_DIR": str(tmp_path / "data"), "PLUM_CACHE_DIR": str(tmp_path / "cache")}
    patient = {"PATH": os.environ["PATH"], "PLUM_SANDBOX_WALL_SECONDS": "60"}
    return CommandLine(folder=tmp_path, environ={**patient, **home})


def written(user: CommandLine, *rows: dict[str, Any]) -> None:
    """A file `in.jsonl` with these lines."""
    user.write("in.jsonl", "\n".join(json.dumps(one) for one in rows))
