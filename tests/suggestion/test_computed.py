"""Results of examples in docstrings, computed in the real sandbox. No policy is asked."""

from __future__ import annotations

import asyncio
import doctest
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from plum_lsp.domain.display import one_line
from plum_lsp.domain.errors import SandboxUnavailable
from plum_lsp.domain.events import Event, Prompted, Sampled, Synthesized, Verified
from plum_lsp.domain.suggestion import (
    Abstention,
    AbstentionReason,
    Offer,
    RequestId,
    SuggestionRequest,
    Tier,
    Trigger,
)
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Limits, Origin
from plum_lsp.python.inputs.new_examples import new_examples
from plum_lsp.python.specification.session import session_at
from plum_lsp.sandbox.opening import NoSandbox, open_sandbox
from plum_lsp.suggestion.computed.results import NOW, OFFERED_MAX, Results

pytestmark = pytest.mark.slow

REQUEST = SuggestionRequest(
    id=RequestId("request"),
    document=Document(uri="file:///loose/module.py", version=1, text=""),
    offset=0,
    trigger=Trigger.AUTOMATIC,
    deadline=0.0,
)


class Told:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        """Keep one event."""
        self.events.append(event)


@pytest.fixture
async def results() -> AsyncIterator[Results]:
    """What computes results in the real sandbox."""
    sandbox = await open_sandbox()
    yield Results(sandbox=sandbox, limits=Limits(wall_seconds=5.0), recorder=Told(), tiers=tuple(Tier))
    await sandbox.close()


def document(example: str, value: str, *, above: str = "") -> str:
    """A function that returns `value`, with an example in its docstring."""
    return f'{above}def f(n):\n    """Compute.\n\n    {example}\n    """\n    return {value}\n'


async def answer(results: Results, marked: str) -> Offer | Abstention | None:
    """What is offered at the mark ‸. None if no session ends there."""
    text = Document(uri=REQUEST.document.uri, version=1, text=marked.replace("‸", ""))
    request = replace(REQUEST, document=text, offset=marked.index("‸"))
    session = session_at(text, request.offset)
    return None if session is None else await results.answer(request, (session,), seconds=30.0)


async def new_example(results: Results, marked: str) -> Offer | Abstention | None:
    """The new example that is offered at the mark ‸. None where none is written."""
    text = Document(uri=REQUEST.document.uri, version=1, text=marked.replace("‸", ""))
    request = replace(REQUEST, document=text, offset=marked.index("‸"))
    sessions = new_examples(text, request.offset)
    return await results.answer(request, sessions, seconds=30.0) if sessions else None


SHOWN = (
    (document(">>> f(3)\n    ‸", "n * 2"), "6"),
    (document(">>> f(3)‸", "n * 2"), "\n    6"),
    (document(">>> f(3)\n‸", "n * 2"), "    6"),
    (document(">>> f(3)\n  ‸", "n * 2"), "  6"),
    (document(">>> x = 4\n    >>> f(x)\n    ‸", "n * 2"), "8"),
    (document(">>> f(1)\n    2\n    >>> f(2)\n    ‸\n\n    More text.", "n * 2"), "4"),
    (document(">>> for i in range(3):\n    ...     print(f(i))\n    ‸", "n"), "0\n    1\n    2"),
    (document(">>> print(f('a\\n\\nb'))\n    ‸", "n").replace('"""C', 'r"""C'), "a\n    <BLANKLINE>\n    b"),
    (document(">>> f('a')\n    ‸", "n + '\\n'"), r"'a\\n'"),
    (document(">>> f('a')\n    ‸", "n + '\\n'").replace('"""C', 'r"""C'), r"'a\n'"),
    (
        document(">>> f(0)\n    ‸", "1 / n"),
        "Traceback (most recent call last):\n        ...\n    ZeroDivisionError: division by zero",
    ),
    (document(">>> f([])\n    ‸", "n.append(1) or n"), "[1]"),
    ('"""Module.\n\n>>> g(2)\n‸\n"""\n\n\ndef g(n):\n    return n,\n', "(2,)"),
    (document(">>> f(3)\n    ‸", "n * 2").replace("\n", "\r\n"), "6"),
)


@pytest.mark.parametrize(("marked", "text"), SHOWN, ids=[one_line(marked) for marked, _ in SHOWN])
async def test_the_result_is_offered(results: Results, marked: str, text: str) -> None:
    """It is what an interpreter shows for the code as it is now."""
    offer = await answer(results, marked)
    assert isinstance(offer, Offer), offer
    assert offer.text == text


