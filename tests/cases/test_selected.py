"""A request while an entry of the editor's menu is selected (LSP 3.18, `selectedCompletionInfo`): an offer begins with
the entry's text and has its range, or there is none.

`[` and `]` stand around the text that the entry would replace.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from lsprotocol import types
from support.cases import Desk
from support.scripted_policy import Step

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

AREA = 'def area(width, height):\n    """>>> area(2, 3)\n    6"""\n    return [wi‸]'
UPPER = 'def shout(text):\n    """>>> shout("a") == "A"\n    True"""\n    return text[.‸]'
EMOJI = 'def shout(text):\n    """>>> shout("a") == "😀A"\n    True"""\n    return "😀" + te[x‸]'


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the buffer, the entry's text, what the model says in turn, and the text of the item, if there is one."""

    name: str
    text: str
    entry: str
    says: tuple[str, ...]
    inserted: str = ""

    def __str__(self) -> str:
        """The name, as the test's id."""
        return self.name


ROWS = [
    Row("the entry's word", AREA, "width", ("dth * height\n",), "width * height"),
    Row("the model repeats the word", AREA, "width", ("width * height\n",), "width * height"),
    Row("another word", AREA, "wild", ("dth * height\n",)),
    Row("a longer word", AREA, "widths", ("dth * height\n",)),
    Row("one of several", AREA, "width", ("x\n", "dth * height\n", "y\n", "dth * height\n", "z\n"), "width * height"),
    Row("an empty range", AREA.replace("[wi‸]", "wi[‸]"), "dth", ("dth * height\n",), "dth * height"),
    Row("a dot in the range", UPPER, ".upper", ("upper()\n",), ".upper()"),
    Row("a dot in the range, another method", UPPER, ".lower", ("upper()\n",)),
    Row("a call with its bracket", UPPER, ".upper()", ("upper()\n",), ".upper()"),
    Row("behind an emoji", EMOJI, "xt", ("t.upper()\n",), "xt.upper()"),
    Row("with code below", AREA + "\n\nprint(area(1, 2))\n", "width", ("dth * height\n",), "width * height"),
    Row("in a file of CRLF", AREA.replace("\n", "\r\n"), "width", ("dth * height\n",), "width * height"),
    Row("before blanks", AREA + "  ", "width", ("dth * height\n",), "width * height"),
    Row("a range elsewhere", AREA.replace("[wi‸]", "wi‸").replace("def ", "[def] "), "class", ("dth * height\n",)),
]


async def asked(desk: Desk, row: Row, *, automatic: bool) -> list[types.InlineCompletionItem]:
    """What is offered, with the entry selected."""
    desk.policy.forget()
    for text in row.says:
        desk.policy.will(Step(text=text, ending="stop"))
    start, end = row.text.replace("‸", "").index("["), row.text.replace("‸", "").index("]") - 1
    await desk.editor.open(row.text.replace("[", "", 1).replace("]", "", 1))
    where = types.Range(desk.editor.position(start), desk.editor.position(end))
    selected = types.SelectedCompletionInfo(range=where, text=row.entry)
    items = await desk.editor.ask(automatic=automatic, selected=selected)
    assert all(item.range == where for item in items)
    return items


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_row(desk: Desk, row: Row) -> None:
    """What the row says is offered, and nothing else. The explanation names the cause of nothing."""
    items = await asked(desk, row, automatic=False)
    assert [item.insert_text for item in items] == ([row.inserted] if row.inserted else [])
    if not items:
        assert "selected in the menu" in str((await desk.editor.explain())["text"])


async def test_standing_offer_that_another_entry_excludes(desk: Desk) -> None:
    """An offer whose beginning was typed is not the answer for an entry that it does not go on from."""
    desk.policy.forget()
    desk.policy.will(Step(text="width * height\n", ending="stop"))
    await desk.editor.open(AREA.replace("[wi‸]", "‸"))
    assert await desk.editor.ask(automatic=True)
    await desk.editor.type("w")
    place = desk.editor.position(desk.editor.text.index("return w") + len("return "))
    end = types.Position(place.line, place.character + 1)
    for entry, count in (("while", 0), ("width", 1)):
        selected = types.SelectedCompletionInfo(range=types.Range(place, end), text=entry)
        items = await desk.editor.ask(automatic=True, selected=selected)
        assert [item.insert_text for item in items] == ["width * height"] * count
