"""Fits one adapter, as a process of its own: `python -m plum_trainer.fit.train JOB.json RESULT.json`.

Trains a LoRA adapter on the base, from the champion's adapter where there is one (which is then the reference, too), by
TRL (`with_trl`) or by plain torch (`plain`). Takes rows that are tokenized already, so that no end is added. Killed and
started again it goes on from its last checkpoint, to the same result. Ends with 3 if memory ran out.
"""

from __future__ import annotations

import ctypes
import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import resource
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import told
from plum_lsp.policy.models.weights import BASE_MARK
from plum_trainer.data.rows import TokenLimits, row_of, tokens_of
from plum_trainer.fit import plain, together, with_trl
from plum_trainer.fit.job import FitJob, FitResult, TrainerError, fit_job, read_json, values_of, write_json

OUT_OF_MEMORY, REFUSED = 3, 4
NO_MEMORY = "the fit is out of memory"
REFUSAL = "refused: "
"""A line of the child that says why it ended, and the start of another one."""
PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""
PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "tokenizers")
WHOLE_MARK = "whole"
"""A file in a checkpoint whose files are all written."""
FILLING = "fill_uninitialized_memory"
"""torch's deterministic mode fills every new tensor with NaN to reveal reads of uninitialised memory. The fit has no
such reads, and the filling made a step three times as long (benchmarks/learning_step.py)."""


def main(job_file: str, result_file: str) -> int:
    """Fit the model of the job. Returns the exit status."""
    job = fit_job(read_json(Path(job_file)) or {})
    quiet(job.threads)
    import torch

    try:
        result = _fit(job)
    except TrainerError as error:
        return _ended(REFUSED, f"{REFUSAL}{told(error)}")
    except (MemoryError, torch.OutOfMemoryError):
        return _ended(OUT_OF_MEMORY, NO_MEMORY)
    except RuntimeError as error:
        if "not enough memory" in str(error) or "out of memory" in str(error):
            return _ended(OUT_OF_MEMORY, NO_MEMORY)
        raise
    if together.is_first():
        write_json(Path(result_file), values_of(result))
    return 0


def _ended(status: int, said: str) -> int:
    """Say why the fit ends: a launcher of several processes does not hand on their exit status."""
    sys.stderr.write(f"{said}\n")
    return status


def quiet(threads: int) -> None:
    """Stop threads from spinning, which slows a busy machine, and forbid requests to a model hub.

    The process dies with its parent, so that a restarted trainer does not share its folder with an old child.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ.update(
        OMP_NUM_THREADS=str(threads or 1),
        OMP_WAIT_POLICY="passive",
        TOKENIZERS_PARALLELISM="false",
        HF_HUB_OFFLINE="1",
        HF_DATASETS_OFFLINE="1",
        TRANSFORMERS_VERBOSITY="error",
        CUBLAS_WORKSPACE_CONFIG=":4096:8",
    )


def _fit(job: FitJob) -> FitResult:
    import torch
    from transformers import set_seed

    torch.set_num_threads(job.threads or 1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    setattr(torch.utils.deterministic, FILLING, False)
    set_seed(job.seed)
    output = Path(job.output)
    output.mkdir(parents=True, exist_ok=True)
    model, tokenizer = _model(job)
    tokens, left_out = _tokens(job, tokenizer)
    trainer = _trainer(job, model, tokenizer, tokens)
    with trainer.args.main_process_first(local=False):
        resumed_at = last_checkpoint(output)
    started, work = time.monotonic(), time.process_time()
    trainer.train(resume_from_checkpoint=str(output / f"checkpoint-{resumed_at}") if resumed_at else None)
    seconds, work = time.monotonic() - started, time.process_time() - work
    adapter = output / "adapter"
    if together.is_first():
        trainer.model.save_pretrained(str(adapter), selected_adapters=["default"])
        write_json(adapter / BASE_MARK, {"sha256": job.base_sha256})
    steps = int(trainer.state.global_step)
    losses = [entry for entry in trainer.state.log_history if "loss" in entry]
    return FitResult(
        adapter=str(adapter),
        steps=steps,
        rows=len(tokens),
        rows_left_out=left_out,
        loss_first=float(losses[0]["loss"]) if losses else 0.0,
        loss_last=float(losses[-1]["loss"]) if losses else 0.0,
        step_seconds=seconds / max(1, steps - resumed_at),
        memory_bytes=_memory_bytes(),
        versions={name: importlib.metadata.version(name) for name in PACKAGES if importlib.util.find_spec(name)},
        resumed_at=resumed_at,
        step_work_seconds=work / max(1, steps - resumed_at),
        log=tuple({key: float(value) for key, value in entry.items()} for entry in trainer.state.log_history),
    )


def last_checkpoint(output: Path) -> int:
    """The step of the last whole checkpoint, 0 without one. Removes those that a killed fit did not finish."""
    whole = [0]
    for folder in output.glob("checkpoint-*"):
        if (folder / WHOLE_MARK).exists():
            whole.append(int(folder.name.rpartition("-")[2]))
        else:
            shutil.rmtree(folder)
    return max(whole)


def _model(job: FitJob) -> tuple[Any, Any]:
    """The base, with the champion's adapter where there is one."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(job.base, dtype=dtype_of(job.precision), attn_implementation="sdpa")
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    if job.champion:
        model = PeftModel.from_pretrained(model, job.champion, is_trainable=True)
    return model, tokenizer


