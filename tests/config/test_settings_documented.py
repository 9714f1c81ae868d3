"""The table in docs/settings.md says what the code says."""

from __future__ import annotations

import ast
import dataclasses
import enum
import re
from pathlib import Path

import plum_lsp
import plum_trainer
from plum_lsp.config import Settings, environment_name, setting_keys
from plum_lsp.config.settings import RANGES

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `(?P<key>[a-z_.]+)` \| (?P<default>.+?) \| `(?P<name>PLUM_\w+)` \| (?P<meaning>.+?) \|$", re.M)


ROOTS = [Path(str(package.__file__)).parent for package in (plum_lsp, plum_trainer)]


def default_text(key: str) -> str:
    """The default of a setting as the table spells it."""
    value: object = Settings()
    for part in key.split("."):
        value = getattr(value, part)
    if isinstance(value, tuple):
        words = [item.value if isinstance(item, enum.Enum) else item for item in value]
        return ", ".join(f"`{word}`" for word in words) or "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "empty" if value == "" else f"`{value}`"


def test_every_setting_is_documented() -> None:
    """Key, default and environment name of each, in the order of the code, and no other."""
    rows = [(row["key"], row["default"], row["name"]) for row in ROW.finditer(DOCUMENT.read_text())]
    assert rows == [(key, default_text(key), environment_name(key)) for key in setting_keys()]


def test_every_number_has_a_documented_range() -> None:
    """No number is accepted unchecked, and the table tells the bounds."""
    meanings = {row["key"]: row["meaning"] for row in ROW.finditer(DOCUMENT.read_text())}
    sections = [(f.name, getattr(Settings(), f.name)) for f in dataclasses.fields(Settings)]
    numbers = {
        f"{name}.{inner.name}"
        for name, section in sections
        if dataclasses.is_dataclass(section)
        for inner in dataclasses.fields(section)
        if type(getattr(section, inner.name)) in (int, float)
    }
    assert numbers == set(RANGES)
    for key, (least, greatest) in RANGES.items():
        assert f"{least} to {greatest}" in meanings[key], key


def test_every_setting_is_used() -> None:
    """Some code outside `config` reads the field of that name. A setting without effect is a promise not kept."""
    read = {
        node.attr
        for root in ROOTS
        for path in root.rglob("*.py")
        if path.parent.name != "config"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    own = {"data_dir", "cache_dir"}  # `config` itself makes these folders
    assert {key.rpartition(".")[2] for key in setting_keys()} - own - read == set()
