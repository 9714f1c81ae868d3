"""Runs a file of cases as a plain program, with canaries in reach: `python -m support.sandbox_attacks CASES [TIER]`.

Prints one JSON object: what became of each case, and the tier. Needs no test framework, so it can run as another user
from a copy of the code.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.cases import CaseProblem, CaseResult, run_lines
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

CANARY_PORT = 45871
"""Where the excerpt's programs look for a harness; a leak shows as a connection."""


@contextlib.contextmanager
def canaries() -> Iterator[None]:
    """Listen where the attacks knock, and hold a secret they would like."""
    os.environ["PLUM_CANARY_SECRET"] = "never leaves this process"
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # Another run of the tests may listen already, which does as well.
            tcp.bind(("127.0.0.1", CANARY_PORT))
            tcp.listen()
        with contextlib.suppress(OSError):
            unix.bind("\0plum-canary")
            unix.listen()
        yield
    del os.environ["PLUM_CANARY_SECRET"]


async def ends(lines: list[str], *, tier: str | None, at_once: int = 8, limits: Limits | None = None) -> dict[str, Any]:
    """What became of each case: its status by id, and the tier it ran in."""
    statuses: dict[str, str] = {}

    async def report(result: CaseResult | CaseProblem) -> None:
        statuses[str(result.id)] = result.status if isinstance(result, CaseResult) else f"problem: {result.text}"

    sandbox = await open_sandbox(SandboxOptions(tier=tier, jobs=4))
    try:
        await run_lines(sandbox, lines, limits or Limits(), at_once=at_once, report=report)
        return {"tier": sandbox.tier.name, "user": os.getuid(), "statuses": statuses}
    finally:
        await sandbox.close()


if __name__ == "__main__":
    with canaries():
        found = asyncio.run(ends(Path(sys.argv[1]).read_text().splitlines(), tier=(sys.argv[2:] or [None])[0]))
    print(json.dumps(found))
