"""One person's pilot as a file to give to a team: the plan, and what became of each request. No text, no file names.

The unit of a request is a hash with the pilot's own key, which is not in the file. So a reader can tell two documents
apart, and cannot test a guess of their names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import StoreError
from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.pilot import Answer, Arm, Measure, Plan, Question
from plum_lsp.domain.suggestion import Tier
from plum_lsp.files.whole import write_whole
from plum_lsp.store.pilots import PilotRow
from plum_lsp.store.usage import PilotUse

SUFFIX = ".pilot.json"
FORM = "plum-pilot-1"
_KINDS: dict[str, type[Enum]] = {"arm": Arm, "tier": Tier, "kind": OutcomeKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonsPilot:
    """One person's part of a team's pilot. `source` is a random name of its own. `over_at` is UTC text."""

    source: str
    plan: Plan
    over_at: str
    is_stopped: bool
    rows: tuple[PilotRow, ...]
    answers: tuple[Answer, ...]


def part_of(use: PilotUse) -> PersonsPilot:
    """What a person's store knows of a pilot, without the names of files."""
    pilot, rows, answers = use
    key = pilot.key.encode()[: hashlib.blake2b.MAX_KEY_SIZE]
    source = hashlib.blake2b(b"source", key=key, digest_size=8).hexdigest()

    def unit(row: PilotRow) -> str:
        return hashlib.blake2b(row.unit.encode("utf-8", "surrogatepass"), key=key, digest_size=8).hexdigest()

    return PersonsPilot(
        source=source,
        plan=pilot.plan,
        over_at=pilot.over_at,
        is_stopped=bool(pilot.stopped_at),
        rows=tuple(replace(row, unit=unit(row), person=row.person or source) for row in rows),
        answers=tuple(answers),
    )


def write_part(path: Path, part: PersonsPilot) -> None:
    """Write the file anew, readable by the user and the group.

    Raises:
        StoreError: it cannot be written.
    """
    text = json.dumps({"form": FORM, **asdict(part)}, default=lambda value: value.value, indent=1)
    try:
        write_whole(path, f"{text}\n".encode(), mode=0o640)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", remedy="Name another file.") from error


def read_parts(places: Iterable[Path]) -> tuple[PersonsPilot, ...]:
    """The parts in these files, and in these folders' files of that name.

    Raises:
        StoreError: a file cannot be read or is none, or a folder has none.
    """
    return tuple(_read(path) for place in places for path in _files(place))


def _files(place: Path) -> Sequence[Path]:
    if not place.is_dir():
        return (place,)
    found = sorted(place.glob(f"*{SUFFIX}"))
    if not found:
        raise StoreError(f"{place} has no file *{SUFFIX}", remedy="Each person writes one: plum-lsp pilot export FILE")
    return found


def _read(path: Path) -> PersonsPilot:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["form"] != FORM:
            raise ValueError(values["form"])
        return _part(values)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", remedy="Check the name of the file.") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path} is no pilot of this version of plum-lsp", remedy="Write it again: plum-lsp pilot export FILE"
        ) from error


def _part(values: dict[str, Any]) -> PersonsPilot:
    plan = values["plan"]
    return PersonsPilot(
        source=str(values["source"]),
        plan=Plan(**{**plan, "measure": Measure(plan["measure"])}),
        over_at=str(values["over_at"]),
        is_stopped=bool(values["is_stopped"]),
        rows=tuple(PilotRow(**{**row, **_named(row)}) for row in values["rows"]),
        answers=tuple(Answer(**{**one, "question": Question(one["question"])}) for one in values["answers"]),
    )


def _named(row: dict[str, Any]) -> dict[str, Enum | None]:
    return {name: kind(row[name]) if row[name] is not None else None for name, kind in _KINDS.items()}
