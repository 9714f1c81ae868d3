"""Two real engines behind one address: one is killed while a version is published, and no request notices."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from e2e.serving.asking import complete, distance, publish_to
from e2e.serving.conftest import Served, serving
from support.contexts import prompt_at

from plum_lsp.config.folder import replica_folder
from plum_lsp.domain.errors import PolicyError
from plum_lsp.domain.suggestion import Completion, FimPrompt
from plum_lsp.policy.hosting.engines import served_engine
from plum_lsp.policy.hosting.served_policy import ServedPolicy
from plum_lsp.policy.hosting.serving import read_state
from plum_lsp.policy.versions.publish import PROBE_PREFIX

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(2400)]

PROMPTS = [prompt_at(f"# editor {number}\ndef double(number):\n    return ‸\n") for number in range(20)]
"""One document for each editor, so that both replicas are asked."""
APART = 0.3
"""Nats between what two versions write. Beside other requests an answer moves by 0.05, or takes its second word."""
KILLED = "local-2"
USED = f"replica {KILLED} is used"


async def until(is_so: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    """Wait until something holds."""
    while not await is_so():
        await asyncio.sleep(0.1)


async def names_of(served: Served, replica: str) -> tuple[str, ...]:
    """What a replica serves. Nothing if it does not answer."""
    state = read_state(replica_folder(served.data_dir, replica))
    if state is None:
        return ()
    engine = served_engine(state)
    try:
        return tuple(await engine.models())
    except PolicyError:
        return ()
    finally:
        await engine.close()


async def written_alone(served: Served, prompts: Sequence[FimPrompt]) -> list[Completion]:
    """What the active version writes: for some editors alone, and for all at once."""
    alone = [await complete(served, prompt=prompt) for prompt in prompts[:4]]
    return alone + await asyncio.gather(*(complete(served, seconds=600, prompt=prompt) for prompt in prompts))


@pytest.mark.parametrize(
    ("engine", "editors"), [("llamacpp", 6), pytest.param("vllm", len(PROMPTS), marks=pytest.mark.vllm)]
)
async def test_publish_while_a_replica_is_killed(
    tmp_path: Path, model_cache: Path, base_folder: Path, adapters: Path, engine: str, editors: int
) -> None:
    """Editors ask without a pause. Each answer is of the version asked for, and the killed replica has the new one."""
    prompts = PROMPTS[:editors]
    with serving(engine, tmp_path, model_cache, base_folder, "--replicas", "2") as served:

        def times_used() -> int:
            return served.output.read_text().count(USED)

        await until(lambda: _are(lambda: times_used() > 0))
        await publish_to(served, adapters / "one")
        written: list[tuple[int, Completion]] = []
        moments: list[tuple[float, int]] = []

        def note() -> None:
            moments.append((time.monotonic(), len(written)))

        is_over = asyncio.Event()

        async def ask(editor: int) -> None:
            while not is_over.is_set():
                version = await ServedPolicy(served.data_dir).version()
                answer = await complete(served, version, seconds=600, prompt=prompts[editor])
                written.append((version.number, answer))

        first = await written_alone(served, prompts)
        asking = [asyncio.create_task(ask(editor)) for editor in range(editors)]
        note()
        await until(lambda: _are(lambda: len(written) >= 2 * editors))
        publishing = asyncio.create_task(publish_to(served, adapters / "two"))

        async def is_probed() -> bool:
            assert not publishing.done(), "it was published before the replica was killed"
            return any(name.startswith(PROBE_PREFIX) for name in await names_of(served, KILLED))

        await until(is_probed)
        state = read_state(replica_folder(served.data_dir, KILLED))
        assert state is not None
        note()
        used = times_used()
        os.kill(state.pid, signal.SIGKILL)
        name, swap_ms = await publishing
        await until(lambda: _are(lambda: times_used() > used))
        note()
        assert name in await names_of(served, KILLED)
        since = len(written)
        await until(lambda: _are(lambda: len(written) >= since + 2 * editors or any(one.done() for one in asking)))
        note()
        is_over.set()
        await asyncio.gather(*asking)
        second = await written_alone(served, prompts)
    rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(moments)]
    print(f"{engine}: {len(written)} answers, published in {swap_ms:.0f} ms. A second, with two, one and two replicas:")
    print(
        " ".join(f"{rate:.2f}" for rate in rates),
        f"The killed one was back after {moments[2][0] - moments[1][0]:.0f} s",
    )
    known = [(1, one) for one in first] + [(2, one) for one in second]
    assert min(distance(one, two) for one in first for two in second) > APART, "the two versions must be told apart"
    assert {number for number, _ in written} == {1, 2}
    for number, answer in written:
        assert min(known, key=lambda one: distance(answer, one[1]))[0] == number


async def _are(is_so: Callable[[], bool]) -> bool:
    return is_so()
