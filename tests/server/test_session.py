"""The server over a real connection, with a pipeline that says what it is told."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from support.bench import Bench, abstention, make_offer
from support.editor import Editor, capabilities

from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, SuggestionRequest, Trigger
from plum_lsp.domain.text import PositionEncoding, Span
from plum_lsp.report.installation import command_here

STUB = "def add(a, b):\n    ‸"


class Gate:
    """A pipeline's answer that waits until it is let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, request: SuggestionRequest) -> Offer | Abstention:
        self.entered.set()
        await self.opened.wait()
        return make_offer(hole=Span(start=request.offset, end=request.offset), request_id=request.id)


async def test_offers_at_the_cursor(bench: Bench) -> None:
    """An offer comes as one item with its text, a single-line range and the command that accepts it."""
    async with Editor.connected(bench.serve) as editor:
        offer = await editor.suggest(STUB)
        assert offer is not None
        assert (offer.text, offer.is_verified) == ("return a + b", True)
        assert offer.item.range == types.Range(editor.position(19), editor.position(19))
        assert offer.item.filter_text == "return a + b"
        assert offer.item.command is not None
        assert offer.item.command.command == "plum.accept"
    assert bench.closed == 1


async def test_only_python_is_served(bench: Bench) -> None:
    """A document in another language gets nothing and reaches no pipeline; so does one that was never opened."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB, language="rust")
        assert await editor.ask() == []
        await editor.open(STUB)
        editor.uri += "x"
        editor.buffers[editor.uri] = editor.buffers[editor.uri[:-1]]
        assert await editor.ask() == []
    assert bench.requests == []


async def test_an_untitled_buffer_is_served(bench: Bench) -> None:
    """A buffer needs no file."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB, uri="untitled:Untitled-1")
        assert len(await editor.ask()) == 1


async def test_an_automatic_request_is_told_from_an_invoked_one(bench: Bench) -> None:
    """The pipeline learns who asked."""
    async with Editor.connected(bench.serve) as editor:
        await editor.suggest(STUB)
        await editor.suggest(automatic=True)
    assert [request.trigger for request in bench.requests] == [Trigger.INVOKED, Trigger.AUTOMATIC]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_positions_are_read_in_the_agreed_encoding(bench: Bench, encoding: str) -> None:
    """The editor's first choice is taken, and characters count in its units both ways."""
    async with Editor.connected(bench.serve, able=capabilities(encodings=(encoding,))) as editor:
        offer = await editor.suggest("漢 = '😀é'; x = ‸")
        assert offer is not None
        assert offer.item.range is not None
        assert editor.offset(offer.item.range.start) == 14
    assert bench.requests[0].offset == 14
    assert bench.requests[0].document.encoding is PositionEncoding(encoding)


async def test_the_text_has_the_line_ends_of_its_document(bench: Bench) -> None:
    """A CRLF document gets CRLF."""
    bench.text = "if a:\n    return b\nreturn a"
    async with Editor.connected(bench.serve) as editor:
        offer = await editor.suggest("def f(a, b):\r\n    ‸\r\n")
        assert offer is not None
        assert offer.text == "if a:\r\n    return b\r\nreturn a"


async def test_a_newer_request_cancels_the_one_before(bench: Bench) -> None:
    """The older one answers with nothing, and its pipeline run ends."""
    gate = Gate()
    bench.answer = gate
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        first = asyncio.create_task(editor.ask())
        await gate.entered.wait()
        second = asyncio.create_task(editor.ask())
        assert await first == []
        gate.opened.set()
        assert len(await second) == 1
        assert bench.pipeline is not None
        assert bench.pipeline.cancelled == 1


