"""Runs the whole loop on a small model: sample, run, train, gate, publish, sample again. Run: make demo-learning

Every part is real. The model under llama.cpp writes. The sandbox runs the candidates on tests from the docstrings. TRL
fits an adapter, and the gate judges it on functions that were never trained on. The active version is then sampled
again on the same policy server, which has swapped its version by then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.learning_served import served_measures
from benchmarks.simple_functions import simple_functions
from plum_lsp.config import Settings, load_settings
from plum_lsp.domain.events import Event, Supported, Verified
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import RequestId, SuggestionRequest, Tier, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.evaluation.offline import OFFERED
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.suggestion.services import Services
from plum_lsp.wiring import open_services
from plum_trainer.data.prompts import HeldOut
from plum_trainer.fit.bases import base_of
from plum_trainer.gate.decision import GateDecision
from plum_trainer.gate.measures import Measures, gain, interval
from plum_trainer.loop.daemon import improve
from plum_trainer.loop.standing import held_out_prompts
from plum_trainer.loop.trainer import Trainer

MODEL = "smollm2-135m-instruct"
TRAINER = ("method", "epochs", "learning_rate")
"""Settings of the trainer that an option may change. Without the option the trainer's default holds."""
SEEDS_APART = 10_000
"""Samples of one run use some hundred seeds in a row. Those of another `--seed` must be others."""
SERVED_SEED = 987_654
"""No earlier step used these seeds."""


class Tally:
    """The sandbox's judgement of each candidate. The latest one counts."""

    def __init__(self) -> None:
        self._tiers: dict[tuple[str, str], Tier] = {}

    @property
    def run(self) -> int:
        """The number of candidates that were run. Duplicates were not run."""
        return len(self._tiers)

    @property
    def passing(self) -> int:
        """The number of candidates that pass their tests."""
        return sum(tier in OFFERED for tier in self._tiers.values())

    def record(self, event: Event) -> None:
        """Keep the judgement of a candidate that was run."""
        if isinstance(event, Verified | Supported):
            for judged in (event.judged,) if isinstance(event, Verified) else event.judged:
                if judged.verdicts:
                    self._tiers[event.request_id, judged.candidate.id] = judged.tier


def settings_of(folder: Path, options: argparse.Namespace) -> Settings:
    """The settings of the demo: a small model, many candidates, and no waiting for a schedule."""
    chosen = {name: value for name in TRAINER if (value := getattr(options, name)) is not None}
    overrides = {
        "data_dir": str(folder),
        "policy": {"model": MODEL},
        "sampling": {
            "candidates": options.candidates,
            "temperature_min": 0.4,
            "max_tokens": 96,
            "seed": SEEDS_APART * options.seed,
        },
        "offers": {"stop_early": False, "deadline_ms": 600_000},
        "learning": {"held_out_share": 0.4},
        "trainer": {"threads": options.threads, "seed": SEEDS_APART * options.seed, **chosen},
        "gate": {"samples": options.samples},
    }
    return load_settings(environ=os.environ, editor=overrides).settings


async def collect(settings: Settings, names: dict[str, str]) -> Tally:
    """Request every function once, as an editor would, each in its own file."""
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


