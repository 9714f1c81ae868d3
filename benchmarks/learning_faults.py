"""Sends SIGKILL at random moments of training rounds with a tiny model. After each, all state must be consistent.

Run: python -m benchmarks.learning_faults --kills 30. Each turn is a process with its fit and its samples. The moment is
drawn from the length of a turn without a kill. That turn is the baseline. The cost of recovery is the time of all
turns, including killed ones, divided by the time of as many whole turns as there were finished rounds.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.learning import fill, tiny_trainer
from support.tiny_model import make_tiny_model

from plum_lsp.config.folder import versions_folder
from plum_lsp.policy.models.weights import read_adapter
from plum_lsp.policy.versions.folders import VersionStore
from plum_trainer.fit.job import read_json
from plum_trainer.loop.rounds import rounds

ONCE = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.learning import tiny_trainer
from plum_trainer.loop.daemon import improve
improve(tiny_trainer(Path({data!r}), Path({base!r})))
"""


def once(data_dir: Path, base: Path) -> subprocess.Popen[bytes]:
    """One turn in its own process."""
    tests = str(Path(__file__).parents[1] / "tests")
    program = ONCE.format(tests=tests, data=str(data_dir), base=str(base))
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def problems(data_dir: Path, base: Path) -> list[str]:
    """The inconsistencies that were found."""
    found = []
    store = VersionStore(versions_folder(data_dir))
    pointer = read_json(store.root / "active.json") or {"number": 0}
    if pointer["number"] and store.active() is None:
        found.append("the pointer names no whole version")
    found += [one.name for one in store.versions() if read_adapter(one.folder).sha256 != one.adapter_sha256]
    with tiny_trainer(data_dir, base).store() as learning:
        ends = Counter(event.round for event in learning.events() if event.step in {"published", "rejected"})
    found += [f"round {number} ended {times} times" for number, times in ends.items() if times > 1]
    return found


def main() -> None:
    """Kill, check, and continue until there were enough kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        data_dir, base = Path(folder) / "data", make_tiny_model(Path(folder) / "base")
        fill(data_dir, functions=12)
        started = time.monotonic()
        if once(data_dir, base).wait() != 0:
            sys.exit("a turn failed that was not killed")
        whole = time.monotonic() - started
        killed, ended, bad, spent = 0, 0, [], 0.0
        while killed < options.kills:
            version = VersionStore(versions_folder(data_dir)).active()
            if not any(one.end is None for one in rounds(data_dir)):
                fill(data_dir, version=version.number if version else 0, functions=12, run=100 + killed)
            started = time.monotonic()
            turn = once(data_dir, base)
            try:
                turn.wait(generator.uniform(0.05, 1.0) * whole)
                ended += 1
            except subprocess.TimeoutExpired:
                turn.send_signal(signal.SIGKILL)
                turn.wait()
                killed += 1
            spent += time.monotonic() - started
            bad += problems(data_dir, base)
            print(f"{killed} kills, {ended} turns ended, {len(bad)} problems", flush=True)
        last = once(data_dir, base)
        last.wait()
        bad += problems(data_dir, base)
    print(f"a turn takes {whole:.0f} s; {killed} kills over {ended} ended turns in {spent:.0f} s")
    print(f"cost of recovering: {spent / (whole * max(1, ended)):.2f} times whole turns; problems: {bad or 'none'}")


if __name__ == "__main__":
    main()
