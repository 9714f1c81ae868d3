"""What exception a candidate raised: its claim counts where it is the true chain of one class known elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.hostile import test_case as a_test

from plum_lsp.domain.verification import Limits, Program, Raised, Raises
from plum_lsp.sandbox.host import JailSandbox
from plum_lsp.sandbox.kinship import is_a
from plum_lsp.sandbox.opening import open_sandbox

TOP = ("Exception", "BaseException")
KNOWN = frozenset(
    {(".Broken", *TOP), (".Late", *TOP), (".Odd", ".Broken", *TOP), (".Both", "ValueError", "EOFError", *TOP)}
)


@pytest.mark.parametrize(
    ("names", "wanted", "holds"),
    [
        (("ValueError", *TOP), "ValueError", True),
        (("ValueError", *TOP), "Exception", True),
        (("ValueError", *TOP), "KeyError", False),
        (("OSError", *TOP), "IOError", True),
        (("UnicodeDecodeError", "UnicodeError", "ValueError", *TOP), "ValueError", True),
        (("Own", "ValueError", *TOP), "ValueError", True),
        (("Own", "ValueError", *TOP), "Own", True),
        (("Own", "Other", "ValueError", *TOP), "Other", False),
        (("Broken", *TOP), "Broken", True),
        (("program.Broken", *TOP), "Broken", True),
        (("Odd", "Broken", *TOP), "Broken", True),
        (("Own", "Odd", "Broken", *TOP), "Broken", True),
        (("Both", "ValueError", "EOFError", *TOP), "EOFError", True),
        (("Both", "ValueError", "EOFError", *TOP), "ValueError", True),
        (("Own", "Broken", "Late", *TOP), "Broken", False),
        (("Own", "Broken", "Late", *TOP), "Late", False),
        (("Own", "ValueError", "KeyError", "LookupError", *TOP), "ValueError", False),
        (("Own", "ValueError", "KeyError", "LookupError", *TOP), "KeyError", False),
        (("Own", "ValueError", "KeyError", "LookupError", *TOP), "LookupError", False),
        (("Own", "ValueError", "KeyError", "LookupError", *TOP), "Own", False),
        (("Broken", "Late", *TOP), "Late", False),
        (("elsewhere.ValueError", *TOP), "ValueError", False),
        ((), "ValueError", False),
        (("ValueError",), "ValueError", False),
    ],
)
def test_a_claim_counts_if_it_is_one_true_chain(names: tuple[str, ...], wanted: str, *, holds: bool) -> None:
    """Classes that only the candidate has may come first; several unrelated ones never count."""
    assert is_a(Raised(type_names=names, message=""), wanted, KNOWN) is holds


PROGRAM = """
import json
class Broken(Exception): pass
class Late(Exception): pass
class Odd(Broken): pass
class Both(ValueError, EOFError): pass
def f(x):
"""
HOLE = "    raise NotImplementedError\n"
NAMES = ("Broken", "Late", "Odd", "Both", "ValueError", "EOFError", "JSONDecodeError", "LookupError", "Exception")


@pytest.fixture
async def sandbox() -> AsyncIterator[JailSandbox]:
    """A sandbox of the best tier there is."""
    opened = await open_sandbox()
    yield opened
    await opened.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "passed"),
    [
        ("raise Odd", {"Broken", "Odd", "Exception"}),
        ("raise Both", {"Both", "ValueError", "EOFError", "Exception"}),
        ("json.loads(x)", {"JSONDecodeError", "ValueError", "Exception"}),
        ("raise type('Own', (Odd,), {})", {"Broken", "Odd", "Exception"}),
        ("raise type('Own', (Broken, Late), {})", set()),
        ("raise type('Own', (Broken, ValueError, LookupError), {})", set()),
        ("raise type('Broken', (Late, ValueError), {})", set()),
    ],
)
async def test_what_an_exception_counts_as(sandbox: JailSandbox, body: str, passed: set[str]) -> None:
    """Honest ones as what they are, one made of several as nothing."""
    tests = [a_test(name, "f('{')", Raises(type_name=name)) for name in NAMES]
    limits = Limits(wall_seconds=20.0, cpu_seconds=20.0)
    program, reference = Program(source=f"{PROGRAM}    {body}\n"), Program(source=PROGRAM + HOLE)
    verdicts = await sandbox.verify(program, tests, limits, reference=reference)
    assert {str(verdict.test_id) for verdict in verdicts if verdict.is_pass} == passed
