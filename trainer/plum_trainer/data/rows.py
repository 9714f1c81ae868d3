"""What a row is, and its tokens: prompt, then middle, then an explicit end where the text has one.

Prompt and completion are tokenized apart, as they were when the policy was asked: the server tokenizes the prompt, and
the policy goes on in tokens of its own. So no prompt loses a tail that would merge with the completion, and the loss
lies on the completion alone. Pure: knows a tokenizer only as something that encodes. Does not know torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol


class Encoder(Protocol):
    """The part of a tokenizer that is needed: `tokenizers.Tokenizer` behind an adapter, or a test's own."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text. Control strings become their tokens, and no tokens are added."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """A pair as it is trained on. `*_ends`: the end-of-text token belongs behind the text."""

    prompt: str
    chosen: str
    rejected: str
    chosen_ends: bool
    rejected_ends: bool
    weight: float
    source: str
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """A label as it is trained on."""

    prompt: str
    completion: str
    ends: bool
    is_desirable: bool
    weight: float
    source: str
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledRow:
    """A sample as it was made: its ids, and their log-probabilities under the policy that made it.

    `weight` is its advantage in its group. It may be negative.
    """

    prompt: str
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    weight: float
    source: str
    author: str = ""


Row = PairRow | LabelRow | SampledRow


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLimits:
    """`max_length` counts prompt and completion together."""

    max_length: int
    end_id: int


def row_of(values: Mapping[str, Any]) -> Row:
    """The row that JSON values stand for."""
    if "ids" in values:
        return SampledRow(**{**values, "ids": tuple(values["ids"]), "logprobs": tuple(values["logprobs"])})
    return PairRow(**values) if "chosen" in values else LabelRow(**values)


def values_of(row: Row) -> dict[str, Any]:
    """The row as JSON values."""
    return asdict(row)


def completion_ids(text: str, *, ends: bool, encoder: Encoder, limits: TokenLimits) -> list[int]:
    """The ids of a completion, closed by the end-of-text id exactly if the text has an end of its own.

    A text cut off by its length limit gets none: it would be taught as finished.
    """
    return encoder.encode(text) + ([limits.end_id] if ends else [])


def tokens_of(row: Row, encoder: Encoder, limits: TokenLimits) -> dict[str, Any] | None:
    """The columns that the trainers take. None if the row does not fit.

    A prompt is never cut: without its start the row would teach an answer to a question that was not asked.
    """
    prompt = encoder.encode(row.prompt)
    if isinstance(row, PairRow):
        chosen = completion_ids(row.chosen, ends=row.chosen_ends, encoder=encoder, limits=limits)
        rejected = completion_ids(row.rejected, ends=row.rejected_ends, encoder=encoder, limits=limits)
        if len(prompt) + max(len(chosen), len(rejected)) > limits.max_length:
            return None
        return {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected, "weight": row.weight}
    if isinstance(row, SampledRow):
        if len(prompt) + len(row.ids) > limits.max_length:
            return None
        kept = {"completion_ids": list(row.ids), "logprobs": list(row.logprobs)}
        return {"prompt_ids": prompt, **kept, "weight": row.weight}
    completion = completion_ids(row.completion, ends=row.ends, encoder=encoder, limits=limits)
    if len(prompt) + len(completion) > limits.max_length:
        return None
    return {"prompt_ids": prompt, "completion_ids": completion, "label": row.is_desirable, "weight": row.weight}
