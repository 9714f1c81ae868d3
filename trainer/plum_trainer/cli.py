"""The command `plum-trainer`: the service, one turn by hand, and what there is to know and to undo."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click
from rich import box
from rich.table import Table

from plum_lsp import __version__
from plum_lsp.config import Settings, data_dir, load_settings
from plum_lsp.config.folder import paused_file, store_file, versions_folder
from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.suggestion import PolicyVersion
from plum_lsp.feedback.kept_out import exclusions
from plum_lsp.policy.models.families import template_for
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.project.privacy import private
from plum_lsp.report.installation import as_typed_here
from plum_lsp.report.printing import Program, console, say, set_up_log
from plum_lsp.store import VersionEvidence, open_reader
from plum_lsp.store.learning import TrainingEvent, open_history, open_learning
from plum_trainer.bench.arms import arm_of
from plum_trainer.bench.cells import Bench
from plum_trainer.bench.comparison import compare, split_tasks
from plum_trainer.bench.report import chart_of, gains_table, report_of, table_of
from plum_trainer.fit.bases import base_of
from plum_trainer.fit.job import write_json, write_text
from plum_trainer.loop import daemon
from plum_trainer.loop import status as loop_status
from plum_trainer.loop.exploring import diversities
from plum_trainer.loop.online import watch
from plum_trainer.loop.progress import latest_only, shown
from plum_trainer.loop.publish import Versions
from plum_trainer.loop.trainer import Trainer, load_per_core, utc_now
from plum_trainer.service import units as service

P = ParamSpec("P")

KINDS = ("systemd", "launchd", "windows")


def _told(command: Callable[P, None]) -> Callable[P, None]:
    """An error of ours is told with its remedy, not with a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except PlumError as error:
            raise click.ClickException(f"{error}\n  {error.remedy}".rstrip()) from error

    return run


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="plum-trainer")
def main() -> None:
    """Trains the policy of plum-lsp on what became of its offers."""


@main.command()
@_told
def run() -> None:
    """Train whenever there is enough to learn and the machine has time, until told to stop."""
    set_up_log("info", line="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    daemon.run(_trainer(logging.getLogger(__name__).info), stop)


@main.command()
@_told
def once() -> None:
    """One turn now: pairs, fit, evaluation, gate, publication. Goes on with a turn that was interrupted."""
    trainer = _trainer(lambda text: say(text, err=True))
    watching = watch(trainer)
    if watching:
        say(watching)
    decision = daemon.improve(trainer)
    if decision is None:
        say("There is not enough to train on: right and wrong candidates of the current version are needed.")
        return
    say(f"The gate {'promoted' if decision.is_promoted else 'refused'} the challenger.")
    for reason in decision.reasons:
        say(f"  {reason}")


@main.command()
@click.option("--all", "wants_all", is_flag=True, help="Also the versions, their evidence and their diversity.")
@_told
def status(wants_all: bool) -> None:
    """How much evidence there is, when the next round begins, and what the gate could find: one line each."""
    settings = _settings()
    folder = data_dir(settings)
    path = store_file(folder)
    page = console()
    with open_history(path) as store:
        for line in loop_status.status(settings, folder, store, now=utc_now(), load=load_per_core()):
            page.print(as_typed_here(line), soft_wrap=True)
        known = diversities(store.events())
    if not wants_all:
        return
    page.print(f"Store: {path}", soft_wrap=True)
    active = VersionStore(versions_folder(folder)).active()
    page.print(f"In service: policy version {active.number if active else 0}")
    if known:
        page.print("Diversity of samples: " + ", ".join(f"version {one} {share:.3f}" for one, share in known.items()))
    with open_reader(path) as reader:
        evidence = reader.evidence()
    if evidence:
        page.print(_table(evidence))
        page.print("A mixed group has candidates that pass and candidates that fail: preference pairs come from these.")
    else:
        page.print("No candidate has been sampled yet.")


@main.command()
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@_told
def history(limit: int) -> None:
    """What the trainer did, latest last, with each gate's report."""
    with open_learning(store_file(data_dir(_settings()))) as store:
        events = latest_only(store.events())[-limit:]
    for event in events:
        say(f"{event.happened_at}  round {event.round}  {event.step:12} {_summary(event)}")


@main.command()
@click.argument("version", type=int, required=False)
@_told
def rollback(version: int | None) -> None:
    """Go back to a version (0 is the base alone), by default to the one that the current was built from.

    No version is deleted.
    """
    folder = data_dir(_settings())
    settings = _settings()
    store = VersionStore(versions_folder(folder))
    active = store.active()
    before = active.number if active else 0
    wanted = version
    if wanted is None:
        with open_learning(store_file(folder)) as learning:
            wanted = _built_from(before, learning.events(), [one.number for one in store.versions()])
    if wanted:
        store.find(str(wanted))  # a missing version is named before a missing model
        Versions(data_dir=folder, settings=settings, base=base_of(settings)).go_to(wanted)
    else:
        with store.locked():
            store.activate(None)
    with open_learning(store_file(folder)) as learning:
        detail = {"version": before, "to": wanted, "reason": "asked for by the user"}
        learning.record(0, "rolled_back", detail, now=utc_now())
    say(f"In service: policy version {wanted}.")


@main.command()
@click.argument("tasks", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True)
@click.option("--samples", type=click.IntRange(2), default=8, show_default=True, help="Of each task in each round.")
@click.option("--arms", default="none,cooled,sft,dpo,kto,group,random,gold", show_default=True)
@click.option("--seeds", default="0", show_default=True, help="Numbers, separated by commas.")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("bench"), show_default=True
)
@_told
def bench(tasks: Path, rounds: int, samples: int, arms: str, seeds: str, output: Path) -> None:
    """Compare ways to learn on TASKS, whose rows have tests and a side (`train` or `held_out`).

    Every step leaves its file in the output folder. The same command goes on where it was stopped.
    """
    try:
        numbers = [int(one) for one in seeds.split(",")]
    except ValueError:
        raise click.BadParameter("numbers, separated by commas", param_hint="--seeds") from None
    settings = _settings()
    wanted = [arm_of(name.strip(), method=settings.trainer.method) for name in arms.split(",")]
    base = base_of(settings)
    base.prepare(lambda text: say(text, err=True))
    template = template_for(PolicyVersion(number=0, model=base.name, model_sha256=base.sha256))
    folder = output.absolute()
    train, held_out = split_tasks(tasks, folder, template)
    shared = Bench(
        settings=settings,
        base=base,
        folder=folder,
        train=train,
        held_out=held_out,
        samples=samples,
        report=lambda text: say(text, err=True),
    )
    compare(shared, wanted, rounds=rounds, seeds=numbers)
    _show_comparison(folder)


