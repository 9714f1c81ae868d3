"""The golden messages between clients and the server, made by the server's own code.

`python -m support.golden` (from `tests/`) writes them to `editor-clients/protocol/messages.json`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.protocol import default_converter

from plum_lsp.domain.events import Revised
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, RequestId
from plum_lsp.domain.text import Document, Span
from plum_lsp.report.evidence import explanation
from plum_lsp.server.convert import completion_item, inline_item
from plum_lsp.server.standing import as_params
from plum_lsp.server.status import as_params as status_params
from plum_lsp.server.status import ended_status
from support.bench import make_offer

FILE = Path(__file__).parents[2] / "editor-clients" / "protocol" / "messages.json"
DOCUMENT = Document(uri="file:///project/module.py", version=3, text="def label(a, b):\r\n    ")
TEXT = 'sign = "😀"\nreturn sign'
PART = 'sign = "😀"\n'
"""What a user took of it: as long in code points as in no other unit."""


def messages() -> dict[str, Any]:
    """Each message by what it is for."""
    offer = make_offer(TEXT, hole=Span(start=len(DOCUMENT.text), end=len(DOCUMENT.text)))
    item = _plain(inline_item(offer, DOCUMENT))
    no_offer = Abstention(request_id=RequestId("request-1"), reason=AbstentionReason.ALL_FAILED, detail="All failed.")
    withdrawn = replace(no_offer, reason=AbstentionReason.WITHDRAWN, detail="The suggestion was withdrawn.")
    return {
        "capabilities": {
            "experimental": {"plum": {"reportsShown": True, "cycles": True, "status": True, "offerChanges": True}}
        },
        "inlineCompletionList": {"items": [item]},
        "completionItem": _plain(completion_item(offer, DOCUMENT, shows_markdown=True)),
        "didShowCompletion": {"item": item},
        "didShowLabel": {"item": item, "tier": "verified"},
        "didChangeOffer": [
            as_params(Revised(request_id=offer.request_id, offer=offer, result=offer)),
            as_params(Revised(request_id=offer.request_id, offer=offer, result=withdrawn, has_better=True)),
        ],
        "didPartiallyAcceptCompletion": {"item": item, "acceptedLength": len('sign = "XX"\r\n')},
        "didSelectInterpreters": {"interpreters": {"file:///project": "/project/.venv/bin/python"}},
        "didChangeStatus": [_status(offer), _status(no_offer)],
        "executeCommand": {
            "accept": {"command": "plum.accept", "arguments": [offer.id]},
            "reject": {"command": "plum.reject", "arguments": [offer.id, "too long"]},
            "close": {"command": "plum.close", "arguments": [offer.id]},
            "explain": {"command": "plum.explain", "arguments": [offer.id]},
            "trust": {"command": "plum.trust", "arguments": [DOCUMENT.uri]},
        },
        "recorded": [{"recorded": True, "problem": ""}, {"recorded": False, "problem": "which offer?"}],
        "explanation": {
            "offer": explanation(offer),
            "abstention": explanation(no_offer),
            "nothing": explanation(None),
        },
        "partlyAcceptedText": PART,
    }


def _status(result: Offer | Abstention) -> dict[str, Any]:
    return status_params(ended_status(result))


def _plain(value: types.InlineCompletionItem | types.CompletionItem) -> Any:
    return default_converter().unstructure(value)  # type: ignore[no-untyped-call]


def text() -> str:
    """The file's text."""
    return json.dumps(messages(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
