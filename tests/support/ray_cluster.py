"""A Ray cluster of three nodes on this machine: a head that does no work, and two nodes of one processor each.

It runs in a process of its own: `python -m support.ray_cluster FOLDER` prints the address and then obeys `kill node`
and `kill head`. FOLDER must have a short path, because sockets lie in it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from plum_lsp.evaluation.bulk.on_ray import LOOPBACK, PATIENT, QUIET

ON_LOOPBACK = {**QUIET, **LOOPBACK, **PATIENT, "RAY_gcs_rpc_server_reconnect_timeout_s": "5"}
"""For the cluster and those who join it: all on 127.0.0.1, and a short wait for a head that is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RayCluster:
    """A running cluster."""

    address: str
    orders: IO[str]
    answers: IO[str]

    def kill(self, what: str) -> None:
        """Kill all processes of a `node`, or of the `head`, and wait for their end."""
        self.orders.write(f"kill {what}\n")
        self.orders.flush()
        assert self.answers.readline() == "killed\n"


@contextmanager
def ray_cluster(folder: Path, environ: Mapping[str, str]) -> Iterator[RayCluster]:
    """A cluster that ends with the block."""
    command = [sys.executable, "-m", "support.ray_cluster", str(folder)]
    (folder / "ray").mkdir()  # the cluster's address is written there, and Ray's own default may not exist
    with (folder / "cluster.log").open("w") as log:
        child = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[1],
            env={**environ, **ON_LOOPBACK, "RAY_TMPDIR": str(folder), "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert child.stdin is not None
    assert child.stdout is not None
    with child:
        address = child.stdout.readline().strip()
        assert address, (folder / "cluster.log").read_text()
        try:
            yield RayCluster(address=address, orders=child.stdin, answers=child.stdout)
        finally:
            child.stdin.close()
            child.wait()


def main(folder: str) -> None:
    """Start the cluster and obey until standard input ends."""
    import ray
    from ray.cluster_utils import Cluster

    own = {"node_ip_address": "127.0.0.1", "include_dashboard": False, "temp_dir": folder}
    cluster = Cluster(initialize_head=True, head_node_args={**own, "num_cpus": 0})
    nodes = [cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1") for _ in range(2)]
    print(cluster.address, flush=True)
    for order in sys.stdin:
        cluster.remove_node(nodes.pop() if order == "kill node\n" else cluster.head_node, allow_graceful=False)
        print("killed", flush=True)
    cluster.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
