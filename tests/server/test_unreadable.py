"""Changes that cannot be read: no suggestion is made for a text that the editor may not have."""

from __future__ import annotations

from typing import Any

import pytest
from support.bench import Bench
from support.wire import HELLO, Wire, notice, wired

URI = "file:///a.py"
TEXT = "def f(a):\n    \n"
OTHER = "file:///b.py"


def place(line: Any, character: Any) -> dict[str, Any]:
    """A position, well formed or not."""
    return {"line": line, "character": character}


def edit(start: Any, end: Any, text: Any = "x") -> dict[str, Any]:
    """A partial change."""
    return {"range": {"start": start, "end": end}, "text": text}


def change(*changes: Any, version: Any = 2, uri: Any = URI) -> dict[str, Any]:
    """The parameters of a `didChange`."""
    return {"textDocument": {"uri": uri, "version": version}, "contentChanges": list(changes)}


GOOD = edit(place(1, 4), place(1, 4))
UNREADABLE = {
    "a line far outside": change(edit(place(40, 0), place(40, 3))),
    "an end far outside": change(edit(place(1, 0), place(40, 3))),
    "the line after the last, at a character": change(edit(place(3, 7), place(3, 7))),
    "a negative line": change(edit(place(-1, 0), place(0, 0))),
    "a negative character": change(edit(place(0, -2), place(0, 0))),
    "a line that is a text": change(edit(place("one", 0), place(1, 0))),
    "a line that is a fraction": change(edit(place(0.5, 0), place(1, 0))),
    "no end": change({"range": {"start": place(0, 0)}, "text": "x"}),
    "a range that is a list": change({"range": [0, 1], "text": "x"}),
    "a text that is a number": change(edit(place(0, 0), place(0, 0), 5)),
    "no text": change({"range": {"start": place(0, 0), "end": place(0, 0)}}),
    "changes that are no list": {"textDocument": {"uri": URI, "version": 2}, "contentChanges": {}},
    "no changes at all": {"textDocument": {"uri": URI, "version": 2}},
    "a change that is null": change(None),
    "a version that goes backwards": change(GOOD, version=0),
    "a version that is a text": change(GOOD, version="two"),
    "no version": {"textDocument": {"uri": URI}, "contentChanges": [GOOD]},
    "a URI that is a number": change(GOOD, uri=5),
    "no document": {"contentChanges": [GOOD]},
    "no parameters": None,
    "the second of two": change(GOOD, edit(place(99, 0), place(99, 0))),
    "a full text, then a line outside": change({"text": TEXT}, edit(place(99, 0), place(99, 0))),
}
READABLE = {
    "a character beyond its line": change(edit(place(1, 90), place(1, 99))),
    "a reversed range": change(edit(place(1, 4), place(1, 0), "    ")),
    "the start of the line after the last": change(edit(place(3, 0), place(3, 0), "\n")),
    "the whole text by a range beyond its end": change(edit(place(0, 0), place(999, 0), TEXT)),
    "a full text": change({"text": TEXT}),
    "a line outside, then a full text": change(edit(place(99, 0), place(99, 0)), {"text": TEXT}),
    "the same version": change(GOOD, version=1),
    "a version that leaps": change(GOOD, version=70),
    "an empty list": change(),
    "a full text with an older version": change({"text": TEXT}, version=0),
    "a version of null": change(GOOD, version=None),
    "a full text with a version of null": change({"text": TEXT}, version=None),
    "a range of null": change({"range": None, "text": TEXT}),
    "a range and a length of null": change({"range": None, "rangeLength": None, "text": TEXT}),
    "a length of null": change({**GOOD, "rangeLength": None}),
}


def opening(uri: str = URI) -> dict[str, Any]:
    """A `didOpen`."""
    item = {"uri": uri, "languageId": "python", "version": 1, "text": TEXT}
    return notice("textDocument/didOpen", {"textDocument": item})


