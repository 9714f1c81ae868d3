"""Which statements leave the end of their function open, and which candidates are such a statement."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.documents import marked_context

from plum_lsp.python.unfinished import goes_on

WRITTEN = "def f(x):\n    y = x\n    ‸\n"


@pytest.mark.parametrize(
    ("statement", "is_open"),
    [
        ("z = y\n", True),
        ("return y\n", False),
        ("raise ValueError(y)\n", False),
        ("if y:\n        return 1\n", True),
        ("if y:\n        return 1\n    else:\n        return 2\n", False),
        ("if y:\n        return 1\n    elif x:\n        return 2\n", True),
        ("for z in y:\n        return z\n", True),
        ("while y:\n        return y\n", True),
        ("while True:\n        return y\n", False),
        ("while True:\n        if y:\n            break\n", True),
        ("with y:\n        return 1\n", False),
        ("try:\n        return y\n    except ValueError:\n        return x\n", False),
        ("try:\n        return y\n    except ValueError:\n        pass\n", True),
        ("try:\n        pass\n    finally:\n        return y\n", False),
        ("match y:\n        case 1:\n            return 1\n", True),
        ("match y:\n        case 1:\n            return 1\n        case _:\n            return 2\n", False),
        ("def g():\n        return y\n", True),
    ],
)
def test_statements_leave_the_end_open(statement: str, is_open: bool) -> None:
    """One statement is asked for, and it is the last that the function has."""
    context = marked_context(WRITTEN)
    context = replace(context, block=replace(context.block, statements_max=1))
    assert goes_on(context, statement) is is_open


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        (WRITTEN, "z = y\n"),
        ("def f(x):\n    ‸\n", "y = x\n"),
        ("def f(x):\n    y = ‸\n    return y\n", "x"),
        ("def f(x):\n    y = ‸\n    print(y)\n", "x"),
        ("y = ‸\n", "1"),
        ("def f(x):\n    y = ‸\n", "(x"),
    ],
)
def test_other_candidates_are_judged(marked: str, text: str) -> None:
    """The whole rest is meant, or statements follow, or there is no function, or it does not parse."""
    assert not goes_on(marked_context(marked), text)


@pytest.mark.parametrize(
    "marked",
    [
        "def f(x):\n    y = sum(‸)\n",
        "def f(x):\n    y = sum(‸)\n\n\ndef g():\n    return f(1)\n",
        'def f(x):\n    """Text.\n\ndef at the margin\n    """\n    y = ‸\n',
        "import a\n\nclass C:\n    @property\n    def f(self):\n        y = ‸\n\n    def g(self):\n        return 1\n",
        "if True:\n    def f(x):\n        y = ‸\nelse:\n    def f(x):\n        return 1\n",
    ],
)
def test_the_text_around_the_function_does_not_matter(marked: str) -> None:
    """Brackets that are closed behind the cursor, strings with lines at the margin, classes and branches."""
    assert goes_on(marked_context(marked), "x")


def test_the_outermost_function_counts() -> None:
    """Tests reach no other one."""
    assert goes_on(marked_context("def f(x):\n    def g():\n        return ‸\n"), "x")
    assert not goes_on(marked_context("def f(x):\n    def g():\n        return ‸\n    return g\n"), "x")
