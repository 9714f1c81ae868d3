"""Checks the types in messages that carry a document's text or a place in it, because pygls converts a wrong type and
goes on. Pure.

Null stands for a version that an editor does not count, and for the range of a full text. pygls reads neither, so both
are put into the form that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lsprotocol import types

UINTEGER_MAX = 2**31 - 1
"""LSP 3.18, "Base Types"."""
NO_VERSION = -(2**31)
"""Stands for a version of null within this server."""


def in_usual_form(method: str, params: object) -> object:
    """The parameters without null where another form of the same is usual."""
    target = params.get("textDocument") if isinstance(params, Mapping) else None
    if method not in _TELLS_TEXT or not isinstance(params, Mapping) or not isinstance(target, Mapping):
        return params
    if "version" in target and target["version"] is None:
        params = {**params, "textDocument": {**target, "version": NO_VERSION}}
    if isinstance(changes := params.get("contentChanges"), list):
        params = {**params, "contentChanges": list(map(_without_null, changes))}
    return params


def _without_null(change: object) -> object:
    """A change without the keys that are null."""
    if not isinstance(change, Mapping):
        return change
    return {key: value for key, value in change.items() if value is not None or key == "text"}


def is_readable(method: str, params: object) -> bool:
    """Whether a message has the types that LSP asks for. Only messages with a text or a place are looked at."""
    check = _CHECKS.get(method)
    return check is None or (isinstance(params, Mapping) and check(params))


def _is_opening(params: Mapping[str, object]) -> bool:
    item = params.get("textDocument")
    return isinstance(item, Mapping) and _is_identified(item) and isinstance(item.get("text"), str)


def _is_change(params: Mapping[str, object]) -> bool:
    target, changes = params.get("textDocument"), params.get("contentChanges")
    is_named = isinstance(target, Mapping) and _is_identified(target)
    return is_named and isinstance(changes, list) and all(map(_is_edit, changes))


def _is_request(params: Mapping[str, object]) -> bool:
    target = params.get("textDocument")
    return isinstance(target, Mapping) and isinstance(target.get("uri"), str) and _is_position(params.get("position"))


def _is_identified(target: Mapping[str, object]) -> bool:
    return isinstance(target.get("uri"), str) and type(target.get("version")) is int


def _is_edit(change: object) -> bool:
    if not isinstance(change, Mapping) or not isinstance(change.get("text"), str):
        return False
    where = change.get("range")
    if where is None:
        return "range" not in change
    return isinstance(where, Mapping) and _is_position(where.get("start")) and _is_position(where.get("end"))


def _is_position(position: object) -> bool:
    if not isinstance(position, Mapping):
        return False
    numbers = (position.get("line"), position.get("character"))
    return all(type(number) is int and 0 <= number <= UINTEGER_MAX for number in numbers)


_TELLS_TEXT = (types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE)
_CHECKS: Mapping[str, Callable[[Mapping[str, object]], bool]] = {
    types.TEXT_DOCUMENT_DID_OPEN: _is_opening,
    types.TEXT_DOCUMENT_DID_CHANGE: _is_change,
    types.TEXT_DOCUMENT_COMPLETION: _is_request,
    types.TEXT_DOCUMENT_INLINE_COMPLETION: _is_request,
}
