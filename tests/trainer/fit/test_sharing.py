"""Texts of one prompt share its reading in a fit: the same log-probabilities and the same gradients, for less work."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from plum_trainer.fit.plain import batch_loss, distributions, logprobs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.usefixtures("one_thread")]

PROMPTS = [1, 2, 3, 4, 5], [6, 7, 8]
TEXTS = [(PROMPTS[0], [9, 10, 11]), (PROMPTS[1], [12]), (PROMPTS[0], [13, 14]), (PROMPTS[1], [15, 16, 17, 18])]


@pytest.fixture
def model() -> Any:
    """A model of random weights, which take gradients."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(1)
    sizes = {"vocab_size": 32, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
    return AutoModelForCausalLM.from_config(LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2))


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:3], [(PROMPTS[0], [9]), (PROMPTS[0], [10])]])
def test_sharing_changes_neither_values_nor_gradients(model: Any, texts: Any) -> None:
    """Also with completions of different lengths, and of one token."""
    import torch

    found = []
    for shares in (False, True):
        model.zero_grad()
        values, mask = logprobs(model, texts, pad=0, shares=shares)
        (values * torch.arange(1, values.numel() + 1).reshape(values.shape)).sum().backward()
        found.append((values, mask, {name: one.grad.clone() for name, one in model.named_parameters()}))
    (apart, mask, gradients), (shared, other_mask, other_gradients) = found
    assert torch.equal(mask, other_mask)
    assert torch.allclose(apart, shared, atol=1e-5)
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, other_gradients[name], rtol=1e-3, atol=1e-4), name


def test_a_shared_prompt_is_read_once(model: Any) -> None:
    """The model reads two prompts, and then the completions without their last tokens."""
    seen: list[tuple[int, ...]] = []
    model.register_forward_pre_hook(
        lambda _, __, values: seen.append(tuple(values["input_ids"].shape)), with_kwargs=True
    )
    distributions(model, TEXTS, pad=0, shares=True)
    distributions(model, TEXTS[:2], pad=0, shares=True)
    assert seen == [(2, 5), (4, 3), (2, 8)]


def test_neighbours_are_read_apart_where_memory_is_scarce(model: Any) -> None:
    """With gradient checkpointing no gradient is kept for KTO's neighbours. The loss and its gradients are the same."""
    import torch

    rows = [
        {"prompt_ids": prompt, "completion_ids": own, "neighbour_ids": other, "label": label, "weight": 1.0}
        | {"reference": [[-3.0] * len(own), [-3.0] * len(other)]}
        for prompt, own, other, label in ((PROMPTS[0], [9, 10], [12], True), (PROMPTS[1], [12], [9, 10], False))
    ]
    kept: list[bool] = []
    model.register_forward_pre_hook(lambda _, __: kept.append(torch.is_grad_enabled()))
    found = []
    for is_scarce in (False, True):
        model.zero_grad()
        job: Any = SimpleNamespace(method="kto", gradient_checkpointing=is_scarce, beta=0.1)
        loss = batch_loss(job, model, rows, pad=0, weights=(1.0, 1.0))
        loss.backward()
        found.append((loss.detach(), {name: one.grad.clone() for name, one in model.named_parameters()}))
    assert kept == [True, True, True, False]
    (loss, gradients), (other_loss, other_gradients) = found
    assert torch.allclose(loss, other_loss, atol=1e-5)
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, other_gradients[name], rtol=1e-3, atol=1e-4), name