SILENT = (
    (document(">>> f(3)\n    ‸", "{'a', 'b'}"), "the order of a set"),
    (document(">>> f(3)\n    ‸", "object()"), "each time"),  # the address of one run may be that of another
    (document(">>> f(3)\n    ‸", "None"), "it shows nothing"),
    (document(">>> f(3)\n    ‸", "missing"), "it raises NameError"),
    (document(">>> f(3)\n    ‸", "random.random()", above="import random\n\n\n"), "it depends on randomness"),
    (document(">>> f(3)\n    ‸", "open('/etc/passwd').read()"), "it depends on files"),
    (document(">>> f(3)\n    ‸", "n", above="import nowhere\n\n\n"), "the file itself does not run"),
    (document(">>> f(3)\n    ‸", "'x' * 1000"), "too long for an example"),
    (document(">>> f(3)\n    ‸", '\'"""\''), "the quotes that end the docstring"),
    (document(">>> print(f(3))\n    ‸", "'\\u202ex'"), "invisible characters"),
    (document(">>> lost(1)\n    1\n    >>> f(3)\n    ‸", "n"), "the lines above it end in NameError"),
    ('def f(n):\n    """\n    >>> f(2)\n    ‸\n', "the file does not parse"),
)


@pytest.mark.parametrize(("marked", "reason"), SILENT, ids=[one_line(marked) for marked, _ in SILENT])
async def test_a_result_that_is_none_has_a_reason(results: Results, marked: str, reason: str) -> None:
    """What is not the same each time, or is no result, is not offered, and the reason is said."""
    found = await answer(results, marked)
    assert isinstance(found, Abstention)
    assert reason in found.detail


@pytest.mark.parametrize(
    "marked",
    [
        document(">>> f(3)‸\n    6", "n * 2"),
        document(">>> f(3‸", "n * 2"),
        document(">>> ‸", "n * 2"),
        document("Text\n    ‸", "n * 2"),
        document(">>> f(3)\n    6\n    ‸", "n * 2"),
        document(">>> f(3)  # doctest: +SKIP\n    ‸", "n * 2"),
        "# >>> f(3)\n# ‸\nx = 1\n",
        "x = '>>> f(3)‸'\n",
    ],
    ids=one_line,
)
async def test_no_session_ends_elsewhere(results: Results, marked: str) -> None:
    """An example that has its result, half an example, text and other strings are left alone."""
    assert await answer(results, marked) is None


def described(body: str, *, text: str = ">>> ‸", head: str = "def f(n: int):", above: str = "") -> str:
    """A function with the text in its docstring, and this body."""
    return f'{above}{head}\n    """Compute.\n\n    {text}\n    """\n    {body}\n'


STACK = '''class Stack:
    """Things in a pile."""

    def __init__(self) -> None:
        self.things = []

    def push(self, thing: int) -> int:
        """Put one on top.

        {}
        """
        self.things.append(thing)
        return len(self.things) * 10 + thing
'''

RAISING = ">>> f(0)\n    Traceback (most recent call last):\n        ...\n    ZeroDivisionError: by zero"

NEW = (
    (described("return n * 2"), "f({})\n    {}"),
    (described("return n * 2", text=">>>‸"), " f({})\n    {}"),
    (described("return n * 2", text=">>> f(‸"), "{})\n    {}"),
    (described("return n * 2", text=">>> f(1)\n    2\n    ‸"), ">>> f({})\n    {}"),
    (described("return n * 2", text=">>> f(1)\n    2\n‸"), "    >>> f({})\n    {}"),
    (described("return n * 2", text=">>> f(1)\n    2\n    >>> ‸\n    >>> f(3)\n    6"), "f({})\n    {}"),
    (described("return 100 // n", text=f"{RAISING}\n    >>> ‸"), "f({})\n    {}"),
    (STACK.format(">>> ‸"), "Stack().push({})\n        {}"),
    (STACK.format(">>> s = Stack()\n        >>> s.push(4)\n        14\n        >>> ‸"), "s.push({})\n        {}"),
)


def shape(text: str) -> str:
    """A text with `{}` in place of its numbers."""
    return re.sub(r"-?\d+", "{}", text)


@pytest.mark.parametrize(("marked", "text"), NEW, ids=[one_line(marked) for marked, _ in NEW])
async def test_a_new_example_is_offered_with_its_result(results: Results, marked: str, text: str) -> None:
    """Both lines are offered at once, as checked, with the label of a computed result."""
    offer = await new_example(results, marked)
    assert isinstance(offer, Offer), offer
    assert shape(offer.text) == text
    assert (offer.chosen.tier, offer.chosen.reason) == (Tier.CHECKED, NOW)
    assert {test.origin for test in offer.tests} == {Origin.COMPUTED}


