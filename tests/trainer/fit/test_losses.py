"""The losses that TRL's trainers for pairs and labels lack: likelihood, and the policy gradient on logged groups."""

from __future__ import annotations

import math
from typing import Any

import pytest

from plum_trainer.fit.losses import RATIO_MAX, group_loss, likelihood_loss

pytestmark = pytest.mark.slow


def tensor(values: Any) -> Any:
    """A tensor of floats. Skips without torch."""
    return pytest.importorskip("torch").tensor(values, dtype=pytest.importorskip("torch").float32)


def test_likelihood_is_a_mean_over_tokens() -> None:
    """A weight is a factor of its row."""
    own, mask = tensor([[-1.0, -2.0], [0.0, -3.0]]), tensor([[1, 1], [0, 1]])
    assert likelihood_loss(own, mask, tensor([1, 1])).item() == pytest.approx(2.0)
    assert likelihood_loss(own, mask, tensor([1, 0])).item() == pytest.approx(1.0)


def test_the_gradient_of_a_group() -> None:
    """It is advantage times ratio for each token, and the ratio is cut. What has no advantage moves nothing."""
    own = tensor([[-1.0, -1.0], [-1.0, -1.0]]).requires_grad_()
    sampled = tensor([[-1.0, -1.0 - math.log(1.5)], [-9.0, 0.0]])
    mask = tensor([[1, 1], [1, 0]])
    group_loss(own, sampled, mask, tensor([0.5, -0.5])).backward()
    expected = [[-0.5 / 3, -0.5 * 1.5 / 3], [0.5 * RATIO_MAX / 3, 0.0]]
    assert own.grad.tolist() == [pytest.approx(row) for row in expected]
    own.grad = None
    group_loss(own, sampled, mask, tensor([0.0, 0.0])).backward()
    assert not own.grad.any()