@main.command("bench-report")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_told
def bench_report(folder: Path) -> None:
    """Show the cells of a comparison that are done so far. FOLDER is the output of `bench`."""
    _show_comparison(folder.absolute())


def _show_comparison(folder: Path) -> None:
    """The tables of a comparison, and its figures and chart as files beside its cells."""
    report = report_of(folder)
    write_json(folder / "report.json", report)
    console().print(table_of(report), gains_table(report))
    chart = chart_of(report) if report["gains"] else None
    if chart is not None:
        write_text(folder / "report.svg", chart)
    say(f"Everything is in {folder}, the figures in report.json" + (", the chart in report.svg" if chart else ""))


@main.command()
@_told
def pause() -> None:
    """Begin no further round until `resume`. One that is under way goes on."""
    flag = paused_file(data_dir(_settings()))
    flag.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flag.touch()
    say("Training is paused.")


@main.command()
@_told
def resume() -> None:
    """Take training up again."""
    paused_file(data_dir(_settings())).unlink(missing_ok=True)
    say("Training goes on.")


@main.command("install-service")
@click.option("--kind", type=click.Choice(KINDS), default="systemd", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the file here, no more.")
@click.option("--print", "is_printed", is_flag=True, help="Print the file, no more.")
@_told
def install_service(kind: str, output: Path | None, is_printed: bool) -> None:
    """Start `plum-trainer run` with your session.

    Installs a systemd user unit, or writes the file for launchd or Windows. The systemd unit has the settings that are
    in your environment, but not the model server's key.
    """
    settings = service.settings_of(os.environ)
    text = service.contents(kind, service.command_path(), settings)
    if output is not None:
        output.write_text(text, encoding="utf-8")
        say(f"wrote {output}")
    elif kind == "systemd" and not is_printed:
        say(service.install(_config_home(), settings))
    else:
        say(text, nl=False)


@main.command("uninstall-service")
@_told
def uninstall_service() -> None:
    """Stop the systemd unit and take it away."""
    say(service.uninstall(_config_home()))


def _built_from(number: int, events: Sequence[TrainingEvent], known: Sequence[int]) -> int:
    """The version that another was built from. Without a record of that the highest lower one, 0 if there is none."""
    for event in reversed(events):
        if event.step == "published" and event.detail.get("version") == number:
            built_from = event.detail.get("built_from", event.detail.get("previous"))
            if isinstance(built_from, int) and built_from in (0, *known):
                return built_from
    return max((one for one in known if one < number), default=0)


def _trainer(report: Callable[[str], None]) -> Trainer:
    settings = _settings()
    return Trainer(
        settings=settings,
        data_dir=data_dir(settings),
        base=base_of(settings),
        exclusions=exclusions(settings),
        is_private=private(settings),
        report=report,
    )


def _settings() -> Settings:
    return load_settings(environ=os.environ).settings


def _config_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()


def _summary(event: TrainingEvent) -> str:
    """The few words of a step's report that a person looks for."""
    detail: dict[str, Any] = dict(event.detail)
    match event.step:
        case "frozen":
            authors = "".join(f", {count} of {author}" for author, count in detail.get("authors", {}).items())
            rows = f"{detail['rows']} rows, {detail['held_out']} held-out prompts, champion {detail['champion']}"
            return rows + authors
        case "fitted":
            return f"{detail['steps']} steps, loss {detail['loss_first']:.3f} to {detail['loss_last']:.3f}"
        case "decided":
            before, after = (detail["report"][side]["pass_at_1"] for side in ("champion", "challenger"))
            verdict = "promoted" if detail["is_promoted"] else "refused: " + "; ".join(detail["reasons"])
            return f"pass@1 {before:.3f} to {after:.3f}, {verdict}"
        case "progress":
            return shown(detail)
        case "published":
            return f"version {detail['version']}"
        case _:
            return "; ".join(f"{name} {value}" for name, value in detail.items() if not isinstance(value, dict))


def _table(evidence: Sequence[VersionEvidence]) -> Table:
    """One row for each policy version."""
    table = Table(box=box.SIMPLE)
    table.add_column("policy version")
    for heading in ("requests", "candidates", "run", "passing", "mixed groups", "offers with outcome"):
        table.add_column(heading, justify="right")
    for version in evidence:
        adapter = f" + {version.adapter_sha256[:8]}" if version.adapter_sha256 else ""
        counts = (
            version.requests,
            version.candidates,
            version.candidates_run,
            version.candidates_passing,
            version.groups_mixed,
            version.outcomes,
        )
        table.add_row(f"{version.number} ({version.model}{adapter})", *(str(count) for count in counts))
    return table
