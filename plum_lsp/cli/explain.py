"""`plum-lsp explain`: shows one logged offer: its group, its tests, the matrix of verdicts, and its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from plum_lsp.cli.terminal import source
from plum_lsp.config import data_dir
from plum_lsp.config.folder import store_file
from plum_lsp.domain.suggestion import OfferId, Tier
from plum_lsp.report.marks import VERDICT
from plum_lsp.report.printing import console
from plum_lsp.store.known import Explanation, KnownCandidate, KnownOutcome, KnownTest
from plum_lsp.store.queries import open_reader
from plum_lsp.verification.quality import quality_words
from plum_lsp.wiring import load_for_command


@click.command()
@click.argument("offer", required=False)
def explain(offer: str | None) -> None:
    """Show the suggestion OFFER (by default the latest) with its tests, results and outcome."""
    path = store_file(data_dir(load_for_command({})))
    with open_reader(path) as reader:
        offer_id = OfferId(offer) if offer else reader.latest_offer()
        explanation = reader.explain(offer_id) if offer_id else None
    if explanation is None:
        raise click.ClickException(f"there is no suggestion {offer}" if offer else "there has been no suggestion yet")
    _show(explanation, console())


def _show(known: Explanation, console: Console) -> None:
    console.print(Text.assemble((f"Offer {known.offer_id}", "bold"), f", {known.offered_at}"))
    model = f"{known.model}, version {known.policy_number}, sha256 {known.model_sha256 or 'unknown'}"
    console.print(f"  in {known.function_name or 'module'}, {known.document_uri}")
    console.print(f"  policy {model}")
    console.print(f"  sandbox tier {known.sandbox_tier or 'none'}, Python {known.python_version or 'unknown'}")
    console.print(f"  {known.tier.value}: {known.reason}")
    console.print(source(known.text))
    if known.tests:
        console.print(_tests(known.tests))
    console.print(_matrix(known))
    quality = next((one.quality for one in known.candidates if one.id == known.candidate_id), None)
    if quality is not None:
        console.print(f"Beside its tests: {quality_words(quality)}")
    became = ", ".join(_ended(outcome, known.tier) for outcome in known.outcomes)
    console.print(f"Outcome: {became or 'none yet'}")


def _ended(outcome: KnownOutcome, offered_as: Tier) -> str:
    """An outcome, with the label on the screen if it was not the first one."""
    is_new = outcome.tier is not None and outcome.tier is not offered_as
    label = f", labelled {outcome.tier.value}" if outcome.tier is not None and is_new else ""
    return f"{outcome.kind.value} ({outcome.source}{label})"


def _tests(tests: Sequence[KnownTest]) -> Table:
    """The tests, with their column numbers in the matrix."""
    table = Table(box=None, padding=(0, 2), title="Tests", title_justify="left", title_style="bold")
    for heading in ("", "as written", "from"):
        table.add_column(heading, overflow="fold")
    for number, test in enumerate(tests, start=1):
        table.add_row(str(number), " ".join(test.quote.split()), test.origin.value)
    return table


def _matrix(known: Explanation) -> Table:
    """The matrix of verdicts, candidates by tests."""
    table = Table(box=None, padding=(0, 2), title="Candidates and tests", title_justify="left", title_style="bold")
    for heading in (*_COLUMNS, *(str(number) for number, _ in enumerate(known.tests, start=1))):
        table.add_column(heading)
    for candidate in known.candidates:
        table.add_row(*(cell(candidate, known) for cell in _COLUMNS.values()), *_row(candidate, known))
    return table


def _number(candidate: KnownCandidate, known: Explanation) -> str:
    return f"{candidate.index + 1}{' ←' if candidate.id == known.candidate_id else ''}"


def _mean_logprob(candidate: KnownCandidate, _: Explanation) -> str:
    return "" if candidate.mean_logprob is None else f"{candidate.mean_logprob:.2f}"


def _standing(candidate: KnownCandidate, _: Explanation) -> str:
    if candidate.duplicate_of is not None:
        return f"same as {candidate.duplicate_of + 1}"
    if candidate.is_refuted:
        return "rejected"
    return candidate.tier.value if candidate.tier else "not judged"


def _row(candidate: KnownCandidate, known: Explanation) -> list[Text]:
    """One mark for each test of the request. Empty if there is no verdict."""
    found = {verdict.test_id: VERDICT[verdict.status] for verdict in candidate.verdicts}
    return [Text(*found.get(test.id, ("",))) for test in known.tests]


_COLUMNS: Mapping[str, Callable[[KnownCandidate, Explanation], str]] = {
    "candidate": _number,
    "seed": lambda candidate, _: str(candidate.seed),
    "T": lambda candidate, _: f"{candidate.temperature:g}",
    "log-p": _mean_logprob,
    "tier": _standing,
}
"""What is shown of each candidate before its marks: headings and cells, from left to right."""