def dtype_of(precision: str) -> Any:
    """What the base's weights are kept in: bfloat16 on a GPU, the job's precision on a CPU. Adapters are in float32."""
    import torch

    return torch.bfloat16 if torch.cuda.is_available() or precision == "bfloat16" else torch.float32


class HubEncoder:
    """A Hugging Face tokenizer as an encoder that adds no tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def limits_of(tokenizer: Any, *, max_length: int, end_token: str) -> TokenLimits:
    """The limits of rows for this tokenizer. The end token is `end_token`, or the tokenizer's own."""
    end_id = tokenizer.get_vocab().get(end_token) if end_token else tokenizer.eos_token_id
    if end_id is None:
        raise ValueError(f"the tokenizer has no token {end_token!r}")
    return TokenLimits(max_length=max_length, end_id=end_id)


def _tokens(job: FitJob, tokenizer: Any) -> tuple[list[dict[str, Any]], int]:
    limits = limits_of(tokenizer, max_length=job.max_length, end_token=job.end_token)
    encoder = HubEncoder(tokenizer)
    lines = Path(job.rows).read_text(encoding="utf-8", errors="surrogatepass").splitlines()
    made = [tokens_of(row_of(json.loads(line)), encoder, limits) for line in lines]
    kept = [row for row in made if row is not None]
    return kept, len(made) - len(kept)


def _trainer(job: FitJob, model: Any, tokenizer: Any, tokens: list[dict[str, Any]]) -> Any:
    """The trainer of the job's method: TRL's for pairs and labels where it is installed and wanted, else our own."""
    wants_trl = not job.is_plain and importlib.util.find_spec("trl") is not None
    made = with_trl.trainer if wants_trl and job.method in with_trl.METHODS else plain.trainer
    return made(job, model, tokenizer, tokens, callbacks=[_progress(job)])


def _progress(job: FitJob) -> Any:
    """Writes the progress of the fit, for the terminal and for `plum-trainer status`."""
    from transformers import TrainerCallback

    path = Path(job.output) / "progress.json"

    class Progress(TrainerCallback):  # type: ignore[misc]
        """One line on standard error and one small file for each step, and the mark of each whole checkpoint."""

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
            loss = (logs or {}).get("loss")
            if loss is None or not together.is_first():
                return
            write_json(path, {"step": state.global_step, "steps": state.max_steps, "loss": loss})
            sys.stderr.write(f"step {state.global_step}/{state.max_steps} loss {loss:.4f}\n")

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            together.wait_for_all()  # each process adds its random state to the checkpoint
            if together.is_first():
                (Path(job.output) / f"checkpoint-{state.global_step}" / WHOLE_MARK).touch()

    return Progress()


def _memory_bytes() -> int:
    """The peak of this process: device memory where there is a device, else resident memory."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def with_less_memory(job: FitJob) -> FitJob | None:
    """The same job with less memory: smaller batches with the same rows a step, then checkpointing, then shorter rows.

    None if no further reduction is possible.
    """
    least = 2
    if job.batch_size >= 2 * least:
        return dataclasses.replace(job, batch_size=job.batch_size // 2, accumulation=job.accumulation * 2)
    if not job.gradient_checkpointing:
        return dataclasses.replace(job, gradient_checkpointing=True)
    if job.max_length > 256:
        return dataclasses.replace(job, max_length=job.max_length // 2)
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
