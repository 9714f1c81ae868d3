"""A policy that answers as in a chat: fences, sentences, thoughts, tags, diffs. The code in it is what is offered."""

from __future__ import annotations

import pytest
from support.buffers import ADD, LINE, LOOP, METHOD, SELF_LOOP, SIGN, TOTAL
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

V = ("verified",)
ADDED = filled(ADD, "return a + b")
SUMMED = filled(TOTAL, LOOP)
WHOLE = f"def total(xs):\n    {LOOP}\n"
SIGNED = "if n < 0:\n        return -1\n    return 1 if n > 0 else 0"
NEVER = ("```", "~~~", "<think", "Here", "This function", "Sure", "@@", "PYTHON", "Explanation", "`")
DOC = 'def fence(text):\n    """\n    >>> fence("x")\n    \'```x```\'\n    """\n    ‸\n'

CASES = [
    Case("a closing fence", ADD, "    return a + b\n```\n", gives=ADDED, tiers=V, never=NEVER),
    Case("a closing fence at the line's end", ADD, "return a + b```", gives=ADDED, tiers=V, never=NEVER),
    Case("fences around a body", ADD, "```python\n    return a + b\n```\n", gives=ADDED, tiers=V, never=NEVER),
    Case("fences without a language", ADD, "```\nreturn a + b\n```", gives=ADDED, tiers=V, never=NEVER),
    Case("fences in capitals", ADD, "```Python\nreturn a + b\n```", gives=ADDED, tiers=V, never=NEVER),
    Case("fences of tildes", ADD, "~~~py\nreturn a + b\n~~~\n", gives=ADDED, tiers=V, never=NEVER),
    Case("indented fences", ADD, "    ```python\n    return a + b\n    ```\n", gives=ADDED, tiers=V, never=NEVER),
    Case("an indented closing fence", TOTAL, f"    {LOOP}\n    ```\n", gives=SUMMED, tiers=V, never=NEVER),
    Case("the whole function in fences", TOTAL, f"```python\n{WHOLE}```\n", gives=SUMMED, tiers=V, never=NEVER),
    Case("a fence that stays open", TOTAL, f"```python\n{WHOLE}", gives=SUMMED, tiers=V, never=NEVER),
    Case(
        "a fenced body from the margin",
        TOTAL,
        "```python\nresult = 0\nfor x in xs:\n    result += x\nreturn result\n```\n",
        gives=SUMMED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "a fenced method",
        METHOD,
        f"```python\n    def total(self):\n        {SELF_LOOP}\n```",
        gives=filled(METHOD, SELF_LOOP),
        tiers=V,
        never=NEVER,
    ),
    Case("fences in a line", LINE, "```python\na + b\n```", gives=filled(LINE, "a + b"), tiers=V, never=NEVER),
    Case("back-quotes around a line", LINE, "`a + b`", gives=filled(LINE, "a + b"), tiers=V, never=NEVER),
    Case(
        "a sentence before",
        TOTAL,
        f"Here is the completed function:\n\n```python\n{WHOLE}```\n",
        gives=SUMMED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "sentences before and after",
        TOTAL,
        f"Sure! Here's how you can do it:\n\n```python\n{WHOLE}```\n\nThis function adds all items in the list.\n",
        gives=SUMMED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "a block of commands before",
        ADD,
        "First:\n```bash\npip install numpy\n```\nThen:\n```python\nreturn a + b\n```\n",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "a block of settings before",
        TOTAL,
        f'```json\n{{"language": "python"}}\n```\n\n```python\n{WHOLE}```\n',
        gives=SUMMED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "the results in a block after",
        ADD,
        "```python\ndef add(a, b):\n    return a + b\n```\nOutput:\n```text\n3\n```\n",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "a wrong try in a block before",
        ADD,
        "A first try:\n```python\ndef add(a, b):\n    return a - b\n```\nThat subtracts. Corrected:\n"
        "```python\ndef add(a, b):\n    return a + b\n```\n",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "the function as it was in a block before",
        ADD,
        "Here is your function:\n```python\ndef add(a, b):\n    # TODO\n    pass\n```\nCompleted:\n"
        "```python\ndef add(a, b):\n    return a + b\n```\n",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "the answer in a block that only seems to be beside it",
        ADD,
        "I completed your function:\n```python\ndef add(a, b):\n    return a + b\n```\nDone.\n",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    *(
        Case(
            f"a file's name before: {name}",
            ADD,
            f"{name}\n```python\ndef add(a, b):\n    return a + b\n```\n",
            gives=ADDED,
        )
        for name in ("main.py", "`src/add.py`:", "**add.py**", "### add.py", "# add.py", "./pkg/add.pyi:")
    ),
    Case("a sentence and no fence", ADD, "Here is the code:\n\n    return a + b\n", gives=ADDED, tiers=V, never=NEVER),
    Case(
        "a sentence, the function, no fence",
        TOTAL,
        f"Certainly, the function can be completed like this:\n{WHOLE}",
        gives=SUMMED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "a sentence after",
        SIGN,
        f"    {SIGNED}\n\nThis function returns the sign of a number.\n",
        gives=filled(SIGN, SIGNED),
        tiers=V,
        never=NEVER,
    ),
    Case(
        "an explanation after",
        ADD,
        "return a + b\n\nExplanation:\n- The function takes two arguments.\n- It returns their sum.\n",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case("a heading", ADD, "**Solution:**\n```python\nreturn a + b\n```", gives=ADDED, tiers=V, never=NEVER),
    Case(
        "a heading and a label above a fence",
        ADD,
        "### Solution\n\nUse:\n\n```py\nreturn a + b\n```\n\n### Complexity\nO(1)\n",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    *(
        Case(
            f"an import above the function: {name}",
            TOTAL,
            f"```python\n{above}\n\n\ndef total(xs):\n    return {call}(xs)\n```\n",
            gives=filled(TOTAL, f"{above}\n    return {call}(xs)"),
            tiers=V,
            never=NEVER,
        )
        for name, above, call in (
            ("a module", "import math", "math.fsum"),
            ("a name", "from math import fsum", "fsum"),
            ("another name", "import math as m", "m.fsum"),
        )
    ),
    Case("an import that nothing needs", TOTAL, f"```python\nimport os\n\n\n{WHOLE}```\n", gives=SUMMED, tiers=V),
    Case("a role on its own line", ADD, "assistant\nreturn a + b\n", gives=ADDED, tiers=V, never=("assistant",)),
    Case(
        "a tag with attributes",
        ADD,
        '<pre><code class="language-python">return a + b</code></pre>',
        gives=ADDED,
        tiers=V,
        never=("<",),
    ),
    Case("two back-quotes around a line", ADD, "``return a + b``", gives=ADDED, tiers=V, never=NEVER),
    Case("many blank lines before", ADD, "\n" * 200 + "return a + b\n", gives=ADDED, tiers=V),
    Case("a label", ADD, "Answer:\nreturn a + b\n", gives=ADDED, tiers=V, never=(*NEVER, "Answer")),
    Case(
        "thoughts",
        ADD,
        "<think>\nThe user wants the sum.\nSo: return a + b\n</think>\n\n    return a + b\n",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "thoughts and a fence",
        TOTAL,
        f"<think>Loop over xs. I'd start with 0.</think>\n```python\n{WHOLE}```\n",
        gives=SUMMED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "thoughts whose start is missing", ADD, "Add them.\n</think>\nreturn a + b\n", gives=ADDED, tiers=V, never=NEVER
    ),
    Case("thoughts without an end", ADD, "<think>\nreturn a + b would be\n    return a + b\n", nothing=True),
    Case("tags of CodeLlama", TOTAL, f"[PYTHON]\n{WHOLE}[/PYTHON]\n", gives=SUMMED, tiers=V, never=NEVER),
    Case("tags of markup", ADD, "<code>\n    return a + b\n</code>\n", gives=ADDED, tiers=V, never=(*NEVER, "code>")),
    Case("a tagged completion", ADD, "<completion>return a + b</completion>", gives=ADDED, tiers=V, never=("<",)),
    Case("a diff", ADD, "```diff\n+    return a + b\n```\n", gives=ADDED, tiers=V, never=(*NEVER, "+    ")),
    Case(
        "a diff with its header",
        TOTAL,
        "--- a/total.py\n+++ b/total.py\n@@ -5,2 +5,5 @@\n+    result = 0\n+    for x in xs:\n"
        "+        result += x\n+    return result\n",
        gives=SUMMED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "a diff with the lines around it",
        ADD,
        '@@ -1,6 +1,7 @@\n def add(a, b):\n     """Add two numbers.\n \n     >>> add(1, 2)\n     3\n     """\n'
        "-    pass\n+    return a + b\n",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "two blocks, the second a call",
        TOTAL,
        f"```python\n{WHOLE}```\nYou can use it like this:\n```python\nprint(total([1]))\n```\n",
        gives=SUMMED,
        tiers=V,
        never=(*NEVER, "print"),
    ),
    Case("an interactive session", ADD, ">>> return a + b\n", gives=ADDED, tiers=V, never=(">>>",)),
    Case("only a sentence", ADD, "I'm sorry, but I can't help with that.\n", nothing=True),
    Case("only an empty fence", ADD, "```python\n```\n", nothing=True),
    Case(
        "back-quotes that belong to the code",
        DOC,
        "return f'```{text}```'\n",
        gives=filled(DOC, "return f'```{text}```'"),
        tiers=V,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)
