"""Measures the time and memory to build pairs from many stored candidates, and a request's size in the store.

Run: python -m benchmarks.learning_pairs --candidates 1000000. The facts are synthetic, with eight candidates for each
request and six tests for each candidate. They are written at once. All later steps are those of `plum-lsp pairs
rebuild`. The baseline is one pass over the same rows that only reads them.
"""

from __future__ import annotations

import argparse
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from plum_lsp.domain.suggestion import OfferId
from plum_lsp.feedback.rebuild import rebuild
from plum_lsp.store import open_reader, open_store
from plum_lsp.store.forgetting import forget
from plum_lsp.store.learning import LearningStore, open_learning
from plum_lsp.store.preferences import open_preferences
from plum_lsp.store.queries import Reader

GROUP, TESTS, DOCUMENTS = 8, 6, 100
AT = "2026-01-01T00:00:00.000+00:00"


def fill(path: Path, candidates: int) -> None:
    """Write the facts of this many candidates. A third of them fail."""
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("INSERT INTO policy_versions VALUES (1, 0, 'm', 'h', '', ?)", (AT,))
    requests = candidates // GROUP
    for start in range(0, requests, 5_000):
        with connection:
            _write(connection, range(start, min(requests, start + 5_000)))
    connection.execute("ANALYZE")
    connection.close()


def _write(connection: sqlite3.Connection, numbers: range) -> None:
    body = "total = 0\n    for number in numbers:\n        total += number * {}\n    return total{}\n"
    prompts = [
        (f"{n * 2654435761 % 2**32:08x}{n:024x}", f"def function_{n}(numbers):\n" + '    """Doc."""\n' * 30)
        for n in numbers
    ]
    connection.executemany("INSERT INTO prompts VALUES (?, ?)", prompts)
    connection.executemany("INSERT INTO programs VALUES (?, ?, '')", prompts)
    connection.executemany(
        "INSERT INTO requests VALUES (?, ?, ?, 1, 0, 'invoked', 'body', 0, 0, 'f', 0, '    ', '[]',"
        " '[]', 0.95, 320, 0, ?)",
        [(f"r{n}", prompt[0], f"file:///p/{n % DOCUMENTS}.py", AT) for n, prompt in zip(numbers, prompts, strict=True)],
    )
    connection.executemany(
        "INSERT INTO test_cases VALUES (?, ?, ?, 'doctest', '', 'f([1])', 'equals', '{}', '>>> f([1])')",
        [(f"r{n}", f"t{t}", t) for n in numbers for t in range(TESTS)],
    )
    rows, judgements, verdicts = [], [], []
    for n, prompt in zip(numbers, prompts, strict=True):
        for c in range(GROUP):
            is_right = (n + c) % 3 != 0
            text = body.format(c if is_right else -c, "" if is_right else " - 1")
            rows.append((f"r{n}", f"c{c}", c, "h", prompt[0], c, text, text, f"{n}-{c}", AT))
            judgements.append((f"r{n}", f"c{c}", "verified" if is_right else "unverified", AT))
            verdicts += [(f"r{n}", f"c{c}", f"t{t}", "passed" if is_right or t else "failed", AT) for t in range(TESTS)]
    connection.executemany(
        "INSERT INTO candidates VALUES (?, ?, ?, 1, ?, ?, 0.8, 0.95, 320, ?, ?, ?, ?, '', 'cut', '[-0.1, -0.2]', -0.15,"
        " NULL, 10.0, 20.0, ?)",
        rows,
    )
    connection.executemany(
        "INSERT INTO judgements (request_id, candidate_id, tier, score, reason, judged_at)"
        " VALUES (?, ?, ?, 1.0, 'r', ?)",
        judgements,
    )
    connection.executemany("INSERT INTO verdicts VALUES (?, ?, ?, ?, '3', 0.5, 'bwrap', '[]', '3.11', ?)", verdicts)
    connection.executemany(
        "INSERT INTO offers VALUES (?, ?, ?, 0, 0, 'verified', 1.0, 'r', '[]', ?)",
        [(f"o{n}", f"r{n}", f"c{(1 - n) % 3}", AT) for n in numbers],
    )
    connection.executemany(
        "INSERT INTO endings VALUES (?, ?, NULL, '', '{}', ?)", [(f"r{n}", f"o{n}", AT) for n in numbers]
    )
    connection.executemany(
        "INSERT INTO outcomes (offer_id, kind, source, visible_ms, happened_at) VALUES (?, ?, 'client', 900.0, ?)",
        [(f"o{n}", "accepted" if n % 2 else "dismissed", AT) for n in numbers],
    )


