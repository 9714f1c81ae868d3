"""Draws tokens from a model, many texts at once. Knows tokens only: where a text ends is said by the caller.

Texts of one prompt share the reading of that prompt, and a text that has ended takes no further part. With short texts
behind long prompts most of the work would otherwise be reading prompts again and carrying ended texts along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

NUCLEUS_TOKENS = 512
"""The likeliest tokens that are looked at first. They nearly always hold `top_p`, and sorting all tokens costs as much
as the model itself."""
TEMPERATURE_LEAST = 1e-4
"""Below this, the likeliest token is taken."""


@dataclass(slots=True, kw_only=True)
class Drawn:
    """One text: its ids with the one that ends it, and for each the log-probability and the entropy in nats of its
    place, at temperature 1 and uncut."""

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)


def draw(
    model: Any,
    prompts: Sequence[Sequence[int]],
    asked: Sequence[tuple[int, float]],
    *,
    top_p: float,
    tokens_max: int,
    is_done: Callable[[int, list[int]], bool],
) -> list[Drawn]:
    """Draw one text for each entry of `asked`.

    Args:
        model: a causal language model.
        prompts: their ids, none empty.
        asked: for each text the place of its prompt, and its temperature. 0 takes the likeliest token.
        top_p: the mass of the likeliest tokens that are drawn from.
        tokens_max: of a text.
        is_done: whether a text, by its place in `asked` and its ids so far, has ended.
    """
    import torch

    drawn = [Drawn() for _ in asked]
    with torch.inference_mode():
        logits, attention, cache = _read(model, prompts)
        going = list(range(len(asked)))
        kept = torch.tensor([place for place, _ in asked], device=model.device)
        temperatures = torch.tensor([one for _, one in asked], device=model.device)
        cache.reorder_cache(kept)
        logits, attention = logits[kept], attention[kept]
        for _ in range(tokens_max):
            chosen = _chosen(logits, temperatures, top_p)
            _keep(drawn, going, chosen, logits)
            places = [place for place, row in enumerate(going) if not is_done(row, drawn[row].ids)]
            if not places:
                break
            kept = torch.tensor(places, device=model.device)
            if len(places) < len(going):
                cache.reorder_cache(kept)
            going = [going[place] for place in places]
            temperatures = temperatures[kept]
            attention = torch.cat([attention[kept], attention.new_ones(len(places), 1)], 1)
            logits = model(
                input_ids=chosen[kept][:, None],
                attention_mask=attention,
                position_ids=attention.sum(1, keepdim=True) - 1,
                past_key_values=cache,
                use_cache=True,
            ).logits[:, -1]
    return drawn


def _read(model: Any, prompts: Sequence[Sequence[int]]) -> tuple[Any, Any, Any]:
    """The logits behind each prompt, (prompts, vocabulary), the mask of the prompts, and the cache."""
    import torch

    longest = max(len(one) for one in prompts)
    ids = torch.zeros(len(prompts), longest, dtype=torch.long, device=model.device)
    attention = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt, device=model.device)
        attention[row, longest - len(prompt) :] = 1
    positions = (attention.cumsum(1) - 1).clamp(min=0)
    output = model(input_ids=ids, attention_mask=attention, position_ids=positions, use_cache=True, logits_to_keep=1)
    return output.logits[:, -1], attention, output.past_key_values


def _chosen(logits: Any, temperatures: Any, top_p: float) -> Any:
    """One token for each row, drawn from the smallest set of the likeliest tokens that holds `top_p`."""
    import torch

    scaled = logits.float() / temperatures.clamp(min=TEMPERATURE_LEAST)[:, None]
    probabilities = scaled.softmax(-1)
    top, order = probabilities.topk(min(NUCLEUS_TOKENS, probabilities.shape[-1]))
    if bool((top.sum(-1) < top_p).any()):
        top, order = probabilities.sort(descending=True)
    mass_before = top.cumsum(-1) - top
    drawn = torch.multinomial(top * (mass_before < top_p), 1)
    return torch.where(temperatures < TEMPERATURE_LEAST, logits.argmax(-1), order.gather(-1, drawn).squeeze(-1))


def _keep(drawn: Sequence[Drawn], going: Sequence[int], chosen: Any, logits: Any) -> None:
    """Add a token to every text that goes on, with what the model itself thinks of it."""
    scores = logits.float().log_softmax(-1)
    logprobs = scores.gather(-1, chosen[:, None]).squeeze(-1)
    entropies = -(scores.exp() * scores).sum(-1)
    for row, token, logprob, nats in zip(going, chosen.tolist(), logprobs.tolist(), entropies.tolist(), strict=True):
        drawn[row].ids.append(token)
        drawn[row].logprobs.append(logprob)
        drawn[row].entropies.append(nats)