async def offers(wire: Wire, number: int, uri: str = URI) -> int:
    """How many offers the editor gets at the cursor."""
    params = {"textDocument": {"uri": uri}, "position": place(1, 4), "context": {"triggerKind": 1}}
    answer = await wire.ask(number, "textDocument/inlineCompletion", params)
    return len(answer["result"]["items"])


@pytest.mark.parametrize("params", UNREADABLE.values(), ids=UNREADABLE)
async def test_offers_stop_until_a_full_text_comes(bench: Bench, params: Any) -> None:
    """No offer after it nor after later partial changes. A full text brings them back, and so does opening anew."""
    async with wired(bench) as wire:
        await wire.start()
        wire.send(opening())
        assert await offers(wire, 1) == 1
        wire.send(notice("textDocument/didChange", params))
        assert await offers(wire, 2) == 0
        explained = (await wire.ask(3, "workspace/executeCommand", {"command": "plum.explain"}))["result"]
        assert (explained["kind"], explained["reason"]) == ("abstention", "text_unknown")
        wire.send(notice("textDocument/didChange", change(GOOD, version=3)))
        assert await offers(wire, 4) == 0
        wire.send(notice("textDocument/didChange", change({"text": TEXT}, version=4)))
        assert await offers(wire, 5) == 1
        assert bench.server is not None
        assert bench.server.session.documents[URI].snapshot.text == TEXT


@pytest.mark.parametrize("params", READABLE.values(), ids=READABLE)
async def test_what_can_be_read_stops_nothing(bench: Bench, params: Any) -> None:
    """Offers go on."""
    async with wired(bench) as wire:
        await wire.start()
        wire.send(opening(), notice("textDocument/didChange", params))
        assert await offers(wire, 1) == 1


async def test_versions_of_null_follow_each_other(bench: Bench) -> None:
    """Each change is a new text, so an offer for the text before is not given again. The range of null is the text."""
    async with wired(bench) as wire:
        await wire.start()
        item = {"uri": URI, "languageId": "python", "version": None, "text": TEXT}
        wire.send(notice("textDocument/didOpen", {"textDocument": item}))
        for number, name in enumerate(("f", "g", "h"), 1):
            text = TEXT.replace("f", name)
            assert await offers(wire, number) == 1
            wire.send(notice("textDocument/didChange", change({"range": None, "text": text}, version=None)))
        assert await offers(wire, 9) == 1
        assert bench.server is not None
        assert bench.server.session.documents[URI].snapshot.text == TEXT.replace("f", "h")
        assert len(bench.requests) == 4


def able(**parts: Any) -> dict[str, Any]:
    """A greeting with these capabilities."""
    return {**HELLO, "capabilities": parts}


def kinds(*numbers: Any) -> dict[str, Any]:
    """A set of kinds that an editor knows."""
    return {"valueSet": list(numbers)}


GREETINGS = {
    "an unknown trace": {**HELLO, "trace": "loud"},
    "a trace of null": {**HELLO, "trace": None},
    "a trace that is a number": {**HELLO, "trace": 3},
    "a kind of entry": able(textDocument={"completion": {"completionItemKind": kinds(1, 99)}}),
    "a tag of entry": able(textDocument={"completion": {"completionItem": {"tagSupport": kinds(7)}}}),
    "a format of text": able(textDocument={"completion": {"completionItem": {"documentationFormat": ["html"]}}}),
    "a kind of symbol": able(workspace={"symbol": {"symbolKind": kinds(99)}}),
    "a way to handle failures": able(workspace={"workspaceEdit": {"failureHandling": "magic"}}),
    "a tag of diagnostics": able(textDocument={"publishDiagnostics": {"tagSupport": kinds(9)}}),
    "a unit of positions": able(general={"positionEncodings": ["utf-7"]}),
    "a capability": able(telepathy={"isLoud": True}),
}


@pytest.mark.parametrize("hello", GREETINGS.values(), ids=GREETINGS)
async def test_a_greeting_with_unknown_words_is_answered(bench: Bench, hello: dict[str, Any]) -> None:
    """A newer editor may know more than the server, and `initialize` does not fail for it."""
    async with wired(bench) as wire:
        assert "result" in await wire.ask(0, "initialize", hello)
        wire.send(notice("initialized", {}), notice("$/setTrace", {"value": "loud"}), opening())
        assert await offers(wire, 1) == 1


