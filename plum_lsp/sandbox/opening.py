"""Opens a sandbox for the self-test only. The self-test itself is in `selftest`, which does not know the host."""

from __future__ import annotations

from dataclasses import replace

from plum_lsp.sandbox.host import SandboxOptions, open_sandbox
from plum_lsp.sandbox.selftest import SelfTestReport, check


async def selftest(options: SandboxOptions) -> SelfTestReport:
    """Open a sandbox and run the self-test in it.

    Raises:
        SandboxUnavailable: no isolation works here.
        SandboxError: an attack succeeded.
    """
    sandbox = await open_sandbox(replace(options, checks_itself=False))
    try:
        return await check(sandbox)
    finally:
        await sandbox.close()
