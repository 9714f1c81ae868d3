"""The whole loop on a small model: sample, run, learn, gate, publish, sample again. Run: make demo-learning

Every part is the real one: the model under llama.cpp writes, the sandbox runs what it wrote on tests read from the
docstrings, TRL fits an adapter, and the gate judges it on functions that were never trained on.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from benchmarks.simple_functions import simple_functions
from plum_lsp.config import Settings, load_settings
from plum_lsp.domain.events import Event, Verified
from plum_lsp.domain.suggestion import RequestId, SuggestionRequest, Tier, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.server.services import Services
from plum_lsp.wiring import open_services
from plum_trainer import children
from plum_trainer.bases import base_of
from plum_trainer.daemon import Trainer, improve
from plum_trainer.evaluate import evaluated
from plum_trainer.job import SampleJob
from plum_trainer.measures import Measures, interval
from plum_trainer.rounds import rounds

MODEL = "smollm2-135m-instruct"


class Tally:
    """Counts what the sandbox said."""

    def __init__(self) -> None:
        self.run = 0
        self.passing = 0

    def record(self, event: Event) -> None:
        """Count one judged candidate."""
        if isinstance(event, Verified) and event.judged.verdicts:
            self.run += 1
            self.passing += event.judged.tier in {Tier.VERIFIED, Tier.CONSISTENT}


def settings_of(folder: Path, options: argparse.Namespace) -> Settings:
    """The settings of the demo: a small model, many candidates, and no patience for a schedule."""
    overrides = {
        "data_dir": str(folder),
        "policy": {"model": MODEL},
        "sampling": {"candidates": options.candidates, "temperature_min": 0.4, "max_tokens": 96},
        "offers": {"stop_early": False, "deadline_ms": 600_000},
        "learning": {"held_out_share": 0.4},
        "trainer": {
            "method": options.method,
            "learning_rate": options.learning_rate,
            "epochs": options.epochs,
            "batch_size": 8,
            "max_length": 384,
        },
        "gate": {"samples": options.samples, "prompts_min": 10},
    }
    return load_settings(environ=os.environ, editor=overrides).settings


async def collect(settings: Settings, names: dict[str, str]) -> Tally:
    """Ask for every function once, as an editor would, each in a file of its own."""
    tally = Tally()
    services = await open_services(settings, tally)
    try:
        for number, (name, header) in enumerate(names.items(), 1):
            await _suggest(services, name, header)
            print(f"  {number}/{len(names)} {name}: {tally.passing} of {tally.run} candidates pass so far", flush=True)
        if services.store is not None:
            await services.store.acknowledged()
    finally:
        await services.close()
    return tally


async def _suggest(services: Services, name: str, header: str) -> None:
    pipeline = services.pipeline
    request = SuggestionRequest(
        id=RequestId(f"demo-{name}-{time.monotonic_ns()}"),
        document=Document(uri=f"file:///demo/{name}.py", version=1, text=header + "    "),
        offset=len(header) + 4,
        trigger=Trigger.INVOKED,
        deadline=pipeline.clock.now() + 300.0,
    )
    await pipeline.suggest(request)


def sample_again(trainer: Trainer) -> Measures:
    """Sample the held-out functions from what is in service now, with seeds that nothing used before."""
    last = rounds(trainer.data_dir)[-1]
    active = trainer.versions.find(trainer.versions.active())
    settings = trainer.settings
    job = SampleJob(
        base=str(trainer.base.folder),
        adapter=str(active.folder) if active else "",
        prompts=str(last.folder / "held_out.jsonl"),
        output="",
        samples=settings.gate.samples,
        temperature=settings.gate.temperature,
        top_p=settings.sampling.top_p,
        max_tokens=settings.sampling.max_tokens,
        batch_size=32,
        seed=987_654,
        threads=settings.trainer.threads,
        end_token=trainer.base.end_token,
    )
    path = children.sample(job, last.folder, name="again", report=trainer.report)
    from plum_lsp.sandbox.host import open_sandbox
    from plum_lsp.wiring import pipeline_options, sandbox_options

    return evaluated(
        last.held_out(), path, lambda: open_sandbox(sandbox_options(settings)), limits=pipeline_options(settings).limits
    )


def main() -> None:
    """Run the loop and print what came of it, whatever it was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("artifacts/demo-learning"))
    parser.add_argument("--functions", type=int, default=0, help="So many of them; 0: all")
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--method", choices=("kto", "dpo"), default="dpo")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    options = parser.parse_args()
    started = time.monotonic()
    folder = options.folder.resolve() / time.strftime("%Y%m%d-%H%M%S")
    folder.mkdir(parents=True)
    settings = settings_of(folder, options)
    names = dict(list(simple_functions().items())[: options.functions or None])

    say(started, f"sampling {options.candidates} candidates for each of {len(names)} functions from {MODEL}")
    tally = asyncio.run(collect(settings, names))
    say(started, f"{tally.passing} of {tally.run} candidates that were run pass their tests")
    trainer = Trainer(
        settings=settings, data_dir=folder, base=base_of(settings), report=lambda text: say(started, text)
    )
    decision = improve(trainer)
    if decision is None:
        sys.exit("There was nothing to train on.")
    report = decision.report
    say(
        started,
        f"held-out pass@1 before {report['champion']['pass_at_1']:.3f}, after"
        f" {report['challenger']['pass_at_1']:.3f}; gain {report['gain']['mean']:+.3f},"
        f" 95 % interval {report['gain']['low']:+.3f} to {report['gain']['high']:+.3f},"
        f" {report['prompts']} functions",
    )
    for name in report["champion"]:
        print(f"    {name:20} {report['champion'][name]:8.3f} {report['challenger'][name]:8.3f}")
    say(started, f"the gate {'promoted' if decision.is_promoted else 'refused'} the challenger")
    for reason in decision.reasons:
        print(f"    {reason}")
    say(started, f"in service: policy version {trainer.versions.active()}")
    again = sample_again(trainer)
    low, high = interval(again.pass_by_prompt, seed=1)
    say(started, f"second sampling, from what is in service: pass@1 {again.pass_at_1:.3f} ({low:.3f} to {high:.3f})")
    print(f"Everything is in {folder}; look at it with PLUM_DATA_DIR={folder} plum-trainer history")


def say(started: float, text: str) -> None:
    """One line with the minutes since the start."""
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    print(f"[{minutes:2}:{seconds:02}] {text}", flush=True)


if __name__ == "__main__":
    main()
