"""The figures of a report, computed again from the tables of a store by a script that shares no code with it."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from html import escape
from math import ceil, comb
from pathlib import Path

import pytest
from support.facts import VERSION, candidate, prompted, suggestion
from support.used import used

from plum_lsp.config.folder import store_file
from plum_lsp.domain.events import Sampled
from plum_lsp.domain.suggestion import AbstentionReason, RequestId, Tier
from plum_lsp.report.installation import to_install
from plum_lsp.report.ndjson import copilot_lines
from plum_lsp.report.page import page_of
from plum_lsp.report.tables import REASONS, heading, tables
from plum_lsp.report.usage import Report, report_of
from plum_lsp.store import open_reader, open_store
from plum_lsp.store.people.sharing import Sharing

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


def test_waits_are_those_of_the_tables(path: Path) -> None:
    """Median and 95th percentile of the times to an offer, and their intervals by exact arithmetic."""
    chance = random.Random(9)
    times: dict[str, list[tuple[float, str]]] = {}
    with sqlite3.connect(path) as db:
        for request, is_offer, place in db.execute(
            "SELECT request_id, offer_id IS NOT NULL, document_uri || function_name FROM endings "
            "LEFT JOIN requests ON id = request_id ORDER BY request_id"
        ).fetchall():
            stages = {"first_candidate": chance.uniform(50, 900), "ended": chance.uniform(900, 5000)}
            db.execute("UPDATE endings SET stages_ms = ? WHERE request_id = ?", (json.dumps(stages), request))
            for stage, time in stages.items():
                if is_offer:
                    times.setdefault(stage, []).append((time, place))
    found = read(path).waits
    assert [one.stage for one in found] == ["first_candidate", "ended"]
    for one in found:
        for quantile, part in ((one.p50_ms, Fraction(1, 2)), (one.p95_ms, Fraction(19, 20))):
            assert (quantile.value, quantile.low, quantile.high) == interval_again(times[one.stage], part)
            assert quantile.count == len(times[one.stage])
    (table,) = (table for table in tables(read(path)) if table.title.startswith("Time from"))
    assert all(len(row) == 6 and row[3].endswith(" s") for row in table.rows)


def interval_again(times: list[tuple[float, str]], part: Fraction) -> tuple[float, float | None, float | None]:
    """A quantile and the ends of its interval, from the definitions: none of them is computed as the report does."""
    times = sorted(times)
    count, places = len(times), sorted({place for _, place in times})
    value = next(time for number, (time, _) in enumerate(times, start=1) if number >= part * count)
    share = Fraction(sum(time <= value for time, _ in times), count)
    trials = Fraction(len(places))
    if share < 1:
        sums = [sum((time <= value) - share for time, of in times if of == place) for place in places]
        variance = Fraction(len(places), len(places) - 1) * sum(one**2 for one in sums) / count**2
        trials = min(share * (1 - share) / variance, Fraction(count))
    whole = max(1, int(trials))
    chances = [comb(whole, one) * part**one * (1 - part) ** (whole - one) for one in range(whole + 1)]
    lows = [rank for rank in range(1, whole + 1) if sum(chances[:rank]) <= Fraction(1, 40)]
    highs = [rank for rank in range(1, whole + 1) if sum(chances[rank:]) <= Fraction(1, 40)]
    low = times[int(Fraction(max(lows) - 1, whole) * count)][0] if lows else None
    high = times[ceil(Fraction(min(highs), whole) * count) - 1][0] if highs else None
    return value, low, high


def test_the_sandbox_is_that_of_the_tables(path: Path) -> None:
    """Each candidate that ran counts once, however often it was judged, and so does each copy of it.

    So the number agrees with that of the pass rate. Requests that the sandbox ended are told.
    """
    with sqlite3.connect(path) as db:
        first = "(SELECT request_id FROM endings WHERE reason IS NOT NULL ORDER BY rowid LIMIT 1)"
        db.execute(f"UPDATE endings SET reason = 'sandbox_failed' WHERE request_id = {first}")
        ran = {(one, other) for one, other in db.execute("SELECT request_id, candidate_id FROM verdicts")}
        candidates = db.execute("SELECT request_id, id, position, duplicate_of FROM candidates").fetchall()
        reasons = Counter(reason for (reason,) in db.execute("SELECT reason FROM endings"))
    names = {(request, position): name for request, name, position, _ in candidates}
    count = sum(
        ((request, name) if copied is None else (request, names[request, copied])) in ran
        for request, name, _, copied in candidates
    )
    found = read(path)
    assert found.isolation == {"namespaces": count}
    assert count == sum(one.passed.whole for one in found.versions if one.passed) > len(ran)
    assert (found.sandbox_failed, found.without_sandbox) == (reasons["sandbox_failed"], reasons["sandbox_unavailable"])
    assert found.sandbox_failed > 0
    (table,) = (table for table in tables(found) if table.title == "Sandbox")
    assert table.rows[0] == ("candidates that ran, isolation namespaces", str(count))


def test_what_was_offered_was_not_kept_from_the_screen(path: Path) -> None:
    """An offer whose tests failed afterwards counts in the pass rate, and not among the candidates kept back."""
    before = read(path)
    with sqlite3.connect(path) as db:
        ((request, chosen),) = db.execute("SELECT request_id, candidate_id FROM offers LIMIT 1").fetchall()
        given = (request, chosen)
        db.execute("UPDATE verdicts SET status = 'failed' WHERE request_id = ? AND candidate_id = ?", given)
        copies = "SELECT count(*) FROM candidates WHERE request_id = ? AND duplicate_of = 1"
        ((more,),) = db.execute(copies, (request,)).fetchall()
    found = read(path)
    assert found.wrong == before.wrong + more
    assert sum(one.passed.part for one in found.versions if one.passed) == (
        sum(one.passed.part for one in before.versions if one.passed) - 1 - more
    )


def test_examples_are_wrong_candidates_that_nobody_saw(path: Path) -> None:
    """Text of theirs cannot become markup. Without being asked for, none is in the page."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE candidates SET text = '<script>' || char(10) || 'x = 1' WHERE id = 'c0'")
        offered = "SELECT count(*) FROM offers WHERE candidate_id = 'c0'"
        assert db.execute(offered).fetchone() == (0,)
    with open_reader(path) as reader:
        examples = reader.wrong_examples(limit=3)
        page = page_of(report_of(reader.usage(), now=NOW), examples)
    assert [(one.text, one.test, one.shown) for one in examples] == [("<script>\nx = 1", "add(0, 1)", "-1")] * 3
    assert page.count("<details>") == 3
    assert "&lt;script&gt;\nx = 1" in page
    assert "<script" not in page
    assert "<details>" not in page_of(read(path))


