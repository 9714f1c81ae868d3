"""A group of candidates while its streams arrive: the shared state, and each completion as it grows.

It holds the state between the bytes (`wire`) and the connections (`completions`). It never waits.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from itertools import groupby

from plum_lsp.domain.suggestion import Block, Completion, FimPrompt, Finish, SamplingOptions
from plum_lsp.policy.client.refusals import WITHHELD
from plum_lsp.policy.client.wire import Delta, Token
from plum_lsp.python.fitting.controls import is_control, says_end
from plum_lsp.python.fitting.cutting import Cutter
from plum_lsp.python.fitting.thoughts import OPENING

TOKEN_CHARACTERS_MAX = 32
"""The longest mean length of tokens. A text of more characters than this times `max_tokens` is beyond its limit, and
is ended. Code has 3 to 4 characters a token."""

_PART = re.compile("[\ud800-\udfff]")
_BYTES = re.compile("[\udc80-\udcff]+")
REFUSAL_CHARACTERS_MAX = 200
"""As much of a refusal is told."""
REPEATED_MIN = 4
"""So many characters that an event repeats are no chance. A token has 3 to 4."""


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
class StopFinder:
    """Ends a text before the first of its stop strings, for servers that take fewer of them or ignore them.

    It holds back the end of the text while that may be the beginning of a stop string. A stop string before any other
    text stays, because some models begin with a control string.
    """

    stop: tuple[str, ...]
    held: str = ""
    has_begun: bool = False
    has_ended: bool = False

    def feed(self, text: str) -> str:
        """The part of the text that belongs to the completion for certain."""
        if self.has_ended:
            return ""
        text = self.held + text
        start = 0 if self.has_begun else self._after_leading(text)
        found = [place for word in self.stop if word and (place := text.find(word, start)) >= 0]
        if found:
            self.has_ended, self.held = True, ""
            return text[: min(found)]
        begun = max((_overlap(text, word) for word in self.stop), default=0)
        self.has_begun |= len(text) - begun > start
        self.held = text[len(text) - begun :]
        return text[: len(text) - begun]

    def _after_leading(self, text: str) -> int:
        """Where the blanks and stop strings end that a text begins with."""
        place = 0
        while True:
            place += len(text[place:]) - len(text[place:].lstrip())
            word = next((word for word in self.stop if word.strip() and text.startswith(word, place)), "")
            if not word:
                return place
            place += len(word)

    def close(self) -> str:
        """What was held back, at the end of the text."""
        held, self.held = self.held, ""
        return held


def _overlap(text: str, word: str) -> int:
    """The length of the longest end of `text` that begins `word` and is not all of it."""
    longest = min(len(text), len(word) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(word[:length])), 0)


@dataclass(slots=True)
class Repeater:
    """Notices a server whose every event holds the whole text so far, or whose last event repeats it.

    In a stream of pieces no piece begins with all text before it, unless that is shorter than `REPEATED_MIN`.
    """

    whole: str | None = ""
    """The text of the last event while each event begins with the one before. None if they are pieces."""
    is_repeating: bool = False

    def takes_whole(self, text: str) -> bool:
        """Whether an event holds the whole text. Blank events do not count."""
        if self.whole is None or not text:
            return False
        begins = text.startswith(self.whole)
        if begins and len(text) > len(self.whole) and len(self.whole.strip()) >= REPEATED_MIN:
            self.is_repeating = True
        self.whole = text if begins and (self.is_repeating or len(text) > len(self.whole)) else None
        return begins and self.is_repeating


@dataclass(slots=True, kw_only=True)
class Writing:
    """A completion while it streams."""

    block: Block
    cutter: Cutter
    stops: StopFinder
    max_tokens: int
    pieces: list[str] = field(default_factory=list)
    repeater: Repeater = field(default_factory=Repeater)
    tokens: list[tuple[int, float | None]] = field(default_factory=list)
    length: int = 0
    finish: str = ""
    has_thought: bool = False
    is_filtered: bool = False
    refusals: list[str] = field(default_factory=list)
    first_token_ms: float | None = None

    @classmethod
    def of(cls, group: Group) -> Writing:
        """An empty completion of a group. The cutter finds the stop strings that may stand in a completion's middle."""
        stops = StopFinder(stop=tuple(word for word in group.prompt.stop if not is_control(word) or says_end(word)))
        block = group.prompt.block
        return cls(block=block, cutter=Cutter(block), stops=stops, max_tokens=group.options.max_tokens)

    @property
    def has_ended(self) -> bool:
        """Whether the stream can be closed."""
        return bool(self.finish) or self.cutter.has_ended or self.stops.has_ended

    def take(self, delta: Delta, *, at: float) -> None:
        """Add what one event brought."""
        text = delta.text
        is_whole = self.repeater.takes_whole(text)
        if is_whole:
            self._begin_again()
        if is_whole or not self._is_said_again(text, delta.finish):
            for token in delta.tokens:
                self._take_token(token, at)
        self.finish = delta.finish
        self.has_thought |= delta.has_thought
        self.is_filtered |= delta.is_filtered
        if delta.refusal and delta.refusal not in self.refusals[-1:]:
            self.refusals.append(delta.refusal)
        if self.length > self.max_tokens * TOKEN_CHARACTERS_MAX:
            self.finish = "length"

    def end(self) -> None:
        """The stream was closed without a reason."""
        if len(self.tokens) >= self.max_tokens:
            self.finish = "length"

    @property
    def refusal(self) -> str:
        """What the server sent in place of a text. Empty if there is a text, or nothing was sent."""
        if "".join(self.pieces).strip():
            return ""
        return WITHHELD if self.is_filtered else "".join(self.refusals)[:REFUSAL_CHARACTERS_MAX]

    def _begin_again(self) -> None:
        """Forget the text so far, because an event that holds all of it follows."""
        self.cutter, self.stops = Cutter(self.block), StopFinder(stop=self.stops.stop)
        self.tokens, self.pieces, self.length = [], [], 0

    def _is_said_again(self, text: str, finish: str) -> bool:
        """Whether the last event of a stream of pieces repeats their text."""
        is_last = bool(finish) and len(text) == self.length and len(text.strip()) >= REPEATED_MIN
        return is_last and text == "".join(self.pieces)

    def _take_token(self, token: Token, at: float) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = at
        if not self.stops.has_ended:
            self.tokens.append((self.length, token.logprob))
            self.length += len(token.text)
            self.pieces.append(token.text)
            self.cutter.feed(self.stops.feed(token.text))

    def completion(self, group: Group, index: int) -> Completion:
        """The completion, cut to its block, with the log-probabilities of the tokens kept."""
        self.cutter.feed(self.stops.close())
        text = _mended(self.cutter.close())
        if self.has_thought and not text.strip():
            text = OPENING
        is_cut = self.cutter.has_ended and self.cutter.is_whole
        is_limited = self.finish == "length" and not self.stops.has_ended
        reason = Finish.LENGTH if is_limited or not self.cutter.is_whole else Finish.STOP
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
            is_filtered=self.is_filtered,
        )


def _mended(text: str) -> str:
    """The text with the parts of characters joined, which may come in two events: halves of UTF-16, bytes of UTF-8.

    A part that stays incomplete is replaced by U+FFFD, and `candidates` refuses the text.
    """
    if text.isascii() or not _PART.search(text):
        return text
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    text = _BYTES.sub(lambda found: found[0].encode("utf-8", "surrogateescape").decode("utf-8", "replace"), text)
    return _PART.sub("\ufffd", text)


def asks(options: SamplingOptions, *, shares_prompt: bool) -> tuple[tuple[int, ...], ...]:
    """The candidates of each request of a group, in order: those of one temperature together, or each alone."""
    indices = range(len(options.temperatures))
    if not shares_prompt:
        return tuple((index,) for index in indices)
    return tuple(tuple(run) for _, run in groupby(indices, key=lambda index: options.temperatures[index]))
