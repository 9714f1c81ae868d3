"""Measures time and memory of an optimizer step of `plum_trainer.fit.train` against a plain TRL script, same rows.

Run: python -m benchmarks.learning_step --base FOLDER [--method dpo] [--steps 10]. Both run in their own processes, one
after the other, on one thread. The plain script is the example of TRL's documentation with the same options.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.simple_functions import simple_functions
from plum_lsp.config import TrainerSettings
from plum_trainer.fit import children
from plum_trainer.fit.job import FitJob

BARE = """
import json, resource, sys, time
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import {kind}Config, {kind}Trainer
torch.set_num_threads(1)
base, rows, output, steps, batch = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
names = {names!r}
data = [{{k: row[k] for k in names}} for row in map(json.loads, open(rows))]
if "is_desirable" in names:
    data = [{{"prompt": r["prompt"], "completion": r["completion"], "label": r["is_desirable"]}} for r in data]
args = {kind}Config(output_dir=output, per_device_train_batch_size=batch, max_steps=steps, learning_rate=2e-5,
    report_to=[], disable_tqdm=True, gradient_checkpointing=False, bf16=False, use_cpu=True, save_strategy="no",
    max_length=None, {more})
trainer = {kind}Trainer(model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), args=args,
    processing_class=AutoTokenizer.from_pretrained(base), train_dataset=Dataset.from_list(data),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
started, work = time.monotonic(), time.process_time()
trainer.train()
print(json.dumps({{"seconds": (time.monotonic() - started) / steps, "work": (time.process_time() - work) / steps,
    "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}}))
"""


def rows(method: str, count: int) -> list[dict[str, object]]:
    """Rows of the simple functions, the same for both."""
    made: list[dict[str, object]] = []
    headers = list(simple_functions().values())
    for number in range(count):
        common = {"prompt": headers[number % len(headers)], "weight": 1.0, "source": "verdict"}
        good, bad = "    return sorted(items)[0]\n", "    return sorted(items)[-1]\n"
        if method == "dpo":
            made.append({**common, "chosen": good, "rejected": bad, "chosen_ends": True, "rejected_ends": True})
        else:
            text = good if number % 2 else bad
            made.append({**common, "completion": text, "ends": True, "is_desirable": bool(number % 2)})
    return made


def main() -> None:
    """Fit both ways and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True)
    parser.add_argument("--method", choices=("kto", "dpo"), default="dpo")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--batch", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows(options.method, options.steps * options.batch)))
        bare = bare_fit(options, path, folder)
        defaults = TrainerSettings()
        values = {name: getattr(defaults, name) for name in FitJob.__dataclass_fields__ if hasattr(defaults, name)}
        values |= {"base": options.base, "champion": "", "rows": str(path), "output": f"{folder}/ours"}
        values |= {"method": options.method, "batch_size": options.batch, "sft_weight": 0.0, "max_length": 512}
        values |= {"checkpoint_steps": 10_000, "end_token": ""}
        ours = children.fit(FitJob(**values), Path(folder))
    print(
        f"{options.method}: ours {ours.step_seconds:.2f} s a step, {ours.memory_bytes / 2**30:.2f} GiB;"
        f" bare TRL {bare['seconds']:.2f} s, {bare['bytes'] / 2**30:.2f} GiB;"
        f" ratio {ours.step_seconds / bare['seconds']:.2f} and {ours.memory_bytes / bare['bytes']:.2f}"
    )
    print(
        f"processor: ours {ours.step_work_seconds:.2f} s a step, bare TRL {bare['work']:.2f} s;"
        f" ratio {ours.step_work_seconds / bare['work']:.2f}"
    )


def bare_fit(options: argparse.Namespace, path: Path, folder: str) -> dict[str, float]:
    """The same fit in the form of TRL's documentation."""
    kind = options.method.upper()
    names = ("prompt", "chosen", "rejected") if options.method == "dpo" else ("prompt", "completion", "is_desirable")
    program = BARE.format(kind=kind, names=names, more="")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            program,
            options.base,
            str(path),
            f"{folder}/bare",
            str(options.steps),
            str(options.batch),
        ],
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
