"""Opens a sandbox for the self-test alone. The self-test itself is `selftest` and knows no host."""

from __future__ import annotations

from dataclasses import replace

from plum_lsp.sandbox.host import SandboxOptions, open_sandbox
from plum_lsp.sandbox.selftest import SelfTestReport, check


async def selftest(options: SandboxOptions) -> SelfTestReport:
    """Open a sandbox and attack it.

    Raises:
        SandboxUnavailable: no isolation works here.
        SandboxError: an attack succeeded.
    """
    sandbox = await open_sandbox(replace(options, checks_itself=False))
    try:
        return await check(sandbox)
    finally:
        await sandbox.close()
