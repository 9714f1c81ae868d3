"""The fill-in-the-middle tokens and control strings of model families, by a model's name. The table is a file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from plum_lsp.domain.suggestion import FimTemplate, PolicyVersion
from plum_lsp.policy.models.catalogue import entry_like


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Models that share one vocabulary. `fim` is None where they cannot fill in the middle.

    `source` is "tokenizer" (compared with one by the tests) or "documentation" (written by hand from it).
    """

    name: str
    names: tuple[str, ...]
    source: str
    fim: FimTemplate | None
    stop: tuple[str, ...]


@cache
def families() -> tuple[Family, ...]:
    """Every family, in the order they are tried."""
    text = resources.files(__package__).joinpath("families.toml").read_text(encoding="utf-8")
    found = []
    for name, row in tomllib.loads(text)["families"].items():
        stop, fim = tuple(row["stop"]), row.get("fim")
        template = FimTemplate(**fim, stop=stop, is_suffix_first=row.get("suffix_first", False)) if fim else None
        found.append(Family(name=name, names=tuple(row["names"]), source=row["source"], fim=template, stop=stop))
    return tuple(found)


def family_of(model: str) -> Family | None:
    """The family in a model's name (`Qwen/Qwen2.5-Coder-7B`, a file, an alias).

    None if the name holds no known family.
    """
    lowered = model.lower().replace("_", "-")
    return next((family for family in families() if any(name in lowered for name in family.names)), None)


def template_for(version: PolicyVersion) -> FimTemplate | None:
    """The fill-in-the-middle tokens of a policy, from its catalogue entry or its family. None if it has none."""
    entry = entry_like(version.model, sha256=version.model_sha256)
    family = family_of(version.model)
    return (entry.fim if entry else None) or (family.fim if family else None)