def test_lines_in_the_words_of_copilot(path: Path) -> None:
    """Shown and accepted suggestions of each day, and their lines, counted row by row."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE candidates SET text = 'a = 1' || char(10) || char(10) || 'return a' || char(10)")
        days = dict(
            db.execute(
                "SELECT offers.id, substr(prompted_at, 1, 10) FROM offers JOIN requests ON requests.id = request_id"
            )
        )
        outcomes = db.execute("SELECT offer_id, kind FROM outcomes").fetchall()
        ((author,),) = db.execute("SELECT DISTINCT author FROM requests").fetchall()
    shown = Counter(days[offer] for offer in {offer for offer, _ in outcomes})
    accepted = Counter(days[offer] for offer in {offer for offer, kind in outcomes if kind == "accepted"})
    with open_reader(path) as reader:
        records = [json.loads(line) for line in copilot_lines(reader.usage().offers)]
    assert [one["day"] for one in records] == sorted(shown)
    for one in records:
        counts = {
            "code_generation_activity_count": shown[one["day"]],
            "code_acceptance_activity_count": accepted[one["day"]],
            "loc_suggested_to_add_sum": 3 * shown[one["day"]],
            "loc_added_sum": 3 * accepted[one["day"]],
        }
        totals = [{"feature": "code_completion", **counts}]
        assert one == {"day": one["day"], "user_id": author, **counts, "totals_by_feature": totals}


def test_a_round_has_its_gate_decision(path: Path) -> None:
    """The last decision of each round counts, and a round without one says so."""
    steps = [
        (1, "decided", {"is_promoted": True, "reasons": [], "report": {}}),
        (1, "published", {"version": 3}),
        (2, "decided", {"is_promoted": False, "reasons": ["not surely better", "longer"], "report": {}}),
        (2, "rejected", {}),
        (3, "fitted", {}),
    ]
    with sqlite3.connect(path) as db:
        for round_number, step, detail in steps:
            given = (round_number, step, json.dumps(detail), "2026-11-07T00:00:00.000+00:00")
            db.execute("INSERT INTO training_events (round, step, detail, happened_at) VALUES (?, ?, ?, ?)", given)
    found = read(path)
    assert [(one.number, one.step, one.is_promoted, one.reasons) for one in found.rounds] == [
        (1, "published", True, ()),
        (2, "rejected", False, ("not surely better", "longer")),
        (3, "fitted", None, ()),
    ]
    (table,) = (table for table in tables(found) if table.title == "Training rounds")
    assert [row[-1] for row in table.rows] == ["promoted", "refused: not surely better; longer", "–"]


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
    assert escape(to_install("report")) in page
    assert "<caption>Execution pass rate by day</caption>" in page


@pytest.mark.parametrize(
    ("sharing", "rows"),
    [
        (None, []),
        (Sharing(is_shared=True, withdrawn_at="", versions=()), [("shared now", "yes")]),
        (
            Sharing(is_shared=False, withdrawn_at=NOW, versions=("plum-v3", "plum-v4")),
            [
                ("shared now", "no"),
                ("withdrawn, and taken out of the folder", "2026-11-20"),
                ("versions that keep what they learned", "plum-v3, plum-v4"),
            ],
        ),
    ],
)
def test_sharing_and_its_end_are_told(path: Path, sharing: Sharing | None, rows: list[tuple[str, str]]) -> None:
    """With the versions that cannot forget. Whoever never shared reads nothing of it."""
    with open_reader(path) as reader:
        found = report_of(reader.usage(), now=NOW, sharing=sharing)
    assert [row for table in tables(found) if table.title == "Facts shared with a team" for row in table.rows] == rows
