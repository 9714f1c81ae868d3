"""The option `--since` of commands that read or delete recorded data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Since(click.ParamType[str]):
    """A time (`2026-11-24`, `2026-11-24T15:00`) or an age (`2h`, `3d`), as UTC text."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text of the option as an instant. Empty stays empty."""
        if not value:
            return ""
        try:
            if value[:-1].isdecimal() and value[-1:] in UNITS:
                return _utc(datetime.now(UTC) - timedelta(**{UNITS[value[-1]]: int(value[:-1])}))
            return _utc(datetime.fromisoformat(value).astimezone())
        except (ValueError, OverflowError):
            self.fail("must be a time such as 2026-11-24T15:00, or how long ago, such as 2h or 3d", param, ctx)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
