"""Answers of servers of completions, byte for byte: those that hold a completion, and those that hold none."""

from __future__ import annotations

import gzip
import json
from typing import Any

from support.raw_server import text_event

BODY = "    return a + b\n"
HALVES = ("    return", " a + b\n")
STOP = text_event("", finish_reason="stop")
DONE = b"data: [DONE]\n\n"


def event(value: Any) -> bytes:
    """One event with any value."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chat(content: Any, **choice: Any) -> bytes:
    """One event of a chat."""
    delta = {"content": content, "role": "assistant"}
    return event({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, **choice}]})


def document(**choice: Any) -> bytes:
    """A whole answer as one JSON document."""
    return json.dumps(
        {"object": "text_completion", "choices": [{"index": 0, "finish_reason": "stop", **choice}]}
    ).encode()


FIRST, SECOND = text_event(HALVES[0]), text_event(HALVES[1])
WHOLE = FIRST + SECOND + STOP + DONE
USAGE = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}

READ: dict[str, bytes | list[bytes]] = {
    # events without choices
    "usage after the end": FIRST + SECOND + STOP + event({"choices": [], "usage": USAGE}) + DONE,
    "usage in between": FIRST + event({"choices": [], "usage": USAGE}) + SECOND + STOP + DONE,
    "usage without choices": FIRST + SECOND + event({"usage": USAGE}) + STOP + DONE,
    "choices of null": event({"choices": None}) + WHOLE,
    "a choice of null": event({"choices": [None]}) + WHOLE,
    "null": event(None) + WHOLE,
    "a number": event(3) + WHOLE,
    "an empty object": event({}) + WHOLE,
    "a typed ping": event({"type": "ping"}) + WHOLE,
    "a named ping": b"event: ping\ndata: {}\n\n" + WHOLE,
    "a named ping in words": b"event: ping\ndata: still here\n\n" + WHOLE,
    "a ping in words": b"data: ping\n\n" + WHOLE,
    "a ping in brackets": b"data: [PING]\n\n" + WHOLE,
    "an empty event": b"data:\n\n" + b"data: \n\n" + WHOLE,
    "an error of null": event({"error": None, "choices": []}) + WHOLE,
    # texts that are null or missing
    "text of null": text_event(None) + WHOLE,
    "text missing": event({"choices": [{"index": 0}]}) + WHOLE,
    "text of null at the end": FIRST + SECOND + text_event(None, finish_reason="stop") + DONE,
    "text missing at the end": FIRST + SECOND + event({"choices": [{"index": 0, "finish_reason": "stop"}]}),
    "text empty": text_event("") + WHOLE,
    "an empty choice": event({"choices": [{}]}) + WHOLE,
    "index missing": event({"choices": [{"text": BODY, "finish_reason": "stop"}]}),
    "index of null": text_event(BODY, index=None, finish_reason="stop"),
    "index in words": text_event(BODY, index="0", finish_reason="stop"),
    "an index that was not asked for": text_event("x", index=5) + text_event("y", index=-1) + WHOLE,
    # line ends and fields
    "CRLF": WHOLE.replace(b"\n", b"\r\n"),
    "CR": WHOLE.replace(b"\n", b"\r"),
    "CR and LF mixed": FIRST.replace(b"\n", b"\r") + SECOND.replace(b"\n", b"\r\n") + STOP + DONE,
    "CRLF split between chunks": [WHOLE.replace(b"\n", b"\r\n")[at : at + 1] for at in range(2000)],
    "no space after the colon": WHOLE.replace(b"data: ", b"data:"),
    "spaces around the value": WHOLE.replace(b"data: ", b"data:   ").replace(b"\n\n", b"  \n\n"),
    "fields of the standard": b"id: 1\nevent: message\nretry: 100\n" + WHOLE,
    "a field that is not in the standard": b"x-trace: 7\n" + WHOLE,
    "fields without a colon": b"id\n" + WHOLE,
    "comments": b": OPENROUTER PROCESSING\n\n" + FIRST + b":\n\n: ping - 2026\n\n" + SECOND + STOP + DONE,
    "comments in CRLF": b":ping\r\n\r\n" * 50 + WHOLE,
    "a byte order mark": b"\xef\xbb\xbf" + WHOLE,
    "a byte order mark in pieces": [b"\xef", b"\xbb", b"\xbf", WHOLE],
    "empty lines first": b"\n\n\r\n" + WHOLE,
    # several data lines, and events without an end
    "several data lines": b'data: {"choices":\ndata: [{"index": 0, "text": "    return a + b\\n",\n'
    b'data: "finish_reason": "stop"}]}\n\n' + DONE,
    "several data lines that end in a brace": b"data: {\n"
    + b'data: "choices": [{"text": "    return a + b\\n", "finish_reason": "stop"}]\ndata: }\n\n',
    "several data lines in CRLF": b'data: {"choices": [\r\ndata: {"text": "    return a + b\\n",\r\n'
    b'data: "finish_reason": "stop"}\r\ndata: ]}\r\n\r\n',
    "no empty lines": WHOLE.replace(b"\n\n", b"\n"),
    "no empty line at the end": FIRST + SECOND + STOP.rstrip(),
    "no line end at the end": FIRST + SECOND + b'data: {"choices": [{"text": "", "finish_reason": "stop"}]}',
    # how a stream ends
    "no [DONE]": FIRST + SECOND + STOP,
    "[DONE] without a reason": FIRST + SECOND + DONE,
    "[DONE] without space": FIRST + SECOND + b"data:[DONE]\n\n",
    "[DONE] in quotation marks": FIRST + SECOND + b'data: "[DONE]"\n\n',
    "[done]": FIRST + SECOND + b"data: [done]\n\n",
    "closed without a reason": FIRST + SECOND,
    "closed without a reason or a line end": (FIRST + SECOND).rstrip(),
    "nonsense after [DONE]": WHOLE + b"<html>\n{\n",
    "a reason that is an object": FIRST + SECOND + text_event("", finish_reason={"type": "stop"}),
    "a reason of its own": FIRST + SECOND + text_event("", finish_reason="eos_token"),
    "a reason in words until the end": text_event(HALVES[0], finish_reason="null") + SECOND + STOP,
    # one document
    "one document": document(text=BODY),
    "one document on several lines": json.dumps(json.loads(document(text=BODY)), indent=2).encode(),
    "one document after a mark": b"\xef\xbb\xbf" + document(text=BODY),
    "one document in pieces": [document(text=BODY)[at : at + 7] for at in range(0, 300, 7)],
    "one document of a chat": json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": BODY}, "finish_reason": "stop"}]}
    ).encode(),
    "one document without a reason": document(text=BODY, finish_reason=None),
    "one document with log-probabilities": document(
        text=BODY, logprobs={"tokens": list(HALVES), "token_logprobs": [None, -1.0]}
    ),
    "one document a line": b"\n".join(
        json.dumps({"choices": [{"text": text, "finish_reason": None}]}).encode() for text in HALVES
    ),
    "one document as an event": b"data: " + document(text=BODY) + b"\n\n",
    # chat-shaped deltas
    "chat": chat("") + chat(HALVES[0]) + chat(HALVES[1]) + chat(None, finish_reason="stop") + DONE,
    "chat with a role alone": event({"choices": [{"delta": {"role": "assistant"}}]}) + chat(BODY) + DONE,
    "chat that ends without a delta": chat(BODY) + event({"choices": [{"index": 0, "finish_reason": "stop"}]}),
    "chat with an empty delta": chat(BODY) + event({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
    "chat with a delta of null": chat(BODY) + event({"choices": [{"delta": None, "finish_reason": "stop"}]}),
    "chat in parts": chat([{"type": "text", "text": HALVES[0]}, {"type": "text", "text": HALVES[1]}]) + DONE,
    "chat with thoughts beside it": event({"choices": [{"delta": {"reasoning_content": "hm"}}]}) + chat(BODY) + DONE,
    "a delta with a text": event({"choices": [{"delta": {"text": BODY}, "finish_reason": "stop"}]}),
    # forms of servers at addresses of their own
    "llama.cpp's own form": event({"content": HALVES[0], "stop": False})
    + event({"content": HALVES[1], "stop": False})
    + event({"content": "", "stop": True, "stop_type": "eos"}),
    "Ollama's own form": b'{"response": "    return", "done": false}\n{"response": " a + b\\n", "done": false}\n'
    b'{"response": "", "done": true, "done_reason": "stop"}\n',
    "Ollama's own form of a chat": b'{"message": {"role": "assistant", "content": "    return"}, "done": false}\n'
    b'{"message": {"role": "assistant", "content": " a + b\\n"}, "done": true, "done_reason": "stop"}\n',
    "TGI's own form": event({"token": {"text": HALVES[0], "special": False}, "generated_text": None})
    + event({"token": {"text": HALVES[1], "special": False}, "generated_text": None})
    + event({"token": {"text": "</s>", "special": True}, "generated_text": BODY}),
    "DONE without brackets": FIRST + SECOND + STOP + b"data: DONE\n\n",
    # odd log-probabilities
    "log-probabilities that are no list": text_event(BODY, logprobs={"tokens": 1, "token_logprobs": 2}) + DONE,
    "log-probabilities of null": text_event(BODY, logprobs={"content": [None, {"token": None}]}) + DONE,
    "log-probabilities without a bound": text_event(BODY, logprobs={"tokens": [BODY], "token_logprobs": ["x"]})
    + b'data: {"choices": [{"text": "", "logprobs": {"tokens": ["a"], "token_logprobs": [-Infinity]}}]}\n\n'
    + DONE,
}
"""Each is the completion `BODY`."""

NAMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "without a completion"),
    "comments alone": (b": ping\n\n" * 3, "without a completion"),
    "[DONE] alone": (DONE, "without a completion"),
    "usage alone": (event({"choices": [], "usage": USAGE}) + DONE, "without a completion"),
    "no text": (text_event(""), "without a completion"),
    "a page": (b"<!DOCTYPE html><html>It works!</html>\n", "It works"),
    "a page without a line end": (b"<html>It works!</html>", "It works"),
    "words": (b"Internal Server Error", "Internal Server Error"),
    "words as data": (b"data: upstream is gone\n\n", "upstream is gone"),
    "half an event": (FIRST + b'data: {"choices": [{"te', "not JSON"),
    "half a document": (b'{"choices": [{"text": "    ret', "not JSON"),
    "choices that are an object": (event({"choices": {"text": "x"}}), "no completion"),
    "choices that are words": (event({"choices": "x"}), "no completion"),
    "a choice that is a number": (event({"choices": [3]}), "no completion"),
    "a list": (b"data: [1]\n\n", "no completion"),
    "a text that is a number": (text_event(None) + event({"choices": [{"text": 7}]}), "a text that is none"),
    "an index that is an object": (event({"choices": [{"text": "x", "index": {}}]}), "without a place"),
    "an index without a bound": (b'data: {"choices": [{"text": "x", "index": 1e999}]}\n\n', "without a place"),
    "deep nesting": (b"data: " + b"[" * 100_000 + b"\n\n", "not JSON"),
    "compressed bytes": (gzip.compress(WHOLE), "compressed"),
    "an error event": (event({"error": {"message": "no slot", "code": 500}}), "no slot"),
    "an error in words": (event({"error": "no slot"}), "no slot"),
    "an error after text": (FIRST + event({"error": {"message": "no slot"}}), "no slot"),
    "an error line": (b'error: {"code": 500, "message": "no slot"}\n\n', "no slot"),
    "an error line in words": (b"error: no slot\n\n", "no slot"),
    "an error line after text": (FIRST + b"error: no slot\n\n", "no slot"),
    "an event named error": (b'event: error\ndata: {"message": "no slot"}\n\n', "no slot"),
    "an event named error in words": (b"event: error\ndata: no slot\n\n", "no slot"),
    "an error as vLLM words it": (event({"object": "error", "message": "no slot"}), "no slot"),
    "an error as Anthropic words it": (event({"type": "error", "error": {"message": "no slot"}}), "no slot"),
    "an error as FastAPI words it": (event({"detail": "no slot"}), "no slot"),
    "an error as a document": (b'{"error": {"message": "no slot"}}', "no slot"),
    "an error as a document after text": (FIRST + b'{"error": {"message": "no slot"}}\n', "no slot"),
    "an error in a list": (event({"success": False, "errors": [{"code": 1, "message": "no slot"}]}), "no slot"),
    "an error of a provider": (event({"error": {"message": "x", "metadata": {"raw": "no slot"}}}), "no slot"),
    "a form that is not known": (event({"base_resp": {"status_msg": "no slot"}}), "no slot"),
    "a refusal of the model": (event({"choices": [{"delta": {"refusal": "I cannot"}}]}) + DONE, "I cannot"),
    "a call of a tool": (event({"choices": [{"delta": {"tool_calls": [{"id": "1"}]}}]}) + DONE, "called a tool"),
    "an error in a choice": (event({"choices": [{"error": {"message": "no slot"}}]}), "no slot"),
    "a quota in mid-stream": (event({"error": {"message": "rate limit", "code": 429}}), "rate limit"),
}
"""Each with a part of the message that names its cause."""
