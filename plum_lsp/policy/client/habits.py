"""What a server is known to accept, and the request that fits it. Values only.

A client begins with no knowledge and the full request. `complaints` reads from a refusal what the next request leaves
out. The habits of a server are remembered once a request that respects them is answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plum_lsp.domain.suggestion import FimPrompt, SamplingOptions
from plum_lsp.policy.client.prompts import around, joined, messages, repeats, shortened

REPEATED_TOKENS = 2
"""A chat that writes the whole function gets so many times the tokens, for the header and the docstring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a server departs from the protocol.

    `refused` are the optional fields that it does not know. `stop_max` is the greatest number of stop strings,
    `prompt_characters_max` the length of the longest prompt and `tokens_max` the greatest `max_tokens` that it takes.
    None means no known limit. `joins_roles` is True for a chat whose template has no role for instructions.
    `gives_reasons` is True once a stream has said why it ended. `takes_suffix` is True for an address that ends in
    `/fim`: Mistral's takes the text after the cursor as a field of its own.
    """

    refused: frozenset[str] = frozenset()
    stop_max: int | None = None
    prompt_characters_max: int | None = None
    tokens_max: int | None = None
    is_chat: bool = False
    renames_limit: bool = False
    joins_roles: bool = False
    gives_reasons: bool = False
    takes_suffix: bool = False

    @property
    def path(self) -> str:
        """Where completions are asked for, after the address of the server."""
        return "/chat/completions" if self.is_chat else "/completions"

    def joined(self, other: Habits) -> Habits:
        """All that is known from both."""
        return Habits(
            refused=self.refused | other.refused,
            stop_max=_least(self.stop_max, other.stop_max),
            prompt_characters_max=_least(self.prompt_characters_max, other.prompt_characters_max),
            tokens_max=_least(self.tokens_max, other.tokens_max),
            is_chat=self.is_chat or other.is_chat,
            renames_limit=self.renames_limit or other.renames_limit,
            joins_roles=self.joins_roles or other.joins_roles,
            gives_reasons=self.gives_reasons or other.gives_reasons,
            takes_suffix=self.takes_suffix or other.takes_suffix,
        )

    def in_words(self) -> tuple[str, ...]:
        """What is done for this server, for a person."""
        found = ["asked through its chat endpoint"] if self.is_chat else []
        if without := sorted(self.refused - {"n"}):
            found.append(f"asked without {', '.join(without)}")
        if "n" in self.refused:
            found.append("asked for each candidate alone")
        if self.stop_max is not None and "stop" not in self.refused:
            found.append(f"given {self.stop_max} stop strings at most")
        if self.prompt_characters_max is not None:
            found.append(f"given prompts of {self.prompt_characters_max:,} characters at most")
        if self.tokens_max is not None:
            found.append(f"asked for {self.tokens_max:,} tokens at most")
        if self.joins_roles:
            found.append("given the instruction in the user's message")
        return tuple(found)


def _least(one: int | None, other: int | None) -> int | None:
    return min((value for value in (one, other) if value is not None), default=None)


def completion_request(
    model: str, prompt: FimPrompt, options: SamplingOptions, ask: tuple[int, ...], habits: Habits | None = None
) -> dict[str, Any]:
    """The body that asks for the candidates `ask` of a group: consecutive ones, of one temperature.

    A server that shares a prompt among n choices gives choice j the seed of the request plus j (vLLM and llama.cpp do).
    """
    habits = habits or Habits()
    prompt = shortened(prompt, habits.prompt_characters_max)
    tokens = options.max_tokens * (REPEATED_TOKENS if habits.is_chat and repeats(prompt) else 1)
    tokens = tokens if habits.tokens_max is None else min(tokens, habits.tokens_max)
    request: dict[str, Any] = {
        "model": model,
        "max_completion_tokens" if habits.renames_limit else "max_tokens": tokens,
        "temperature": options.temperatures[ask[0]],
        "top_p": options.top_p,
        "seed": options.seed + ask[0],
        "logprobs": True if habits.is_chat else 1,
        "stream": True,
    }
    if habits.is_chat:
        request["messages"] = joined(messages(prompt)) if habits.joins_roles else messages(prompt)
    elif habits.takes_suffix:
        request["prompt"], request["suffix"] = around(prompt)
    else:
        request["prompt"] = prompt.text
    if not habits.is_chat and (stop := list(prompt.stop[: habits.stop_max])):
        request["stop"] = stop
    if len(ask) > 1:
        request["n"] = len(ask)
    return {name: value for name, value in request.items() if name not in habits.refused}
