"""Conditions of SQL that several queries share."""

from __future__ import annotations

IS_SHOWN = "(visible_ms IS NOT NULL OR kind IN ('accepted', 'partly_accepted', 'edited'))"
"""Of a row of `outcomes`: its offer was on the screen, because an editor said so or because the user took it."""
