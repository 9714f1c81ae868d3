"""Handing out lines and storing their rows: nothing is asked twice without need, and nothing is stored twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plum_lsp import __version__
from plum_lsp.domain.errors import PlumError, SandboxUnavailable, StoreError
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.bulk.run import REFUSALS_MAX, TRIES_MAX, BulkRun, Progress, left_of
from plum_lsp.evaluation.bulk.work import Answer, Batch, Found, Line
from plum_lsp.evaluation.tasks import Task
from plum_lsp.store.judgements import Judgements, LineKey

LIKE = Batch(lines=(), limits=Limits())


def line(name: str, *, text: str = "def f():\n", seed: int = 0) -> Line:
    """A line of two candidates."""
    return Line(
        key=LineKey(task=name, seed=seed), task=Task(id=name, prompt=text, suffix="", candidates=("    1", "    2"))
    )


def prediction(index: int, reason: str = "") -> dict[str, Any]:
    """A row as `verify` gives it."""
    numbers = {"score": 0.5, "probability": None, "tests_run": 1, "tests_passed": 1, "wall_ms": 1.0}
    return {"task_id": "t", "candidate_index": index, "offered": True, "tier": "verified", "reason": reason, **numbers}


FOUND = Found(predictions=(prediction(0), prediction(1)))


class Scripted:
    """Workers that do to each batch what the script says next: answer, or be lost (None). The default is to answer."""

    def __init__(self, *script: Answer | None, capacity: int = 2) -> None:
        self.script, self.size = list(script), capacity
        self.waiting: list[Batch] = []
        self.seen: list[list[str]] = []

    def capacity(self) -> int:
        return self.size

    def submit(self, batch: Batch) -> None:
        self.waiting.append(batch)
        self.seen.append([one.key.task for one in batch.lines])

    def next_done(self) -> tuple[Batch, Answer | None]:
        batch = self.waiting.pop(0)
        usual = Answer(found=(FOUND,) * len(batch.lines), machine="m")
        return batch, self.script.pop(0) if self.script else usual

    def close(self) -> None:
        """Nothing is open."""


class Standing:
    """A clock that stands still."""

    def now(self) -> float:
        return 0.0


def run(store: Judgements, workers: Scripted, *lines: Line, size: int = 2) -> tuple[BulkRun, list[str]]:
    """The run over the lines that are left, and what it told."""
    told: list[str] = []
    bulk = BulkRun(store=store, workers=workers, like=LIKE, size=size, clock=Standing(), tell=told.append)
    bulk.judge(left_of(lines, LIKE, store))
    return bulk, told


@pytest.fixture
def store(tmp_path: Path) -> Judgements:
    """A new file."""
    return Judgements(tmp_path / "rows.sqlite3")


def test_lines_are_asked_once(store: Judgements) -> None:
    """What has its rows is not handed out again."""
    lines = [line("a"), line("b"), line("c")]
    run(store, first := Scripted(), *lines)
    run(store, second := Scripted(), *lines, line("d"))
    assert (first.seen, second.seen) == ([["a", "b"], ["c"]], [["d"]])
    assert (store.counts().rows, store.counts().asks, store.counts().unanswered) == (8, 4, 0)


def test_a_lost_batch_is_asked_again_line_by_line(store: Judgements) -> None:
    """Each ask is counted, and the lost ones are told from the others."""
    workers = Scripted(None, capacity=1)
    run(store, workers, line("a"), line("b"))
    assert workers.seen == [["a", "b"], ["a"], ["b"]]
    assert (store.counts().asks, store.counts().unanswered, store.counts().rows) == (4, 2, 4)


def test_a_line_that_ends_its_workers_is_given_up(store: Judgements) -> None:
    """It is named, and a later run asks it again."""
    bulk, told = run(store, Scripted(*[None] * TRIES_MAX), line("a"))
    assert bulk.problems == 1
    assert told[0] == f"a: given up after {TRIES_MAX} tries: its worker was lost"
    assert store.counts().rows == 0


def test_a_line_on_which_the_sandbox_broke_is_judged_again(store: Judgements) -> None:
    """Our failure is not the candidate's. The other line of the batch is stored at once."""
    broken = Answer(found=(Found(problem="the sandbox broke: x"), FOUND), machine="m")
    workers = Scripted(broken, capacity=1)
    bulk, _ = run(store, workers, line("a"), line("b"))
    assert workers.seen == [["a", "b"], ["a"]]
    assert (bulk.problems, store.counts().rows) == (0, 4)


