"""A group of candidates while its streams arrive: the shared state, and each completion as it grows.

It holds the state between the bytes (`wire`) and the connections (`completions`). It never waits.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import groupby

from plum_lsp.domain.suggestion import Completion, FimPrompt, Finish, SamplingOptions
from plum_lsp.policy.client.wire import Delta, Token
from plum_lsp.python.fitting.cutting import Cutter


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What the streams of one group share, by candidate: `sent` is set once its request has left."""

    model: str
    prompt: FimPrompt
    options: SamplingOptions
    deadline: float
    started: float
    sent: tuple[asyncio.Event, ...]
    results: tuple[asyncio.Future[Completion], ...]

    def elapsed_ms(self) -> float:
        """Milliseconds since the group began."""
        return (asyncio.get_running_loop().time() - self.started) * 1000


@dataclass(slots=True, kw_only=True)
class Writing:
    """A completion while it streams."""

    cutter: Cutter
    tokens: list[tuple[int, float | None]] = field(default_factory=list)
    length: int = 0
    finish: str = ""
    first_token_ms: float | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the stream can be closed."""
        return bool(self.finish) or self.cutter.has_ended

    def take(self, delta: Delta, *, at: float) -> None:
        """Add what one event brought."""
        for token in delta.tokens:
            self._take_token(token, at)
        self.finish = delta.finish

    def _take_token(self, token: Token, at: float) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = at
        self.tokens.append((self.length, token.logprob))
        self.length += len(token.text)
        self.cutter.feed(token.text)

    def completion(self, group: Group, index: int) -> Completion:
        """The completion, cut to its block, with the log-probabilities of the tokens kept."""
        text = self.cutter.close()
        is_cut = self.cutter.has_ended and self.cutter.is_whole
        reason = Finish.LENGTH if self.finish == "length" or not self.cutter.is_whole else Finish.STOP
        ended = group.elapsed_ms()
        return Completion(
            index=index,
            text=text,
            finish=Finish.CUT if is_cut else reason,
            temperature=group.options.temperatures[index],
            seed=group.options.seed + index,
            token_logprobs=tuple(value for start, value in self.tokens if start < len(text) and value is not None),
            first_token_ms=self.first_token_ms if self.first_token_ms is not None else ended,
            ended_ms=ended,
        )


def asks(options: SamplingOptions, *, shares_prompt: bool) -> tuple[tuple[int, ...], ...]:
    """The candidates of each request of a group, in order: those of one temperature together, or each alone."""
    indices = range(len(options.temperatures))
    if not shares_prompt:
        return tuple((index,) for index in indices)
    return tuple(tuple(run) for _, run in groupby(indices, key=lambda index: options.temperatures[index]))
