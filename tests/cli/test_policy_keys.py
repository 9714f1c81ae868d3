"""`plum-lsp policy key`: a key is shown once, listed by name, and revoked."""

from __future__ import annotations

import pytest
from support.command_line import CommandLine

pytestmark = pytest.mark.slow


def test_a_key_is_added_listed_and_revoked(user: CommandLine) -> None:
    """The output of `add` is the key alone, so that it can be piped; no later command shows it."""
    assert "no keys of people" in user.here("policy", "key", "list").out
    added = user.here("policy", "key", "add", "ann", "--in-flight", "3")
    key = added.out.strip()
    assert key.startswith("plum-") and " " not in key
    assert "cannot be shown again" in added.err
    listed = user.here("policy", "key", "list").said
    assert "ann complete 3 at once" in listed
    assert key not in listed
    assert "revoked" in user.here("policy", "key", "revoke", "ann").out
    assert "revoked 20" in user.here("policy", "key", "list").said


def test_rights_are_listed(user: CommandLine) -> None:
    """Only what was given."""
    user.here("policy", "key", "add", "bot", "--publish", "--tokens-a-minute", "0")
    assert "bot complete, publish" in user.here("policy", "key", "list").said
    assert "any tokens a minute" in user.here("policy", "key", "list").said


def test_a_name_that_has_a_key_is_refused(user: CommandLine) -> None:
    """With what to do."""
    user.here("policy", "key", "add", "ann")
    again = user.run("policy", "key", "add", "ann")
    assert (again.code, "key revoke ann" in again.said) == (1, True)
