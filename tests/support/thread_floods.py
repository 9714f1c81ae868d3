"""Programs that make as many threads as they can, and how many that is: `python -m support.thread_floods TIER`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from plum_lsp.domain.verification import Call, Limits, Program
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

HONEST = 16
"""Threads of an honest program; more than some twenty with stacks of the usual size do not fit its memory."""
_MANY = 20_000
_FLOOD = f"""
import _thread, resource
_thread.stack_size(32768)
def flood():
    made, lock = 1, _thread.allocate_lock()
    lock.acquire()
    try:
        for made in range(1, {_MANY}): _thread.start_new_thread(lock.acquire, ())
    except RuntimeError: pass
    return made
"""
FLOODS = {
    "plain": _FLOOD,
    "another": _FLOOD,
    "raises-its-limit": f"""{_FLOOD}
for limits in ((-1, -1), (100000, 100000), (resource.getrlimit(resource.RLIMIT_NPROC)[1],) * 2):
    try: resource.setrlimit(resource.RLIMIT_NPROC, limits)
    except (OSError, ValueError): pass
""",
    "from-a-thread": f"""{_FLOOD}
inner = flood
def flood():
    made, done = [], _thread.allocate_lock()
    done.acquire()
    try: _thread.start_new_thread(lambda: (made.append(inner()), done.release()), ())
    except RuntimeError: return 1
    done.acquire()
    return made[0] + 1
""",
}
_POOL = f"""
from concurrent.futures import ThreadPoolExecutor
import threading
def honest():
    met = threading.Barrier({HONEST})
    with ThreadPoolExecutor({HONEST}) as pool:
        return len(set(pool.map(lambda n: met.wait(), range({HONEST}))))
"""
_HELD = f"""{_FLOOD}
import time
def held():
    made = flood()
    time.sleep(2)
    return made
"""
_LIMITS = Limits(wall_seconds=20.0, cpu_seconds=20.0)


async def counts(tier: str) -> dict[str, Any]:
    """How many threads each flood had, its first included, an honest pool, and the least of those beside a flood.

    All floods are at work at once, so that one child's threads would show in another's number, without a control group.
    """
    sandbox = await open_sandbox(SandboxOptions(tier=tier, jobs=4, limits_together=False))

    async def threads(source: str, expression: str) -> int:
        (seen,) = await sandbox.observe(Program(source=source), [Call(expression=expression)], _LIMITS)
        return seen.value if isinstance(seen.value, int) else 0

    try:
        honest = await threads(_POOL, "honest()")
        made = await asyncio.gather(*(threads(source, "flood()") for source in FLOODS.values()))
        held, *beside = await asyncio.gather(threads(_HELD, "held()"), *(threads(_POOL, "honest()") for _ in range(12)))
    finally:
        await sandbox.close()
    floods = dict(zip(FLOODS, made, strict=True)) | {"held": held}
    return {"made": floods, "honest": honest, "beside": min(beside), "layers": sandbox.tier.layers}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(counts(sys.argv[1]))))
