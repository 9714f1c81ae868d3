"""The OpenAI completions protocol as values: what an event of an answer means. Does no I/O.

Text comes in three shapes: `text` (completions), `delta.content` (chat in a stream) and `message.content` (chat as one
document). Log-probabilities come in two: OpenAI's own and vLLM's (`token_logprobs`), and llama.cpp's and chat's
(`content`). An event without choices (usage, ping) has no meaning, and a text of null is none. The forms that
llama.cpp, Ollama and TGI have of their own are read, too, because an address without `/v1` answers in them.

Thoughts that a server sends beside the text are only noticed. A token that is a part of a character has its bytes in
the log-probabilities, as a list (OpenAI, llama.cpp) or in its name (`bytes:\\xc3`). They stand in the text as lone
surrogates (PEP 383), so that `writing` can join them with the bytes that follow.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from plum_lsp.domain.errors import PolicyProtocolError
from plum_lsp.policy.client.refusals import FILTER, ErrorEvent, shown

_FILTERED = re.compile(FILTER)
_CUT_OFF = re.compile(
    rf"length|limit|max_|incomplete|truncat|abort|cancel|error|fail|time_?out|insufficient|overload|{FILTER}"
)
"""Reasons after which the end of a text is missing: a limit, a filter, a failure. All are read as `length`."""
_NO_REASON = {"", "none", "null"}
_OWN_KEYS = ("content", "response", "completion", "message")
"""Where llama.cpp, Ollama, and proxies in the form of Anthropic's old endpoint hold a text without choices."""
_THOUGHT_KEYS = ("reasoning_content", "reasoning", "thinking")
"""Where vLLM and DeepSeek, OpenRouter, and Ollama hold what the model thought."""
_REPLACED = "\ufffd"
_NAMED_BYTES = re.compile(r"bytes:((?:\\x[0-9a-fA-F]{2})+)")
_ERROR_KEYS = ("detail", "error_type", "message", "errors", "msg", "error_message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token of a completion. `logprob` is a natural logarithm, or None if the server sends none."""

    text: str
    logprob: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What one event brought to one choice of a stream: tokens, and why the choice ends (empty if it goes on).

    `has_thought` says that it brought a thought beside the text. `refusal` is what it brought in place of a text.
    `is_filtered` says that a content filter ends the choice.
    """

    tokens: tuple[Token, ...]
    finish: str
    index: int = 0
    has_thought: bool = False
    refusal: str = ""
    is_filtered: bool = False

    @property
    def text(self) -> str:
        """The text of all tokens."""
        return "".join(token.text for token in self.tokens)


def read_event(event: Any) -> tuple[Delta, ...]:
    """The pieces of one event. Empty for an event without choices (usage, keep-alive).

    Raises:
        PolicyProtocolError: the event is no completion.
        ErrorEvent: the server reports an error.
    """
    if not isinstance(event, dict):
        raise _strange(event)
    choices = event.get("choices")
    is_error = event.get("error") or "error" in (event.get("object"), event.get("type"))
    is_chat = isinstance(event.get("message"), dict) and "content" in event["message"]
    if is_error or (choices is None and not is_chat and any(event.get(key) for key in _ERROR_KEYS)):
        raise ErrorEvent(event)
    if choices is None:
        return _own_form(event)
    if not isinstance(choices, list):
        raise _strange(event)
    return tuple(_read_choice(choice) for choice in choices if choice is not None)


def _own_form(event: dict[str, Any]) -> tuple[Delta, ...]:
    """An event of llama.cpp (`content`), Ollama (`response`, `message`) or TGI (`token`), which has no choices."""
    token = event.get("token")
    if isinstance(token, dict):
        text = "" if token.get("special") else token.get("text")
    else:
        text = next((event[key] for key in _OWN_KEYS if key in event), None)
        text = text.get("content") if isinstance(text, dict) else text
    if not isinstance(text, str):
        return ()
    is_over = event.get("stop") is True or event.get("done") is True or bool(event.get("generated_text"))
    reasons = [event.get(key) for key in ("stop_type", "done_reason", "stop_reason")]
    is_over = is_over or bool(reasons[-1])
    reason = next((str(one).lower() for one in reasons if one), "stop")
    finish = "length" if _CUT_OFF.search(reason) else "stop"
    delta = Delta(
        tokens=read_tokens(text, None),
        finish=finish if is_over else "",
        has_thought=bool(event.get("thinking")),
        is_filtered=bool(_FILTERED.search(reason)),
    )
    return (delta,)


def _read_choice(choice: Any) -> Delta:
    if not isinstance(choice, dict):
        raise _strange(choice)
    if choice.get("error"):
        raise ErrorEvent(choice)
    tokens = read_tokens(_text_of(choice), choice.get("logprobs"))
    parts = [part for part in (choice, choice.get("delta"), choice.get("message")) if isinstance(part, dict)]
    has_thought = any(part.get(key) for part in parts for key in _THOUGHT_KEYS)
    return Delta(
        tokens=tokens,
        finish=_finish_of(choice),
        index=_index_of(choice),
        has_thought=has_thought,
        refusal=_refusal_of(choice, parts),
        is_filtered=bool(_FILTERED.search(_reason_of(choice))),
    )


def _refusal_of(choice: dict[str, Any], parts: list[dict[str, Any]]) -> str:
    """What a choice brings in place of a text: the model's refusal, or a call of a tool. Often empty."""
    said = [part["refusal"] for part in parts if isinstance(part.get("refusal"), str)]
    if any(said):
        return "".join(said)
    if any(part.get("tool_calls") or part.get("function_call") for part in parts):
        return "the model called a tool and wrote no code"
    return ""


def _text_of(choice: dict[str, Any]) -> str:
    """The text of a choice in any of its shapes. Empty if there is none."""
    for part in (choice, choice.get("delta"), choice.get("message")):
        if isinstance(part, dict):
            for key in ("text", "content"):
                if part.get(key) is not None:
                    return _as_text(part[key])
    return ""


def _as_text(value: Any) -> str:
    """A text, or the texts of a list of parts as chat may send them."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = [part.get("text") for part in value if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    raise PolicyProtocolError(f"the policy server sent a text that is none: {shown(str(value).encode())}")


def _finish_of(choice: dict[str, Any]) -> str:
    word = _reason_of(choice)
    if word in _NO_REASON:
        return ""
    return "length" if _CUT_OFF.search(word) else word


def _reason_of(choice: dict[str, Any]) -> str:
    """The server's own word for the end of a choice, in lower case. Empty if it sends none."""
    reason = choice.get("finish_reason")
    if isinstance(reason, dict):
        reason = reason.get("type")
    return str(reason if reason is not None else "").lower()


def _index_of(choice: dict[str, Any]) -> int:
    """The place of a choice. One without a place is the first."""
    index = choice.get("index")
    if index is None or index == "":
        return 0
    try:
        return int(index)
    except (ValueError, TypeError, OverflowError):
        raise PolicyProtocolError(f"the policy server sent a choice without a place: {index!r:.80}") from None


def read_tokens(text: str, logprobs: Any) -> tuple[Token, ...]:
    """The tokens of an event, which together are its text. If they are not, one token without log-probability."""
    pairs = _pairs(logprobs) if isinstance(logprobs, dict) else []
    numbers = [_number(value) for _, value in pairs]
    if _REPLACED in text:
        text = _with_bytes(text, [token for token, _ in pairs])
    if len(pairs) == 1:
        return (Token(text=text, logprob=numbers[0]),)
    if pairs and "".join(token for token, _ in pairs) == text:
        return tuple(Token(text=token, logprob=number) for (token, _), number in zip(pairs, numbers, strict=True))
    if pairs:
        silent = tuple(Token(text="", logprob=number) for number in numbers[1:])
        return (Token(text=text, logprob=numbers[0]), *silent)
    return (Token(text=text, logprob=None),) if text else ()


def _pairs(logprobs: dict[str, Any]) -> list[tuple[str, Any]]:
    """Each token with its log-probability, as they were sent."""
    content, values, tokens = (logprobs.get(key) for key in ("content", "token_logprobs", "tokens"))
    if isinstance(content, list):
        return [(_token_of(item), item.get("logprob")) for item in content if isinstance(item, dict)]
    if isinstance(values, list):
        named = [_decoded(str(token)) for token in tokens] if isinstance(tokens, list) else []
        return list(zip(named, values, strict=False))
    return []


def _token_of(item: dict[str, Any]) -> str:
    """A token, from its bytes if it is a part of a character."""
    token, data = str(item.get("token")), item.get("bytes")
    is_data = isinstance(data, list) and all(isinstance(one, int) and 0 <= one < 256 for one in data)
    return bytes(data or ()).decode("utf-8", "surrogateescape") if _REPLACED in token and is_data else _decoded(token)


def _decoded(token: str) -> str:
    """A token whose name lists its bytes, as these."""
    found = _NAMED_BYTES.fullmatch(token)
    return bytes.fromhex(found[1].replace("\\x", "")).decode("utf-8", "surrogateescape") if found else token


def _with_bytes(text: str, tokens: list[str]) -> str:
    """A text with replaced characters from its tokens, if their bytes are what was replaced."""
    joined = "".join(tokens)
    is_same = text in (_replaced(joined), "".join(map(_replaced, tokens)))
    return joined if tokens and is_same else text


def _replaced(text: str) -> str:
    """A text with U+FFFD for bytes that are no character."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _number(value: Any) -> float | None:
    """A log-probability. None for everything that can be none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < math.inf else None


def _strange(value: Any) -> PolicyProtocolError:
    return PolicyProtocolError(f"the policy server sent an event that is no completion: {shown(str(value).encode())}")
