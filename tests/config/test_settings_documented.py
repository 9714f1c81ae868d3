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


SECTIONS = {
    type(getattr(Settings(), one.name)).__name__: one.name
    for one in dataclasses.fields(Settings)
    if dataclasses.is_dataclass(getattr(Settings(), one.name))
}
"""The section that each class of settings is."""


def used(trees: list[ast.Module]) -> set[str]:
    """The settings that these modules read: an attribute of a section, or of a name that stands for one."""
    fields = [pair for tree in trees for node in ast.walk(tree) for pair in annotated(node, ast.AnnAssign)]
    found: set[str] = set()
    for tree in trees:
        nodes = list(ast.walk(tree))
        named = {section: {section} for section in SECTIONS.values()}
        for name, section in (*fields, *(pair for node in nodes for pair in annotated(node, ast.arg) + assigned(node))):
            named.setdefault(name, set()).add(section)
        reads = [(named.get(last_name(node.value), ()), node.attr) for node in nodes if isinstance(node, ast.Attribute)]
        found |= {f"{section}.{name}" for sections, name in reads for section in sections}
    return found


def annotated(node: ast.AST, kind: type[ast.arg | ast.AnnAssign]) -> list[tuple[str, str]]:
    """A parameter or a field whose type is a section, and this section."""
    if not isinstance(node, kind) or node.annotation is None:
        return []
    name = node.arg if isinstance(node, ast.arg) else last_name(node.target)
    words = {one.id for one in ast.walk(node.annotation) if isinstance(one, ast.Name)}
    return [(name, section) for type_name, section in SECTIONS.items() if type_name in words]


def assigned(node: ast.AST) -> list[tuple[str, str]]:
    """The names in an assignment that get a section, and this section."""
    if not isinstance(node, ast.Assign):
        return []
    value = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    (target,) = node.targets[:1]
    names = target.elts if isinstance(target, ast.Tuple) and len(value) > 1 else [target]
    pairs = [(last_name(name), last_name(one)) for name, one in zip(names, value, strict=False)]
    return [(name, section) for name, section in pairs if section in SECTIONS.values()]


def last_name(node: ast.AST) -> str:
    """`c` of `a.b.c` and of `c`. Empty for other expressions."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


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
    """Some code outside `config` reads it from its section. A setting without effect is a promise not kept."""
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for root in ROOTS
        for path in root.rglob("*.py")
        if path.parent.name != "config"
    ]
    own = {"data_dir", "cache_dir"}  # `config` itself makes these folders
    assert set(setting_keys()) - own - used(trees) == set()


def test_a_setting_that_nothing_hands_on_is_not_used() -> None:
    """A field of the same name in another class is no use of the setting."""
    tree = ast.parse("def f(rule, settings: Settings):\n    gate = settings.gate\n    return rule.beta + gate.samples")
    assert used([tree]) == {"gate.samples"}
