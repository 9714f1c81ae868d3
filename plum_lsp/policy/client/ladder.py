"""The temperatures of one group. Pure."""

from __future__ import annotations


def temperature_ladder(count: int, low: float, high: float) -> tuple[float, ...]:
    """`count` temperatures from `low` to `high`, evenly spaced, lowest first. A single one is `low`.

    The first candidate is the policy's best guess. It is requested first, so it is usually complete first. Each later
    candidate may differ more, because near copies of the best guess repeat its errors.

        temperature_ladder(5, 0.2, 1.0) == (0.2, 0.4, 0.6, 0.8, 1.0)

    Raises:
        ValueError: the count is not positive, or the temperatures are not in order.
    """
    if count < 1 or not 0 <= low <= high:
        raise ValueError(f"no ladder of {count} temperatures from {low} to {high}")
    if count == 1:
        return (low,)
    step = (high - low) / (count - 1)
    return tuple(round(low + step * place, 4) for place in range(count))
