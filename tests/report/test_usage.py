"""The figures of a report, computed again from the tables of a store by a script that shares no code with it."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.facts import VERSION, candidate, prompted, suggestion
from support.used import used

from plum_lsp.config.folder import store_file
from plum_lsp.domain.events import Sampled
from plum_lsp.domain.suggestion import AbstentionReason, RequestId, Tier
from plum_lsp.report.page import page_of
from plum_lsp.report.tables import REASONS, heading, tables
from plum_lsp.report.usage import Report, report_of
from plum_lsp.store import open_reader, open_store

NOW = "2026-11-20T00:00:00.000+00:00"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A store that was used for a week."""
    path = store_file(tmp_path)
    await used(path, seed=3)
    return path


def read(path: Path, since: str = "") -> Report:
    """The report of a store."""
    with open_reader(path) as reader:
        return report_of(reader.usage(since=since), now=NOW)


def test_pass_rates_are_those_of_the_tables(path: Path) -> None:
    """A candidate passes if all its verdicts do. A copy has its original's verdicts."""
    with sqlite3.connect(path) as db:
        numbers = dict(db.execute("SELECT id, number FROM policy_versions"))
        rows = db.execute("SELECT request_id, id, position, policy_version_id, duplicate_of FROM candidates").fetchall()
        verdicts = db.execute("SELECT request_id, candidate_id, status FROM verdicts").fetchall()
    names = {(request, position): name for request, name, position, _, _ in rows}
    passed, run = Counter[int](), Counter[int]()
    for request, name, _, version, original in rows:
        judged_as = name if original is None else names[request, original]
        statuses = [status for one, other, status in verdicts if (one, other) == (request, judged_as)]
        run[numbers[version]] += bool(statuses)
        passed[numbers[version]] += bool(statuses) and set(statuses) == {"passed"}
    found = read(path)
    shares = {one.version: one.passed for one in found.versions}
    assert {number: (one.part, one.whole) for number, one in shares.items() if one} == {
        number: (passed[number], run[number]) for number in run
    }
    assert found.wrong == sum(run.values()) - sum(passed.values())
    assert sum(one.passed.whole for one in found.days if one.passed) == sum(run.values())


def test_acceptance_is_that_of_the_tables(path: Path) -> None:
    """Shown, accepted, rejected, changed and kept suggestions, counted row by row."""
    with sqlite3.connect(path) as db:
        offers = [name for (name,) in db.execute("SELECT id FROM offers")]
        outcomes = db.execute("SELECT offer_id, kind FROM outcomes ORDER BY id").fetchall()
        survivals = dict(db.execute("SELECT offer_id, share FROM survivals WHERE after_ms = 600000"))
    kinds = {name: [kind for offer, kind in outcomes if offer == name] for name in offers}
    shown = [name for name in offers if kinds[name]]  # every outcome here had been visible
    accepted = [name for name in shown if "accepted" in kinds[name]]
    found = read(path).acceptance[0]
    assert (found.tier, found.shown) == (None, len(shown))
    assert found.accepted is not None
    assert found.rejected is not None
    assert found.changed is not None
    assert found.kept is not None
    assert (found.accepted.part, found.accepted.whole) == (len(accepted), len(shown))
    assert found.rejected.part == sum(kinds[name][-1] == "rejected" for name in shown)
    assert (found.changed.part, found.changed.whole) == (
        sum(kinds[one][-1] == "edited" for one in accepted),
        len(accepted),
    )
    kept = [survivals[name] >= 0.5 for name in accepted if name in survivals]
    assert (found.kept.part, found.kept.whole) == (sum(kept), len(kept))


def test_only_what_happened_since_counts(path: Path) -> None:
    """Requests from before the instant count nowhere."""
    with sqlite3.connect(path) as db:
        (late,) = db.execute("SELECT count(*) FROM requests WHERE prompted_at > '2026-11-05'").fetchone()
    found = read(path, since="2026-11-05")
    assert found.requests == late
    assert found.first_at >= "2026-11-05"
    assert {one.day for one in found.days} <= {"2026-11-05", "2026-11-06", "2026-11-07"}
    assert 0 < found.offers < read(path).offers


def test_an_empty_time_has_no_figures(path: Path) -> None:
    """One sentence says so, and no table stands there with zeros."""
    found = read(path, since="2027-01-01")
    assert heading(found) == "No request reached the model in this time."
    assert "No request reached the model" in page_of(found)


def test_candidates_that_were_not_run_are_not_in_the_rate(tmp_path: Path) -> None:
    """They are counted as candidates."""
    path = store_file(tmp_path)
    with closing(open_store(path)) as store:
        for event in (prompted("r1"), Sampled(request_id=RequestId("r1"), candidate=candidate(0), duplicate_of=None)):
            store.record(event)
    (rate,) = read(path).versions
    assert (rate.candidates, rate.passed) == (1, None)
    assert any("–" in row for table in tables(read(path)) for row in table.rows)


def test_every_reason_has_words() -> None:
    """No code of ours stands in the report."""
    assert set(REASONS) == set(AbstentionReason)


def test_a_page_is_plain_text_of_ours(tmp_path: Path) -> None:
    """No script, no address, and the name of a model cannot become markup."""
    path = store_file(tmp_path)
    hostile = replace(VERSION, model="<script>alert(1)</script>\x1b[31m&")
    with closing(open_store(path)) as store:
        for event in suggestion(version=hostile):
            store.record(event)
    page = page_of(read(path))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m&amp;" in page
    assert set(re.findall(r'(?<!xmlns=")(?<!xmlns:xlink=")https?:', page)) == set()
    assert "aria-hidden" in page
    assert "Execution pass rate by day" in page


def test_tiers_come_by_strength(path: Path) -> None:
    """All suggestions first, then those of each tier that was shown."""
    assert [one.tier for one in read(path).acceptance] == [None, Tier.VERIFIED]


def test_without_the_converter_the_page_says_what_is_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables are there all the same."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    page = page_of(read(path))
    assert "<svg" not in page
    assert "pip install &#x27;plum-lsp[report]&#x27;" in page
    assert "<caption>Execution pass rate by day</caption>" in page
