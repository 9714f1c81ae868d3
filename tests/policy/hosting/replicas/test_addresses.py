"""The addresses of replicas on other machines, and the commands that change them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from plum_lsp.cli import plum_lsp
from plum_lsp.domain.errors import PolicyError
from plum_lsp.policy.hosting.replicas.addresses import add_address, read_addresses, remove_address


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "data" / "replicas.json"


def test_addresses_are_added_and_removed(file: Path) -> None:
    """With or without /v1. The same address again gets another key."""
    add_address(file, "https://one.example/v1", "k1")
    add_address(file, "http://127.0.0.1:8001", "k2")
    add_address(file, "https://one.example/", "k3")
    assert [(one.name, one.url, one.key) for one in read_addresses(file)] == [
        ("127.0.0.1:8001", "http://127.0.0.1:8001/v1", "k2"),
        ("one.example", "https://one.example/v1", "k3"),
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    remove_address(file, "127.0.0.1:8001")
    remove_address(file, "https://one.example/v1")
    assert read_addresses(file) == ()
    with pytest.raises(PolicyError, match="no replica"):
        remove_address(file, "one.example")


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://10.0.0.2:8000/v1", "k"),
        ("ftp://a/v1", "k"),
        ("https:///v1", "k"),
        ("https://user:pass@a/v1", "k"),
        ("https://a/b/v1", "k"),
        ("https://a/v1?b", "k"),
        ("https://[::1/v1", "k"),
        ("https://a/v1", ""),
        ("https://a/v1", "k\nX: y"),
        ("https://a/v1", "ké"),
    ],
)
def test_what_is_no_replica_is_refused(file: Path, url: str, key: str) -> None:
    """A key never crosses a network in the clear, and never ends a header."""
    with pytest.raises(PolicyError):
        add_address(file, url, key)
    assert not file.exists()


def test_a_file_that_others_may_read_does_not_count(file: Path) -> None:
    """It holds keys."""
    add_address(file, "https://a/v1", "k")
    file.chmod(0o644)
    with pytest.raises(PolicyError, match="others may read"):
        read_addresses(file)


def test_the_command_reads_the_key_from_its_input(tmp_path: Path) -> None:
    """No command shows it."""
    environment = {"PLUM_DATA_DIR": str(tmp_path)}
    runner = CliRunner()
    added = runner.invoke(plum_lsp, ["policy", "replica", "add", "https://a/v1"], input="secret-key\n", env=environment)
    assert added.exit_code == 0, added.output
    assert read_addresses(tmp_path / "replicas.json")[0].key == "secret-key"
    listed = runner.invoke(plum_lsp, ["policy", "replica", "list"], env=environment)
    assert "https://a/v1" in listed.output
    assert "secret-key" not in added.output + listed.output
    assert runner.invoke(plum_lsp, ["policy", "replica", "remove", "a"], env=environment).exit_code == 0