async def test_a_request_is_announced_before_its_project_is_looked_up(bench: Bench) -> None:
    """What goes on for the offer before it does not compete with it."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        for _ in range(2):
            assert await editor.ask()
    assert bench.pipeline is not None
    assert bench.pipeline.made_way == [0, 1]


async def test_an_edit_makes_the_answer_stale(bench: Bench) -> None:
    """Whoever types on does not get an offer for the text before."""
    gate = Gate()
    bench.answer = gate
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        asked = asyncio.create_task(editor.ask())
        await gate.entered.wait()
        await editor.type("r")
        assert await asked == []
        gate.opened.set()
        assert len(await editor.ask()) == 1


async def test_a_version_that_moved_makes_the_answer_stale(bench: Bench) -> None:
    """Even if the text is the same: the editor would refuse the answer anyway."""
    gate = Gate()
    bench.answer = gate
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        asked = asyncio.create_task(editor.ask())
        await gate.entered.wait()
        await editor.replace(0, 0, "")
        await editor.explain()
        gate.opened.set()
        assert await asked == []


async def test_a_cancelled_request_is_answered_with_the_error_of_lsp(bench: Bench) -> None:
    """`$/cancelRequest` ends the pipeline's run and is answered with −32800."""
    gate = Gate()
    bench.answer = gate
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        params = types.InlineCompletionParams(
            types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked),
            types.TextDocumentIdentifier(editor.uri),
            editor.position(19),
        )
        asked = editor.client.protocol.send_request_async(types.TEXT_DOCUMENT_INLINE_COMPLETION, params, msg_id="ask-1")
        answer = asyncio.create_task(asked)
        await gate.entered.wait()
        editor.client.cancel_request(types.CancelParams("ask-1"))
        with pytest.raises(JsonRpcException) as raised:
            await answer
        assert raised.value.code == -32800
        assert bench.pipeline is not None
        assert bench.pipeline.cancelled == 1


async def test_a_request_waits_for_the_services(bench: Bench) -> None:
    """A question asked while the services open is answered once they have."""
    bench.opening = asyncio.Event()
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        asked = asyncio.create_task(editor.ask())
        await editor.until(lambda: editor.statuses and editor.status["message"] == "starting")
        bench.opening.set()
        assert len(await asked) == 1


async def test_a_request_does_not_wait_beyond_its_deadline(bench: Bench) -> None:
    """Services that never open cost a request its deadline and no more."""
    bench.opening = asyncio.Event()
    async with Editor.connected(bench.serve, settings={"offers": {"deadlineMs": 60}}) as editor:
        await editor.open(STUB)
        assert await editor.ask() == []
        assert (await editor.explain())["reason"] == "deadline"


async def test_services_that_do_not_open_are_a_status(bench: Bench) -> None:
    """The editor learns what is wrong and what to do, in the status and on request; there is no pop-up."""
    bench.error = PolicyUnavailable("there is no model.", remedy="Run `plum-lsp model fetch`.")
    async with Editor.connected(bench.serve) as editor:
        assert await editor.suggest(STUB) is None
        assert editor.status["kind"] == "Error"
        assert editor.status["message"] == f"there is no model. Run `{command_here()} model fetch`."
        assert (await editor.explain())["reason"] == "policy_unavailable"


async def test_an_abstention_says_why(bench: Bench) -> None:
    """Nothing is offered, and both the status and `plum.explain` tell the reason."""

    async def refuse(request: SuggestionRequest) -> Abstention:
        return abstention(request)

    bench.answer = refuse
    async with Editor.connected(bench.serve) as editor:
        assert await editor.suggest(STUB) is None
        told = await editor.explain()
        assert (told["kind"], told["reason"]) == ("abstention", AbstentionReason.ALL_FAILED.value)
        assert told["text"] == "nothing offered: 2 candidates failed the tests."
        assert editor.status["message"] == "2 candidates failed the tests."
        assert editor.status["command"]["command"] == "plum.explain"


