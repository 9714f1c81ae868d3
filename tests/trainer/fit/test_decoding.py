"""Texts that are drawn together are those that the model alone would write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROMPTS = ([5, 6, 7, 8, 9, 10], [11, 12], [3, 4, 5, 6])
LENGTH = 7


@pytest.fixture(scope="module")
def model(tiny: Path) -> Any:
    """The tiny model, in full precision."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    return AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()


def alone(model: Any, prompt: list[int], count: int) -> list[int]:
    """The likeliest tokens behind a prompt, read anew for each of them."""
    import torch

    ids = list(prompt)
    for _ in range(count):
        with torch.inference_mode():
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def test_texts_that_end_do_not_change_the_others(model: Any) -> None:
    """Prompts of other lengths, several texts of each, each of its own length: all as if they were alone."""
    from plum_trainer.fit.decoding import draw

    asked = [(place, 0.0) for place in (0, 0, 1, 2, 2, 1)]
    drawn = draw(model, PROMPTS, asked, top_p=0.9, tokens_max=LENGTH, is_done=lambda row, ids: len(ids) > row)
    lengths = [min(LENGTH, row + 1) for row in range(len(asked))]
    assert [one.ids for one in drawn] == [
        alone(model, PROMPTS[place], count) for (place, _), count in zip(asked, lengths, strict=True)
    ]


def test_log_probabilities_and_entropy_are_the_models_own(model: Any) -> None:
    """At temperature 1 and uncut, whatever the temperature of the text was."""
    import torch

    from plum_trainer.fit.decoding import draw
    from plum_trainer.fit.plain import distributions

    asked = [(0, 0.7), (1, 1.3), (2, 0.2)]
    drawn = draw(model, PROMPTS, asked, top_p=1.0, tokens_max=LENGTH, is_done=lambda *_: False)
    texts = [(PROMPTS[place], one.ids) for (place, _), one in zip(asked, drawn, strict=True)]
    with torch.inference_mode():
        scores, ids, _ = distributions(model, texts, pad=0)
    expected = scores.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    assert torch.allclose(torch.tensor([one.logprobs for one in drawn]), expected, atol=1e-4)
    entropy = -(scores.exp() * scores).sum(-1)
    assert torch.allclose(torch.tensor([one.entropies for one in drawn]), entropy, atol=1e-4)


@pytest.mark.parametrize("first_look", [2, 4])
def test_tokens_are_drawn_from_the_likeliest_that_hold_the_mass(
    monkeypatch: pytest.MonkeyPatch, first_look: int
) -> None:
    """With the frequencies of their temperature, also where the first look does not hold enough of them."""
    import torch

    from plum_trainer.fit import decoding

    monkeypatch.setattr(decoding, "NUCLEUS_TOKENS", first_look)
    torch.manual_seed(0)
    logits = torch.tensor([0.4, 0.1, 0.3, 0.2]).log().repeat(8000, 1)
    drawn = decoding._chosen(logits, torch.full((8000,), 0.5), 0.9)
    shares = torch.bincount(drawn, minlength=4) / 8000
    expected = torch.tensor([16.0, 0.0, 9.0, 4.0]) / 29  # squares, because of the temperature
    assert shares[1] == 0
    assert torch.allclose(shares, expected, atol=0.03)
