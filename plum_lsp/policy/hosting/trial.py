"""Real completions, asked for to see whether a policy answers, how its server is asked, and how fast it writes."""

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


TIMED_TOKENS, TIMED_SECONDS_MAX = 48, 20.0
"""The most tokens of a text that is timed, and the longest that one may take."""
_LONG = "SQUARES = [0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121,"
"""A text that any model continues for long."""


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


async def writing_speed(policy: Policy, *, seconds: float) -> float:
    """How many tokens a second the policy writes, once it is loaded and has read its prompt. The best of some texts.

    Raises:
        PolicyError: it cannot be reached, refuses, or writes no text.
    """
    loop = asyncio.get_running_loop()
    version = await policy.version()
    ends, found = loop.time() + seconds, 0.0
    block = Block(kind=HoleKind.MODULE, indent="", line_head="")
    prompt = FimPrompt(text=_LONG, stop=(), restored="", block=block, suffix="")
    seed = 0
    while not seed or loop.time() < ends:
        options = SamplingOptions(temperatures=(0.2,), top_p=0.95, max_tokens=TIMED_TOKENS, seed=seed)
        deadline = loop.time() + max(seconds, TIMED_SECONDS_MAX)
        async with aclosing(policy.sample(prompt, options, deadline=deadline, version=version)) as stream:
            async for one in stream:
                spent = (one.ended_ms - one.first_token_ms) / 1000
                found = max(found, (len(one.token_logprobs) - 1) / spent if spent > 0 else 0.0)
        seed += 1
    if not found:
        raise PolicyUnavailable("the model wrote too little to be timed", remedy="Is the machine very busy?")
    return found