def parser() -> argparse.ArgumentParser:
    """The options of the demo."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--folder", type=Path, default=Path("artifacts/demo-learning"))
    made.add_argument("--functions", type=int, default=0, help="So many of them. 0 means all")
    made.add_argument("--candidates", type=int, default=8)
    made.add_argument("--samples", type=int, default=8)
    made.add_argument("--seed", type=int, default=0, help="Of the samples, of the fit and of the served samples")
    made.add_argument("--method", choices=("kto", "dpo", "sft"), help="Default: the trainer's")
    made.add_argument("--epochs", type=int, help="Default: the trainer's")
    made.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="For the fit. Use 1 on a busy machine")
    made.add_argument("--learning-rate", type=float, help="Default: the trainer's")
    return made


def main() -> None:
    """Run the loop and print its result, even if it is no improvement."""
    options = parser().parse_args()
    folder = options.folder.resolve() / time.strftime("%Y%m%d-%H%M%S")
    folder.mkdir(parents=True)
    asyncio.run(loop(Stages(), options, folder))
    print(f"Everything is in {folder}; look at it with PLUM_DATA_DIR={folder} plum-trainer history")


class Stages:
    """Prints the time since the start and of each stage: wall-clock and processor seconds, children included."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._taken: list[tuple[str, float, float]] = []

    def say(self, text: str) -> None:
        """One line with the minutes since the start."""
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        print(f"[{minutes:2}:{seconds:02}] {text}", flush=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage. The policy server's processor time is counted when it ends, so its stage has too little."""
        wall, work = time.monotonic(), processor_seconds()
        yield
        self._taken.append((name, time.monotonic() - wall, processor_seconds() - work))

    def table(self) -> None:
        """The times of every stage."""
        print(f"    {'stage':44} {'wall s':>8} {'CPU s':>8}")
        for name, wall, work in self._taken:
            print(f"    {name:44} {wall:8.0f} {work:8.0f}")
        print(f"    {'all':44} {time.monotonic() - self._started:8.0f} {processor_seconds():8.0f}")


def processor_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def loop(stages: Stages, options: argparse.Namespace, folder: Path) -> None:
    """Run the stages one after the other, and print each result."""
    settings = settings_of(folder, options)
    names = dict(list(simple_functions().items())[: options.functions or None])
    stages.say(f"sampling {options.candidates} candidates for each of {len(names)} functions from {MODEL}")
    with stages.stage("sampling and running candidates"):
        tally = await collect(settings, names)
    stages.say(f"{tally.passing} of {tally.run} candidates that were run pass their tests")
    trainer = Trainer(settings=settings, data_dir=folder, base=base_of(settings), report=stages.say)
    with trainer.store() as store:
        prompts = held_out_prompts(settings, store)
    policy = open_policy(policy_options(settings))
    try:
        with stages.stage("served engine, held-out, before"):
            before = await served(stages, settings, policy, prompts, folder / "before.jsonl", seed=options.seed)
        with stages.stage("pairs, fit, gate, publication"):
            decision = await asyncio.to_thread(improve, trainer)
        if decision is None:
            sys.exit("There were too few rows or functions to train on.")
        show_gate(stages, trainer, decision)
        with stages.stage("served engine, held-out, after"):
            after = await served(stages, settings, policy, prompts, folder / "after.jsonl", seed=options.seed)
    finally:
        await policy.close()
    change = gain(before.pass_by_function, after.pass_by_function, seed=1)
    stages.say(
        f"served pass@1 before {before.pass_at_1:.3f}, after {after.pass_at_1:.3f}; change {change.mean:+.3f},"
        f" 95 % interval {change.low:+.3f} to {change.high:+.3f}"
    )
    stages.table()


async def served(
    stages: Stages, settings: Settings, policy: Policy, prompts: Sequence[HeldOut], path: Path, *, seed: int
) -> Measures:
    """Sample the held-out functions from the current policy server, with the same seeds each time."""
    version = (await policy.version()).number
    measures = await served_measures(settings, policy, prompts, path, seed=SERVED_SEED + SEEDS_APART * seed)
    low, high = interval(measures.pass_by_function, seed=1)
    stages.say(
        f"the policy server serves version {version}: held-out pass@1 {measures.pass_at_1:.3f}"
        f" (95 % interval {low:.3f} to {high:.3f}), pass@{settings.gate.samples} {measures.pass_at_n:.3f},"
        f" {len(prompts)} functions"
    )
    return measures


def show_gate(stages: Stages, trainer: Trainer, decision: GateDecision) -> None:
    """The gate's measurements and its decision."""
    report = decision.report
    stages.say(
        f"held-out pass@1 before {report.champion['pass_at_1']:.3f}, after"
        f" {report.challenger['pass_at_1']:.3f}; gain {report.gain.mean:+.3f},"
        f" 95 % interval {report.gain.low:+.3f} to {report.gain.high:+.3f},"
        f" {report.functions} functions"
    )
    cooled = report.gain_over_cooled
    stages.say(f"pass@1 over the cooled base {cooled.mean:+.3f}, 95 % interval {cooled.low:+.3f} to {cooled.high:+.3f}")
    print(f"    {'':20} {'base':>10}{'cooled':>10}{'challenger':>12}")
    for name in report.champion:
        print(f"    {name:20} {report.champion[name]:10.3f}{report.cooled[name]:10.3f}{report.challenger[name]:12.3f}")
    stages.say(f"the gate {'promoted' if decision.is_promoted else 'refused'} the challenger")
    for reason in decision.reasons:
        print(f"    {reason}")
    stages.say(f"in service: policy version {trainer.versions.active()}")


if __name__ == "__main__":
    main()
