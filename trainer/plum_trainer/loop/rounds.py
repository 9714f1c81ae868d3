"""One round's folder: every step leaves one file that is whole or absent, so that a killed round goes on where it was.

round-N/  plan.json      champion, seed and settings, frozen at the start
          rows.jsonl     what is trained on        held_out.jsonl   what judges
          fit.json → result.json, adapter          the fit, with its own checkpoints
          champion.jsonl, challenger.jsonl         samples
          decision.json  the gate's report         end.json         how the round ended
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plum_lsp.config.folder import round_folder, round_folders, round_number
from plum_trainer.data.prompts import HeldOut, held_out_of
from plum_trainer.data.prompts import values_of as held_out_values
from plum_trainer.data.rows import Row, values_of
from plum_trainer.fit.job import TrainerError, read_json, write_json, write_text
from plum_trainer.loop.plan import Plan, plan_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A round and where it is kept."""

    number: int
    folder: Path

    @property
    def plan(self) -> Plan | None:
        """What was frozen at the start. None before.

        Raises:
            TrainerError: the file is damaged, or another release wrote it.
        """
        file = self.folder / "plan.json"
        values = read_json(file)
        if values is None:
            return None
        try:
            return plan_of(values)
        except ValueError as error:
            raise TrainerError(
                f"{file} is damaged or was written by another release: {error}",
                remedy=f"Delete the folder {self.folder}: the next round then starts anew.",
            ) from None

    @property
    def end(self) -> dict[str, Any] | None:
        """How the round ended. None before."""
        return read_json(self.folder / "end.json")

    def has(self, name: str) -> bool:
        """Whether a step's file is there."""
        return (self.folder / name).is_file()

    def keep(self, name: str, values: dict[str, Any]) -> None:
        """Write a step's file."""
        write_json(self.folder / name, values)

    def freeze(self, rows: tuple[Row, ...], held_out: tuple[HeldOut, ...], plan: Plan) -> None:
        """Write the inputs of the round. The plan is written last and marks them as complete."""
        write_text(self.folder / "rows.jsonl", "".join(json.dumps(values_of(row)) + "\n" for row in rows))
        write_text(self.folder / "held_out.jsonl", "".join(json.dumps(held_out_values(one)) + "\n" for one in held_out))
        self.keep("plan.json", plan.values())

    def held_out(self) -> list[HeldOut]:
        """The prompts that judge."""
        text = (self.folder / "held_out.jsonl").read_text(encoding="utf-8", errors="surrogatepass")
        return [held_out_of(json.loads(line)) for line in text.splitlines()]


def rounds(data_dir: Path) -> list[Round]:
    """Every round there was, oldest first."""
    numbered = [(round_number(folder), folder) for folder in round_folders(data_dir)]
    found = [Round(number=number, folder=folder) for number, folder in numbered if number is not None]
    return sorted(found, key=lambda one: one.number)


def unfinished(data_dir: Path) -> Round | None:
    """The latest round, if it did not end."""
    known = rounds(data_dir)
    return known[-1] if known and known[-1].end is None else None


def next_round(data_dir: Path, highest: int) -> Round:
    """The unfinished round, or a new one. `highest` is the highest number used so far."""
    going_on = unfinished(data_dir)
    if going_on is not None:
        return going_on
    known = rounds(data_dir)
    number = max(highest, known[-1].number if known else 0) + 1
    return Round(number=number, folder=round_folder(data_dir, number))
