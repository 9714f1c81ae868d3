"""The steps that a page documents, as its reader copies them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEADING = "## From `git clone` to the first offer"
STEP_SECONDS_MAX = 600
_STEP = re.compile(r"^\d+\. ", re.MULTILINE)
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One numbered step: its words, and the block to copy with its language; both empty where there is none."""

    words: str
    language: str = ""
    block: str = ""

    @property
    def commands(self) -> list[str]:
        """The lines that begin with a prompt."""
        return [line[2:] for line in self.block.splitlines() if line.startswith("$ ")]


def steps(page: Path) -> list[Step]:
    """The numbered steps to the first offer, in order."""
    section = page.read_text(encoding="utf-8").split(HEADING, 1)[1].split("\n## ", 1)[0]
    found = []
    for text in _STEP.split(section)[1:]:
        block = _BLOCK.search(text)
        if block is None:
            found.append(Step(words=text))
            continue
        indent, language, body = block.groups()
        lines = [line.removeprefix(indent) for line in body.splitlines()]
        found.append(Step(words=text[: block.start()], language=language, block="\n".join(lines)))
    return found


def run(step: Step, env: Mapping[str, str]) -> None:
    """Run a step's commands in the home folder, in a shell, as they stand but for the repository's address."""
    for command in step.commands:
        words = command.replace("<this repository>", str(ROOT))
        done = subprocess.run(
            ["bash", "-c", words],
            env=dict(env),
            cwd=env["HOME"],
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS_MAX,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"$ {command}\n{done.stdout}\n{done.stderr}")
