"""Several processes that fit one adapter, as `accelerate launch` starts them. Which part of a step each takes.

A step has the same rows, and so the same gradient, whatever their number is. The first process alone writes what is
not its own.
"""

from __future__ import annotations

import os
from typing import Any

from plum_trainer.fit.job import FitJob, TrainerError


def processes() -> int:
    """How many fit together. torch's launchers say so in the environment."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def is_first() -> bool:
    """Whether this process writes the files."""
    return int(os.environ.get("RANK") or 0) == 0


def rows_for_each(job: FitJob) -> int:
    """The rows of a batch that each process takes.

    Raises:
        TrainerError: they cannot take equal parts.
    """
    count = processes()
    if job.batch_size % count:
        raise TrainerError(
            f"{count} processes cannot share batches of {job.batch_size} rows",
            remedy=f"Set trainer.batch_size to a multiple of {count}.",
        )
    return job.batch_size // count


def mean_of_all(number: Any) -> Any:
    """The mean of a tensor over the processes. No gradient flows through it."""
    import torch.distributed as others

    if processes() == 1:
        return number
    total = number.detach().float().clone()
    others.all_reduce(total)
    return total / processes()


def wait_for_all() -> None:
    """Return once every process has come this far."""
    import torch.distributed as others

    if processes() > 1:
        others.barrier()
