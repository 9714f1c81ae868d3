"""Runs the steps that need torch as child processes, from a job file to a result file. Kills none but its own."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from plum_lsp.domain.children import FOLDER, environment, python_module
from plum_trainer.fit.job import (
    FitJob,
    FitResult,
    SampleJob,
    TrainerError,
    fit_result,
    read_json,
    values_of,
    write_json,
)
from plum_trainer.fit.train import NO_MEMORY, OUT_OF_MEMORY, REFUSAL, with_less_memory

log = logging.getLogger(__name__)

ERROR_LINES_SHOWN = 3
"""The last lines of a traceback say what went wrong. The log file beside the job has the complete traceback."""

Report = Callable[[str], None]


def fit(job: FitJob, folder: Path, *, accelerate: Sequence[str] = (), report: Report = log.info) -> FitResult:
    """Fit in a child. If memory runs out, try again with smaller settings, and report each change.

    Raises:
        TrainerError: the child failed, or no setting can be reduced further.
    """
    module = ["plum_trainer.fit.train"]
    if accelerate:
        module = ["accelerate.commands.launch", *accelerate, "-m", "plum_trainer.fit.train"]
    current: FitJob | None = job
    while current is not None:
        write_json(folder / "fit.json", values_of(current))
        status = _run(python_module(*module), folder / "fit.json", folder / "result.json", report=report)
        if status == 0:
            return fit_result(read_json(folder / "result.json") or {})
        report(f"out of memory with batches of {current.batch_size} and {current.max_length} tokens")
        current = with_less_memory(replace(current))
    raise TrainerError("the fit needs more memory than there is", remedy="Set trainer.max_length to less.")


def sample(job: SampleJob, folder: Path, *, name: str, report: Report = log.info) -> Path:
    """Sample in a child, with smaller batches if memory runs out. Returns the file of samples.

    Raises:
        TrainerError: the child failed.
    """
    batch_size = job.batch_size
    while batch_size:
        write_json(folder / f"{name}.json", values_of(replace(job, batch_size=batch_size)))
        status = _run(
            python_module("plum_trainer.fit.generate"),
            folder / f"{name}.json",
            folder / f"{name}.jsonl",
            report=report,
        )
        if status == 0:
            return folder / f"{name}.jsonl"
        report(f"out of memory with batches of {batch_size}")
        batch_size //= 2
    raise TrainerError("sampling one text at a time needs more memory than there is")


def _run(command: Sequence[str], source: Path, result: Path, *, report: Report) -> int:
    """Run one child to its end. Returns 0 or `OUT_OF_MEMORY`. Its output goes to a log file and to `report`."""
    log_file = result.with_name(f"{result.name}.log")
    try:
        with log_file.open("a", encoding="utf-8") as kept:
            log_file.chmod(0o600)
            child = subprocess.Popen(
                [*command, str(source.absolute()), str(result.absolute())],
                stdin=subprocess.DEVNULL,
                stdout=kept,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=environment(PYTHONUNBUFFERED="1"),
                cwd=FOLDER,
            )
            last = _followed(child, kept.write, report)
    except OSError as error:
        raise TrainerError(f"{command[-1]} cannot be started: {error}") from error
    if child.returncode in (0, OUT_OF_MEMORY):
        return child.returncode
    if last == NO_MEMORY:
        return OUT_OF_MEMORY
    if last.startswith(REFUSAL):
        raise TrainerError(last.removeprefix(REFUSAL))
    if child.returncode == -9:
        raise TrainerError(f"{command[-1]} was killed. The next run goes on where it was")
    remedy = "Install the training packages: make setup-model." if "No module named" in last else f"See {log_file}."
    raise TrainerError(f"{command[-1]} failed: {last}", remedy=remedy)


def _followed(child: subprocess.Popen[str], keep: Callable[[str], object], report: Report) -> str:
    """Read the child's output until it ends. Returns what it said last, or why it ended if it said that.

    The child is ended if the caller stops waiting.
    """
    lines: list[str] = []
    why = ""
    try:
        assert child.stderr is not None
        for line in child.stderr:
            keep(line)
            if line.startswith(("step ", "sampled ")):
                report(line.strip())
            elif line.startswith((REFUSAL, NO_MEMORY)):
                why = line.strip()
            elif line.strip():
                lines = [*lines, line.strip()][-ERROR_LINES_SHOWN:]
        child.wait()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        if child.stderr is not None:
            child.stderr.close()
    return why or (lines[-1] if lines else "it wrote no output")
