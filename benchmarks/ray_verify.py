"""Bulk verification in one process and on a Ray cluster of this machine: time, lines a second, and Ray's own part.

    python -m benchmarks.ray_verify [--lines 200] [--batches 1 8 64] [--kills]

Each line is a function of one statement with an example, a right candidate and a wrong one. The cluster has a head
without processors, and one node or two of one processor each. Each run is the real command with a new file of rows.
The rows of each run must be those of the run in one process. Ray's own part is the time of a task that does nothing,
asked as the command asks: two for each processor at once.

With `--kills` it is one run instead, in which a node, the command and the head of a cluster of three nodes are killed
in turn, after a quarter, a half and three quarters of the rows. Each time the same command then goes on. The workers
note each line that they begin, so that executions can be told from rows.
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
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.counted_batches import begun
from support.ray_cluster import ON_LOOPBACK, RayCluster, ray_cluster

from plum_lsp.store.judgements import Judgements

PROMPT = 'def add{n}(a, b):\n    """Add.\n\n    >>> add{n}(1, {n})\n    {result}\n    """\n'
TESTS = sys.path[0]
PLUM_LSP = str(Path(sys.executable).with_name("plum-lsp"))
EMPTY_TASKS = 300
KILLED_BATCH = 8
LOOK_SECONDS = 0.5
BEGUN = "begun.txt"
SHOWN = 3
"""Rows that differ."""
Rows = list[tuple[Any, ...]]


def _command(path: Path, *options: str) -> list[str]:
    return [sys.executable, PLUM_LSP, "verify", "in.jsonl", "--rows", str(path), *options]


def _timed(folder: Path, name: str, *options: str) -> tuple[float, Rows]:
    """The seconds that one run took, and its rows without times."""
    path = folder / f"{name}.sqlite3"
    started = time.perf_counter()
    subprocess.run(_command(path, *options), cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started, _rows(path)


def _rows(path: Path) -> Rows:
    """The rows without times."""
    query = (
        "SELECT task, version, seed, candidate, line_sha256, offered, score, probability, tier, tests_run,"
        " tests_passed, reason FROM judgements ORDER BY task, version, seed, candidate"
    )
    with closing(sqlite3.connect(path, timeout=30)) as db:
        return db.execute(query).fetchall()


def _compared(rows: Rows, alone: Rows) -> str:
    """Whether the rows are those of one process, and the first that differ."""
    if rows == alone:
        return "the same rows"
    other = [(one, was) for one, was in zip(rows, alone, strict=False) if one != was]
    return f"OTHER ROWS ({len(rows)} and {len(alone)}, {len(other)} differ): {other[:SHOWN]}"


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
            same = _compared(rows, alone)
            print(f"{nodes} node(s), batches of {batch}: {took:.1f} s, {lines / took:.2f} lines a second, {same}")
    cluster.shutdown()


def _killed_in_turn(folder: Path, alone: Rows) -> None:
    """A run that is killed three times: its time, its rows, and how often lines were handed out for them."""
    path, quarter = folder / "killed.sqlite3", len(alone) // 4
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as name, ray_cluster(Path(name), os.environ) as cluster:
        command = _begin(folder, path, cluster)
        _wait_for(path, quarter, command)
        cluster.kill("node")
        _wait_for(path, 2 * quarter, command)
        command.kill()
        command.wait()
        command = _begin(folder, path, cluster)
        _wait_for(path, 3 * quarter, command)
        cluster.kill("head")
        command.wait()
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as name, ray_cluster(Path(name), os.environ) as cluster:
        status = _begin(folder, path, cluster).wait()
    took = time.perf_counter() - started
    with Judgements(path) as store:
        counts = store.counts()
    same = _compared(_rows(path), alone)
    print(f"a node, the command and the head killed: {took:.1f} s, status {status}, {same}")
    print(f"{counts.rows} rows stored, lines handed out {counts.asks}, never answered {counts.unanswered}")
    tries = begun(folder / BEGUN)
    repeated = sum(count > 1 for count in tries.values())
    print(f"lines begun by a worker {tries.total()}, of {len(tries)} tasks, {repeated} of them more than once")


def _begin(folder: Path, path: Path, cluster: RayCluster) -> subprocess.Popen[bytes]:
    counted = [sys.executable, "-m", "support.counted_batches", str(folder / BEGUN), *_command(path)[2:]]
    return subprocess.Popen(
        [*counted, "--ray", cluster.address, "--batch", str(KILLED_BATCH)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((TESTS, os.environ.get("PYTHONPATH", "")))},
        stderr=subprocess.DEVNULL,
    )


def _wait_for(path: Path, rows: int, command: subprocess.Popen[bytes]) -> None:
    """Wait until so many rows are stored."""
    while True:
        with suppress(sqlite3.OperationalError):  # the table is not made yet
            if len(_rows(path)) >= rows:
                return
        assert command.poll() is None, "the command has ended"
        time.sleep(LOOK_SECONDS)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--kills", action="store_true")
    arguments = parser.parse_args()
    os.environ.update(ON_LOOPBACK)
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
            took, rows = _timed(folder, f"alone-{batch}", "--batch", str(batch))
            rate = arguments.lines / took
            same = "" if not alone else f", {_compared(rows, alone)}"
            alone = rows
            print(f"one process, batches of {batch}: {took:.1f} s, {rate:.2f} lines a second{same}", flush=True)
        if arguments.kills:
            _killed_in_turn(folder, alone)
        else:
            _on_ray(folder, alone, arguments.lines, arguments.batches)


if __name__ == "__main__":
    main()
