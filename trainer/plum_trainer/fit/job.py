"""What a child process is told and what it tells: values that go through files, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import PlumError
from plum_lsp.files.whole import write_whole


class TrainerError(PlumError):
    """A round cannot go on: what it needs is missing, or a child process failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitJob:
    """One fit. Folders are absolute. `champion` is the adapter to start from, empty for the base alone."""

    base: str
    champion: str
    rows: str
    output: str
    method: str
    loss: str
    beta: float
    sft_weight: float
    label_smoothing: float
    learning_rate: float
    epochs: int
    batch_size: int
    accumulation: int
    lora_rank: int
    lora_alpha: int
    max_length: int
    seed: int
    threads: int
    checkpoint_steps: int
    gradient_checkpointing: bool
    end_token: str
    base_sha256: str = ""
    precision: str = "float32"
    """Of the base on a CPU."""
    is_plain: bool = False
    """Whether the trainer in plain torch fits, also where TRL is installed: all methods then have the same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """The result of a fit. `step_seconds` is the mean over all optimizer steps. Memory is the peak of the process.

    `step_work_seconds` is processor time, which depends little on other work on the machine.
    """

    adapter: str
    steps: int
    rows: int
    rows_left_out: int
    loss_first: float
    loss_last: float
    step_seconds: float
    memory_bytes: int
    versions: Mapping[str, str]
    resumed_at: int
    step_work_seconds: float = 0.0
    log: tuple[Mapping[str, float], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleJob:
    """Samples of every prompt from the base with one adapter (empty: none), one at each of the temperatures.

    The last `deciding` temperatures are those of the samples that the gate decides on.
    """

    base: str
    adapter: str
    prompts: str
    output: str
    temperatures: tuple[float, ...]
    deciding: int
    top_p: float
    max_tokens: int
    batch_size: int
    seed: int
    threads: int
    end_token: str
    texts: str = ""
    """A file with the samples. If it is given, only their distance to the base is measured."""
    precision: str = "float32"
    """Of the base on a CPU."""
    has_ids: bool = False
    """Whether each sample also gets its ids, their log-probabilities, and the mean entropy at its places in nats."""
    has_distance: bool = True
    """Whether the adapter's distance to the base is measured."""


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a file that is either whole or not there, and on the disk when this returns."""
    write_text(path, json.dumps(dict(values), indent=1))


def write_text(path: Path, text: str) -> None:
    """Like `write_json`, for any text."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, text.encode(errors="surrogatepass"), is_durable=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """The contents of a file. None if it is missing.

    Raises:
        TrainerError: it is damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TrainerError(
            f"{path} cannot be read: {error}", remedy="Delete it: its step is then done again."
        ) from error
    if not isinstance(values, dict):
        raise TrainerError(f"{path} is damaged", remedy="Delete it: its step is then done again.")
    return values


def fit_job(values: Mapping[str, Any]) -> FitJob:
    """The job that JSON values stand for."""
    return FitJob(**values)


def fit_result(values: Mapping[str, Any]) -> FitResult:
    """The result that JSON values stand for."""
    return FitResult(**{**values, "log": tuple(values["log"])})


def values_of(job: FitJob | SampleJob | FitResult) -> dict[str, Any]:
    """A job or result as JSON values."""
    return asdict(job)