async def test_a_fault_of_ours_is_no_error_in_the_editor(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A pipeline that raises is logged and told in the status; the request is answered with nothing."""

    async def break_down(request: SuggestionRequest) -> Abstention:
        raise KeyError("secret source text")

    bench.answer = break_down
    async with Editor.connected(bench.serve) as editor:
        assert await editor.suggest(STUB) is None
        assert editor.status["kind"] == "Error"
        assert "secret" not in editor.status["message"]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert any("broke: KeyError" in line for line in told)
    assert "secret" not in "".join(told)


async def test_a_paused_server_asks_nobody(bench: Bench) -> None:
    """While paused no request reaches the pipeline; resuming takes no new services."""
    async with Editor.connected(bench.serve, settings={"privacy": {"paused": True}}) as editor:
        assert await editor.suggest(STUB) is None
        assert editor.status == {"busy": False, "kind": "Inactive", "message": "paused"}
        editor.configure({"privacy": {"paused": False}})
        await editor.until(lambda: editor.status["message"] == "ready")
        assert len(await editor.ask()) == 1
    assert len(bench.opened) == 1


async def test_an_excluded_path_is_not_read(bench: Bench, tmp_path: Path) -> None:
    """Neither under its own name nor under that of a link to it."""
    (tmp_path / "my_secrets.py").touch()
    (tmp_path / "harmless.py").symlink_to(tmp_path / "my_secrets.py")
    async with Editor.connected(bench.serve) as editor:
        for name in ("my_secrets.py", "harmless.py"):
            await editor.open(STUB, uri=(tmp_path / name).as_uri())
            assert await editor.ask() == []
            assert (await editor.explain())["reason"] == "excluded"
    assert bench.requests == []


async def test_settings_that_concern_the_services_open_them_anew(bench: Bench) -> None:
    """The old services are closed first."""
    async with Editor.connected(bench.serve) as editor:
        await editor.suggest(STUB)
        editor.configure({"sampling": {"candidates": 2}})
        assert len(await editor.ask()) == 1
    assert [settings.sampling.candidates for settings in bench.opened] == [5, 2]
    assert bench.closed == 2


async def test_a_request_names_the_folders_of_the_workspace(bench: Bench, tmp_path: Path) -> None:
    """Those of the start, then those that the editor added, without opening the services anew."""
    added = types.WorkspaceFolder((tmp_path / "more").as_uri(), "more")
    async with Editor.connected(bench.serve, workspace=tmp_path / "work") as editor:
        await editor.suggest(STUB)
        assert bench.requests[-1].folders == (tmp_path / "work",)
        event = types.WorkspaceFoldersChangeEvent(added=[added], removed=[])
        editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
        await editor.ask()
        assert bench.requests[-1].folders == (tmp_path / "work", tmp_path / "more")
    assert len(bench.opened) == 1


async def test_settings_are_pulled_where_the_editor_can_be_asked(bench: Bench) -> None:
    """The server asks for its section, asks to be told of changes, and then asks again."""
    async with Editor.connected(bench.serve, able=capabilities(pull=True)) as editor:
        await editor.suggest(STUB)
        assert bench.opened[-1].sampling.candidates == 5
        assert [registration.method for registration in editor.registrations] == ["workspace/didChangeConfiguration"]
        editor.client.set_configuration({"sampling": {"candidates": 3}}, section="plum")
        editor.configure(None)
        await editor.until(lambda: bench.opened[-1].sampling.candidates == 3)


async def test_an_unknown_setting_is_told_once(bench: Bench) -> None:
    """As a message, since a setting that does nothing looks like one that works."""
    async with Editor.connected(bench.serve, settings={"sampling": {"candidatez": 3}}) as editor:
        await editor.suggest(STUB)
        editor.configure({"sampling": {"candidatez": 3}})
        await editor.ask()
        (message,) = editor.read_messages()
        assert "candidatez" in message


async def test_long_work_shows_progress(bench: Bench) -> None:
    """Loading the model is progress where the editor shows it."""
    async with Editor.connected(bench.serve, able=capabilities(progress=True)) as editor:
        await editor.open(STUB)
        await editor.until(lambda: any(len(reports) == 2 for reports in editor.client.progress_reports.values()))
        ((begin, _),) = editor.client.progress_reports.values()
        assert begin.title == "plum: loading the model"  # type: ignore[attr-defined]


async def test_an_editor_without_inline_completion_gets_a_menu_entry(bench: Bench) -> None:
    """With the tier in its label, the evidence in its documentation, and what is typed so far in its edit."""
    bench.text = "urn a + b"
    async with Editor.connected(bench.serve, able=capabilities(inline=False)) as editor:
        await editor.open("def add(a, b):\n    ret‸")
        (item,) = await editor.complete()
        assert item.label == "return a + b"
        assert item.preselect
        assert item.detail == "✓ verified: passes 1 of 1 test"
        assert isinstance(item.documentation, types.MarkupContent)
        assert "- ✓ `>>> add(1, 2) 3`" in item.documentation.value
        assert isinstance(item.text_edit, types.TextEdit)
        assert item.text_edit.new_text == "return a + b"
        assert item.text_edit.range == types.Range(editor.position(19), editor.position(22))


async def test_an_editor_with_inline_completion_has_no_menu_entries(bench: Bench) -> None:
    """It would see every offer twice."""
    async with Editor.connected(bench.serve) as editor:
        assert editor.answer is not None
        assert editor.answer.capabilities.completion_provider is None
        assert editor.answer.capabilities.inline_completion_provider is not None


async def test_a_fast_typist_asks_once(bench: Bench) -> None:
    """Of automatic requests in quick succession only the last reaches the pipeline."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        asked = []
        for character in "return":
            await editor.type(character)
            asked.append(asyncio.create_task(editor.ask(automatic=True)))
        answers = await asyncio.gather(*asked)
    assert [len(answer) for answer in answers[1:]] == [0, 0, 0, 0, 1]
    assert len(bench.requests) <= 2


async def test_every_request_leaves_one_line_without_source_text(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """With ids, stages and the end."""
    caplog.set_level(logging.INFO, "plum_lsp")
    async with Editor.connected(bench.serve) as editor:
        await editor.suggest("password = 'hunter2'\n" + STUB)
    (line,) = [record.getMessage() for record in caplog.records if "request=" in record.getMessage()]
    assert f"request={bench.requests[0].id} version=1 trigger=invoked end=offer:verified offer=offer-1" in line
    assert "sampled_ms=1.0" in line
    assert "hunter2" not in "".join(record.getMessage() for record in caplog.records if "plum" in record.name)


async def test_a_request_that_cannot_be_read_is_answered(bench: Bench) -> None:
    """With an error, where pygls would leave the editor waiting; the server goes on."""
    async with Editor.connected(bench.serve) as editor:
        with pytest.raises(JsonRpcException):
            await editor.send("textDocument/inlineCompletion", {"position": "here"})
        assert await editor.suggest(STUB) is not None


async def test_the_first_trigger_kind_of_old_clients_is_understood(bench: Bench) -> None:
    """vscode-languageclient 9 counts trigger kinds from 0."""
    async with Editor.connected(bench.serve) as editor:
        await editor.open(STUB)
        params = {
            "context": {"triggerKind": 0},
            "textDocument": {"uri": editor.uri},
            "position": {"line": 1, "character": 4},
        }
        await editor.send("textDocument/inlineCompletion", params)
    assert bench.requests[0].trigger is Trigger.INVOKED


async def test_accepting_without_a_store_says_so(bench: Bench) -> None:
    """The command answers, with the problem."""
    async with Editor.connected(bench.serve) as editor:
        offer = await editor.suggest(STUB)
        assert offer is not None
        editor.show(offer)
        assert await editor.reject(offer) == {"recorded": False, "problem": "there is no store"}
        assert await editor.command("plum.accept", "nobody") == {
            "recorded": False,
            "problem": "no offer nobody was made by this server",
        }
        assert await editor.command("plum.accept") == {"recorded": False, "problem": "which offer?"}


async def test_nothing_is_sampled_right_after_an_acceptance(bench: Bench) -> None:
    """The editor asks by itself at the end of what was accepted. The user has not asked, and writes on first."""
    async with Editor.connected(bench.serve) as editor:
        offer = await editor.suggest(STUB)
        assert offer is not None
        await editor.accept(offer)
        assert await editor.ask(automatic=True) == []
        assert editor.status["message"] == "ready"
        assert len(bench.requests) == 1
        assert len(await editor.ask()) == 1
        await editor.type("\n    ")
        assert len(await editor.ask(automatic=True)) == 1