def test_a_line_that_breaks_every_sandbox_has_no_rows(store: Judgements) -> None:
    """It is named, and the rest is stored."""
    broken = Answer(found=(Found(problem="the sandbox broke: x"),), machine="m")
    bulk, told = run(store, Scripted(*[broken] * TRIES_MAX, capacity=1), line("a"), size=1)
    assert (bulk.problems, told[0]) == (1, f"a: given up after {TRIES_MAX} tries: the sandbox broke: x")
    assert store.counts().rows == 0


def test_a_busy_machine_is_asked_again(store: Judgements) -> None:
    """A sandbox that does not open once may open the next time."""
    refused = Answer(found=(), machine="m", unusable="no sandbox")
    run(store, Scripted(*[refused] * (REFUSALS_MAX - 1)), line("a"))
    assert store.counts().rows == 2
    with pytest.raises(SandboxUnavailable, match="m cannot judge: no sandbox"):
        run(store, Scripted(*[refused] * REFUSALS_MAX), line("b"))


def test_another_version_is_refused(store: Judgements) -> None:
    """Its verdicts may differ."""
    other = Answer(found=(FOUND,), machine="far", plum_lsp="0.0.1")
    with pytest.raises(PlumError, match=rf"far has plum-lsp 0\.0\.1, and this machine has {__version__}"):
        run(store, Scripted(other), line("a"))


@pytest.mark.parametrize("like", [LIKE, replace(LIKE, limits=Limits(wall_seconds=99))])
def test_rows_of_another_line_are_refused(store: Judgements, like: Batch) -> None:
    """Under the same name: another text, or other limits."""
    run(store, Scripted(), line("a"))
    text = "def g():\n" if like is LIKE else "def f():\n"
    with pytest.raises(StoreError, match="'a'"):
        left_of([line("a", text=text)], like, store)


def test_rows_that_come_again_are_ignored(store: Judgements, tmp_path: Path) -> None:
    """Two commands on one file: the first answer counts, and the second is counted as ignored."""

    class Overtaken(Scripted):
        def next_done(self) -> tuple[Batch, Answer | None]:
            batch, answer = super().next_done()
            with Judgements(tmp_path / "rows.sqlite3") as other:
                for one in batch.lines:
                    (ask,) = other.ask([one.key])
                    first = [prediction(index, "first") for index in (0, 1)]
                    other.answer(ask, one.key, one.sha256(batch.limits), first)
            return batch, answer

    run(store, Overtaken(), line("a"), line("b"))
    counts = store.counts()
    assert (counts.rows, counts.asks, counts.rows_ignored) == (4, 4, 4)
    assert [row["reason"] for row in store.predictions(LineKey(task="a"))] == ["first", "first"]


def test_seeds_and_versions_are_apart(store: Judgements) -> None:
    """Each is a line of its own."""
    run(store, Scripted(), line("a"), line("a", seed=1))
    assert store.counts().rows == 4


def test_another_store_is_refused(tmp_path: Path) -> None:
    """A file with other tables of ours is not written to."""
    from plum_lsp.store.database import connect

    with connect(tmp_path / "x").conn as db:
        db.execute("PRAGMA application_id = 0x706C756D")
        db.execute("CREATE TABLE requests (id TEXT)")
    with pytest.raises(StoreError, match="no file of judgements"):
        Judgements(tmp_path / "x")


def test_progress_says_how_long_the_rest_takes() -> None:
    """By the rate so far, not more often than every two seconds, and at the end."""
    progress = Progress(total=1000, started=0.0, told=0.0)
    assert progress.after(10, 1.0) == ""
    assert progress.after(90, 20.0) == "100/1000 lines, 5.0 a second, about 3 min left"
    assert progress.after(100, 21.0) == ""
    assert progress.after(800, 21.5, failed=3) == "1000/1000 lines, 46.5 a second, 3 tries failed"