HELLO_INLINE = {**HELLO, "capabilities": {"textDocument": {"inlineCompletion": {}}}}
PLACES = {
    "a line that is a text": place("1", 4),
    "a character that is a text": place(1, "4"),
    "a fraction": place(1.5, 4),
    "a truth value": place(True, 4),
    "a negative line": place(-1, 4),
    "a negative character": place(1, -4),
    "a line of null": place(None, 4),
    "a character that no editor has": place(1, 2**70),
    "no character": {"line": 1},
    "a list": [1, 4],
    "null": None,
}


@pytest.mark.parametrize("method", ["inlineCompletion", "completion"])
@pytest.mark.parametrize("position", PLACES.values(), ids=PLACES)
async def test_a_request_at_no_place_is_refused(bench: Bench, method: str, position: Any) -> None:
    """It gets InvalidParams and asks for no completion at a place that it does not name."""
    async with wired(bench) as wire:
        hello = HELLO if method == "completion" else HELLO_INLINE
        assert "result" in await wire.ask(0, "initialize", hello)
        wire.send(notice("initialized", {}), opening())
        params = {"textDocument": {"uri": URI}, "position": position, "context": {"triggerKind": 1}}
        assert (await wire.ask(1, f"textDocument/{method}", params))["error"]["code"] == -32602


@pytest.mark.parametrize("line", [3, 99, 2**31 - 1])
async def test_a_line_that_the_document_does_not_have_gets_no_offer(bench: Bench, line: int) -> None:
    """The editor has another text. The explanation says so, and the next request is answered."""
    async with wired(bench) as wire:
        await wire.start()
        wire.send(opening())
        params = {"textDocument": {"uri": URI}, "position": place(line, 4), "context": {"triggerKind": 1}}
        assert (await wire.ask(1, "textDocument/inlineCompletion", params))["result"]["items"] == []
        explained = (await wire.ask(2, "workspace/executeCommand", {"command": "plum.explain"}))["result"]
        assert (explained["kind"], explained["reason"]) == ("abstention", "text_unknown")
        assert await offers(wire, 3) == 1


@pytest.mark.parametrize("argument", [5, True, ["a"], 1.5])
@pytest.mark.parametrize("command", ["plum.trust", "plum.reject", "plum.close", "plum.accept"])
async def test_an_argument_of_a_wrong_type_is_no_default(bench: Bench, command: str, argument: Any) -> None:
    """It neither trusts the last document's project nor judges the last offer."""
    async with wired(bench) as wire:
        await wire.start()
        wire.send(opening())
        assert await offers(wire, 1) == 1
        params = {"command": command, "arguments": [argument]}
        result = (await wire.ask(2, "workspace/executeCommand", params))["result"]
        assert result["problem"] in {"which offer?", "the argument is no document URI"}
        assert not result.get("recorded") and not result.get("trusted")


async def test_only_the_document_that_is_named_is_lost(bench: Bench) -> None:
    """Another document keeps its offers, and opening the lost one again brings its own back."""
    async with wired(bench) as wire:
        await wire.start()
        wire.send(opening(), opening(OTHER))
        wire.send(notice("textDocument/didChange", UNREADABLE["a line far outside"]))
        assert (await offers(wire, 1), await offers(wire, 2, OTHER)) == (0, 1)
        wire.send(opening())
        assert await offers(wire, 3) == 1


async def test_an_offer_for_the_old_text_is_not_kept(bench: Bench) -> None:
    """What was offered before the change is not offered as the rest of what was typed since."""
    async with wired(bench) as wire:
        await wire.start()
        wire.send(opening())
        assert await offers(wire, 1) == 1
        wire.send(notice("textDocument/didChange", UNREADABLE["no end"]))
        wire.send(notice("textDocument/didChange", change({"text": TEXT}, version=4)))
        assert await offers(wire, 2) == 1
        assert len(bench.requests) == 2
