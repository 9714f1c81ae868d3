"""The figures of the report as titled tables of text, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Iterable

from plum_lsp.domain.suggestion import AbstentionReason
from plum_lsp.report.figures import INTERVAL, FigureTable, cells, seconds
from plum_lsp.report.marks import tier_label
from plum_lsp.report.pilot_tables import pilot_tables
from plum_lsp.report.shares import Share
from plum_lsp.report.usage import STAGES, Acceptance, PassRate, Report
from plum_lsp.store.people.sharing import Sharing
from plum_lsp.store.usage import RoundRow

NOTES = (
    "A candidate passes if it passes all tests that you wrote: tests of the project and examples in docstrings.",
    "A model may write one candidate several times. It runs once, and each copy counts as a candidate with its result.",
    "The intervals allow for requests in the same function, which resemble each other.",
    "A dash in place of an interval says that there are too few independent values, fewer than six for a median.",
    "A suggestion is kept if at least half of its characters are still there.",
)
"""What a reader must know to read the tables."""

REASONS = {
    AbstentionReason.NOTHING_TO_COMPLETE: "no place for a suggestion",
    AbstentionReason.POLICY_UNAVAILABLE: "the model server could not be used",
    AbstentionReason.POLICY_SILENT: "the model wrote no text",
    AbstentionReason.NO_VALID_CANDIDATE: "no candidate could be run",
    AbstentionReason.ALL_FAILED: "all candidates failed a test",
    AbstentionReason.DEADLINE: "the time was up",
    AbstentionReason.TIER_NOT_OFFERED: "too little evidence for your settings",
    AbstentionReason.TOO_UNSURE: "probably not useful",
    AbstentionReason.SANDBOX_UNAVAILABLE: "no sandbox",
    AbstentionReason.SANDBOX_FAILED: "the sandbox failed",
    AbstentionReason.SUPERSEDED: "you typed on",
    AbstentionReason.WITHDRAWN: "later evidence spoke against it",
    AbstentionReason.EXCLUDED: "the file is excluded",
    AbstentionReason.PAUSED: "suggestions were paused",
    AbstentionReason.TEXT_UNKNOWN: "the text in the editor was not known",
    AbstentionReason.INTERNAL_ERROR: "plum-lsp failed: a bug, see its log",
}
"""Why there was no suggestion, in words."""


def heading(found: Report) -> str:
    """One line about the time span."""
    if not found.requests:
        return "No request reached the model in this time."
    first, last = found.first_at[:10], found.last_at[:10]
    return f"{first} to {last}. Requests: {found.requests}. Suggestions: {found.offers}."


def tables(found: Report) -> Iterable[FigureTable]:
    """The tables that have rows."""
    made = (
        _versions(found.versions),
        _acceptance(found),
        _held_back(found),
        _silence(found),
        _waits(found),
        _sandbox(found),
        _rounds(found),
        *(table for one in found.pilots for table in pilot_tables(one)),
        _sharing(found.sharing),
    )
    return (table for table in made if table.rows)


def _versions(rates: tuple[PassRate, ...]) -> FigureTable:
    rows = ((f"{one.version} ({one.model})", str(one.candidates), *cells(one.passed)) for one in rates)
    return FigureTable(
        title="Execution pass rate by model version",
        columns=("version", "candidates", "passed, of those run", "share", INTERVAL),
        rows=tuple(rows),
    )


def _acceptance(found: Report) -> FigureTable:
    rows = (
        ("all" if one.tier is None else tier_label(one.tier), name, *cells(share))
        for one in found.acceptance
        if one.shown
        for name, share in _fates(one)
    )
    return FigureTable(
        title="Suggestions that were shown", columns=("evidence", "", "count", "share", INTERVAL), rows=tuple(rows)
    )


def _fates(one: Acceptance) -> Iterable[tuple[str, Share | None]]:
    """What became of the suggestions of a tier, as far as it is known."""
    yield "accepted", one.accepted
    yield "rejected on purpose", one.rejected
    if one.changed is not None:
        yield "accepted, changed later", one.changed
    if one.kept is not None:
        yield "accepted, kept for 10 minutes", one.kept


def _held_back(found: Report) -> FigureTable:
    rows = (
        ("candidates that failed one of your tests", str(found.wrong)),
        ("of these, stopped for time or memory", str(found.stopped)),
        ("requests of which all candidates failed", str(found.all_wrong)),
    )
    return FigureTable(title="Kept from the screen", columns=("", "count"), rows=rows if found.wrong else ())


def _silence(found: Report) -> FigureTable:
    rows = tuple((REASONS[reason], str(count)) for reason, count in found.silence.items())
    return FigureTable(title="Requests without a suggestion", columns=("reason", "requests"), rows=rows)


def _waits(found: Report) -> FigureTable:
    rows = (
        (STAGES[one.stage], str(one.p50_ms.count), *seconds(one.p50_ms), *seconds(one.p95_ms)) for one in found.waits
    )
    return FigureTable(
        title="Time from the request, where there was a suggestion",
        columns=("until", "requests", "median", INTERVAL, "95 % within", INTERVAL),
        rows=tuple(rows),
    )


def _rounds(found: Report) -> FigureTable:
    rows = ((str(one.number), one.step.replace("_", " "), one.happened_at[:10], _decision(one)) for one in found.rounds)
    return FigureTable(
        title="Training rounds", columns=("round", "last step", "date", "decision of the gate"), rows=tuple(rows)
    )


def _decision(one: RoundRow) -> str:
    if one.is_promoted is None:
        return "–"
    return "promoted" if one.is_promoted else f"refused: {'; '.join(one.reasons)}"


def _sandbox(found: Report) -> FigureTable:
    """Where candidates ran, and when the sandbox did not do its work. A candidate's own failure is no incident."""
    rows = (
        *((f"candidates that ran, isolation {name}", str(count)) for name, count in found.isolation.items()),
        ("requests that ended because the sandbox failed", str(found.sandbox_failed)),
        ("requests without a sandbox", str(found.without_sandbox)),
    )
    has_any = found.isolation or found.sandbox_failed or found.without_sandbox
    return FigureTable(title="Sandbox", columns=("", "count"), rows=rows if has_any else ())


def _sharing(sharing: Sharing | None) -> FigureTable:
    """Whether facts are shared, or when they were withdrawn. What a published version learned cannot be withdrawn."""
    title, columns = "Facts shared with a team", ("", "")
    if sharing is None:
        return FigureTable(title=title, columns=columns, rows=())
    rows = [("shared now", "yes" if sharing.is_shared else "no")]
    if sharing.withdrawn_at:
        rows.append(("withdrawn, and taken out of the folder", sharing.withdrawn_at[:10]))
        rows.append(("versions that keep what they learned", ", ".join(sharing.versions) or "none known"))
    return FigureTable(title=title, columns=columns, rows=tuple(rows))