async def test_a_new_example_holds(results: Results) -> None:
    """With the example in the docstring, the file passes its doctests, below an example that changes the state."""
    marked = STACK.format(">>> s = Stack()\n        >>> s.push(4)\n        14\n        >>> ‸")
    offer = await new_example(results, marked)
    assert isinstance(offer, Offer)
    space: dict[str, object] = {}
    exec(marked.replace("‸", offer.text), space)
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(verbose=False)
    ran = [runner.run(test) for test in finder.find(space["Stack"], "Stack", globs=space, module=False)]
    assert sum(one.attempted for one in ran) == 3
    assert sum(one.failed for one in ran) == 0


async def test_other_new_examples_are_alternatives(results: Results) -> None:
    """The user can turn to them. None repeats an example or shows only what another has shown."""
    offer = await new_example(results, described("return n % 3", text=">>> f(4)\n    1\n    >>> ‸"))
    assert isinstance(offer, Offer)
    texts = [offer.text, *(one.candidate.text for one in offer.alternatives)]
    assert len(texts) == len(set(texts)) == OFFERED_MAX
    assert not any(text.startswith("f(4)\n") for text in texts)
    assert {text.split()[-1] for text in texts[:2]} == {"0", "2"}
    assert len({test.id for test in offer.tests}) == OFFERED_MAX


NO_EXAMPLE = (
    (described("raise ValueError(n)"), "it ends in ValueError"),
    (described("while True: pass"), "it ends in timed out"),
    (described("return input()"), "it depends on input"),
    (described("return object()"), "another result each time"),
    (described("return {'a', 'b', n}"), "the order of a set"),
    (described("return f.__call__"), ""),
    (described("return None"), "it shows nothing"),
    (described("return random.random()", above="import random\n\n\n"), "it depends on randomness"),
)


@pytest.mark.parametrize(("marked", "reason"), NO_EXAMPLE, ids=[one_line(marked) for marked, _ in NO_EXAMPLE])
async def test_no_new_example_has_a_reason(results: Results, marked: str, reason: str) -> None:
    """A call that raises, asks, hangs or gives no lasting text is not offered."""
    found = await new_example(results, marked)
    assert isinstance(found, Abstention)
    assert reason in found.detail


@pytest.mark.parametrize(
    "marked",
    [
        described("return n", text=">>> f(1)\n    1\n\n    ‸"),
        described("return n", text="Text\n    ‸"),
        described("return n", text=">>> ‸\n    6"),
        described("return n", text=">>> g(‸"),
        '"""Module.\n\n>>> ‸\n"""\n',
        "# >>> ‸\nx = 1\n",
        described("def g(n: int):\n        '''\n        >>> ‸\n        '''", text=""),
    ],
    ids=one_line,
)
async def test_no_new_example_stands_elsewhere(results: Results, marked: str) -> None:
    """Text, a line with a result below it, and docstrings of no function that can be called are left alone."""
    assert await new_example(results, marked) is None


async def test_it_is_evidence_of_its_own_kind(results: Results) -> None:
    """It counts as checked, says that the sandbox computed it, and is told to the recorder like any offer."""
    offer = await answer(results, document(">>> f(3)\n    ‸", "n * 2"))
    assert isinstance(offer, Offer)
    assert (offer.chosen.tier, offer.chosen.reason) == (
        Tier.CHECKED,
        "computed in the sandbox: what the code gives now",
    )
    ((test,), (verdict,)) = offer.tests, offer.chosen.verdicts
    assert (test.origin, test.quote, verdict.is_pass) == (Origin.COMPUTED, ">>> f(3)", True)
    assert isinstance(results.recorder, Told)
    assert [type(event) for event in results.recorder.events] == [Prompted, Synthesized, Sampled, Verified]


async def test_nothing_runs_without_isolation(results: Results) -> None:
    """Without a sandbox there is a reason, and no result."""
    without = replace(results, sandbox=NoSandbox(SandboxUnavailable("no bubblewrap")))
    found = await answer(without, document(">>> f(3)\n    ‸", "n * 2"))
    assert isinstance(found, Abstention)
    assert found.reason is AbstentionReason.SANDBOX_UNAVAILABLE


async def test_the_deadline_holds(results: Results) -> None:
    """A result that does not come in time is given up."""
    session = session_at(
        Document(uri="file:///x.py", version=1, text=SHOWN[0][0].replace("‸", "")), SHOWN[0][0].index("‸")
    )
    assert session is not None
    found = await asyncio.wait_for(results.answer(REQUEST, (session,), seconds=0.0), 30)
    assert isinstance(found, Abstention)
    assert found.reason is AbstentionReason.DEADLINE
