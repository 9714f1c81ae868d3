"""Signals beside correctness: what ruff sees, who is slow, and whom they put first."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from pathlib import Path

import pytest
from support.facts import judged, suggestion

from plum_lsp.domain.events import Appraised
from plum_lsp.domain.quality import Findings, Passage, Quality
from plum_lsp.domain.suggestion import Context, OfferId, RequestId
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Ending, Observation
from plum_lsp.python import ruff as reading
from plum_lsp.python.reading.window import program_with, read_context
from plum_lsp.python.ruff import RuffReader
from plum_lsp.store import open_reader, open_store
from plum_lsp.store.forgetting import forget
from plum_lsp.verification.quality import appraised, passage_of, quality_key, quality_of, quality_words, slowness_of

PLAIN = Quality(security=(), complexity=2, lines=3, slowness=1.0)
BRANCHES = "def f(x):\n    if x > 0:\n        return 1\n    for _ in x:\n        pass\n    return 0\n"
UNSAFE = "import subprocess\n\n\ndef g(x):\n    subprocess.run(x, shell=True)  # noqa: S602\n    return eval(x)\n"


def context_of(before: str, after: str = "") -> Context:
    """The context of a cursor between two texts."""
    document = Document(uri="file:///t.py", version=0, text=before + after)
    context = read_context(document, len(before), prefix_tokens=4000, suffix_tokens=1000)
    assert context is not None
    return context


def took(*milliseconds: float, ending: Ending = Ending.RETURNED) -> list[Observation]:
    """Calls that took so long."""
    return [Observation(ending=ending, wall_ms=one) for one in milliseconds]


@pytest.mark.slow
async def test_one_process_reads_a_whole_group() -> None:
    """Each passage gets its own findings, wherever it stands in the text; `noqa` hides nothing."""
    passages = [
        Passage(source=BRANCHES, first_line=1, last_line=6),
        Passage(source=UNSAFE.rstrip("\n"), first_line=4, last_line=6),
        Passage(source=UNSAFE, first_line=1, last_line=2),
    ]
    branches, unsafe, elsewhere = await RuffReader().inspect(passages)
    assert branches == Findings(security=(), complexity=3)
    assert [finding.split()[0] for finding in unsafe.security] == ["S602", "S307"]
    assert elsewhere == Findings(security=(), complexity=1)


@pytest.mark.slow
async def test_a_reader_that_cannot_be_started_says_so_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Candidates are offered without these signals then."""
    monkeypatch.setattr(reading, "find_ruff_bin", lambda: str(tmp_path / "absent"))
    with caplog.at_level(logging.WARNING):
        assert await RuffReader().inspect([Passage(source=BRANCHES, first_line=1, last_line=6)]) == ()
    assert "not inspected" in caplog.text


def test_a_passage_is_what_the_candidate_wrote_with_its_header() -> None:
    """Findings elsewhere in the document are not its fault."""
    context = context_of("import os\n\n\ndef f(x):\n    ", "\n\n\ndef g():\n    pass\n")
    passage = passage_of(context, "y = x\n    return y", program_with(context, "y = x\n    return y"))
    assert passage.source.split("\n")[passage.first_line - 1 : passage.last_line] == [
        "def f(x):",
        "    y = x",
        "    return y",
    ]


def test_slowness_is_measured_against_the_siblings_on_shared_inputs() -> None:
    """Inputs on which one of them did not come to an end count for nobody."""
    observed = {0: took(10, 10), 1: took(10, 12), 2: took(100, 98)}
    slowness = slowness_of(observed)
    assert slowness[0] == 1.0
    assert slowness[2] == pytest.approx(200 / 24)
    observed = {0: took(10), 1: took(10), 2: took(900, ending=Ending.TIMED_OUT)}
    assert set(slowness_of(observed).values()) == {1.0}
    assert slowness_of({}) == {}


def test_times_below_the_noise_of_a_machine_make_nobody_slow() -> None:
    """Twenty times nothing is nothing."""
    assert slowness_of({0: took(0.01), 1: took(0.2), 2: took(0.01)})[1] < 1.2


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (PLAIN, Quality(security=("S307 eval",), complexity=1, lines=1, slowness=1.0)),
        (PLAIN, Quality(security=(), complexity=1, lines=1, slowness=9.0)),
        (PLAIN, Quality(security=(), complexity=3, lines=1, slowness=1.0)),
        (PLAIN, Quality(security=(), complexity=2, lines=4, slowness=1.9)),
    ],
)
def test_safe_comes_before_fast_before_simple_before_short(better: Quality, worse: Quality) -> None:
    """One key, and small differences of time are none."""
    assert quality_key(better) < quality_key(worse)


def test_lines_of_code_are_counted_and_told_with_what_is_remarkable() -> None:
    """Comments and empty lines are free."""
    quality = quality_of(Findings(security=("S307 eval",), complexity=4), "# why\n\nreturn eval(x)\n", 3.25)
    assert quality.lines == 1
    assert quality_words(quality) == (
        "complexity 4, 1 line, 3.2 times slower than the other candidates, security: S307 eval"
    )
    assert quality_words(PLAIN) == "complexity 2, 3 lines"


class Reading:
    """An inspector that finds what it was told."""

    def __init__(self, *findings: Findings) -> None:
        self.findings = findings

    async def inspect(self, passages: object) -> tuple[Findings, ...]:
        """The same for everybody."""
        return self.findings


async def test_a_group_is_appraised_in_its_order() -> None:
    """Tier, score and reason stay as they are; without an inspector so does everything."""
    context = context_of("def add(a, b):\n    ")
    group = [judged(0, passes=False), judged(1, passes=True)]
    findings = Findings(security=(), complexity=1)
    done = await appraised(group, context, {0: took(1.0), 1: took(1.0)}, Reading(findings, findings))
    assert [one.quality for one in done] == [Quality(security=(), complexity=1, lines=1, slowness=1.0)] * 2
    assert [(one.tier, one.score, one.candidate) for one in done] == [
        (one.tier, one.score, one.candidate) for one in group
    ]
    assert await appraised(group, context, {}, None) == group
    assert await appraised(group, context, {}, Reading()) == group


def test_the_store_keeps_the_signals_apart(tmp_path: Path) -> None:
    """They are told with the offer's group; a candidate nobody appraised has none."""
    store = open_store(tmp_path / "a.sqlite3")
    events = suggestion("r1")
    quality = Quality(security=("S307 eval",), complexity=2, lines=1, slowness=1.5)
    known = judged(1, passes=True).candidate.id
    for event in (*events[:-1], Appraised(request_id=RequestId("r1"), qualities=((known, quality),)), events[-1]):
        store.record(event)
    store.close()
    with open_reader(tmp_path / "a.sqlite3") as reader:
        explanation = reader.explain(OfferId("r1-offer"))
    assert explanation is not None
    assert {one.id: one.quality for one in explanation.candidates} == {"c0": None, "c1": quality}


def test_the_signals_are_forgotten_with_their_candidates(tmp_path: Path) -> None:
    """Findings quote nothing of the code, and still nothing is left of it."""
    path = tmp_path / "a.sqlite3"
    store = open_store(path)
    events = suggestion("r1")
    known = judged(1, passes=True).candidate.id
    for event in (*events[:-1], Appraised(request_id=RequestId("r1"), qualities=((known, PLAIN),)), events[-1]):
        store.record(event)
    store.close()
    forget(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM qualities").fetchall() == [(0,)]
