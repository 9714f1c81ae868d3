"""One tree of errors; each name says whose fault it is. Does not log or recover.

    PlumError
    ├── ConfigError            the user's settings are wrong
    ├── ModelError             a model file is missing, damaged or cannot be fetched
    ├── AdapterError           an adapter is missing, damaged or does not fit, and is not published
    ├── PolicyError            the policy server failed
    │   ├── PolicyUnavailable  it cannot be reached or started
    │   │   ├── PolicyRefused      it will not have us (key, certificate, address): asking again is no use
    │   │   └── PolicyOutOfMemory  its model does not fit
    │   └── PolicyProtocolError  it answered with something we cannot read
    ├── SandboxError           the jail or its harness broke; no verdict exists
    │   └── SandboxUnavailable no isolation on this machine; nothing may be executed
    └── StoreError             the database cannot be opened, read or written

A candidate that fails its tests is not an error: it is a verdict.
"""

from __future__ import annotations


class PlumError(Exception):
    """Base of everything we raise on purpose; `remedy` says what the user can do about it."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class ConfigError(PlumError):
    """A setting is unknown, has the wrong type or is out of range."""


class ModelError(PlumError):
    """A model is unknown, missing, damaged or cannot be fetched."""


class AdapterError(PlumError):
    """An adapter is missing, damaged, does not fit its base model or harms it: it is not published."""


class PolicyError(PlumError):
    """The policy server failed while it was being used."""


class PolicyUnavailable(PolicyError):
    """The policy server cannot be reached or did not start."""


class PolicyRefused(PolicyUnavailable):
    """The policy server will not have us, and asking again is no use: a wrong key, certificate or address."""


class PolicyOutOfMemory(PolicyUnavailable):
    """The policy server ran out of memory."""


class PolicyProtocolError(PolicyError):
    """The policy server answered with something that is not the protocol we speak."""


class SandboxError(PlumError):
    """The jail or the harness broke: no verdict exists and nothing is learned."""


class SandboxUnavailable(SandboxError):
    """This machine offers no isolation: nothing may be executed."""


class StoreError(PlumError):
    """The database cannot be opened, read or written."""
