"""The order of messages: which of them an editor may send before `initialize` and after `shutdown`. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from lsprotocol import types


class Phase(enum.Enum):
    """How far a connection has come."""

    NEW = "new"
    RUNNING = "running"
    SHUT_DOWN = "shut_down"


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """Why a message is not handled. A request gets this as its error. A notification is dropped."""

    code: int
    message: str


def out_of_order(phase: Phase, method: str) -> OutOfOrder | None:
    """What is wrong with a message in this phase (LSP 3.18, "Lifecycle Messages"). `exit` is always allowed."""
    if method == types.EXIT:
        return None
    if phase is Phase.SHUT_DOWN:
        return OutOfOrder(types.ErrorCodes.InvalidRequest, "The server was shut down.")
    if phase is Phase.NEW and method != types.INITIALIZE:
        return OutOfOrder(types.ErrorCodes.ServerNotInitialized, "The first request must be initialize.")
    if phase is Phase.RUNNING and method == types.INITIALIZE:
        return OutOfOrder(types.ErrorCodes.InvalidRequest, "The server is initialized already.")
    return None
