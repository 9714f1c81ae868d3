"""A policy that removes the document's secrets from prompts: `privacy.redact_prompts`.

It wraps the real policy, so every prompt of a request passes through it, also the prompts for tests. Reading a document
takes time, so it happens in a thread, once for each request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import Completion, FimPrompt, PolicyVersion, SamplingOptions
from plum_lsp.domain.text import Document
from plum_lsp.feedback.redaction import Hidden


class RedactingPolicy:
    """Asks `policy` about a document.

    The secrets of the document, and text that looks like a secret, are not sent.
    """

    def __init__(self, policy: Policy, document: Document) -> None:
        self._policy = policy
        self._document = document
        self._hidden: asyncio.Task[Hidden] | None = None

    async def version(self, request_id: str = "") -> PolicyVersion:
        """The version of the wrapped policy."""
        return await self._policy.version(request_id)

    async def sample(
        self, prompt: FimPrompt, options: SamplingOptions, *, deadline: float, version: PolicyVersion | None = None
    ) -> AsyncGenerator[Completion, None]:
        """Sample for the prompt without secrets."""
        if self._hidden is None:
            self._hidden = asyncio.create_task(asyncio.to_thread(Hidden.of, self._document.text))
        hidden = await asyncio.shield(self._hidden)
        text = await asyncio.to_thread(hidden.clean, prompt.text)
        suffix = await asyncio.to_thread(hidden.clean, prompt.suffix)  # sent to a server that is asked through its chat
        cleaned = replace(prompt, text=text, suffix=suffix)
        stream = self._policy.sample(cleaned, options, deadline=deadline, version=version)
        async with aclosing(stream):
            async for completion in stream:
                yield completion

    async def close(self) -> None:
        """Has no effect, because the owner of the wrapped policy closes it."""
