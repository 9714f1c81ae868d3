"""Untidy files as editors send them: cells of notebooks, coding cookies, byte order marks, line ends, form feeds, tabs,
and names in other forms of Unicode. And editors that count positions in another unit, with and without ghost text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types
from support.cases import Case, Desk
from support.editor import Editor, capabilities
from support.scripted_policy import ScriptedPolicy, Step

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

V = ("verified",)
ADD = 'def add(a, b):\n    """>>> add(1, 2)\n    3"""\n    ‸\n'
GIVES = ADD.replace("‸", "total = a + b\n    return total")
SUM = "total = a + b\n    return total\n"
SHOUT = 'def shout(text):\n    """>>> shout("a") == "😀a😀"\n    True"""\n    return "😀" + ‸\n'
CELL = "vscode-notebook-cell:/nowhere/nb.ipynb#W0sZmlsZQ%3D%3D"

ABOVE = {
    "a latin-1 cookie": '# -*- coding: latin-1 -*-\nX = "é"\n',
    "a cookie that cannot hold the file": '# coding: cp1252\nX = "😀"\n',
    "an unknown cookie": "# coding: nonsense\n",
    "a cookie of UTF-16": "# coding: utf-16\n",
    "a byte order mark": "\ufeff",
    "a byte order mark and a cookie": "\ufeff# coding: utf-8\n",
    "a form feed on its line": "X = 1\n\f\n",
    "a form feed before the header": "X = 1\n\n\f",
    "line ends that are none": 'X = "a\u2028b\x85c\vd"\n',
    "magics of a cell": "%timeit 1\n!ls\nprint?\n",
    "the magic of a whole cell": "%%time\n",
    "an await outside of functions": "import asyncio\nawait asyncio.sleep(0)\n",
}
CASES = [
    *(Case(name, above + ADD, SUM, gives=above + GIVES, tiers=V) for name, above in ABOVE.items()),
    Case("CR", ADD.replace("\n", "\r"), SUM, gives=GIVES.replace("\n", "\r"), tiers=V),
    Case("a form feed in the body", ADD.replace("    ‸", "    x = 1\n\f\n    ‸"), "return a + b\n", tiers=V),
    Case("tabs", ADD.replace("    ", "\t"), SUM, gives=GIVES.replace("    ", "\t"), tiers=V),
    Case("a byte order mark on the line", "\ufeffdef add(a, b): ‸\n", "return a + b\n", offered="return a + b"),
    Case("a cell of a shell", "%%bash\nls ‸", "-la\n", nothing=True, words="begins with %%bash, so it is not Python"),
    Case("a parameter in NFD", ADD.replace("a, b", "e\u0301, b"), "return e\u0301 + b\n", tiers=V),
    Case("a parameter in NFD, from the model in NFC", ADD.replace("a, b", "e\u0301, b"), "return \xe9 + b\n", tiers=V),
    Case("a function in NFD", ADD.replace("add", "e\u0301dd"), SUM, tiers=V),
    Case(
        "a function in NFD, its example in NFC",
        ADD.replace(">>> add", ">>> \xe9dd").replace("def add", "def e\u0301dd"),
        SUM,
        tiers=V,
    ),
    Case("a mathematical letter", ADD.replace("a, b", "𝑥, b"), "return 𝑥 + b\n", tiers=V),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the row says."""
    await desk.check(case)


URIS = [
    CELL,
    "vscode-notebook-cell://ssh-remote%2Bhost/x/nb.ipynb#C1",
    "untitled:Untitled-1",
    "git:/x/a.py?%7B%7D",
]


@pytest.mark.parametrize("uri", URIS)
async def test_document_that_is_no_file(desk: Desk, uri: str) -> None:
    """It is served like a file."""
    desk.policy.forget()
    desk.policy.will(Step(text=SUM))
    await desk.editor.open(ADD, uri=uri)
    offer = await desk.editor.suggest()
    assert offer is not None and offer.is_verified
    await desk.editor.insert(offer)
    assert desk.editor.text == GIVES


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=[("utf-8",), ("utf-32",), ("utf-32", "utf-16")], ids="-".join
)
async def menu(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """An editor without ghost text that offers only these units of positions."""
    able = capabilities(inline=False, encodings=request.param)
    with ScriptedPolicy() as policy:
        folder: Path = tmp_path_factory.mktemp("menu")
        async with Editor.running(folder=folder, policy_url=policy.url, api_key=policy.api_key, able=able) as editor:
            assert editor.answer is not None
            assert editor.answer.capabilities.position_encoding == request.param[0]
            yield Desk(editor, policy)


MENU = [
    (SHOUT, 'text + "😀"\n', SHOUT.replace("‸", 'text + "😀"')),
    (SHOUT.replace("‸", "te‸"), 'xt + "😀"\n', SHOUT.replace("‸", 'text + "😀"')),
    (ADD.replace("    ", "\t"), SUM, GIVES.replace("    ", "\t")),
    (ADD.replace("\n", "\r"), SUM, GIVES.replace("\n", "\r")),
    ('x = "😀‸"\n', "b\n", ""),
]


@pytest.mark.parametrize(("text", "says", "gives"), MENU)
async def test_entry_of_the_menu_in_another_unit(menu: Desk, text: str, says: str, gives: str) -> None:
    """The entry's edit puts the text into its place, behind an emoji on the line too. The list is incomplete."""
    menu.policy.forget()
    menu.policy.will(Step(text=says))
    editor = menu.editor
    await editor.open(text)
    place = editor.position(editor.buffers[editor.uri].cursor)
    params = types.CompletionParams(text_document=types.TextDocumentIdentifier(editor.uri), position=place)
    found = await editor.client.text_document_completion_async(params)
    assert isinstance(found, types.CompletionList) and found.is_incomplete
    assert len(found.items) == bool(gives)
    for item in found.items:
        assert isinstance(item.text_edit, types.TextEdit)
        where = item.text_edit.range
        await editor.replace(editor.offset(where.start), editor.offset(where.end), item.text_edit.new_text)
        assert editor.text == gives


@pytest.mark.parametrize("unit", ["utf-8", "utf-32"])
async def test_ghost_text_in_another_unit(unit: str, tmp_path: Path) -> None:
    """Behind an emoji, and after an edit that brings one."""
    with ScriptedPolicy() as policy:
        able = capabilities(encodings=(unit,))
        async with Editor.running(folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, able=able) as editor:
            policy.will(Step(text='text + "😀"\n'))
            await editor.open(SHOUT.replace("return ", 'x = "é"; return '))
            await editor.replace(editor.text.index("é"), editor.text.index("é") + 1, "é😀é")
            editor.buffers[editor.uri].cursor = len(editor.text) - 1
            offer = await editor.suggest()
            assert offer is not None and offer.is_verified
            await editor.insert(offer)
            assert editor.text.endswith('x = "é😀é"; return "😀" + text + "😀"\n')
