"""A child has so many threads and no more, in every tier, as root and as an ordinary user, without a control group."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import without_isolation
from support.another_user import readable_copy, run_as_nobody
from support.thread_floods import HONEST, counts

from plum_lsp.sandbox.environments import describe_interpreter
from plum_lsp.sandbox.isolation.plans import THREADS, TIERS, _is_readable_by_all
from plum_lsp.sandbox.jail import tasks

pytestmark = pytest.mark.slow
OWN = (tasks.OWN_NAMESPACE, tasks.OWN_USER)


def assert_bounded(found: dict[str, Any], *kinds: str) -> None:
    """Every flood ends at the number that the tier tells, which is one of these, and an honest pool has its threads.

    A child with a number of its own has its threads beside any flood.
    """
    kind = next(one for one, layer in THREADS.items() if one in kinds and layer in found["layers"])
    made = found["made"].values()
    most = {tasks.SHARED: tasks.SHARED_MAX, tasks.NOTHING: 1}.get(kind, tasks.OWN_MAX)
    assert all(0 < count <= most for count in made), json.dumps(found)
    assert found["honest"] == (0 if kind == tasks.NOTHING else HONEST)
    assert found["beside"] == HONEST or kind not in OWN


KINDS = {"full": OWN, "bubblewrap": OWN, "landlock": OWN}
"""What holds in each tier where user namespaces are allowed."""


@pytest.mark.parametrize("tier", [tier.name for tier in TIERS])
async def test_floods_end(tier: str) -> None:
    """As whoever runs the tests."""
    assert_bounded(await counts(tier), *KINDS[tier])


@pytest.fixture(scope="module")
def copy_for_nobody() -> Iterator[tuple[Path, Path, str]]:
    """Folder, executable and path of a copy that anyone can run."""
    if os.geteuid() != 0:
        pytest.skip("already an ordinary user: the other tests say it all")
    with tempfile.TemporaryDirectory(prefix="plum-nobody-") as folder:
        yield (Path(folder), *readable_copy(Path(folder)))


@pytest.mark.parametrize("tier", [tier.name for tier in TIERS])
def test_floods_end_as_an_ordinary_user(tier: str, copy_for_nobody: tuple[Path, Path, str]) -> None:
    """Root's privileges are not what counts them."""
    folder, python, path = copy_for_nobody
    done = run_as_nobody([str(python), "-m", "support.thread_floods", tier], folder, path)
    assert done.returncode == 0, done.stderr
    assert_bounded(json.loads(done.stdout), *KINDS[tier])


def test_where_namespaces_are_forbidden_children_share(copy_for_nobody: tuple[Path, Path, str]) -> None:
    """A number on top of what the user runs; here a user who runs nothing else, so that nobody changes it meanwhile."""
    folder, python, path = copy_for_nobody
    command = [str(python), "-m", "support.without_isolation", "--refuse=unshare"]
    done = run_as_nobody([*command, str(python), "-m", "support.thread_floods", "landlock"], folder, path, user=61_234)
    assert done.returncode == 0, done.stderr
    assert_bounded(json.loads(done.stdout), tasks.SHARED)


def test_what_a_user_runs_is_counted_without_the_count_itself(copy_for_nobody: tuple[Path, Path, str]) -> None:
    """The shared number goes on top of it, so one more here is one thread too many there."""
    folder, python, path = copy_for_nobody
    count = "from plum_lsp.sandbox.jail import tasks; print(tasks._running())"
    done = run_as_nobody([str(python), "-c", count], folder, path, user=61_235)
    assert done.stdout == "1\n", done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is bound by nothing")
@pytest.mark.parametrize(("refused", "kind"), [("unshare", tasks.OWN_USER), ("unshare,setresuid", tasks.NOTHING)])
def test_root_has_a_user_of_its_own_for_each_child_or_no_threads(refused: str, kind: str) -> None:
    """Where the interpreter lies in root's home, so that children stay root: the kernel's limit does not bind root."""
    if _is_readable_by_all(describe_interpreter(sys.executable), ()):
        pytest.skip("children become nobody here")
    command = [sys.executable, without_isolation.__file__, f"--refuse={refused}"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [*command, sys.executable, "-m", "support.thread_floods", "landlock"],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_bounded(json.loads(done.stdout), kind)
