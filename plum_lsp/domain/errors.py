"""One tree of errors. Each name says whose fault it is. The module does not log or recover.

    PlumError
    ├── ConfigError            the user's settings are wrong
    ├── ModelError             a model file is missing, damaged or cannot be fetched
    ├── AdapterError           an adapter is missing, damaged or does not fit, and is not published
    ├── PolicyError            the policy server failed
    │   ├── PolicyUnavailable  it cannot be reached or started
    │   │   ├── PolicyBusy         it asks for a pause, which is obeyed
    │   │   ├── PolicyRefused      it rejects the request (key, certificate, address), so a retry does not help
    │   │   └── PolicyOutOfMemory  its model does not fit
    │   └── PolicyProtocolError  its response cannot be read
    ├── SandboxError           the jail or its harness broke, so there is no verdict
    │   └── SandboxUnavailable no isolation on this machine, so no code may be executed
    └── StoreError             the database cannot be opened, read or written

A candidate that fails its tests is not an error: it is a verdict.
"""

from __future__ import annotations


class PlumError(Exception):
    """Base of every error that plum-lsp raises on purpose. `remedy` says what the user can do about it."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def told(error: PlumError) -> str:
    """The error and its remedy as one line for the user."""
    message = str(error).rstrip(".")
    return f"{message}. {error.remedy}".strip()


class ConfigError(PlumError):
    """A setting is unknown, has the wrong type or is out of range."""


class ModelError(PlumError):
    """A model is unknown, missing, damaged or cannot be fetched."""


class AdapterError(PlumError):
    """An adapter is missing, damaged, does not fit its base model or harms it. It is not published."""


class PolicyError(PlumError):
    """The policy server failed while it was being used."""


class PolicyUnavailable(PolicyError):
    """The policy server cannot be reached or did not start."""


class PolicyBusy(PolicyUnavailable):
    """The policy server asks not to be asked again for `seconds`."""

    def __init__(self, message: str, *, remedy: str = "", seconds: float) -> None:
        super().__init__(message, remedy=remedy)
        self.seconds = seconds


class PolicyRefused(PolicyUnavailable):
    """The policy server rejects the request because of a wrong key, certificate or address. A retry does not help."""


class PolicyOutOfMemory(PolicyUnavailable):
    """The policy server ran out of memory."""


class PolicyProtocolError(PolicyError):
    """The response of the policy server does not follow the protocol."""


class SandboxError(PlumError):
    """The jail or the harness broke. There is no verdict, and no row for training."""


class SandboxUnavailable(SandboxError):
    """This machine offers no isolation, so no code may be executed."""


class StoreError(PlumError):
    """The database cannot be opened, read or written."""
