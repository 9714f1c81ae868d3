"""The excerpt of hostile and control programs ends as it must, in every tier, as root and as an ordinary user."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.another_user import readable_copy, run_as_nobody
from support.sandbox_attacks import canaries, ends

from plum_lsp.domain.verification import Limits
from plum_lsp.sandbox.isolation.plans import TIERS

EXCERPT = Path(__file__).parents[1] / "data" / "attacks_excerpt.jsonl"
MUST_BE = {case["id"]: case["must_be"] for case in map(json.loads, EXCERPT.read_text().splitlines())}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("tier", [tier.name for tier in TIERS])
async def test_every_case_ends_as_it_must_in_a_mixed_batch(tier: str) -> None:
    """Hostile programs among sixteen more honest ones: each ends as its line says."""
    honest = [
        json.dumps(
            {
                "id": f"honest-{number}",
                "code": f"from collections import Counter\ndef f(x): return [x * {number}, Counter('aab')]\n",
                "entry_point": "f",
                "tests": [[[x], [x * number, {"a": 2, "b": 1}]] for x in range(8)],
            }
        )
        for number in range(16)
    ]
    lines = EXCERPT.read_text().splitlines()
    mixed = [line for pair in itertools.zip_longest(lines, honest, fillvalue="") for line in pair]
    with canaries():
        found = await ends(mixed, tier=tier)
    assert found["statuses"] == MUST_BE | {f"honest-{number}": "pass" for number in range(16)}
    assert found["tier"] == tier


async def test_every_case_ends_as_it_must_alone() -> None:
    """The same, one at a time."""
    with canaries():
        found = await ends(EXCERPT.read_text().splitlines(), tier=None, at_once=1, limits=Limits(wall_seconds=1.0))
    assert found["statuses"] == MUST_BE


@pytest.fixture(scope="module")
def copy_for_nobody() -> Iterator[tuple[Path, Path, str]]:
    """Folder, executable and path of a copy that anyone can run; pytest's own folders are closed to others."""
    if os.geteuid() != 0:
        pytest.skip("already an ordinary user: the other tests say it all")
    with tempfile.TemporaryDirectory(prefix="plum-nobody-") as folder:
        yield (Path(folder), *readable_copy(Path(folder)))


@pytest.mark.parametrize("tier", [tier.name for tier in TIERS])
def test_every_case_ends_as_it_must_as_an_ordinary_user(tier: str, copy_for_nobody: tuple[Path, Path, str]) -> None:
    """Root's privileges are not what holds the jail together."""
    folder, python, path = copy_for_nobody
    done = run_as_nobody(
        [str(python), "-m", "support.sandbox_attacks", str(folder / "data" / EXCERPT.name), tier], folder, path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["statuses"] == MUST_BE
    assert (found["user"], found["tier"]) == (65534, tier)
