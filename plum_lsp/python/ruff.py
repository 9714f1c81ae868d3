"""Reads candidates with ruff, one process for a whole group: its security rules (flake8-bandit) and McCabe complexity.

ruff only parses and runs no code. It gets the text on standard input, without files or configuration of the project.
`noqa` comments of a candidate are ignored. The module does not measure time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Sequence
from typing import Any

from ruff import find_ruff_bin  # type: ignore[import-untyped]

from plum_lsp.domain import children
from plum_lsp.domain.quality import Findings, Passage

log = logging.getLogger(__name__)

SECONDS_MAX = 2.0
"""Time limit for a group, which takes about 15 ms. A machine that needs longer has no time to break ties."""
CHARACTERS_MAX = 2_000_000
"""The most characters of all passages together: about 50,000 lines, which take 0.2 s."""
_IGNORED = "S101,S311"
"""Rules about `assert` and pseudo-random numbers, which are not mistakes in ordinary code."""
_COMMAND = (
    *("check", "--isolated", "--no-cache", "--quiet", "--ignore-noqa", "--exit-zero", "--output-format", "json"),
    *("--select", "S,C901", "--ignore", _IGNORED, "--config", "lint.mccabe.max-complexity=0", "-"),
)
_COMPLEXITY = re.compile(r"\((\d+) > 0\)")


class RuffReader:
    """The inspector that runs ruff. It keeps no state between groups."""

    async def inspect(self, passages: Sequence[Passage]) -> tuple[Findings, ...]:
        """The findings of each passage, in order. Empty if ruff cannot run, which is logged."""
        if not passages or sum(len(passage.source) for passage in passages) > CHARACTERS_MAX:
            return ()
        starts, text = _joined(passages)
        try:
            answer = await _asked(text)
            rows = [row for row in json.loads(answer) if isinstance(row, dict)]
        except (OSError, TimeoutError, ValueError) as error:
            log.warning("candidates are not inspected: %s: %s", type(error).__name__, error)
            return ()
        return tuple(_findings(passage, start, rows) for passage, start in zip(passages, starts, strict=True))


def _joined(passages: Sequence[Passage]) -> tuple[list[int], str]:
    """All sources as one text, with the number of lines before each."""
    starts, pieces, line = [], [], 0
    for passage in passages:
        source = passage.source.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
        source = source if source.endswith("\n") else source + "\n"
        starts.append(line)
        pieces.append(source)
        line += source.count("\n")
    return starts, "".join(pieces)


async def _asked(text: str) -> bytes:
    """The output of ruff. Raises `OSError` or `TimeoutError`."""
    process = await asyncio.create_subprocess_exec(
        find_ruff_bin(),
        *_COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=children.environment(),
        cwd=children.FOLDER,
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            answer, _ = await process.communicate(text.encode("utf-8", "replace"))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer


def _findings(passage: Passage, start: int, rows: Sequence[dict[str, Any]]) -> Findings:
    """The findings of the rows that lie in a passage which begins after `start` lines."""
    security, complexity = [], 1
    for row in rows:
        line = int(row["location"]["row"]) - start
        code, message = str(row["code"]), str(row["message"])
        if not passage.first_line <= line <= passage.last_line:
            continue
        if code == "C901":
            measured = _COMPLEXITY.search(message)
            complexity = max(complexity, int(measured.group(1)) if measured else 1)
        elif code.startswith("S"):
            security.append(f"{code} {message}")
    return Findings(security=tuple(dict.fromkeys(security)), complexity=complexity)
