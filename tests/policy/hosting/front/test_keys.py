"""The file of keys: it holds no key, only its owner reads it, and commands at once lose nothing."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plum_lsp.domain.errors import PolicyError
from plum_lsp.policy.hosting.front.keys import Key, KeyBook, add_key, read_keys, revoke_key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "data" / "keys.json"


def wanted(name: str) -> Key:
    """An ordinary key."""
    return Key(name=name, sha256="")


def test_the_file_holds_only_a_hash(path: Path) -> None:
    """Of a key that cannot be guessed; others may not read it."""
    text = add_key(path, wanted("ann"))
    assert text not in path.read_text()
    assert json.loads(path.read_text())["keys"][0]["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert len(text) >= 48
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_name_has_one_key_until_it_is_revoked(path: Path) -> None:
    """Then it may have another, and the old one does not come back."""
    old = add_key(path, wanted("ann"))
    with pytest.raises(PolicyError, match="has a key already"):
        add_key(path, wanted("ann"))
    revoke_key(path, "ann")
    with pytest.raises(PolicyError, match="has no key"):
        revoke_key(path, "ann")
    new = add_key(path, wanted("ann"))
    book = KeyBook(path, owner_key="own")
    assert book.holder(f"Bearer {old}") is None
    holder = book.holder(f"Bearer {new}")
    assert holder is not None
    assert (holder.name, holder.can_publish) == ("ann", False)


@pytest.mark.parametrize("name", ["", "owner", "a b", 'a"b', "a\nb", "../x", "-x", "ä", "x" * 41])
def test_a_name_is_a_word(path: Path, name: str) -> None:
    """It stands in metrics and lists."""
    with pytest.raises(PolicyError, match="cannot be the name"):
        add_key(path, wanted(name))
    assert not path.exists()


def test_commands_at_once_lose_no_key(path: Path) -> None:
    """Each waits for the other."""
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda number: add_key(path, wanted(f"p{number}")), range(32)))
    book = KeyBook(path, owner_key="own")
    holders = [book.holder(f"Bearer {text}") for text in texts]
    assert [holder.name if holder else "" for holder in holders] == [f"p{number}" for number in range(32)]


def test_a_value_of_another_type_is_refused(path: Path) -> None:
    """A right must not come of a misread file."""
    add_key(path, wanted("ann"))
    values = json.loads(path.read_text())
    values["keys"][0]["can_publish"] = "no"
    path.write_text(json.dumps(values))
    with pytest.raises(PolicyError, match="can_publish"):
        read_keys(path)
