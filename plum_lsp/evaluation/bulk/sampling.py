"""What a worker gets and gives that also samples: benchmark rows without candidates, and their results.

A worker asks the policy server by HTTP, judges and scores what came, and writes no file. Its settings have the key of
that server, so the machines of a cluster see it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from plum_lsp import __version__
from plum_lsp.config import Settings
from plum_lsp.domain.errors import PolicyError, SandboxError, told
from plum_lsp.domain.ports import Policy, Sandbox
from plum_lsp.domain.suggestion import AbstentionReason
from plum_lsp.evaluation.bulk.work import Batch, Found, Line
from plum_lsp.evaluation.rows import evaluate_row, trial_of
from plum_lsp.evaluation.watched import WatchedSandbox
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options

_NOT_THE_TASKS = frozenset(
    {
        AbstentionReason.POLICY_UNAVAILABLE.value,
        AbstentionReason.SANDBOX_UNAVAILABLE.value,
        AbstentionReason.SANDBOX_FAILED.value,
        AbstentionReason.INTERNAL_ERROR.value,
    }
)
"""Reasons that do not describe a task or its samples. Such a task is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledBatch(Batch):
    """Rows that one worker samples and judges, each within `seconds`. The policy is a server by URL."""

    settings: Settings = field(repr=False)
    seconds: float

    @property
    def reaches(self) -> str:
        """The host of the policy server."""
        return urlsplit(self.settings.policy.url).hostname or ""

    def digest(self, line: Line) -> str:
        """The hash of all that decides a result, but for chance: the row, limits, sampling and version of plum-lsp."""
        task = line.task
        how = [asdict(self.limits), asdict(self.settings.sampling), asdict(self.settings.offers), self.seconds]
        decisive = [__version__, *how, task.prompt, task.suffix, task.tests]
        return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()

    def rows_of(self, line: Line) -> int:
        """One for each task."""
        return 1

    async def found_in(self, sandbox: Sandbox) -> tuple[Found, ...]:
        """The result of each row."""
        policy = open_policy(policy_options(self.settings))
        try:
            return tuple([await self._one(line, policy, sandbox) for line in self.lines])
        finally:
            await policy.close()

    async def _one(self, line: Line, policy: Policy, sandbox: Sandbox) -> Found:
        watched = WatchedSandbox(sandbox)
        try:
            result = await evaluate_row(line.task, trial_of(self.settings, policy, watched, seconds=self.seconds))
            watched.raise_if_broken()
        except SandboxError as error:
            return Found(problem=f"the sandbox broke: {error}")
        except PolicyError as error:
            return Found(problem=told(error))
        if result.reason in _NOT_THE_TASKS:
            return Found(problem=f"no samples were judged ({result.reason})")
        return Found(predictions=(result.line(),))
