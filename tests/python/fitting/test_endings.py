"""What ends the blocks and brackets that are open above the cursor."""

from __future__ import annotations

import pytest
from support.documents import marked_context

from plum_lsp.python.fitting.trimming import endings

FINALLY = "\n    finally:\n        pass"
ROWS = {
    "nothing is open": ("def f():\n    ‸\n", ()),
    "a try": ("def f():\n    try:\n        ‸\n", (FINALLY,)),
    "a try with a line": ("def f():\n    try:\n        g()\n        x = ‸\n", (FINALLY,)),
    "a try with a handler": ("def f():\n    try:\n        ‸\n    except OSError:\n        pass\n", ()),
    "its handler": ("def f():\n    try:\n        g()\n    except OSError:\n        ‸\n", ()),
    "left of the try": ("def f():\n    try:\n        g()\n    finally:\n        h()\n    ‸\n", ()),
    "a try that goes on": ("def f():\n    try:\n        ‸\n        g()\n", ()),
    "brackets of the cursor's line": ("x = f(‸\n", ()),
    "brackets of a line above": ("x = f(\n    [\n    ‸\n", ("\n])",)),
    "a header": ("def f(\n    a,\n    ‸\n", ("\n):\n    pass",)),
    "both": (
        "def f():\n    try:\n        g(\n            ‸\n",
        ("\n        )", FINALLY, f"\n        ){FINALLY}"),
    ),
    "a line with a rest": ("def f():\n    try:\n        g(‸)\n", ()),
}


@pytest.mark.parametrize("name", ROWS)
def test_endings(name: str) -> None:
    """What the table says."""
    text, expected = ROWS[name]
    assert endings(marked_context(text)) == expected
