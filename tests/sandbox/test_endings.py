"""How a child's last words and its death are read: floods of parts, spent CPU time, bytes printed."""

from __future__ import annotations

import json

import pytest

from plum_lsp.domain.verification import Call, Ending, Limits, Observation, Program
from plum_lsp.sandbox import values
from plum_lsp.sandbox.conversation import read_answer
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.isolation.plans import TIERS
from plum_lsp.sandbox.opening import open_sandbox

FRAME = {
    "turn": 0,
    "ending": "returned",
    "value": None,
    "names": [],
    "message": "",
    "shown": "",
    "printed": "",
    "overflowed": False,
    "detail": "",
}


@pytest.mark.parametrize(
    "flood",
    [
        "[" + "[]," * 750_000 + "[]]",
        "[" + "{}," * 750_000 + "{}]",
        "[" + "1," * 700_000 + "1]",
        "[" + '"",' * 700_000 + '""]',
        "{" + ",".join(f'"{number:x}":1' for number in range(180_000)) + "}",
        json.dumps(FRAME).replace("null", "[" + "[]," * 300_000 + "[]]"),
        json.dumps(FRAME).replace("null", "[" + r'"\\",[],' * 300_000 + "[]]"),
    ],
    ids=["arrays", "objects", "numbers", "texts", "names", "value", "escapes"],
)
def test_a_flood_of_parts_is_never_parsed(flood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing it would hold up every thread of the server."""
    monkeypatch.delattr(values, "parse")
    with pytest.raises(values.MalformedValue):
        read_answer(flood.encode(), 0)


@pytest.mark.parametrize(
    "value",
    ["[{,\\\"'" * 140_000, ["n", "list", "list", "", [1] * 199_000], ["n", "list", "list", "", ["", "a"] * 99_000]],
    ids=["text", "numbers", "texts"],
)
def test_a_large_value_is_read(value: object) -> None:
    """What stands within text is no part, and a value at the codec's bounds is no flood."""
    assert read_answer(json.dumps(FRAME | {"value": value}).encode(), 0).observation.ending is Ending.RETURNED


async def observed(source: str, tier: str | None, limits: Limits) -> Observation:
    """What `f()` shows."""
    opened = await open_sandbox(SandboxOptions(tier=tier, jobs=2, checks_itself=False))
    try:
        (seen,) = await opened.observe(Program(source=source), [Call(expression="f()")], limits)
    finally:
        await opened.close()
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("tier", [tier.name for tier in TIERS])
async def test_spent_cpu_time_is_a_timeout(tier: str) -> None:
    """A child that uses up its CPU time before the deadline has timed out, in every tier."""
    seen = await observed("def f():\n    while True: pass", tier, Limits(wall_seconds=60.0, cpu_seconds=1.0))
    assert (seen.ending, seen.detail) == (Ending.TIMED_OUT, "used up its CPU time")


@pytest.mark.slow
async def test_bytes_can_be_printed() -> None:
    """A program may write to the buffer of standard output, and set its encoding."""
    source = (
        "import sys\ndef f():\n    sys.stdout.reconfigure(encoding='utf-8')\n"
        "    sys.stdout.buffer.write('é\\n'.encode())\n    sys.stdout.buffer.flush()"
    )
    assert (await observed(source, None, Limits(wall_seconds=20.0))).printed == "é\n"
