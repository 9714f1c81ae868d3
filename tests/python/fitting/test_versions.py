"""Two versions of a function in one answer, and notes in place of a body."""

from __future__ import annotations

import pytest
from support.contexts import completion_of

from plum_lsp.domain.suggestion import Candidate, PolicyVersion
from plum_lsp.domain.text import Document
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.reading.window import read_context

VERSION = PolicyVersion(number=0, model="", model_sha256="")
ADD = 'def add(a, b):\n    """Add."""\n    '
ZERO = 'def zero():\n    """Give the name."""\n    '
WRONG = "def add(a, b):\n    return a - b\n"
RIGHT = "def add(a, b):\n    return a + b\n"
STUBS = "@overload\ndef add(a: int, b: int) -> int: ...\n@overload\ndef add(a: str, b: str) -> str: ...\n"
SETTER = "@property\ndef add(self):\n    return a + b\n\n@add.setter\ndef add(self, value):\n    raise ValueError(b)\n"


def candidate(before: str, text: str) -> Candidate:
    """What is made of a completion at the end of a text."""
    document = Document(uri="file:///a.py", version=1, text=f"{before}\n")
    context = read_context(document, len(before), prefix_tokens=1200, suffix_tokens=300)
    assert context is not None
    return make_candidate(completion_of(text), context, VERSION)


def fence(text: str) -> str:
    """A block of code."""
    return f"```python\n{text}```\n"


LAST = {
    "twice": fence(f"{WRONG}\n{RIGHT}"),
    "three times": fence(f"{WRONG}\n{WRONG.replace('-', '*')}\n{RIGHT}"),
    "below a word": fence(f"{WRONG}\n# corrected:\n{RIGHT}"),
    "below a sentence": fence(f"{WRONG}\n# Wait, that's wrong. Fixed version:\n{RIGHT}"),
    "below its number": fence(f"{WRONG}\n\n# Version 2\n{RIGHT}"),
    "in an open fence": f"```python\n{WRONG}\n# Corrected\n{RIGHT}",
    "without a fence": f"{WRONG}\n# Corrected:\n{RIGHT}",
    "bodies": fence("    return a - b\n\n# corrected:\n    return a + b\n"),
    "bodies from the margin": fence("return a - b\n\n# corrected:\nreturn a + b\n"),
    "in the body": fence("def add(a, b):\n    return a - b\n    # corrected:\n    return a + b\n"),
    "with its use": fence(f"{WRONG}\n# corrected\n{RIGHT}\nprint(add(1, 2))\n"),
    "below overloads": fence(STUBS + RIGHT),
    "above a stub": fence(f"{RIGHT}\n# usage\ndef add(a, b): ...\n"),
    "the same": fence(f"{RIGHT}\n{RIGHT}"),
    "above a setter": fence(SETTER),
    "above what does not parse": fence(f"{RIGHT}\ndef add(a, b):\n    return a +\n"),
}


@pytest.mark.parametrize("name", LAST)
def test_last_version_is_the_answer(name: str) -> None:
    """The last version that is one is inserted."""
    found = candidate(ADD, LAST[name])
    assert (found.text.strip(), found.problem) == ("return a + b", "")


def test_withdrawn_version_is_no_answer() -> None:
    """Also if the one that corrects it does not parse."""
    assert "a - b" not in candidate(ADD, fence(f"{WRONG}\n# corrected:\ndef add(a, b):\n    return a +\n")).text


NOTES = ["# ...", "# …", "# ... rest of the code", "# TODO", "# Implementation", "# implementation here", "# Logic"]


@pytest.mark.parametrize("note", [*NOTES, "# do something", "# Not done yet", "# code", "# pass", "# FIXME"])
@pytest.mark.parametrize("result", ["0", '""', "''", "[]", "False", "dict()", "None"])
def test_note_above_a_trivial_result(note: str, result: str) -> None:
    """Agreement of five such bodies is no evidence."""
    found = candidate(ZERO, f"{note}\n    return {result}\n")
    assert found.problem or (found.weakness is not None and "note" in found.weakness.reason)


@pytest.mark.parametrize("text", ["# The default.\n    return 0\n", "# ...\n    n = len('ab')\n    return n\n"])
def test_comment_above_a_body(text: str) -> None:
    """A comment that says something, or an ellipsis above code, is none."""
    found = candidate(ZERO, text)
    assert (found.problem, found.weakness) == ("", None)
