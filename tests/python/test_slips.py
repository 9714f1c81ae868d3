"""Attributes that plain values cannot have: which are a mistake of the candidate, and which may be of the inputs."""

from __future__ import annotations

import pytest
from support.documents import marked_context
from support.group import judged

from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.verification import Ending, Limits, Observation, Raised
from plum_lsp.python.slips import has_known_inputs, missing_attribute
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.verification.group import Ladder
from plum_lsp.verification.judge import Judge

TOTAL = "def total(rows: list[tuple[str, int]]) -> int:\n    return sum(‸)\n"
ITEMS = "row.amount for row in rows"
ASKING = TOTAL.replace("return", "first = rows[0].amount\n    return")
UNKNOWN = TOTAL.replace("list[tuple[str, int]]", "list")


def raised(message: str, name: str = "AttributeError") -> Observation:
    """A call that ended in an exception."""
    return Observation(ending=Ending.RAISED, raised=Raised(type_names=(name, "Exception"), message=message))


@pytest.mark.parametrize(
    ("parameters", "is_known"),
    [
        ("rows: list[tuple[str, int]], limit: int = 3", True),
        ("rows: 'dict[str, list[float] | None]', *rest: int", True),
        ("rows: typing.Optional[Mapping[str, tuple[int, ...]]]", True),
        ("", True),
        ("rows", False),
        ("rows: list", False),
        ("rows: list[Row]", False),
        ("rows: list[Any], limit: int", False),
        ("rows: Iterator[int]", False),
        ("rows: int, **options", False),
    ],
)
def test_annotations_say_of_which_types_inputs_are(parameters: str, is_known: bool) -> None:
    """All of them, down to the items. A class of the file is known to the file alone."""
    assert has_known_inputs(marked_context(f"def f({parameters}):\n    return ‸\n")) is is_known


@pytest.mark.parametrize(
    ("message", "candidate", "around", "is_slip"),
    [
        ("'tuple' object has no attribute 'amount'", ITEMS, TOTAL, True),
        ("'float' object has no attribute 'amount'", ITEMS, TOTAL, True),
        ("'int' object has no attribute 'is_integer'", "row.is_integer() for row in rows", TOTAL, False),
        ("'NoneType' object has no attribute 'amount'", ITEMS, TOTAL, False),
        ("'Row' object has no attribute 'amount'", ITEMS, TOTAL, False),
        ("'tuple' object has no attribute 'amount'", "price(row) for row in rows", TOTAL, False),
        ("'tuple' object has no attribute 'amount'", ITEMS, ASKING, False),
        ("'tuple' object has no attribute 'amount'", ITEMS, UNKNOWN, False),
    ],
)  # fmt: skip
def test_what_no_value_of_the_type_has_is_a_mistake(message: str, candidate: str, around: str, is_slip: bool) -> None:
    """Not if the function asks for it itself, or if an input may be of another type than the user means."""
    seen = [Observation(ending=Ending.RETURNED), raised(message)]
    assert (missing_attribute(seen, candidate, marked_context(around)) is not None) is is_slip


def test_another_exception_is_an_answer() -> None:
    """A function may raise on purpose."""
    assert missing_attribute([raised("no amount", "ValueError")], ITEMS, marked_context(TOTAL)) is None


@pytest.mark.slow
async def test_attributes_of_tuples_are_not_checked() -> None:
    """In the sandbox, without a test. Taking the tuple apart is."""
    sandbox = await open_sandbox(SandboxOptions(checks_itself=False))
    try:
        ladder = Ladder(Judge.of(marked_context(TOTAL), sandbox, Limits()))
        await ladder.screen()
        wrong = await ladder.add(judged(ITEMS, tier=Tier.CHECKED, index=0).candidate)
        right = await ladder.add(judged("amount for _, amount in rows", tier=Tier.CHECKED, index=1).candidate)
    finally:
        await sandbox.close()
    assert (wrong.tier, right.tier) == (Tier.UNVERIFIED, Tier.CHECKED)
    assert wrong.reason == "a generated input ended in AttributeError: 'tuple' object has no attribute 'amount'"
