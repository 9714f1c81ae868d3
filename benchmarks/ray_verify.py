"""Bulk verification in one process and on a Ray cluster of this machine: time, lines a second, and Ray's own part.

    python -m benchmarks.ray_verify [--lines 200] [--batches 1 8 64]

Each line is a function of one statement with an example, a right candidate and a wrong one. The cluster has a head
without processors, and one node or two of one processor each. Each run is the real command with a new file of rows.
The rows of each run must be those of the run in one process. Ray's own part is the time of a task that does nothing,
asked as the command asks: two for each processor at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from plum_lsp.evaluation.bulk.on_ray import LOOPBACK, QUIET

PROMPT = 'def add{n}(a, b):\n    """Add.\n\n    >>> add{n}(1, {n})\n    {result}\n    """\n'
PLUM_LSP = str(Path(sys.executable).with_name("plum-lsp"))
EMPTY_TASKS = 300
Rows = list[tuple[Any, ...]]


def _timed(folder: Path, name: str, *options: str) -> tuple[float, Rows]:
    """The seconds that one run took, and its rows without times."""
    path = folder / f"{name}.sqlite3"
    started = time.perf_counter()
    command = [sys.executable, PLUM_LSP, "verify", "in.jsonl", "--rows", str(path), *options]
    subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    took = time.perf_counter() - started
    query = (
        "SELECT task, candidate, offered, score, probability, tier, tests_passed, reason FROM judgements ORDER BY 1, 2"
    )
    return took, sqlite3.connect(path).execute(query).fetchall()


def _empty_task_ms(address: str, at_once: int) -> float:
    """Milliseconds for each empty task."""
    import ray

    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    empty = ray.remote(num_cpus=1, max_retries=0)(lambda: None)
    ray.get([empty.remote() for _ in range(at_once)])
    started = time.perf_counter()
    out = [empty.remote() for _ in range(at_once)]
    for _ in range(EMPTY_TASKS):
        (done, *_), rest = ray.wait(out, num_returns=1)
        ray.get(done)
        out = [*rest, empty.remote()]
    took = time.perf_counter() - started
    ray.shutdown()
    return took * 1000 / EMPTY_TASKS


def _on_ray(folder: Path, alone: Rows, lines: int, batches: list[int]) -> None:
    from ray.cluster_utils import Cluster

    head = {"node_ip_address": "127.0.0.1", "include_dashboard": False, "num_cpus": 0}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for nodes in (1, 2):
        cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
        print(f"{nodes} node(s): an empty task {_empty_task_ms(cluster.address, 2 * nodes):.1f} ms")
        for batch in batches:
            options = ("--ray", cluster.address, "--batch", str(batch))
            took, rows = _timed(folder, f"ray-{nodes}-{batch}", *options)
            same = "the same rows" if rows == alone else "OTHER ROWS"
            print(f"{nodes} node(s), batches of {batch}: {took:.1f} s, {lines / took:.2f} lines a second, {same}")
    cluster.shutdown()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64])
    arguments = parser.parse_args()
    os.environ.update(QUIET | LOOPBACK)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        candidates = [{"text": "    return a + b\n"}, {"text": "    return a - b\n"}]
        tasks = [
            {"task_id": f"t{n}", "prompt": PROMPT.format(n=n, result=n + 1), "candidates": candidates}
            for n in range(arguments.lines)
        ]
        (folder / "in.jsonl").write_text("\n".join(map(json.dumps, tasks)))
        alone: Rows = []
        for batch in arguments.batches:
            took, alone = _timed(folder, f"alone-{batch}", "--batch", str(batch))
            rate = arguments.lines / took
            print(f"one process, batches of {batch}: {took:.1f} s, {rate:.2f} lines a second", flush=True)
        _on_ray(folder, alone, arguments.lines, arguments.batches)


if __name__ == "__main__":
    main()
