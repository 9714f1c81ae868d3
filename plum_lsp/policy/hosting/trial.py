"""A real completion, asked for to see whether a policy answers and how its server has to be asked."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import Block, FimPrompt, HoleKind, PolicyVersion, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.client.watched import WatchedPolicy
from plum_lsp.policy.models.families import template_for

CANDIDATES = 2
"""Two of one temperature, so that a server that refuses several choices is found out."""
TOKENS = 16
_BEFORE = 'def add(a, b):\n    """Return the sum of a and b."""\n    return'
_AFTER = "\n\n\nprint(add(1, 2))\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a policy wrote, how long the first text took, and how its server is asked, in words."""

    version: PolicyVersion
    text: str
    milliseconds: float
    server: str
    habits: tuple[str, ...]
    is_chat: bool


async def try_out(policy: Policy, *, seconds: float) -> Trial:
    """Have the policy complete a line within so many seconds.

    Raises:
        PolicyError: it cannot be reached, refuses, or writes no text in time.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    version = await policy.version()
    template = template_for(version)
    text, stop = (template.filled(_BEFORE, _AFTER), template.stop) if template else (_BEFORE, ())
    block = Block(kind=HoleKind.LINE, indent="    ", line_head="    return")
    prompt = FimPrompt(text=text, stop=stop, restored="", block=block, suffix=_AFTER, template=template)
    options = SamplingOptions(temperatures=(0.2,) * CANDIDATES, top_p=0.95, max_tokens=TOKENS, seed=0)
    async with aclosing(policy.sample(prompt, options, deadline=deadline, version=version)) as stream:
        written = [completion async for completion in stream]
    if not written:
        raise PolicyUnavailable(f"no text was written within {seconds:.0f} s", remedy="Is the machine very busy?")
    inner = policy.policy if isinstance(policy, WatchedPolicy) else policy
    client = inner if isinstance(inner, CompletionsPolicy) else None
    return Trial(
        version=version,
        text=written[0].text,
        milliseconds=written[0].ended_ms,
        server=client.server_kind if client else "",
        habits=client.habits.in_words() if client else (),
        is_chat=client is not None and client.habits.is_chat,
    )
