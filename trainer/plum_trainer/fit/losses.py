"""The losses of every method in plain torch, with a weight for each row. Pure: tensors in, one number out.

A weight is absolute: it multiplies the loss of its row, whatever the weights of the other rows are. With weights of 1
the losses for pairs and labels are those of TRL 1.16 (`tests/trainer/fit/test_weights.py` compares them). Knows no
model, no tokenizer and no trainer.

Everywhere `logprobs` are (rows, tokens): the log-probability of each token of a completion, and 0 outside of it. `mask`
has the same shape, with 1 at the completion's tokens. For pairs the chosen rows come first, then the rejected ones.

Several processes that share a step average their gradients. `share` is the mean of a number over them, so that what is
counted in a batch is counted in the whole step. A process alone needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Share = Callable[[Any], Any]
RATIO_MAX = 2.0
"""The importance ratio of a token is cut here, so that one token that became likely cannot outweigh the others."""


def alone(number: Any) -> Any:
    """The mean over one process: the number itself."""
    return number


def pair_loss(
    own: Any,
    reference: Any,
    mask: Any,
    weight: Any,
    *,
    loss: str,
    beta: float,
    smoothing: float,
    sft_weight: float,
    share: Share = alone,
) -> Any:
    """The mean loss of pairs: DPO (arXiv 2305.18290, equation 7), IPO (2310.12036) or robust DPO (2403.00409).

    Args:
        own: log-probabilities under the policy, (2 * pairs, tokens).
        reference: the same under the reference.
        mask: of the completions.
        weight: of the pairs, (pairs).
        loss: `sigmoid`, `ipo` or `robust`.
        beta: how far the policy may go from the reference.
        smoothing: the share of labels that are wrong, for `robust`.
        sft_weight: the weight of the chosen texts' likelihood. 0 leaves it out.
        share: the mean over the processes of a step.
    """
    from torch.nn.functional import logsigmoid

    ratios = (own - reference).sum(1)
    if loss == "ipo":  # the authors divide by the lengths
        chosen, rejected = (ratios / mask.sum(1).clamp(min=1)).chunk(2)
        losses = (chosen - rejected - 1 / (2 * beta)) ** 2
    else:
        chosen, rejected = ratios.chunk(2)
        margin = beta * (chosen - rejected)
        losses = -logsigmoid(margin)
        if loss == "robust":
            flipped = -smoothing * logsigmoid(-margin)
            losses = ((1 - smoothing) * losses - flipped) / (1 - 2 * smoothing)
    total = (weight * losses).mean()
    if sft_weight > 0:
        total = total + sft_weight * likelihood_loss(own.chunk(2)[0], mask.chunk(2)[0], weight, share=share)
    return total


def label_loss(own: Any, reference: Any, is_desirable: Any, weight: Any, *, distance: Any, beta: float) -> Any:
    """The mean loss of labels: KTO (arXiv 2402.01306, equation 7).

    Args:
        own: log-probabilities under the policy, (rows, tokens).
        reference: the same under the reference.
        is_desirable: truth values, (rows).
        weight: of the rows, with that of their kind, (rows).
        distance: the policy's distance from the reference, as `mismatched_distance` estimates it.
        beta: how far the policy may go from the reference.
    """
    import torch

    surplus = (own - reference).sum(1) - distance
    return (weight * (1 - torch.sigmoid(beta * torch.where(is_desirable, surplus, -surplus)))).mean()


def mismatched_distance(own: Any, reference: Any, *, share: Share = alone) -> Any:
    """KTO's estimate of the distance, from prompts with another row's completion. No gradient flows through it."""
    return share((own - reference).sum(1).mean().detach()).clamp(min=0)


def likelihood_loss(own: Any, mask: Any, weight: Any, *, share: Share = alone) -> Any:
    """Minus the mean log-probability of a completion's token, for supervised training on right texts."""
    return -(weight[:, None] * own).sum() / share(mask.sum()).clamp(min=1)


def group_loss(own: Any, sampled: Any, mask: Any, advantage: Any, *, share: Share = alone) -> Any:
    """A policy gradient on groups that were sampled before, with no reference model.

    The gradient of a token is advantage * min(ratio, RATIO_MAX) * grad log p. The ratio is that of the policy to the
    one that sampled: truncated importance sampling (Ionides, 2008). The mean is over tokens (arXiv 2503.14476).

    Args:
        own: log-probabilities under the policy, (rows, tokens).
        sampled: the same under the policy that sampled the row, as they were stored.
        mask: of the completions.
        advantage: probability of being right less the mean of the row's group, (rows).
        share: the mean over the processes of a step.
    """
    ratio = (own - sampled).detach().exp().clamp(max=RATIO_MAX)
    return -(advantage[:, None] * ratio * own * mask).sum() / share(mask.sum()).clamp(min=1)


def kind_weights(desirable: int, undesirable: int) -> tuple[float, float]:
    """Weights that balance both kinds (KTO, arXiv 2402.01306, equation 8). The rarer kind gets the larger weight."""
    if not desirable or not undesirable:
        return 1.0, 1.0
    return (undesirable / desirable, 1.0) if desirable < undesirable else (1.0, desirable / undesirable)