def build(path: Path) -> None:
    """Build the pairs in this process, which does only this."""
    started = time.monotonic()
    with open_preferences(path) as store:
        for _ in store.prompts():
            pass
    reading = time.monotonic() - started
    started, work = time.monotonic(), time.process_time()
    with open_preferences(path) as store:
        report = rebuild(store, now=datetime.now(UTC))
    seconds, work = time.monotonic() - started, time.process_time() - work
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{report['candidates']:,} candidates: {report['pair_verdict']:,} pairs, {report['label_desirable']:,} +"
        f" {report['label_undesirable']:,} labels"
    )
    print(f"building {seconds:.1f} s ({work:.1f} s of processor); peak {memory:.0f} MB")
    print(f"reading the same rows alone {reading:.1f} s: ratio {seconds / reading:.2f}")


def ask(path: Path, candidates: int) -> None:
    """The size of the file, and the time of the commands' queries, including the time to open the store."""
    size = path.stat().st_size
    print(f"store {size / 2**20:.0f} MB with pairs, {size / (candidates / GROUP) / 1024:.1f} KB a request")
    questions: tuple[tuple[str, Callable[[], object]], ...] = (
        ("opening the store", lambda: _read(path, lambda reader: None)),
        ("plum-lsp stats: overview", lambda: _read(path, lambda reader: reader.overview())),
        ("plum-lsp explain: latest offer", lambda: _read(path, _latest)),
        ("plum-trainer status: evidence", lambda: _read(path, lambda reader: reader.evidence())),
        ("plum-lsp pairs list: first 20", lambda: _learn(path, lambda store: list(islice(store.pairs(), 20)))),
        ("plum-lsp pairs show: one", lambda: _learn(path, lambda store: store.pair(candidates // GROUP))),
        ("plum-lsp pairs export: all", lambda: _learn(path, lambda store: sum(1 for _ in store.pairs()))),
        ("trainer: fresh candidates", lambda: _learn(path, lambda store: store.fresh_candidates(since="2026-01-02"))),
        ("trainer: held-out programs", lambda: _learn(path, lambda store: sum(1 for _ in store.programs()))),
        ("trainer: served requests", lambda: _learn(path, lambda store: store.served(since=""))),
        ("plum-lsp forget: one file of a hundred", lambda: forget(path, is_wanted=lambda uri: uri.endswith("/7.py"))),
    )
    for name, question in questions:
        started, work = time.monotonic(), time.process_time()
        question()
        print(f"  {name:40} {time.monotonic() - started:7.2f} s, {time.process_time() - work:6.2f} s of processor")


def _latest(reader: Reader) -> object:
    return reader.explain(reader.latest_offer() or OfferId(""))


def _read(path: Path, question: Callable[[Reader], object]) -> None:
    with open_reader(path) as reader:
        question(reader)


def _learn(path: Path, question: Callable[[LearningStore], object]) -> None:
    with open_learning(path) as store:
        question(store)


def main() -> None:
    """Fill a store, build in a separate process, and run the queries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.store:
        build(options.store)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plum.sqlite3"
        fill(path, options.candidates)
        subprocess.run([sys.executable, "-m", "benchmarks.learning_pairs", "--store", str(path)], check=True)
        ask(path, options.candidates)


if __name__ == "__main__":
    main()
