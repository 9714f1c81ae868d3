"""Functions that a file defines in a branch at its margin (`if`, `else`, `try`, `except`, `with`).

Their examples are read as those of any other function. They count only if the file takes that branch here: a candidate
is not to blame for a function that is not there.
"""

from __future__ import annotations

import pytest
from support.cases import Case, Desk

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

VERIFIED = ("verified",)
UNTRIED = ("checked", "consistent")
GREET = """    def greet(name):
        \"\"\"Greet.

        >>> greet("a")
        'hi a'
        \"\"\"
        ‸
"""
RIGHT, WRONG = 'return "hi " + name', 'return "ho " + name'


def _case(name: str, head: str, tail: str = "", *, tiers: tuple[str, ...] = VERIFIED) -> Case:
    """A case in which the first policy's answer is wrong where the branch is taken."""
    says = (f"{WRONG}\n", f"{RIGHT}\n") if tiers == VERIFIED else f"{RIGHT}\n"
    return Case(name, f"{head}\n{GREET}{tail}", says, offered=RIGHT, tiers=tiers)


CASES = [
    _case("if", "import sys\n\nif sys.version_info >= (3, 8):"),
    _case("else", "import sys\n\nif sys.version_info < (3, 8):\n    greet = None\nelse:"),
    _case("elif", "import sys\n\nif sys.version_info < (3, 8):\n    greet = None\nelif sys:"),
    _case("try", "try:\n    import json", "except ImportError:\n    greet = None\n"),
    _case("except", "try:\n    import not_there_at_all\nexcept ImportError:"),
    _case("with", "import contextlib\n\nwith contextlib.suppress(ImportError):"),
    _case("for", "for _ in range(1):"),
    _case("type checking", "from typing import TYPE_CHECKING\n\nif not TYPE_CHECKING:"),
    _case("a branch that is not taken", 'if __name__ == "__main__":', tiers=UNTRIED),
    _case("a branch for another system", 'import sys\n\nif sys.platform == "plan9":', tiers=UNTRIED),
    _case("an except that is not entered", "try:\n    import json\nexcept ImportError:", tiers=UNTRIED),
    Case(
        "a class in a branch",
        "if True:\n    class Greeter:\n"
        '        def greet(self, name):\n            """>>> Greeter().greet("a")\n'
        '            \'hi a\'\n            """\n            ‸\n',
        (f"{WRONG}\n", f"{RIGHT}\n"),
        offered=RIGHT,
        tiers=VERIFIED,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_branches(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)
